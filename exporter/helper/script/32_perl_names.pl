# What the kernel calls the file of an exe, and on which mount that name counts. See 41_names_of_files.sh.

# Whether the last error says that there is no such file.
sub is_absent { return $! == ENOENT || $! == ENOTDIR || $! == ELOOP }

# What identifies a file, wherever it is named; empty if it is not there, or if its storage does not answer (EAGAIN). The name is of
# process $dir, or said by it: what it runs, and sees as its root, may lie on any storage.
sub file_of {
  my ($path, $dir) = @_;
  return answered(learn_apart(request("file", $path, $dir)));
}
sub answered {
  my ($answer) = @_;
  $! = EAGAIN if !defined $answer;
  return "" if !defined $answer;
  return $1 if $answer =~ /^(\S+ \S+) /;
  $! = $answer;
  return "";
}

# A path without links: the one that the kernel knows. A part that is not there stays as it is. What is
# no link is noted in %$plain, with the trouble if nobody can say: paths of one look share folders.
sub real_path {
  my ($given, $plain) = @_;
  my ($path, $hops) = ("", 40);
  my @parts = split m{/+}, $given;
  while (@parts) {
    my $part = shift @parts;
    next if $part eq "" || $part eq ".";
    if ($part eq "..") { $path =~ s{/[^/]*$}{}; next }
    my $next = "$path/$part";
    my $link = defined $plain->{$next} ? undef : readlink $next;
    if (!defined $link) {
      $plain->{$next} //= $! == EINVAL || is_absent() ? "" : "cannot read $next: $!";
      $trouble ||= $plain->{$next};
    }
    if (!defined $link || !$hops--) { $path = $next; next }
    $path = "" if $link =~ m{^/};
    unshift @parts, split m{/+}, $link;
  }
  return $path;
}

# What a child says of the path of an exe: its file, its path without links, and why they are not known.
my %plain;
sub look_at_exe {
  my ($path) = @_;
  $trouble = "";
  my $file = join " ", (stat $path)[0, 1];
  trouble($path) if $file eq "" && !is_absent();
  my $real = real_path($path, \%plain);
  my $text = join "\0", $file, $real, $trouble;
  $trouble = "";
  return $text;
}

# Learns which file each exe is now and what it is called. What it was before stays known while a
# process runs it: links move on, and files are renamed, under those who run them. If a path cannot be followed, or its storage does
# not answer, that is a reason not to know this exe, and no other.
sub learn_exes {
  my @answers = @_;
  my (%files, %names);
  %bases = ();
  for my $i (0 .. $#exes) {
    my $exe = $exes[$i];
    my ($file, $real, $why_not) = split /\0/, $answers[$i] || "\0\0cannot look at $exe->{path}: its storage does not answer", 3;
    $exe->{now} = $file;
    $exe->{trouble} = $why_not;
    $real = $exe->{real} = $real ne "" ? $real : $exe->{real} // $exe->{path};
    $exe->{files} = [grep $run{$_} && $_ ne $file, @{$exe->{files}}];
    push @{$exe->{files}}, $file if $file ne "";
    push @{$files{$_}}, $i for @{$exe->{files}};
    push @{$names{$real}}, $i;
    push @{$names{$exe->{path}}}, $i if $real ne $exe->{path};
    my %base = map { m{([^/]+)$} ? ($1 => 1) : () } $exe->{path}, $real;
    push @{$bases{$_}}, $i for keys %base;
  }
  %run = ();
  return (\%files, \%names);
}

# The number for the path of an exe in the name of the child that waits for its storage.
sub number_for {
  my $number = 0;
  $number = ($number * 31 + ord) % 99991 for split //, $_[0];
  return "00$number";
}

# The number of the mount on which $path, of a process, lies; empty where the kernel does not tell (before Linux 3.15), undefined where
# nobody can say, with EAGAIN where its storage does not answer.
sub mount_of {
  my ($answer) = learn_apart(request("mount", $_[0]));
  $! = defined $answer ? ENOENT : EAGAIN;
  return defined $answer && $answer ne "?" ? $answer : undef;
}

# The same, in the child. Looked at, not opened (O_PATH): it may be a file that may be executed only.
sub mount_here {
  sysopen my $file, $_[0], 0x200000 or return trouble($_[0]);
  my $info = content("/proc/self/fdinfo/" . fileno $file, 4096);
  return $1 if $info =~ /^mnt_id:\s*(\d+)/m;
  return $trouble eq "" ? "" : undef;
}

