
# What each account may hold for as long as it likes: to read the arguments of a process waits for the lock of its memory, and to look at
# the file that it runs, or into its root, for storage that may be of its own. So a child does both. It is left behind if it
# waits, and bears the name mailhub:PID meanwhile (for the arguments) or mailhub:0PID, so that nobody, a later helper neither, waits for
# the same twice.
# Nothing else that is read of a process waits for what is not ours.
my ($reader, $ask, $hear);  # the child that is asked next, and the pipes to it and from it
my ($patience, $no_longer, %read);  # of this look
use constant MOST_HELD => 100;

sub begin_to_read {
  %read = ();
  delete @held{grep !is_held($_), keys %held};
  $patience = $milliseconds / 4000;
  $patience = 1 if $patience > 1;
  $no_longer = Time::HiRes::time + $milliseconds / 2000;
}

# Between looks only waiting children stay.
sub end_to_read {
  my $child = $reader;
  undef $_ for $reader, $ask, $hear;
  waitpid $child, 0 if $child;
}

# Whether a child still waits for this.
sub is_held {
  my $dir = "/proc/" . ($held{$_[0]} // return 0);
  return content("$dir/comm", 64) eq substr("mailhub:$_[0]", 0, 15) . "\n" && -o $dir && -e "$dir/exe";
}

sub arguments {
  my ($from, $most) = @_;
  my $key = "$most $from";
  ($read{$key}) = learn_apart($key) if !exists $read{$key};
  return $read{$key};
}

# What a child that waits for the answer to this is called, behind the colon.
sub subject { return $_[0] =~ m{^(\S+) /proc/(\d+)} ? ($1 eq "file" ? "0$2" : $2) : 0 }

# Whether so many wait already for what is of this kind.
sub are_too_many {
  my $files = $_[0] =~ /^0/;
  return %held && MOST_HELD <= grep $files == scalar(m{^0}), keys %held;
}

sub learn_apart {
  my @requests = @_;
  my @answers;
  while (@answers < @requests) {
    # So few that neither they nor the answers fill a pipe.
    my @some;
    for (@requests[@answers .. $#requests]) {
      last if @some == 500 || $held{subject($_)} || are_too_many(subject($_)) || Time::HiRes::time > $no_longer;
      push @some, $_;
    }
    my @said = ask_reader(@some);
    push @answers, @said;
    next if @some && @said == @some;
    push @answers, undef;
    next if !@some;
    $held{subject($some[@said])} = $reader;
    undef $_ for $reader, $ask, $hear;
    $patience = $patience > 0.1 ? $patience / 2 : 0.05;
  }
  return @answers;
}

# What the child says to each, up to the first for which it waits for too long.
sub ask_reader {
  my @requests = @_ or return;
  $reader //= start_reader() or trouble("what processes run"), return ("") x @requests;
  local $SIG{PIPE} = "IGNORE";
  syswrite $ask, join "", map pack("N/a*", $_), @requests;
  my ($bytes, $until, @answers) = ("", Time::HiRes::time + $patience);
  while (1) {
    my $at = 0;
    while (length $bytes >= $at + 8) {
      my ($why_not, $text) = unpack "x$at NN", $bytes;
      last if length $bytes < $at + 8 + $why_not + $text;
      $trouble ||= substr $bytes, $at + 8, $why_not;
      push @answers, substr $bytes, $at + 8 + $why_not, $text;
      $at += 8 + $why_not + $text;
      $until = Time::HiRes::time + $patience;
    }
    substr $bytes, 0, $at, "";
    my $left = $until - Time::HiRes::time;
    my $ready = "";
    return @answers if @answers == @requests || $left <= 0;
    vec($ready, fileno $hear, 1) = 1;
    return @answers if !select $ready, undef, undef, $left;
    next if sysread $hear, $bytes, 1 << 16, length $bytes;
    undef $_ for $reader, $ask, $hear;
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
  my ($size, $request);
  while (read($asked, $size, 4) && read $asked, $request, unpack "N", $size) {
    my ($what, $path) = split / /, $request, 2;
    syswrite $name, "mailhub:" . subject($request);
    $trouble = "";
    my $text = $what ne "file" ? content("$path/cmdline", $what) : join(" ", (Time::HiRes::stat $path)[0, 1, 10]) || 0 + $!;
    syswrite $answer, pack("NN", length $trouble, length $text) . $trouble . $text;
  }
  kill "KILL", $$;  # a normal exit would clean up for the other process
}
$SIG{CHLD} = "IGNORE";
