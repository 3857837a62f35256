#!/bin/sh
# The remote half of the exporter: it stays on the host at the far end of one SSH channel and
# answers each request with one framed text. It reads /proc with builtins alone; it forks once for
# all services, once for all directories and files, and for the checks, which are commands. Nothing
# here judges a value: the exporter does, and trusts none.
#
# Requests, on standard input:
#   spec ... end     what to look at, once per channel: lines as in read_spec below
#   hello NONCE      answered with "NONCE hello 1": the helper is there and speaks version 1
#   go NONCE MS      look now; checks must be done within MS milliseconds
# The reply to go begins with the line "NONCE begin 1", ends with "NONCE end", and holds, for each
# collector that the spec asks for, "section NAME CLOCK", lines of its own, and "done NAME CLOCK" or
# "failed NAME CLOCK WHY". A prompt, a profile's greeting or anything else before the first line is
# the reader's to skip; the nonce is known to nobody here.
#
# Written for dash, bash, busybox, ksh and mksh; where there is perl, it takes over what needs no
# fork. As an argument of `sh -c` it is the exporter's to bring along; installed as a file and named
# in authorized_keys (restrict,command="...helper.sh --installed") it is all that the key can start,
# and then a check is the program of that name in /etc/mailhub/checks, whatever command the request
# holds.

# Every shell named above has -ef; lists of words are split and variables are assigned by eval on
# purpose.
# shellcheck disable=SC1007,SC2015,SC2016,SC2034,SC2086,SC2154,SC3013
exec 2>/dev/null
installed=
if [ "${1:-}" = --installed ]; then
  installed=1
  # Bash reads files in blocks and has a clock; its start-up files are none of our business.
  if [ -z "${BASH_VERSION:-}" ] && [ -x /bin/bash ]; then
    unset SSH_CLIENT SSH2_CLIENT
    SHLVL=9 exec /bin/bash --norc -- "$0" --installed
  fi
fi
LC_ALL=C
PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin:${PATH:-}
export LC_ALL PATH
unset ENV BASH_ENV CDPATH GREP_OPTIONS
unalias -a
umask 077
set +f
newline='
'
blank=' 	'
words=$blank$newline
IFS=$words

# A clock for durations: microseconds where the shell has one, else the hundredths of a second of
# /proc/uptime.
if [ -n "${EPOCHREALTIME:-}" ]; then
  tick() { clock=$EPOCHREALTIME; }
else
  tick() { read -r clock _ </proc/uptime; }
fi
clock=0

# Facts that cannot change while this process lives. btime makes start times out of ticks since
# boot; the size of a page comes from comparing the same figure in kB and in pages.
ticks_per_second=$(getconf CLK_TCK) || ticks_per_second=100
boot=
read -r boot </proc/sys/kernel/random/boot_id
page_kb=4
find_page_size() {
  while read -r key value _; do
    [ "$key" = VmSize: ] && break
  done </proc/$$/status
  read -r pages _ </proc/$$/statm
  [ "${pages:-0}" -gt 0 ] && page_kb=$(((value + pages / 2) / pages))
  case $page_kb in 4 | 8 | 16 | 64) ;; *) page_kb=4 ;; esac
}
find_page_size

# How many processors /proc/stat lists, and when the host booted. /proc/stat is long and some shells
# read a byte at a time, so it is read whole only by grep, and again a minute later: processors
# rarely come and go.
btime=0
cpus=0
cpus_counted=
count_cpus() {
  cpus_counted=${uptime%.*}
  cpus=0
  while read -r key value _; do
    case $key in
      cpu[0-9]*) cpus=$((cpus + 1)) ;;
      btime) [ "$btime" = 0 ] && btime=$value ;;
    esac
  done <<END
$(grep -E '^(cpu[0-9]|btime )' /proc/stat | cut -c 1-40)
END
}

if find /proc/self/stat -maxdepth 0 -printf x >/dev/null; then has_printf=1; else has_printf=; fi
case $(timeout --version | head -n 1) in *GNU*) has_timeout=1 ;; *) has_timeout= ;; esac
if command -v setsid >/dev/null; then has_setsid=1; else has_setsid=; fi

# ---- The spec ------------------------------------------------------------------------------------

# Keeps one of a numbered list of texts: keep PREFIX NUMBER TEXT. Texts are only ever assigned and
# compared, never evaluated.
keep() {
  eval "$1_$2=\$3"
}

