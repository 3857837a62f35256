
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
