# Perl stats hundreds of files in the time of one fork. So if perl is present, and the spec needs no
# fork anyway, it takes over the channel from the shell, with the same requests and replies. Both give
# the same results; tests/exporter/agreement_test.py checks that.
#
# The shell has this program in a variable, quoted by apostrophes: it must not contain one.
use strict;
use Errno qw(EACCES EAGAIN EINVAL ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM ESRCH);
use Time::HiRes;
my ($ticks, $page_kb, $btime, $boot) = @ARGV;
my $spec = delete $ENV{mailhub_spec};
my (@exes, @processes, @paths, $out, $why, $milliseconds);
my $unsent = "";  # what comes before $out
sub send_begun {
  print $unsent;
  $unsent = "";
}
my $threads = 0;
for (split /\n/, $spec) {
  my ($word, $value) = split / /, $_, 2;
  if ($word eq "exe") { push @exes, {path => $value, request => "exe " . number_for($value) . " $value"} }
  elsif ($word eq "process") { push @processes, {exe => $value, threads => {}} }
  elsif ($word eq "contain" || $word eq "lack") { $processes[-1]{$word} = $value }
  elsif ($word eq "thread") { $processes[-1]{threads}{$value} = $threads++ }
  elsif ($word eq "path") { push @paths, $value }
}

# Why something that may exist could not be looked at; not that a process has ended.
my $trouble = "";
sub trouble {
  $trouble ||= "cannot read $_[0]: $!" if $! != ENOENT && $! != ESRCH;
  return;
}

# The beginning of a file of /proc; empty if unreadable. In parts: to make room for the most takes longer than to read what there is.
sub content {
  my ($path, $most) = @_;
  my $text = "";
  sysopen my $file, $path, 0 or trouble($path), return "";
  while ((my $left = $most - length $text) > 0) {
    my $size = sysread($file, $text, $left < 8192 ? $left : 8192, length $text) // trouble($path);
    last if !$size;
  }
  return $text;
}

# The processes in /proc, or the threads in a folder task.
sub numbers_in {
  my ($path) = @_;
  opendir my $folder, $path or return trouble($path);
  $! = 0;
  my @numbers = grep /^\d/, readdir $folder;
  trouble($path) if $!;
  return @numbers;
}

sub look_at_host {
  my ($stat) = @_;
  my $cpus = () = $stat =~ /^cpu\d/mg;
  $out .= substr($stat, 0, 1 + index $stat, "\n") . "cpus $cpus\n";
  $out .= join "", (split /^/, content("/proc/meminfo", 256))[0 .. 2];
  $out .= sprintf "time %.6f\n", Time::HiRes::time;
}

# Of this look: the files of exes that a process runs; the exes of each base name; the mounts of each mount namespace, and how
# much of such lists may be read yet.
my (%run, %bases, %mounts, $most_of_mounts);

# What is said of a process of which nobody can read the arguments; see the part about them.
my $held_back = "does not let its arguments be read";
my %held;  # the child that waits for something of a process, by what its name says
my %read;  # the arguments that were read
# The beginning of the arguments of a process or thread, with their NULs; undefined if they are held back.
sub arguments;
# The same for many, so that the next call of the one above has them.
sub read_arguments;
# What a child says to each of these requests; undefined for those that it did not answer in time. To "file" and a path: device,
# inode, and when the file or one of its names changed; or the number of the error.
sub learn_apart;

# Processes without an exe and with one thread: of the kernel, or dead. They stay so. (The links of the folder "task" are two and the
# threads: the number may be given to another process.)
my (%lifeless, %lifeless_now);
# The file of each process that runs neither an exe nor a file of such a name, with its last change. While it has that
# file and names, and the file is no exe, its name tells nothing, and it was not restarted as another program. So %like,
# the exes that it may still be (see likeness), stays too.
my (%other, %other_now, %like, $names_before);
my %seen;  # what the child said of the file of each process in this look
# Which exes each process ran at the look before, and by which file. They stay for a process that nobody could look at ($unsure).
my (%which_before, %which_now, %ran_before, %ran_now, $unsure);
# Whether a process has ended since the list was made: another one may do its work, and be in no list.
my $ended;
# Those that hang in their end: of which it is known that they ran other files; of which nothing is known, so each may be any exe, of
# this look and of the collection before.
my (%hung_other, %hung_other_now, %hung, %hung_before);