read_spec() {
  posix=
  exes=0 processes=0 threads=0 sysvs=0 paths=0 checks=0 units=
  want_processes= want_services= want_paths= want_details= want_checks=
  seen_args=
  files_before=1000
  spec=
  while IFS= read -r line; do
    value=${line#* }
    # A key that is limited to this script may be in wrong hands: what is not of its form is not
    # taken, lest a number be read as an expression, or a path as an option.
    case $line in
      'process ' | 'process '*[!0-9]* | 'path '[!/]*) continue ;;
      'unit '*[!A-Za-z0-9._@-]* | 'sysv '*[!A-Za-z0-9._@-]*) continue ;;
    esac
    spec="$spec$line$newline"
    case $line in
      'platform posix') posix=_posix ;; # no /proc: ask ps and vmstat
      'exe '*) # an executable's path; processes refer to it by number
        keep exe $exes "$value"
        keep comm $exes "$(printf %.15s "${value##*/}")"
        exes=$((exes + 1))
        ;;
      'process '*) # the number of its exe; what its arguments contain and lack follows
        want_processes=1
        keep process_exe $processes "$value"
        keep contain $processes ""
        keep lack $processes ""
        keep process_threads $processes ""
        processes=$((processes + 1))
        ;;
      'contain '*) keep contain $((processes - 1)) "$value" ;;
      'lack '*) keep lack $((processes - 1)) "$value" ;;
      'thread '*) # a thread's name, of the last process
        keep thread $threads "$value"
        eval "process_threads_$((processes - 1))=\"\$process_threads_$((processes - 1)) $threads\""
        threads=$((threads + 1))
        ;;
      'unit '*) # a systemd unit: letters, digits, and ._@-
        want_services=1
        units="$units $value"
        ;;
      'sysv '*)
        want_services=1
        keep sysv $sysvs "$value"
        sysvs=$((sysvs + 1))
        ;;
      'path '*) # of a file, or of a directory whose files are to be counted
        want_paths=1
        keep path $paths "$value"
        paths=$((paths + 1))
        ;;
      'details '*) want_details=1 ;; # size and time of the paths themselves matter
      'check '*) # name, milliseconds, command
        want_checks=1
        name=${value%% *}
        value=${value#* }
        case $name:${value%% *} in *[!A-Za-z0-9_-]*:* | *: | *:*[!0-9]*) continue ;; esac
        keep check_ms $checks "${value%% *}"
        keep check $checks "${value#* }"
        [ -n "$installed" ] && keep check $checks "exec /etc/mailhub/checks/$name"
        checks=$((checks + 1))
        ;;
      end) break ;;
    esac
  done
  if [ -z "$posix$want_services$want_checks" ] && [ ${#spec} -lt 100000 ] && perl -M5.014 -MErrno -MTime::HiRes -e 1; then
    exec perl -e "$perl_helper" -- "$ticks_per_second" "$page_kb" "$spec"
  fi
  make_matchers
}

# Two functions made for this spec, so that the loops over all processes and threads evaluate
# nothing: match_exe DIR adds DIR to the list of each exe it runs, match_thread_N NAME sets `thread`
# to the number of that name.
make_matchers() {
  code=': '
  i=0
  while [ $i -lt $exes ]; do
    code="$code; [ \"\$1/exe\" -ef \"\$exe_$i\" ] && found_$i=\"\$found_$i \$1\""
    i=$((i + 1))
  done
  eval "match_exe() { $code; }"
  i=0
  while [ $i -lt $processes ]; do
    eval "list=\$process_threads_$i"
    code=
    for t in $list; do
      code="$code \"\$thread_$t\") thread=$t ;;"
    done
    eval "match_thread_$i() { case \$1 in $code *) thread= ;; esac; }"
    i=$((i + 1))
  done
}

# ---- All at once ---------------------------------------------------------------------------------

# Perl stats hundreds of files in the time that a fork takes. So where there is one, and nothing is
# asked for that needs a fork anyway, it takes the channel over, with the same requests and replies.
# What it finds is what the shell finds, below: helper_test.cc holds them to the same.
perl_helper='
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
}'

# ---- Processes and threads -----------------------------------------------------------------------

# Sets `stat` to the one line of a stat file. The name in it may hold anything, even line ends; the
# exporter finds its end.
read_stat() {
  stat=
  while IFS= read -r line; do
    stat="$stat$line "
  done <"$1"
  [ -n "$stat" ]
}

