# ---- What is said of them ------------------------------------------------------------------------

# Whether a stat file, its fields after the name, says of less than 200,000 bytes of arguments: a process may claim
# gigabytes, which cost it nothing. Cut, since some shells count in 32 bits.
args_are_few() {
  first=${46:-} last=${47:-}
  case $first$last in *[!0-9]*) return 1 ;; esac
  first=${first%?????} last=${last%?????}
  [ $((${last:-0} - ${first:-0})) -le 1 ]
}

# Sets `args` to the arguments of process or thread $1, joined by blanks. A shell's read drops the
# NULs between them, so a command joins them properly, once for each program that was started: while
# it is the same one, and what read sees stays the same, so do they.
read_args() {
  read_stat "$1/stat" && args_are_few ${stat##*") "} || return
  flat= more=
  { IFS= read -r flat && more=1; } <"$1/cmdline"
  pid=${1#/proc/}
  pid=${pid%%/*}
  eval "args=\${args_$pid:-} image=\${s_$pid:-}"
  if [ -z "$more" ] && [ -n "$image$flat" ] && [ "${args%%"$nl"*}" = "$image $flat" ]; then
    args=${args#*"$nl"}
    return 0
  fi
  args=$(tr '\000\n' '  ' <"$1/cmdline")
  [ -n "$args" ] || return 1
  [ -n "$more" ] || [ -z "$image" ] || keep args $pid "$image $flat$nl$args"
}

# Whether process or thread $1 is the one that process number $2 of the spec means: 0 yes, 1 no, 2
# nobody can say. Its executable is known to be.
args_fit() {
  eval "contain=\$contain_$2 lack=\$lack_$2"
  [ -z "$contain$lack" ] && return 0
  read_args "$1" || return 2
  if [ -n "$contain" ]; then
    case $args in *"$contain"*) ;; *) return 1 ;; esac
  fi
  if [ -n "$lack" ]; then
    case $args in *"$lack"*) return 1 ;; esac
  fi
  return 0
}

# DIR-OR-THREAD NUMBER
report_process() {
  args_fit "$1" "$2"
  case $? in
    1) return 1 ;;
    2)
      # One that has just ended has no arguments either, nor an exe.
      [ -e "$1/exe" ] && unknown="process ${1##*/} shows no arguments"
      return 1
      ;;
  esac
  dir=${1%/task/*}
  eval "stat=\$t_${dir#/proc/}"
  [ -n "$stat" ] && read -r _ resident _ <"$1/statm" || {
    [ ! -e "$1/exe" ] || unknown="process ${1##*/} cannot be read"
    return 1
  }
  out="${out}process $2 $resident $stat$nl"
  eval "list=\$process_threads_$2"
  [ -z "$list" ] && return 0
  for task in "$dir"/task/[0-9]*; do
    comm=
    IFS= read -r comm <"$task/comm" || continue
    "match_thread_$2" "$comm"
    [ -z "$thread" ] && continue
    # Its name may go on after a line end.
    { IFS= read -r comm && IFS= read -r comm; } <"$task/comm" && continue
    read_stat "$task/stat" && out="${out}thread $thread $stat$nl"
  done
  return 0
}

# Whether the first of process $1's arguments is $2.
started_as() { [ "$(head -c 4200 "$1/cmdline" | tr '\000\n' '\n\001' | head -n 1)" = "$2" ]; }

# Whether process $1 runs a file of name $2 whose path leads to it no more, neither here nor where that process sees it:
# its volume was taken away from under it. What was deleted says so itself; of one that bears a wanted name
# is_from_here has judged.
is_nowhere() {
  eval "[ -z \"\${a_${1#/proc/}:-}\" ]" && link=$(readlink "$1/exe") || return
  case $names in *"$nl$link//"*) return 1 ;; esac
  [ "${link##*/}" = "$2" ] && [ -e "$1/exe" ] && [ ! "$1/exe" -ef "$link" ] && [ ! "$1/exe" -ef "$1/root$link" ]
}

# Sets `unknown` if one of those that run other files was started by the path of exe number $1, for
# process number $2: an older version, from before a link moved on? Or if it may be the file, on a volume that is
# gone. Nobody can say.
look_for_older_version() {
  eval "exe=\$exe_$1 base=\$comm_$1"
  if [ -z "$by_name" ]; then
    by_name=$nl
    for dir in $pids; do
      comm=
      IFS= read -r comm <"$dir/comm"
      by_name=$by_name$comm//$dir$nl
    done
  fi
  rest=$by_name
  while :; do
    case $rest in *"$nl$base///proc/"*) rest=${rest#*"$nl$base//"} ;; *) return ;; esac
    dir=${rest%%"$nl"*}
    rest=$nl${rest#*"$nl"}
    eval "case \"\${m_${dir#/proc/}:-}\" in *[0-9]*) continue ;; esac"
    if started_as "$dir" "$exe" && same_folder "$dir" "$exe"; then
      whose="was started as $exe and runs another file"
    elif is_nowhere "$dir" "${exe##*/}"; then
      whose='runs a file that is in no folder any more'
    else
      case $secret in *"$nl$dir$nl"*) ;; *) continue ;; esac
      whose='does not show what it runs'
    fi
    args_fit "$dir" "$2"
    [ $? = 1 ] && continue
    unknown="process ${dir##*/} $whose"
    return
  done
}

look_at_processes() {
  find_processes
  [ -z "$why" ] || return
  hidden=unknown
  n=0
  while [ $n -lt $processes ]; do
    eval "e=\$process_exe_$n"
    eval "found=\$found_$e"
    count=0 unknown=
    for from in $found; do
      report_process "$from" $n && count=$((count + 1))
    done
    if [ $count = 0 ]; then
      [ "$hidden" != unknown ] || learn_hidden
      eval "unknown=\${unknown:-\${hidden:-\$doubt_$e}}"
      [ -n "$unknown" ] || look_for_older_version "$e" $n
      [ -n "$unknown" ] && out="${out}unknown $n $unknown$nl"
    fi
    n=$((n + 1))
  done
}
