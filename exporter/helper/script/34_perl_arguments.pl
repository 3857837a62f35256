
# What each account may hold for as long as it likes: to read the arguments of a process waits for the lock of its memory, and to look at
# the file that it runs, or into its root, or by a name that it has, for storage that may be of its own. So a child does both. It is left
# behind if it waits, and bears the name mailhub:PID meanwhile (for the arguments) or mailhub:0PID, so that nobody, a later helper neither,
# waits for the same twice. For the path of an exe it is mailhub:00N, by number_for.
# Nothing else that is read of a process waits for what is not ours.
my ($reader, $ask, $hear);  # the child that is asked next, and the pipes to it and from it
my ($patience, $no_longer, %account, $subordinates, %late);  # of this look
use constant MOST_HELD => 100;

sub begin_to_read {
  %read = %account = %late = ();
  undef $subordinates;
  delete @held{grep !is_held($_), keys %held};
  leave_reader() if $reader && !kill 0, $reader;
  $late{account_of($_)} = 1 for keys %held;
  $patience = $milliseconds / 4000;
  $patience = 1 if $patience > 1;
  $no_longer = Time::HiRes::time + $milliseconds / 2000;
}

# The processes of this helper, which its own look does not report.
sub own_processes { return map +($_ => 1), $$, $reader // (), values %held }

# The next request starts another child. This one ends when it wants to read, or has.
sub leave_reader { undef $_ for $reader, $ask, $hear }

# Whether a child still waits for this.
sub is_held {
  my $dir = "/proc/" . ($held{$_[0]} // return 0);
  return content("$dir/comm", 64) eq substr("mailhub:$_[0]", 0, 15) . "\n" && -o $dir && -e "$dir/exe";
}

sub arguments {
  my ($from, $most) = @_;
  read_arguments($most, $from);
  return $read{"$most $from"};
}

# For all of these at once: so an account whose processes do not answer delays no other.
sub read_arguments {
  my ($most, @from) = @_;
  my %seen;
  my @keys = grep !exists $read{$_} && !$seen{$_}++, map "$most $_", @from;
  my @requests = map s{ (/proc/(\d+))}{ $2 $1}r, @keys;
  @read{@keys} = $most > 4200 ? learn_early(@requests) : learn_apart(@requests) if @keys;
}

# Most of what a look asks one by one is what the look before asked so. It is asked early, together with the rest: each answer costs
# two switches between processes.
my (%early, %early_next);
sub learn_early {
  my %new;
  my @new = grep !exists $early{$_}, @_;
  @new{@new} = learn_apart(@new) if @new;
  @early_next{@_} = ();
  return map exists $early{$_} ? $early{$_} : $new{$_}, @_;
}
sub learn_all {
  my @early = keys %early_next;
  my @answers = learn_apart(@_, @early);
  %early = %early_next = ();
  @early{@early} = splice @answers, @_;
  return @answers;
}

# Who pays for the waiting: the account of the process that such a name has. It is the real one, since /proc/PID belongs to root where
# a program is not dumpable. The ids that an account may give itself (/etc/subuid) count as one.
sub account_of {
  my ($pid) = $_[0] =~ /^0?(\d+)/;
  return $account{$pid} if defined $account{$pid};
  my $before = $trouble;
  $subordinates //= [map /:(\d+):(\d+)$/ ? [$1, $1 + $2] : (), split /\n/, content("/etc/subuid", 1 << 20)];
  my ($user) = content("/proc/$pid/status", 1024) =~ /^Uid:\s*(\d+)/m;
  $trouble = $before;
  return $account{$pid} = $account{"of $user"} //= group_of($user) if defined $user;
  return $account{$pid} = "";
}
sub group_of {
  my ($user) = @_;
  for (@$subordinates) { return "from $_->[0]" if $user >= $_->[0] && $user < $_->[1] }
  return $user;
}

# A request has three words: what to look at; what the child that waits for it is called, behind the colon; the path, which is of
# process $dir, or begins with one.
sub request {
  my ($what, $path, $dir) = @_;
  my ($pid) = ($dir // $path) =~ m{^/proc/(\d+)};
  return "$what 0" . ($pid // "") . " $path";
}
sub subject { return (split / /, $_[0], 3)[1] }

# Those of these requests for which a child may wait, too; first those of accounts that have not let one wait. The processes of one
# account hold half of the children at most, and one that holds none is asked in any case.
sub in_turn {
  my ($requests, @left) = @_;
  my (%all, %own, %turn);
  for (keys %held) {
    my $files = /^0/ ? "files " : "";
    $all{$files}++;
    $own{$files . account_of($_)}++;
  }
  @left = grep {
    my $subject = subject($requests->[$_]);
    my $files = $subject =~ /^0/ ? "files " : "";
    my $account = account_of($subject);
    my $own = $own{"$files$account"} // 0;
    $turn{$_} = $late{$account} // 0;
    !$held{$subject} && (!$own || $own < MOST_HELD / 2 && $all{$files} < MOST_HELD);
  } @left;
  return sort { $turn{$a} <=> $turn{$b} || $a <=> $b } @left;
}

# After one that does not answer those of its account are asked last.
sub learn_apart {
  my @requests = @_;
  my @answers = (undef) x @requests;
  my @left = 0 .. $#requests;
  while (@left && Time::HiRes::time <= $no_longer) {
    @left = in_turn(\@requests, @left) if %held || %late;
    # So few that neither they nor the answers fill a pipe.
    my ($size, @some) = (0);
    # Answers come together, so those of accounts that let others wait are not asked with the rest.
    my $late = %late && @left ? $late{account_of(subject($requests[$left[0]]))} // 0 : 0;
    while (@left && @some < 500 && $size < 30_000) {
      last if %late && ($late{account_of(subject($requests[$left[0]]))} // 0) != $late;
      push @some, shift @left;
      $size += length $requests[$some[-1]];
    }
    last if !@some;
    my @said = ask_reader(@requests[@some]);
    @answers[@some[0 .. $#said]] = @said;
    next if @said == @some;
    # By its name the child says which it waits for.
    my $name = content("/proc/$reader/comm", 64);
    my @rest = @some[@said .. $#some];
    my ($at) = grep substr("mailhub:" . subject($requests[$rest[$_]]), 0, 15) . "\n" eq $name, 0 .. $#rest;
    my ($one) = splice @rest, $at // 0, 1;
    unshift @left, @rest;
    my $silent = subject($requests[$one]);
    $held{$silent} = $reader;
    $late{account_of($silent)}++;
    leave_reader();
    $patience = $patience > 0.2 ? $patience / 2 : 0.1;
  }
  return @answers;
}

# What the child says to each, up to the first for which it waits for too long. The time is for all together: one may answer just in time.
sub ask_reader {
  my @requests = @_ or return;
  $reader //= start_reader() or trouble("what processes run"), return ("") x @requests;
  syswrite $ask, pack "N/a*", pack "(N/a*)*", @requests;
  my ($bytes, $until, @answers) = ("", Time::HiRes::time + $patience);
  while (1) {
    while (length $bytes >= 4 && length $bytes >= 4 + unpack "N", $bytes) {
      my @pairs = unpack "(N/a*)*", unpack "N/a*", $bytes;
      substr $bytes, 0, 4 + (unpack "N", $bytes), "";
      while (my ($why_not, $text) = splice @pairs, 0, 2) {
        $trouble ||= $why_not;
        push @answers, $text;
      }
    }
    my $left = $until - Time::HiRes::time;
    my $ready = "";
    return @answers if @answers == @requests || $left <= 0;
    vec($ready, fileno $hear, 1) = 1;
    my $patient = $unsent eq "" || $left < 0.05;
    if (!select $ready, undef, undef, $patient ? $left : 0.05) {
      return @answers if $patient;
      send_begun();
      next;
    }
    next if sysread $hear, $bytes, 1 << 16, length $bytes;
    leave_reader();
    $trouble ||= "what reads of processes has ended";
    return (@answers, ("") x (@requests - @answers));
  }
}

# Its process; undefined, with $!, if none can be made.
sub start_reader {
  pipe my $asked, $ask or return;
  pipe $hear, my $answer or return;
  my $child = fork;
  return $child if $child || !defined $child;
  # A reader that waits for the end of this output must not wait for the child.
  open STDIN, "<", "/dev/null";
  open STDOUT, ">", "/dev/null";
  close $_ for $ask, $hear;
  $SIG{PIPE} = "DEFAULT";
  open my $name, ">:unix", "/proc/$$/comm";
  my ($size, $batch);
  while (read($asked, $size, 4) && read $asked, $batch, unpack "N", $size) {
    %plain = ();
    my ($size, @said) = (0);  # sent at once where it can be: each answer would wake the one who waits
    for my $request (unpack "(N/a*)*", $batch) {
      my ($what, $subject, $path) = split / /, $request, 3;
      syswrite $name, "mailhub:$subject";
      $trouble = "";
      my $text = $what eq "file" ? join(" ", (Time::HiRes::stat $path)[0, 1, 10]) || 0 + $! :
        $what eq "exe" ? look_at_exe($path) : $what eq "mount" ? mount_here($path) // "?" : content("$path/cmdline", $what);
      push @said, $trouble, $text;
      next if ($size += length $text) < 1 << 16;
      syswrite $answer, pack "N/a*", pack "(N/a*)*", splice @said;
      $size = 0;
    }
    syswrite $answer, pack "N/a*", pack "(N/a*)*", @said;
    syswrite $name, "mailhub:idle";
  }
  kill "KILL", $$;  # a normal exit would clean up for the other process
}
$SIG{CHLD} = "IGNORE";