# Sets `args` to the arguments of the process in directory $1, joined by blanks. A shell's read
# drops the NULs between them, so two commands join them properly, once for each process: while what
# read sees stays the same, so do they.
read_args() {
  flat=
  IFS= read -r flat <"$1/cmdline"
  [ -n "$flat" ] || return 1
  eval "args=\${args_${1##*/}:-}"
  if [ "${args%%"$newline"*}" = "$flat" ]; then
    args=${args#*"$newline"}
    return 0
  fi
  if [ ${#seen_args} -gt 4096 ]; then
    for pid in $seen_args; do unset "args_$pid"; done
    seen_args=
  fi
  args=$(head -c 16384 "$1/cmdline" | tr '\000\n' '  ')
  keep args "${1##*/}" "$flat$newline$args"
  seen_args="$seen_args ${1##*/}"
}

# Whether the process in directory $1 is the one that process number $2 of the spec means. Its
# executable is known to be.
args_fit() {
  eval "contain=\$contain_$2 lack=\$lack_$2"
  [ -z "$contain$lack" ] && return 0
  read_args "$1" || return 1
  if [ -n "$contain" ]; then
    case $args in *"$contain"*) ;; *) return 1 ;; esac
  fi
  if [ -n "$lack" ]; then
    case $args in *"$lack"*) return 1 ;; esac
  fi
  return 0
}

# Looks for processes that run exe number $1 in a version since replaced on disk: they have its
# name, and the kernel says "(deleted)". A process of that name whose exe may not be read makes the
# collector fail: nobody can say whether it runs.
find_replaced() {
  eval "exe=\$exe_$1 base=\$comm_$1"
  found=
  left=8
  for dir in /proc/[0-9]*; do
    comm=
    IFS= read -r comm <"$dir/comm"
    [ "$comm" = "$base" ] || continue
    [ "$dir/exe" -ef "$exe" ] && continue
    if [ ! -e "$dir/exe" ]; then
      flat=
      IFS= read -r flat <"$dir/cmdline"
      [ -n "$flat" ] && [ -d "$dir" ] && why="may not read $dir/exe"
      continue
    fi
    [ $left -gt 0 ] || continue
    left=$((left - 1))
    case $(ls -ld "$dir/exe") in
      *" -> $exe (deleted)") found="$found $dir" ;;
    esac
  done
}

report_process() { # DIR NUMBER
  read_stat "$1/stat" || return 1
  read -r _ resident _ <"$1/statm" || return 1
  out="${out}process $2 $resident $stat$newline"
  eval "list=\$process_threads_$2"
  [ -z "$list" ] && return 0
  for task in "$1"/task/[0-9]*; do
    comm=
    IFS= read -r comm <"$task/comm" || continue
    "match_thread_$2" "$comm"
    [ -z "$thread" ] && continue
    read_stat "$task/stat" && out="${out}thread $thread $stat$newline"
  done
}

look_at_processes() {
  i=0
  while [ $i -lt $exes ]; do
    eval "found_$i= replaced_$i=unknown"
    i=$((i + 1))
  done
  for dir in /proc/[0-9]*; do
    match_exe "$dir"
  done
  i=0
  while [ $i -lt $processes ]; do
    eval "e=\$process_exe_$i"
    eval "list=\$found_$e"
    count=0
    for dir in $list; do
      args_fit "$dir" $i && report_process "$dir" $i && count=$((count + 1))
    done
    if [ $count = 0 ]; then
      eval "found=\$replaced_$e"
      [ "$found" = unknown ] && find_replaced "$e" && eval "replaced_$e=\$found"
      for dir in $found; do
        args_fit "$dir" $i && report_process "$dir" $i
      done
    fi
    i=$((i + 1))
  done
}

# ---- Hosts without /proc -------------------------------------------------------------------------

# Sets `seconds` from a time as ps writes it: [[DD-]HH:]MM:SS.
read_elapsed() {
  days=0
  value=$1
  case $value in *-*)
    days=${value%%-*}
    value=${value#*-}
    ;;
  esac
  IFS=:
  # shellcheck disable=SC2086 # the parts between the colons
  set -- $value
  IFS=$words
  seconds=0
  for part; do
    part=${part#0}
    seconds=$((seconds * 60 + ${part:-0}))
  done
  seconds=$((seconds + days * 86400))
}

# The uptime is the age of process 1, and a boot is known by when it was.
read_boot_posix() {
  read_elapsed "$(ps -o etime= -p 1 | tr -d ' ')"
  uptime=$seconds
  boot=$(who -b | cksum)
  boot=${boot%% *}
}

look_at_host_posix() {
  cpus=$(getconf _NPROCESSORS_ONLN) || cpus=$(getconf NPROCESSORS_ONLN)
  out="${out}cpus $cpus${newline}time $(awk 'BEGIN { srand(); print srand() }')$newline$(vmstat -s)$newline"
}

# Without /proc nobody can tell what a process really executes: the first word of its arguments has
# to do.
look_at_processes_posix() {
  table=$(ps -e -o rss= -o nlwp= -o time= -o etime= -o args=)
  i=0
  while [ $i -lt $processes ]; do
    eval "e=\$process_exe_$i contain=\$contain_$i lack=\$lack_$i"
    eval "exe=\$exe_$e"
    while read -r resident lwps cpu age args; do
      case "$args " in "$exe "*) ;; *) continue ;; esac
      case $args in *"$contain"*) ;; *) continue ;; esac
      [ -n "$lack" ] && case $args in *"$lack"*) continue ;; esac
      read_elapsed "$cpu"
      cpu=$seconds
      read_elapsed "$age"
      out="${out}process $i $resident $lwps $cpu $seconds$newline"
    done <<END