# The exes that process $pid runs: by the file, in any place; or by its name, if the file was replaced, deleted, or kept
# by network storage as .nfs... for its users. Nothing for a kernel thread. Processes that this account may not look at
# are in @secret; those of unknown file are in @doubtful, for each exe.
my (@secret, @doubtful, $first_closed);
sub exes_of {
  my ($pid, $file, $files, $names) = @_;
  my $dir = "/proc/$pid";
  my $from = $dir;
  delete $like{$pid};
  my $link = readlink "$dir/exe";
  if (!defined $link && ($! == ENOENT || $! == ESRCH)) {
    # Its main thread may have ended: then another one is asked. It is asked again itself: one that calls exec takes its place.
    my @tasks = numbers_in("$dir/task");
    $trouble ||= "cannot list $dir/task" if !@tasks && -e $dir;
    for ((map "$dir/task/$_", sort grep $_ ne $pid, @tasks), $dir) {
      $from = $_;
      $link = readlink "$from/exe";
      last if defined $link || !($! == ENOENT || $! == ESRCH);
    }
    if (!defined $link && ($! == ENOENT || $! == ESRCH)) {
      $ended = 1;
      # One that hangs in its end, as on storage that does not answer, has no exe, but still its files and ports.
      for (map stat_line("$dir/task/$_"), @tasks) {
        next if !/\((.*)\) [^ZX] (?:\S+ ){5}(\d+) / || ($2 & 0x200004) != 4;
        my $comm = $1;
        $unsure = 1;
        if (exists $other{$pid} || $hung_other{$pid}) { $hung_other_now{$pid} = 1 }
        elsif (!$which_before{$pid}) { $hung{$pid} = 1 }
        push @{$doubtful[$_]}, $dir for grep $comm eq substr($exes[$_]{path} =~ s{.*/}{}sr, 0, 15), 0 .. $#exes;
        return;
      }
      $lifeless_now{$pid} = 1 if @tasks == 1;
      return;
    }
    $file = file_of("$from/exe");
  }
  # A name that is too long is none of an exe; the file may be one all the same.
  $link = "" if !defined $link && $! == ENAMETOOLONG;
  $unsure = 1 if !defined $link || $file eq "";
  if (!defined $link) {
    return trouble("$from/exe") if $! != EACCES && $! != EPERM;
    # Process 1 keeps it even from a root with that right, where it is the agent of a virtual machine: it goes by its name.
    $first_closed = $pid == 1 && !$> and return $dir;
    push @secret, $pid;
    return;
  }
  my @which = @{$files->{$file} || []};
  (my $name = $link) =~ s/ \(deleted\)$//;
  my @named = @{$names->{$name} || []};
  my @succeeded;
  if (!@named && $name =~ m{^(.*/)\.nfs[0-9a-fA-F]{8,}$}) {
    my $folder = $1;
    my $comm = content("$dir/comm", 64);
    for my $wanted (grep m{^\Q$folder\E[^/]*$}, keys %$names) {
      push @named, @{$names->{$wanted}} if substr($wanted, length $folder, 15) . "\n" eq $comm;
    }
  }
  if ($name ne $link) {
    # Another hard link of an exe was replaced together with it. As files come and go, this is judged at each look.
    my $successor = answered(learn_early(request("file", "$from/root$name")));
    @succeeded = grep $exes[$_]{now} eq $successor, @{$files->{$successor} || []};
    push @named, @succeeded;
    my ($folder, $base) = $name =~ m{^(.*/)([^/]*)$};
    for my $i (@{$bases{$base // ""} || []}) {
      next if grep $_ == $i, @which, @named;
      my $lay = lay_in_folder_of($exes[$i], $from, $folder, $base);
      push @named, $i if $lay > 0;
      push @{$doubtful[$i]}, $from if $lay < 0;
    }
  }
  my $here;
  for my $i (@named) {
    next if grep $_ == $i, @which;
    $here //= is_from_here($from, $name);
    # In the view of one with mounts of its own, the name may lead to an exe.
    my $doubt = $here < 0 || !$here && grep($_ == $i, @succeeded) && !shares($from, "mnt") && shares($from, "pid");
    push @{$doubtful[$i]}, $from if $doubt;
    push @which, $i if $here > 0;
  }
  # What it was found to be, it stays while it runs that file, whatever becomes of the names.
  if ($file ne "" && $file eq ($ran_before{$pid} // "")) {
    for my $i (@{$which_before{$pid} || []}) { push @which, $i if !grep $_ == $i, @which }
  }
  $run{$ran_now{$pid} = $file} = 1 if @which && $file ne "";
  $other_now{$pid} = $seen{$pid} if $file ne "" && !@which && !@named && $name eq $link && $from eq $dir;
  return ($from, @which);
}

# The needed part of a stat file. The name in it may have any characters, even line ends.
sub stat_line {
  my ($line) = content("$_[0]/stat", 4096) =~ /^(.*\) \S(?: \S+){19}) /s or return "";
  return $line =~ tr/\n/ /r;
}

# Reads the arguments of these processes or threads if process $n of the spec asks for some.
sub read_to_fit {
  my ($n, @from) = @_;
  read_arguments(200_000, @from) if defined $processes[$n]{contain} || defined $processes[$n]{lack};
}

# Whether the arguments are the wanted ones; undefined if unknown.
sub args_fit {
  my ($from, $n) = @_;
  my ($contain, $lack) = @{$processes[$n]}{"contain", "lack"};
  return 1 if !defined $contain && !defined $lack;
  my $args = (arguments($from, 200_000) // return) =~ tr/\0\n/  /r;
  return if $args !~ /[^ ]/ || length $args == 200_000; # a program may have overwritten all of them
  return 0 if defined $contain && index($args, $contain) < 0;
  return 0 if defined $lack && index($args, $lack) >= 0;
  return 1;
}

# Whether process $pid is the one of number $n of the spec. Its exe is known to match; $from is the process, or the
# thread of it that can be looked at.
sub report_process {
  my ($pid, $from, $n) = @_;
  my $process = $processes[$n];
  my $fits = args_fit($from, $n);
  if (!$fits) {
    # One that has just ended has no arguments either, nor an exe.
    return if defined $fits;
    return $ended = 1 if !defined readlink "$from/exe";
    $process->{why} ||= "process $pid " . (defined arguments($from, 200_000) ? "shows no arguments" : why_unread($from));
    return;
  }
  my $stat = stat_line("/proc/$pid");
  my ($resident) = content("$from/statm", 256) =~ /^\d+ (\d+)/;
  return $ended = 1 if !defined $resident || $stat eq "";
  $out .= "process $n $resident $stat\n";
  $process->{count}++;
  return if !%{$process->{threads}};
  for my $task (numbers_in("/proc/$pid/task")) {
    my $name = content("/proc/$pid/task/$task/comm", 64);
    chomp $name;
    my $thread = $process->{threads}{$name};
    next if !defined $thread;
    $stat = stat_line("/proc/$pid/task/$task");
    $out .= "thread $thread $stat\n" if $stat ne "";
  }
}

# The exes that process or thread $from may be, though it runs another file: lines "started N" by the path that started it, "called N"
# by the name that did, where a link leads on from the exe (see is_called), and "named N" by the base name of its file. A file that was
# mounted by itself, and is so no more, has no name: it may be each exe. The own name of a process proves little, since it may change
# that; but a process with the name of its own file, and not of an exe, was started by another name.
sub likeness {
  my ($from, $link, $hides, $paths, $links) = @_;
  my ($base) = $link =~ m{([^/]*)$};
  my $first = "";
  ($first) = (arguments($from, 4200) // return) =~ /^([^\0]*)/ if $hides;
  my @called = grep is_called($from, $first, $exes[$_]{path}), @{$links->{$first =~ s{.*/}{}sr} || []};
  my @named = $link =~ m{^/( \(deleted\))?$} ? 0 .. $#exes : @{$bases{$base} || []};
  return join "\n", map("started $_", @{$paths->{$first} || []}), map("called $_", @called), map("named $_", @named);
}

# Whether $first, which ends with the name of this exe, may have led to it: by PATH, from some folder, or below another root.
sub is_called {
  my ($from, $first, $exe) = @_;
  return 1 if $first !~ m{^/};
  return substr($exe, -length $first) eq $first && file_of("$from/root/") ne file_of("/", $from);
}

# The processes that may be each exe: see likeness. $others are the processes that run other files; if a main thread has
# ended, with a thread that can tell.
sub likenesses {
  my ($others) = @_;
  my (%paths, %links, %comms, %likes);
  for my $i (0 .. $#exes) {
    push @{$paths{$exes[$i]{path}}}, $i;
    my ($base) = $exes[$i]{path} =~ m{([^/]+)$} or next;
    push @{$links{$base}}, $i if $exes[$i]{real} ne $exes[$i]{path};
    $comms{substr($base, 0, 15) . "\n"} = 1;
  }
  my @fresh;
  for (@$others) {
    my ($pid, $from) = ref ? @$_ : ($_, "/proc/$_");
    next if defined $like{$pid};
    my $link = readlink "$from/exe" // "";
    my ($base) = $link =~ m{([^/]*)$};
    my $comm = content("/proc/$pid/comm", 64);
    push @fresh, [$pid, $from, $link, $comms{$comm} || $comm ne substr($base, 0, 15) . "\n"];
  }
  read_arguments(4200, map $_->[1], grep $_->[3], @fresh);
  for (@fresh) {
    my ($pid, @rest) = @$_;
    $like{$pid} = likeness(@rest, \%paths, \%links);
  }
  for (@$others) {
    my ($pid, $from) = ref ? @$_ : ($_, "/proc/$_");
    my $like = $like{$pid};
    push @{$likes{$_}}, $from for split /\n/, $like // "unread";
  }
  return \%likes;
}

# Whether $from runs a file that its path no longer reaches, neither here nor from that process: its volume was removed.
# A deleted file is marked as such; is_from_here has judged files with a wanted name. A file that may not be looked at
# (another account has mounted its folder) counts as reachable if its path leads to such a file.
sub is_nowhere {
  my ($from, $names) = @_;
  my $link = readlink "$from/exe";
  return 0 if !defined $link || $names->{$link};
  my $file = file_of("$from/exe");
  return 0 if $file eq "" && ($! == ENOENT || $! == ESRCH);
  return 1 if $file eq "" && $! == EAGAIN;
  for my $path ($link, "$from/root$link") {
    my $there = file_of($path, $from);
    return 0 if $there eq $file && ($file ne "" || $! != ENOENT && $! != ENOTDIR);
  }
  return 1;
}

# Why a process that runs another file may still be exe number $i: it was started by that path (perhaps an older
# version, before a link moved), or its file may be the exe, on a volume that is gone. This cannot be decided. Empty if
# there is none.
sub older_version {
  my ($i, $n, $likes, $names) = @_;
  my $exe = $exes[$i]{path};
  # Beside one that is found, a name alone tells nothing.
  my @starts = $processes[$n]{count} ? "started" : ("started", "called");
  read_to_fit($n, map @{$likes->{"$_ $i"} || []}, @starts, "named");
  for my $from (map @{$likes->{"$_ $i"} || []}, @starts) {
    next if !same_folder($from, $exe) || !(args_fit($from, $n) // 1);
    return number_of($from) . " was started as $exe, or as " . ($exe =~ s{.*/}{}r) . ", and runs another file";
  }
  for my $from (@{$likes->{"named $i"} || []}) {
    next if !is_nowhere($from, $names) || !(args_fit($from, $n) // 1);
    return number_of($from) . " runs a file that is in no folder any more";
  }
  for my $from (@{$likes->{unread} || []}) {
    return number_of($from) . " " . why_unread($from) if same_folder($from, $exe);
  }
  my ($base) = $exe =~ m{([^/]+)$} or return "";
  return "" if !$first_closed || content("/proc/1/comm", 64) ne substr($base, 0, 15) . "\n" || !(args_fit("/proc/1", $n) // 1);
  return "process 1 does not show what it runs";
}

# Why its arguments are unknown: it is not to blame where it was not even asked.
sub why_unread {
  my ($pid) = $_[0] =~ m{(\d+)(?:/task/\d+)?$};
  return $held{$pid} ? $held_back : "was not asked for its arguments, since others of its account take the time and children that there are";
}

sub number_of { return "process $1" if $_[0] =~ m{(\d+)(?:/task/\d+)?$} }

# Whether /proc hides processes from this account: it lacks CAP_SYS_PTRACE, the 20th bit.
sub is_blinded {
  return 0 if content("/proc/self/status", 8192) =~ /^CapEff:\s*\w*[89a-f]\w{4}$/m;
  open my $mounts, "<", "/proc/self/mountinfo" or return trouble("/proc/self/mountinfo");
  return scalar grep m{ /proc .* - proc .*hidepid=[24ip]}, <$mounts>;
}

# What is absent now, and ran at the look before, is looked for again if a process has ended meanwhile.
sub look_at_processes {
  begin_to_read();
  local $SIG{PIPE} = "IGNORE";
  my $said = $out;
  for (1 .. 3) {
    $out = $said;
    last if !look_once();
    # A large process takes such a time to give its memory back.
    Time::HiRes::sleep(0.03) if %hung;
    %read = ();
  }
  $_->{ran} = $_->{count} for @processes;
  %hung_before = %hung;
}

# Returns whether to look again.
sub look_once {
  my $again = 0;
  $trouble = "";
  $ended = 0;
  %mounts = ();
  $most_of_mounts = 1 << 20;
  # To read the link waits for nothing, so no child is asked for those that still have none.
  my @pids;
  %lifeless_now = ();
  for my $pid (numbers_in("/proc")) {
    if (exists $lifeless{$pid} && !defined readlink "/proc/$pid/exe" and $! == ENOENT && ((stat "/proc/$pid/task")[3] // 0) == 3) {
      $lifeless_now{$pid} = 1;
    } else {
      push @pids, $pid;
    }
  }
  my @answers = learn_all(map($_->{request}, @exes), map "file 0$_ /proc/$_/exe", @pids);
  my ($files, $names) = learn_exes(splice @answers, 0, scalar @exes);
  my $all_names = join "\n", sort keys %$names;
  %other = %like = () if !defined $names_before || $all_names ne $names_before;
  $names_before = $all_names;
  my (@found, @others, $likes);
  %other_now = ();
  @secret = @doubtful = ();
  $first_closed = 0;
  my %own = own_processes();
  %which_before = %which_now;
  %ran_before = %ran_now;
  %which_now = %ran_now = %seen = %hung = %hung_other_now = ();
  # Without a list all may still be there.
  my %unsure = $trouble eq "" ? () : map +($_ => 1), keys %which_before;
  for my $pid (@pids) {
    # Most are as they were. For those nothing is called: there are many of them.
    my $file = "";
    my $seen = $seen{$pid} = shift @answers;
    $unsure = 0;
    if (!defined $seen) {
      # What does not answer is the file of no exe, as those have answered just now.
      $trouble ||= "process $pid was not looked at, since others of its account take the time and children that there are" if !$held{"0$pid"};
    } elsif ($seen =~ /^(\S+ \S+) /) {
      $file = $1;
      if (defined $other{$pid} && $other{$pid} eq $seen && !$files->{$file}) {
        $other_now{$pid} = $seen;
        push @others, $pid;
        next;
      }
    }
    my ($from, @which) = exes_of($pid, $file, $files, $names);
    $which_now{$pid} = \@which if @which;
    $unsure{$pid} = 1 if $unsure;
    push @{$found[$_]}, [$pid, $from] for @which;
    push @others, [$pid, $from] if defined $from && !@which;
  }
  for my $pid (grep $which_before{$_}, keys %unsure) {
    push @{$doubtful[$_]}, "/proc/$pid" for $which_now{$pid} ? () : @{$which_before{$pid}};
    $which_now{$pid} //= $which_before{$pid};
    $run{$ran_now{$pid} //= $ran_before{$pid}} = 1 if defined $ran_before{$pid};
  }
  %lifeless = %lifeless_now;
  %other = %other_now;
  %hung_other = %hung_other_now;
  delete @like{grep !exists $other{$_}, keys %like} if keys %like > 2 * keys(%other) + 100;
  # Root, too, may lack the right to see the files of other processes (CAP_SYS_PTRACE), for example in a container.
  my $hidden = !-e "/proc/1/stat" ? "may not see process 1" : @secret ? "may not read /proc/$secret[0]/exe" :
    is_blinded() ? "may not see all processes (hidepid)" : "";
  # Found processes come first: others may use up the time for arguments.
  read_to_fit($_, map $_->[1], map @{$found[$_] || []}, $processes[$_]{exe}) for 0 .. $#processes;
  for my $n (0 .. $#processes) {
    my $process = $processes[$n];
    my $i = $process->{exe};
    $process->{count} = 0;
    $process->{why} = "";
    my $before = $trouble;
    $trouble = "";
    report_process(@$_, $n) for grep !$own{$_->[0]}, @{$found[$i] || []};
    my $here = $trouble;
    $trouble ||= $before;
    $process->{ran} ||= $process->{count};
    my $unknown = $here || $process->{why};
    $unknown ||= $trouble || $exes[$i]{trouble} || $hidden if !$process->{count};
    if ($unknown eq "") {
      read_to_fit($n, @{$doubtful[$i] || []});
      my ($doubt) = grep args_fit($_, $n) // 1, @{$doubtful[$i] || []};
      $likes //= likenesses(\@others);
      $unknown = defined $doubt ? number_of($doubt) . (!defined readlink "$doubt/exe" && $! == ENOENT ? " hangs in its end" : file_of("$doubt/exe") eq "" ? " runs a file that cannot be looked at" :
        shares($doubt, "mnt") ? " runs a file of this name that was deleted" :
        " has a file of this name, in namespaces of its own") :
        older_version($i, $n, $likes, $names) || ($process->{count} ? "" : $trouble || (map "process $_ hangs in its end", sort keys %hung)[0] // "");
    }
    # Most that are seen in their end are gone at once.
    $again ||= $ended && $process->{ran} || grep !$hung_before{$_}, keys %hung if $unknown =~ /^(.* hangs in its end)?$/ && !$process->{count};
    $out .= "unknown $n $unknown\n" if $unknown ne "";
  }
  # Results from a look with trouble may be wrong.
  %other = %like = %lifeless = () if $trouble ne "";
  return $again;
}

# The error of the last call, as one word.
sub error_word { return $! =~ tr/ /_/r }

# One path, and the entries of a directory. Unknown values are reported as unknown.
sub path_lines {
  my ($path) = @_;
  my @stat = Time::HiRes::stat($path);
  if (!@stat) {
    return "" if $! == ENOENT || $! == ENOTDIR;
    return "unknown " . error_word() . " - - $path\n";
  }
  # Time::HiRes takes seconds before 1970 for a huge number.
  $stat[9] = (stat _)[9] if $stat[9] > 2**62;
  my $type = -d _ ? "d" : -f _ ? "f" : "o";
  my $line = sprintf "%s 0 %.0f %.6f %s\n", $type, @stat[7, 9], $path;
  return $line if $type ne "d";
  my ($count, $bytes, $oldest, $some_gone, %gone);
  # A file that is renamed meanwhile is under neither of its names, so a list with such ones is made again. A name that is again in
  # the list and not there is of a file that cannot be looked at.
  for my $times (1 .. 3) {
    ($count, $bytes, $oldest, $some_gone) = (0, 0, 0, 0);
    opendir my $entries, $path or return $line . "closed " . error_word() . " - - $path\n";
    # Perhaps only its names can be read.
    chdir $entries or return $line . "closed " . error_word() . " - - $path\n";
    $! = 0;
    while (defined(my $entry = readdir $entries)) {
      if (!lstat $entry) {
        return $line . "closed " . error_word() . " - - $path\n" if $! != ENOENT || $gone{$entry}++;
        $some_gone = 1;
        $! = 0;
        next;
      }
      next if !-f _;
      my $days = -M _;
      $oldest = $days if !$count++ || $days > $oldest;
      $bytes += -s _;
    }
    return $line . "closed " . error_word() . " - - $path\n" if $!;
    last if !$some_gone || $count && $times > 1;
  }
  return $line . "closed its_files_come_and_go - - $path\n" if $some_gone && !$count;
  $oldest = $^T - 86400 * $oldest;
  $line = sprintf("sum %d %.0f %.0f %s\n", $count, $bytes, $oldest, $path) . $line if $count;
  return $line;
}

sub look_at_paths {
  $out .= path_lines($_) for @paths;
  chdir "/";
}
