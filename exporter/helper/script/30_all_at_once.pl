# Perl stats hundreds of files in the time that a fork takes. So where there is one, and nothing is
# asked for that needs a fork anyway, it takes the channel over from the shell, with the same requests
# and replies. What it finds is what the shell finds: helper_test.cc holds them to the same.
#
# The shell has this program in a variable, quoted by apostrophes: it must not hold one.
use strict;
use Time::HiRes;
my ($ticks, $page_kb, $spec) = @ARGV;
my (@exes, @processes, @paths, $out, $why);
my $threads = 0;
for (split /\n/, $spec) {
  my ($word, $value) = split / /, $_, 2;
  if ($word eq "exe") { push @exes, $value }
  elsif ($word eq "process") { push @processes, {exe => $value, threads => {}} }
  elsif ($word eq "contain" || $word eq "lack") { $processes[-1]{$word} = $value }
  elsif ($word eq "thread") { $processes[-1]{threads}{$value} = $threads++ }
  elsif ($word eq "path") { push @paths, $value }
}

# The beginning of a file of /proc; empty if it cannot be read.
sub content {
  my ($path, $most) = @_;
  my $text = "";
  open my $file, "<", $path or return "";
  1 while length $text < $most && sysread $file, $text, $most - length $text, length $text;
  return $text;
}
my ($boot) = content("/proc/sys/kernel/random/boot_id", 64) =~ /(.*)/;
my ($btime) = content("/proc/stat", 1 << 20) =~ /^btime (\d+)/m;

sub look_at_host {
  my $stat = content("/proc/stat", 1 << 20);
  my $cpus = () = $stat =~ /^cpu\d/mg;
  $out .= substr($stat, 0, 1 + index $stat, "\n") . "cpus $cpus\n";
  $out .= join "", (split /^/, content("/proc/meminfo", 256))[0 .. 2];
  $out .= sprintf "time %.6f\n", Time::HiRes::time;
}

# The numbers of the processes that run each exe.
sub find_processes {
  my (%wanted, @found);
  for my $i (0 .. $#exes) {
    my ($dev, $inode) = stat $exes[$i] or next;
    push @{$wanted{"$dev $inode"}}, $i;
  }
  for my $pid (@_) {
    my ($dev, $inode) = stat "/proc/$pid/exe" or next;
    push @{$found[$_]}, $pid for @{$wanted{"$dev $inode"} || []};
  }
  return @found;
}

# Those that run a version of it since replaced on disk. One that has its name and may not be read
# makes the collector fail.
sub find_replaced {
  my ($exe, @pids) = @_;
  my ($name) = $exe =~ m{([^/]{1,15})[^/]*$};
  my @found;
  for my $pid (@pids) {
    my $link = readlink "/proc/$pid/exe";
    if (defined $link) {
      push @found, $pid if $link eq "$exe (deleted)";
    } elsif ($!{EACCES} && content("/proc/$pid/comm", 64) eq "$name\n") {
      $why = "may not read /proc/$pid/exe" if content("/proc/$pid/cmdline", 1) ne "";
    }
  }
  return @found;
}

# A stat file as far as it matters. The name in it may hold anything, even line ends.
sub stat_line {
  my ($line) = content("$_[0]/stat", 4096) =~ /^(.*\) \S(?: \S+){19}) /s or return "";
  return $line =~ tr/\n/ /r;
}

# Whether process $pid is the one that number $n of the spec means. Its exe is known to be.
sub report_process {
  my ($pid, $n) = @_;
  my $process = $processes[$n];
  my ($contain, $lack) = @$process{"contain", "lack"};
  if (defined $contain || defined $lack) {
    my $args = content("/proc/$pid/cmdline", 16384) =~ tr/\0\n/  /r;
    return 0 if $args eq "";
    return 0 if defined $contain && index($args, $contain) < 0;
    return 0 if defined $lack && index($args, $lack) >= 0;
  }
  my $stat = stat_line("/proc/$pid");
  my ($resident) = content("/proc/$pid/statm", 256) =~ /^\d+ (\d+)/ or return 0;
  return 0 if $stat eq "";
  $out .= "process $n $resident $stat\n";
  return 1 if !%{$process->{threads}};
  opendir my $tasks, "/proc/$pid/task" or return 1;
  for my $task (grep /^\d/, readdir $tasks) {
    my $name = content("/proc/$pid/task/$task/comm", 64);
    chomp $name;
    my $thread = $process->{threads}{$name};
    next if !defined $thread;
    $stat = stat_line("/proc/$pid/task/$task");
    $out .= "thread $thread $stat\n" if $stat ne "";
  }
  return 1;
}

sub look_at_processes {
  opendir my $proc, "/proc";
  my @pids = grep /^\d/, readdir $proc;
  my @found = find_processes(@pids);
  my %replaced;
  for my $n (0 .. $#processes) {
    my $exe = $processes[$n]{exe};
    my $count = 0;
    $count += report_process($_, $n) for @{$found[$exe] || []};
    next if $count;
    $replaced{$exe} ||= [find_replaced($exes[$exe], @pids)];
    report_process($_, $n) for @{$replaced{$exe}};
  }
}

sub look_at_paths {
  for my $path (@paths) {
    my @stat = Time::HiRes::stat($path) or next;
    my $type = -d _ ? "d" : -f _ ? "f" : "o";
    if ($type eq "d") {
      opendir my $entries, $path or next;
      lstat "$path/." or next; # its names may be all that can be read
      my ($count, $bytes, $oldest) = (0, 0, 0);
      while (defined(my $entry = readdir $entries)) {
        lstat "$path/$entry";
        next if !-f _;
        my $days = -M _;
        $oldest = $days if !$count++ || $days > $oldest;
        $bytes += -s _;
      }
      $oldest = $^T - 86400 * $oldest;
      $out .= sprintf "sum %d %.0f %.0f %s\n", $count, $bytes, $oldest, $path if $count;
    }
    $out .= sprintf "%s 0 %.0f %.6f %s\n", $type, @stat[7, 9], $path;
  }
}

sub section {
  my ($name, $look) = @_;
  $why = "";
  $out .= sprintf "section %s %.6f\n", $name, Time::HiRes::time;
  $look->();
  $out .= sprintf "%s %s %.6f %s\n", $why eq "" ? "done" : "failed", $name, Time::HiRes::time, $why;
}

$| = 1;
while (my $line = <STDIN>) {
  print "\n$1 hello 1\n" if $line =~ /^hello (.*)/;
  next if $line !~ /^go (\S+)/;
  my $nonce = $1;
  my ($uptime) = content("/proc/uptime", 64) =~ /^(\S+)/;
  $out = "\n$nonce begin 1\nuptime $uptime\nboot $boot\nclock $ticks $page_kb $btime\n";
  section("host", \&look_at_host);
  section("processes", \&look_at_processes) if @processes;
  if (@paths) {
    print $out;
    $out = "";
    section("paths", \&look_at_paths);
  }
  print "$out$nonce end\n";
}
