
# Reading the arguments of a process waits for its memory lock, which each account may hold on its own processes for any
# time. So a child reads them. If it waits, it is left behind under the name mailhub:PID, so that no helper, not even a
# later one, waits for the same process twice. Nothing else that is read here needs that lock.
my ($reader, $ask, $hear);  # the next child to ask, and the pipes to it and from it
my %held;                   # the child that waits for the arguments of each process
my ($patience, %read);      # of this look
use constant MOST_HELD => 100;

sub begin_to_read {
  %read = ();
  delete @held{grep !is_held($_), keys %held};
  $patience = $milliseconds / 4000;
  $patience = 1 if $patience > 1;
}

# Between looks only waiting children stay.
sub end_to_read {
  my $child = $reader;
  undef $_ for $reader, $ask, $hear;
  waitpid $child, 0 if $child;
}

# Whether a child still waits for process $pid.
sub is_held {
  my $dir = "/proc/" . ($held{$_[0]} // return 0);
  return content("$dir/comm", 64) eq "mailhub:$_[0]\n" && -o $dir && -e "$dir/exe";
}

sub arguments {
  my ($from, $most) = @_;
  my $key = "$most $from";
  return $read{$key} if exists $read{$key};
  my ($pid) = $from =~ m{(\d+)(?:/task/\d+)?$};
  return $read{$key} = undef if $held{$pid} || keys %held >= MOST_HELD;
  my $text = ask_reader($key);
  if (!defined $text) {
    $held{$pid} = $reader;
    undef $_ for $reader, $ask, $hear;
    $patience = $patience > 0.1 ? $patience / 2 : 0.05;
  }
  return $read{$key} = $text;
}

# The answer of the child; undefined if it waits too long.
sub ask_reader {
  my ($request) = @_;
  $reader //= start_reader() or trouble("arguments"), return "";
  local $SIG{PIPE} = "IGNORE";
  syswrite $ask, "$request\n";
  my ($bytes, $until) = ("", Time::HiRes::time + $patience);
  while (1) {
    if (length $bytes >= 8) {
      my ($why_not, $text) = unpack "NN", $bytes;
      if (length $bytes == 8 + $why_not + $text) {
        $trouble ||= substr $bytes, 8, $why_not;
        return substr $bytes, 8 + $why_not;
      }
    }
    my $left = $until - Time::HiRes::time;
    my $ready = "";
    vec($ready, fileno $hear, 1) = 1;
    return if $left <= 0 || !select $ready, undef, undef, $left;
    next if sysread $hear, $bytes, 1 << 16, length $bytes;
    undef $_ for $reader, $ask, $hear;
    $trouble ||= "what reads arguments has ended";
    return "";
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
  while (defined(my $line = <$asked>)) {
    my ($most, $from) = $line =~ m{^(\d+) (.*?(\d+)(?:/task/\d+)?)$};
    syswrite $name, "mailhub:$3";
    $trouble = "";
    my $text = content("$from/cmdline", $most);
    syswrite $name, "mailhub:idle";
    syswrite $answer, pack("NN", length $trouble, length $text) . $trouble . $text;
  }
  kill "KILL", $$;  # a normal exit would clean up for the other process
}
$SIG{CHLD} = "IGNORE";