$table
END
    i=$((i + 1))
  done
}

# ---- The other collectors ------------------------------------------------------------------------

look_at_host() {
  IFS= read -r line </proc/stat
  out="${out}$line${newline}cpus $cpus$newline"
  { IFS= read -r line && IFS= read -r value && IFS= read -r rest; } </proc/meminfo
  out="$out$line$newline$value$newline$rest$newline"
  if [ -n "${EPOCHREALTIME:-}" ]; then
    out="${out}time $EPOCHREALTIME$newline"
  elif [ -z "$want_paths" ]; then # else find tells the time, in passing
    out="${out}time $(date +%s.%N)$newline"
  fi
}

look_at_services() {
  if [ -n "$units" ]; then
    # shellcheck disable=SC2086 # one argument per unit is what is meant
    text=$(systemctl show --no-pager --property=Id,LoadState,ActiveState,NRestarts \
      --property=ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic -- $units </dev/null)
    [ -z "$text" ] && why="systemctl show said nothing"
    out="$out$text$newline"
  fi
  i=0
  while [ $i -lt $sysvs ]; do
    eval "name=\$sysv_$i"
    i=$((i + 1))
    script=/etc/init.d/$name
    [ -e "$script" ] || script=/etc/rc.d/init.d/$name
    if [ -e "$script" ]; then
      bounded 1000 "exec \"$script\" status" >/dev/null </dev/null
      out="${out}sysv $name $?$newline"
    else
      out="${out}sysv $name absent$newline"
    fi
  done
}