# Whether process $dir has this mount among those that lie below its root; undefined if nobody can say. Any account can have
# namespaces of many thousand mounts, so each list is read once a look, and of all together so much.
sub has_mount {
  my ($dir, $mount) = @_;
  my $key = join " ", map readlink("$dir/$_") // $dir, "ns/mnt", "root";
  if (!exists $mounts{$key}) {
    my $most = $dir eq "/proc/self" ? 1 << 23 : $most_of_mounts;
    my $list = content("$dir/mountinfo", $most);
    $most_of_mounts -= length $list if $dir ne "/proc/self";
    $mounts{$key} = length $list < $most ? {map +($_ => 1), $list =~ /^(\d+) /mg} : undef;
  }
  return $mounts{$key} && exists $mounts{$key}{$mount};
}

# Whether process $dir is in our own namespace of this kind.
sub shares {
  my ($dir, $kind) = @_;
  my $own = readlink "/proc/self/ns/$kind";
  return !defined $own || (readlink("$dir/ns/$kind") // "") eq $own;
}

# Whether process $dir, whose file the kernel calls $name, runs what lies, or lay, by this name here: 1, 0, or -1 if nobody can
# say. The kernel says a name as it is in the mount namespace where the file lies, and whoever may enter one (/proc/PID/root)
# can start the file from outside.
sub is_from_here {
  my ($dir, $name) = @_;
  my $mount = mount_of("$dir/exe") // return $! == EAGAIN ? -1 : 0;
  return same_folder($dir, $name) if $mount eq "";
  return 1 if has_mount("/proc/self", $mount) // return -1;
  # A service with mounts of its own, which has ours under the same names; or both have a root that is not where a mount begins.
  my $same = same_folder($dir, $name);
  # With our root, and its own mounts over our folder, it may run what was mounted there from ours.
  $same = -1 if !$same && shares($dir, "pid") && file_of("$dir/root/") eq file_of("/", $dir) && is_on_device_of_folder($dir, $name);
  return $same if has_mount($dir, $mount) // return -1;
  my $root = mount_of("$dir/root/") // ($! == EAGAIN ? return -1 : "");
  return $same if $same && $mount eq $root;
  # One with mounts of its own, which has also changed its root, does not show on which of them the file lies. In a container
  # another file has the name.
  return shares($dir, "mnt") || !shares($dir, "pid") ? 0 : -1;
}

# Whether the file that process $dir runs is on the device of the folder of $path. If nobody can say: yes.
sub is_on_device_of_folder {
  my ($dir, $path) = @_;
  my ($device) = split / /, file_of("$dir/exe");
  while (defined $device && $path =~ s{/[^/]*$}{}) {
    my ($here) = split / /, file_of("$path/", $dir);
    return $here eq $device if defined $here;
  }
  return 1;
}

# Whether process $dir sees the same folder as we do where file $path is, or was: 1; 0 in a container, which has other
# files under the same names; -1 if nobody can say: it has changed its root, or is in another user namespace (anybody may make
# one, and mount there what they like under any name), or has another root, and our folder, which it may have mounted, is gone.
sub same_folder {
  my ($dir, $path) = @_;
  my ($folder, $gone) = $path;
  while ($folder =~ s{/[^/]*$}{}) {
    my $here = file_of("$folder/", $dir);
    return -1 if $here eq "" && $! == EAGAIN;
    next if $here eq "" and $gone = 1;
    my $there = file_of("$dir/root$folder/");
    return -1 if $there eq "" && $! == EAGAIN;
    return shares($dir, "pid") ? -1 : 0 if $there eq "";
    return $gone && shares($dir, "pid") ? -1 : 0 if $there ne $here;
    return shares($dir, "user") ? 1 : -1;
  }
  return 0;
}

# Whether the file that process $dir runs, and that is deleted, lay in the folder of this exe by its name, though the kernel calls the
# folder otherwise: it is mounted at more than one place. 1, 0, or -1 if nobody can say: the folder has gone, too.
sub lay_in_folder_of {
  my ($exe, $dir, $folder, $base) = @_;
  my $there = file_of($folder, $dir);
  for my $path ($exe->{path}, $exe->{real}) {
    return 1 if $there ne "" && $path =~ m{^(.*/)\Q$base\E$} && $there eq file_of($1, $dir);
  }
  return lay_elsewhere($dir, $folder, $there) if !shares($dir, "mnt");
  # The name tells nothing once the mount is gone.
  my $mount = mount_of("$dir/exe") // return -1;
  return $there ne "" && ($mount eq "" || has_mount("/proc/self", $mount)) ? 0 : -1;
}

# The same for a process of another mount namespace, whose root may be any folder of ours: 0 if its folder of that name is ours of that
# name, and the file lay there and was not mounted itself, or in a container; else -1.
sub lay_elsewhere {
  my ($dir, $folder, $there) = @_;
  return 0 if !shares($dir, "pid");
  return -1 if $there eq "" || $there ne file_of("$dir/root$folder");
  my $mount = mount_of("$dir/exe") // return -1;
  return $mount eq (mount_of("$dir/root$folder") // return -1) ? 0 : -1;
}