# Whether all there is to look at are directories without anything in them, as work queues are most
# of the time: no need for a fork then. Only asked when that was so the last time.
all_empty() {
  [ -z "$want_details" ] && [ "$files_before" = 0 ] && [ -n "${EPOCHREALTIME:-}" ] || return 1
  i=0
  while [ $i -lt $paths ]; do
    eval "path=\$path_$i"
    i=$((i + 1))
    [ -d "$path" ] && [ -r "$path" ] && [ -x "$path" ] || return 1
    for entry in "$path"/* "$path"/.[!.]* "$path"/..?*; do
      [ -e "$entry" ] || [ -L "$entry" ] && return 1
    done
    empty="${empty}d 0 0 0 $path$newline"
  done
}

# One find for all of them. Each line: type, depth, size, mtime, the path it was asked for.
# Directories that held many files the last time are summed up on the host, at the cost of a second
# process.
look_at_paths() {
  empty=
  if all_empty; then
    out=$out$empty
    return
  fi
  set -- /proc/self/stat
  i=0
  while [ $i -lt $paths ]; do
    eval "set -- \"\$@\" \"\$path_$i\""
    i=$((i + 1))
  done
  if [ -z "$has_printf" ]; then
    shift
    look_without_printf "$@"
  elif [ "$files_before" -lt 200 ]; then
    text=$(find -H "$@" -maxdepth 1 -printf '%y %d %s %T@ %H\n' </dev/null)
    out="$out$text$newline"
    files_before=$((${#text} / 40))
    case $text in *"${newline}f 1 "*) ;; *) files_before=0 ;; esac
  else
    text=$(find -H "$@" -maxdepth 1 -printf '%y %d %s %T@ %H\n' </dev/null | awk '
      $2 == 0 { print; next }
      $1 == "f" {
        path = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", path)
        if (!(path in count) || $4 < oldest[path]) oldest[path] = $4
        count[path]++; bytes[path] += $3; all++
      }
      END {
        for (path in count) printf "sum %d %.0f %s %s\n", count[path], bytes[path], oldest[path], path
        print "files " all + 0
      }')
    files_before=${text##*"files "}
    out="$out${text%files *}"
  fi
}

# For a find that cannot print: some processes for each path.
look_without_printf() {
  for path in "$@"; do
    [ -e "$path" ] || continue
    case $(stat -L -c '%F' "$path") in directory) type=d ;; *) type=f ;; esac
    out="$out$type 0 $(stat -L -c '%s %Y' "$path") $path$newline"
    [ $type = d ] && out="$out$(find "$path" -maxdepth 1 -type f -exec stat -c '%s %Y' {} + | sum_up "$path")$newline"
  done
  out="${out}time $(date +%s)$newline"
}

sum_up() {
  awk -v path="$1" '
    NR == 1 || $2 < oldest { oldest = $2 } { bytes += $1 } END { if (NR) printf "sum %d %.0f %s %s", NR, bytes, oldest, path }'
}

# Runs shell text $2 for at most $1 milliseconds; then it and its whole process group are killed.
# GNU timeout does that; others kill one process only, so a group is made and watched here.
bounded() {
  if [ -n "$has_timeout" ]; then
    fraction=$((1000 + $1 % 1000))
    timeout -s KILL $(($1 / 1000)).${fraction#1} sh -c "$2"
    return
  fi
  if [ -n "$has_setsid" ]; then setsid sh -c "$2" & else sh -c "$2" & fi
  pid=$!
  (
    exec 3>&- >/dev/null
    sleep $((($1 + 999) / 1000))
    kill -9 -$pid || kill -9 $pid
  ) &
  watch=$!
  wait $pid
  status=$?
  kill $watch
  return $status
}

# All checks at once, each in a bounded group of its own that prints its two lines itself: one
# hanging check costs the others nothing. Of its output one line counts; the rest is swallowed, so
# that the command is not ended by SIGPIPE. A line without an end is read for as long as the check
# may take, and no longer.
check_program='
  { (eval "$MAILHUB_CHECK") </dev/null 2>/dev/null 3>&-; printf "status %s %s\n" "$MAILHUB_NUMBER" "$?" >&3; } |
  { IFS= read -r line; printf "output %s %.200s\n" "$MAILHUB_NUMBER" "$line" >&3; while read -r line; do :; done; }'
run_checks() {
  i=0
  while [ $i -lt $checks ]; do
    eval "MAILHUB_CHECK=\$check_$i ms=\$check_ms_$i"
    [ "$ms" -gt "$1" ] && ms=$1
    MAILHUB_NUMBER=$i
    export MAILHUB_CHECK MAILHUB_NUMBER
    if [ -n "$has_timeout" ]; then
      fraction=$((1000 + ms % 1000))
      timeout -s KILL $((ms / 1000)).${fraction#1} sh -c "$check_program" 3>&1 >/dev/null </dev/null &
    else
      bounded "$ms" "$check_program" 3>&1 >/dev/null </dev/null &
    fi
    i=$((i + 1))
  done
  wait
}

look_at_checks() {
  out="$out$(run_checks "$milliseconds")$newline"
}

# ---- Answering -----------------------------------------------------------------------------------

section() { # NAME FUNCTION
  tick
  out="${out}section $1 $clock$newline"
  why=
  "$2"
  tick
  if [ -z "$why" ]; then out="${out}done $1 $clock$newline"; else out="${out}failed $1 $clock $why$newline"; fi
}

flush() {
  printf %s "$out"
  out=
}

# What needs no fork is sent first, and each collector that may hang sends what was there before it:
# a late one costs only itself. The exporter gives up on the channel when its own deadline passes.
answer() { # NONCE MILLISECONDS
  milliseconds=$2
  if [ -n "$posix" ]; then
    read_boot_posix
  else
    read -r uptime _ </proc/uptime
    [ -n "$cpus_counted" ] && [ $((${uptime%.*} - cpus_counted)) -lt 60 ] || count_cpus
  fi
  out="$newline$1 begin 1${newline}uptime $uptime${newline}boot $boot$newline"
  out="${out}clock $ticks_per_second $page_kb $btime$newline"
  section host look_at_host$posix
  [ -n "$want_processes" ] && section processes look_at_processes$posix
  if [ -n "$want_paths" ]; then
    flush
    section paths look_at_paths
  fi
  if [ -n "$want_services" ]; then
    flush
    section services look_at_services
  fi
  if [ -n "$want_checks" ]; then
    flush
    section checks look_at_checks
  fi
  out="$out$1 end$newline"
  flush
}

exes=0 processes=0 checks=0 posix= want_processes= want_services= want_paths= want_checks=
while IFS= read -r line; do
  case $line in
    spec) read_spec ;;
    'hello '*) printf '\n%s hello 1\n' "${line#hello }" ;;
    'go '*)
      line=${line#go }
      case ${line#* } in '' | *[!0-9]*) ;; *) answer "${line%% *}" "${line#* }" ;; esac
      ;;
  esac
done
