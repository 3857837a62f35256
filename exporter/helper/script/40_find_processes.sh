
# For: linux
# ---- Which processes run an exe ------------------------------------------------------------------

# What a process runs changes rarely. So one command tells, of those that are new or changed, which
# file each runs and what the kernel calls it; at each look builtins find out that the others are
# what they were. Of process N there is kept:
#   a_N  the words of a test that holds as long as it runs a file that no exe is or was, or none
#   v_N  then, the last list of processes that it was in
#   s_N  otherwise: what its stat file says of its program, which is other after each exec; then
#   w_N  the process itself, or a thread that can tell, where its main thread has ended
#   m_N  the numbers of the exes that it runs, and f_N the file, if that is one of theirs
#   q_N  the numbers of the exes that it may or may not run
#   g_N  if it has the name of an exe: the result of same_folder for it, and that name; or a word
#   x_N  when it began, and the file and the exes that it was last found to run: the names that told so may have moved on since
#   l_N  the kernel's name for the file, unless the file is there
#   u_N  the numbers of the exes to which that name leads since the file was deleted: see find_successors
#   b_N  the numbers of the exes whose path started it, once that was asked: see learn_starts
#   c_N  whether its file is in no folder any more, once that was asked: see is_nowhere
#   args_N, key_N, r_N  its arguments: see learn_args
# `for` splits texts into lines, because read costs a system call per byte.
#
# Each account chooses the names of its processes and files. Such a text is assigned and compared, never evaluated: an
# eval has only numbers that are counted here, or `pid`, which is checked where it is set. No such text comes before
# anything that must be found after it: numbers come first.

# Sets `shown` to a name as `ls -q` shows it; `find` shows it unchanged.
show() {
  shown=$1
  case $has_printf$1 in [!1]*[![:print:]]*) shown=$(printf %s "$1" | tr -c '[:print:]' '?') ;; esac
}
if [ -z "$has_printf" ] && ls -dq / >/dev/null; then ls_names=-q; else ls_names=; fi

forget_processes() {
  IFS=$words
  for pid in $known; do
    unset "a_$pid" "s_$pid" "w_$pid" "m_$pid" "q_$pid" "f_$pid" "g_$pid" "l_$pid" "b_$pid" "c_$pid" "v_$pid" "u_$pid" "k_$pid" "n_$pid" "t_$pid" "args_$pid" "key_$pid" "r_$pid"
  done
  known= known_count=0 paths_run= secret=
}

forget_findings() {
  IFS=$words
  for pid in $remembered; do unset "x_$pid"; done
  remembered= remembered_count=0
}

# Adds the exe of number $1 to those that process or thread $from runs, once.
add_exe() {
  case $1 in '' | *[!0-9]*) return ;; esac
  case " $of " in *" $1 "*) return ;; esac
  of="$of$1 "
  eval "found_$1=\"\$found_$1 \$from\""
}

# The exes whose present or earlier file is $number.
match_file() {
  rest=$wanted
  while :; do
    case $rest in *" $number="*) rest=${rest#*" $number="} ;; *) return ;; esac
    add_exe "${rest%% *}"
    file=$number
    rest=" ${rest#* }"
  done
}

# Those that bear the name $1, which the kernel has for the file: it was replaced or deleted, or
# network storage keeps it as .nfs... for those who use it.
match_name() {
  name=${1%" (deleted)"}
  bearers_of "$name"
  case ${name##*/} in
    .nfs*[!0-9a-fA-F]*) ;;
    .nfs????????*)
      comm=
      IFS= read -r comm <"${from%/task/*}/comm"
      IFS=$nl
      for line in $names; do
        other=${line#* }
        [ "${other%/*}" = "${name%/*}" ] && [ "$(printf %.15s "${other##*/}")" = "$comm" ] && bearers="$bearers ${line%% *}"
      done
      IFS=$words
      ;;
  esac
  kin= successors=
  if [ "$name" != "$1" ]; then
    find_successors "$1"
    bearers=$bearers$successors
    case $bases in *"/${name##*/}/"*) find_kin ;; esac
  fi
  more=
  for i in $bearers; do
    case $of in *" $i "*) ;; *) more="$more $i" ;; esac
  done
  if [ -n "$more" ]; then
    is_from_here
    case $? in
      0) for i in $more; do add_exe $i; done ;;
      1)
        # In the view of one with mounts of its own, the name may lead to an exe.
        for i in $successors; do
          case "$more " in *" $i "*) shares "$from" mnt || ! shares "$from" pid || doubts="$doubts $i" ;; esac
        done
        ;;
      # One that has just ended has no root either.
      *) [ ! -e "$from/exe" ] && [ ! -e "$from/root/" ] || doubts="$doubts$more" ;;
    esac
  fi
  [ -z "$kin" ] || judged=again
}

# It is unknown whether process or thread $from runs these exes.
add_doubts() {
  for i in $doubts; do eval "doubtful_$i=\"\$doubtful_$i \$from\""; done
}

# Sets `started` to when the process or thread of read_stat began, and `image` to a value that is constant while it runs
# the same program: its start, and its address from the kernel. Empty if that is hidden.
read_image() {
  image=
  # shellcheck disable=SC2086 # the fields after the name
  set -- ${stat##*") "}
  started=${20}
  case ${24:-0} in 0 | 1) ;; *) image="${20} ${24} ${25} ${26}" ;; esac
}

# Whether process $1 and the exes are unchanged since it was asked about. Then it runs the same ones.
is_as_before() {
  pid=${1#/proc/}
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  eval "was=\$s_$pid from=\$w_$pid all=\$m_$pid doubts=\$q_$pid file=\$f_$pid judged=\$g_$pid link=\$l_$pid succeeded=\$u_$pid"
  [ -n "$was" ] && read_stat "$from/stat" && read_image && [ "$image" = "$was" ] || return 1
  case $link in
    *' (deleted)')
      find_successors "$link"
      [ "$successors" = "$succeeded" ] || return 1
      ;;
    *) [ "$from/exe" -ef "$from/root$link" ] || return 1 ;;
  esac
  is_an_exe "$from/exe" "$all" && return 1
  case $judged in
    again) return 1 ;;
    [012]' '*)
      same_folder "$from" "${judged#??}"
      [ $? = "${judged%% *}" ] || return 1
      ;;
  esac
  of=' '
  for i in $all; do add_exe $i; done
  add_doubts
  ran="$ran$file "
  [ -n "$all" ] || return 0
  [ "$from" = "$1" ] || read_stat "$1/stat"
  eval "t_$pid=\$stat"
}

# Forgets the knowledge about process $1, but not that there is some.
renew() {
  pid=${1#/proc/}
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  eval "[ \"\${k_$pid:-}\" ]" || known="$known $pid" known_count=$((known_count + 1))
  eval "k_$pid=1 a_$pid= s_$pid= w_$pid= m_$pid= q_$pid= l_$pid= b_$pid= c_$pid= v_$pid=$list_number"
}

# Stores the result for process $1: $from runs exes $of, and perhaps $doubts, in a file that the kernel calls $2.
settle() {
  renew "$1" || return
  keep m $pid "$of"
  keep w $pid "$from"
  case "$of$judged$2" in
    *' (deleted)') ;;
    ' /'*)
      # Or by the kernel's name in that process's view, in a container.
      for path in "$2" "$from/root$2"; do
        [ "$from/exe" -ef "$path" ] || continue
        keep a $pid "$from/exe$nl-ef$nl$path"
        case $nl$paths_run in *"$nl$path$nl"*) ;; *) paths_run=$paths_run$path$nl ;; esac
        return
      done
      ;;
  esac
  keep u $pid "$successors"
  keep l $pid "$2"
  keep q $pid "$doubts"
  keep f $pid "$file"
  keep g $pid "$judged"
  ran="$ran$file "
  read_stat "$from/stat" && read_image && keep s $pid "$image"
  [ "$from" = "$1" ] || read_stat "$1/stat"
  keep t $pid "$stat"
}

# For a process without an exe, or with an invisible one, nothing more can be learnt.
settle_closed() {
  renew "$1" || return
  keep a $pid "!$nl-e$nl$1/exe"
}

# Sets `wanted` to " FILE=EXE FILE=EXE ": the present file of each exe, and earlier ones while a process runs them:
# links move, and files are renamed, while they are run. The lines of the exes come first, in order.
learn_files() {
  i=0 wanted=' '
  for line; do
    case $line in '0 '*' '/proc/[0-9]*) break ;; '0 '*) line=${line#0 } ;; *) continue ;; esac
    while eval "[ $i -lt $exes ] && [ \"\$exe_$i\" != \"\${line#* }\" ]"; do i=$((i + 1)); done
    keep file_now $i "${line%% *}"
    i=$((i + 1))
  done
  i=0
  while [ $i -lt $exes ]; do
    eval "now=\$file_now_$i list=\$files_$i"
    all=$now
    for file in $list; do
      [ "$file" = "$now" ] && continue
      case $ran_before$ran in *" $file "*) all="$all $file" ;; esac
    done
    keep files $i "$all"
    for file in $all; do wanted="$wanted$file=$i "; done
    i=$((i + 1))
  done
}

# Asks about the processes or threads in $asked, one per line: the file of each, "0 FILE PATH", and the kernel's name
# for it, "1 PATH//NAME" or in the form of ls. A name with a line end is left out. Sets `unnamed` to those without a
# name.
ask_about() {
  unnamed= nameless= told= list= sick=$nl
  set --
  i=0
  while [ $i -lt $exes ]; do
    keep file_now $i ''
    eval "[ -f \"\$exe_$i\" ] && set -- \"\$@\" \"\$exe_$i\""
    i=$((i + 1))
  done
  IFS=$nl
  for dir in $asked; do
    pid=${dir##*/}
    case $pid in '' | *[!0-9]*) continue ;; esac
    list=$list$dir/exe$nl$dir$nl
    eval "n_$pid="
  done
  if [ -n "$has_printf" ]; then
    lines=$(find -H "$@" $list -maxdepth 1 \( -path '/proc/[0-9]*/?*' ! -name exe \
      -o -type l \( -lname "*$nl*" -printf '1 %p//?\n' -o -lname '*' -printf '1 %p//%l\n' \) -o -type f -printf '0 %D:%i %p\n' \) 2>&1; [ $? -lt 126 ] && echo asked)
  else
    lines=$(stat -L -c '0 %d:%i %n' "$@" $list; ls -dln $ls_names $list 2>&1; [ $? -lt 126 ] && echo asked)
  fi
  case $nl$lines in *"${nl}asked") ;; *) why='cannot ask what processes run' ;; esac
  set -- $lines
  IFS=$words
  learn_files "$@"
  for line; do
    case $line in */proc/[0-9]*) ;; *) continue ;; esac
    from=${line#*/proc/}
    from=${from%%[!/a-z0-9]*}
    from=/proc/${from%%/exe*}
    dir=${from%/task/*}
    pid=${from##*/}
    case $pid in '' | *[!0-9]*) continue ;; esac
    case $line in
      '0 '*)
        line=${line#0 }
        eval "n_$pid=\${line%% *}"
        ;;
      '1 '* | lr*' -> '*)
        # If the main thread has ended, the first thread that can tell.
        [ "$dir" != "$told" ] || continue
        told=$dir
        eval "number=\$n_$pid"
        link=${line#*/exe}
        link=${link#//}
        link=${link#' -> '}
        # Its file may not be looked at, for instance on a mount of another account; but its name identifies it.
        case $secret in *"$nl$dir$nl"*) secret=${secret%%"$nl$dir$nl"*}$nl${secret#*"$nl$dir$nl"} ;; esac
        case $sick in *"$nl$dir$nl"*) sick=${sick%%"$nl$dir$nl"*}$nl${sick#*"$nl$dir$nl"} ;; esac
        match_program
        ;;
      d*) ;;
      *': File name too long') nameless="$nameless $from" ;;
      lr* | *'No such file or directory' | *'No such process')
        case $unnamed in *" $from ") ;; *) unnamed="$unnamed $from " ;; esac
        ;;
      *': Permission denied' | *': Operation not permitted')
        settle_closed "$dir"
        case $secret in *"$nl$dir$nl"*) ;; *) secret="${secret:-$nl}$dir$nl" ;; esac
        ;;
      *) sick=$sick$dir$nl ;;
    esac
  done
  # Other errors are no property of a process: what was learnt with them is forgotten after this look.
  for dir in $sick; do trouble="cannot read $dir/exe"; done
  # A name that is too long is no exe's; the file may be one all the same.
  for from in $nameless; do
    case $unnamed in *" $from "*) unnamed="${unnamed%%" $from "*} ${unnamed#*" $from "}" ;; esac
    dir=${from%/task/*} link=
    pid=${from##*/}
    case $pid in '' | *[!0-9]*) continue ;; esac
    eval "number=\$n_$pid"
    match_program
  done
}

# Finds out which exes $from, of process $dir, runs: its file is $number, and the kernel calls it $link.
match_program() {
  of=' ' doubts= file= judged=
  match_file
  match_name "$link"
  # What it was found to be, it stays while it runs that file, whatever becomes of the names.
  pid=${dir#/proc/}
  case $pid in '' | *[!0-9]*) return ;; esac
  read_stat "$from/stat" && read_image
  eval "list=\$x_$pid"
  case $list in
    "$started ${number:-?} "*) for i in ${list#* * }; do add_exe $i; done ;;
    # Its file cannot be looked at now.
    "$started "*) [ -n "$number" ] || doubts="$doubts ${list#* * }" judged=again ;;
  esac
  add_doubts
  case "${number:+$of}" in
    '') ;;
    ' ') [ -z "$list" ] || keep x $pid - ;;
    *)
      [ -n "$list" ] || remembered="$remembered $pid" remembered_count=$((remembered_count + 1))
      keep x $pid "$started $number$of"
      ;;
  esac
  settle "$dir" "$link"
}

# Whether one of these threads, all of process $from, hangs in its end, as on storage that does not answer: it has no
# exe any more, but still its files and ports. Then it is unknown whether $from runs what it did, or what bears its name; and if
# nothing was known of it ($hung), whether it is any exe.
is_ending() {
  for task; do
    read_stat "$task/stat" || continue
    # shellcheck disable=SC2086 # the fields after the name
    set -- ${stat##*") "}
    case $1 in [ZX]) continue ;; esac
    [ $((${7:-0} & 2097156)) = 4 ] || continue
    read_image
    comm=${stat#*"("}
    comm=${comm%") "*}
    pid=${from#/proc/}
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    eval "list=\$x_$pid was=\${m_$pid:-}\${q_$pid:-} then=\${v_$pid:-}" doubts=
    case $list in
      "$started "*) doubts=${list#* * } ;;
      *)
        # It ran another file if that was found at the look before.
        if [ "$was" = ' ' ] && [ "${then:-0}" -ge $((list_number - 1)) ]; then keep v $pid $list_number; else hung="$hung $from"; fi
        ;;
    esac
    i=0
    while [ $i -lt $exes ]; do
      eval "name=\${exe_$i##*/}"
      case $name in "$comm") doubts="$doubts $i" ;; "$comm"*) [ ${#comm} != 15 ] || doubts="$doubts $i" ;; esac
      i=$((i + 1))
    done
    add_doubts
    ended=1 ending="$ending $from "
    return 0
  done
  return 1
}

# Fills found_N, for each exe, with the processes that run it, or with a thread of each whose main
# thread has ended.
find_processes() {
  ran_before=$ran ran=' ' asked= strange= trouble= mount_lists= mounts_left=1048576
  learn_names
  i=0
  while [ $i -lt $exes ]; do
    keep found $i ''
    keep doubtful $i ''
    i=$((i + 1))
  done
  set -f
  IFS=$nl
  is_one_an_exe $paths_run && forget_processes
  set +f
  set -- /proc/[0-9]*
  set -f
  # The pattern itself remains if it cannot be listed.
  case $1 in *'*'*) why='cannot list /proc' ;; esac
  [ $known_count -gt $((2 * $# + 500)) ] && forget_processes
  [ $remembered_count -gt $((2 * $# + 500)) ] && forget_findings
  IFS=$nl
  if [ "$*" != "$pids" ]; then
    # Of one that was not there at the look before nothing is known: its number was another's.
    pids=$* same_pids= list_number=$((list_number + 1))
    for dir; do
      pid=${dir#/proc/}
      case $pid in '' | *[!0-9]*) continue ;; esac
      eval "[ \"\$v_$pid\" = $((list_number - 1)) ] && [ \$a_$pid ] && v_$pid=$list_number" || strange=$strange$dir$nl
    done
  else
    # On a host whose processes rarely change, no test is evaluated twice.
    if [ -z "$same_pids" ]; then
      code=
      for dir; do
        pid=${dir#/proc/}
        case $pid in '' | *[!0-9]*) continue ;; esac
        code="$code [ \$a_$pid ] || strange=\$strange/proc/$pid\$nl;"
      done
      eval "test_all() { $code }"
      same_pids=1
    fi
    test_all
  fi
  set -- $strange
  IFS=$words
  for dir; do
    is_as_before "$dir" || asked=$asked$dir$nl
  done
  if [ -n "$asked" ]; then
    ask_about
    asked= starts_known=
    headless=
    for dir in $unnamed; do
      # Its main thread may have ended: then another one is asked. A kernel thread or a dead process shows nothing; that
      # stays so.
      set +f
      set -- "$dir"/task/[0-9]*
      set -f
      case $1 in *'*'*) [ ! -e "$dir" ] || why="cannot list $dir/task" ;; esac
      from=$dir
      is_ending "$@" && continue
      [ $# = 1 ] && [ -e "$1" ] && settle_closed "$dir"
      [ $# -gt 1 ] || {
        ended=1
        continue
      }
      headless="$headless $dir"
      renew "$dir" # what was known is of its main thread, or of another process
      for task; do
        [ "${task##*/}" = "${dir##*/}" ] || asked=$asked$task$nl
      done
    done
    [ -z "$asked" ] || ask_about
    for from in $headless; do
      number_of || continue
      eval "[ \"\$w_$pid\" ]" && continue
      ended=1
      set +f
      is_ending "$from"/task/[0-9]*
    done
  fi
  set +f
}
ended=

# Sets `hidden` if this account cannot say about any exe that no process runs it: because the file of some process is
# invisible to it. Root, too, may lack that right (CAP_SYS_PTRACE), for example in a container. Process 1 hides its file
# even from a root with that right, if it is the agent of a virtual machine: its name is used.
learn_hidden() {
  hidden=
  [ -n "$uid" ] || uid=$(id -u)
  [ -e /proc/1/stat ] || hidden='may not see process 1'
  for dir in $secret; do
    [ "$uid$dir" != 0/proc/1 ] || continue
    [ -e "$dir" ] && [ ! -e "$dir/exe" ] && hidden="may not read $dir/exe" && return
  done
  [ -n "$hidden" ] || may_trace || ! grep -q ' /proc .* - proc .*hidepid=[24ip]' /proc/self/mountinfo ||
    hidden='may not see all processes (hidepid)'
}

# Whether this account has CAP_SYS_PTRACE, the 20th bit: then hidepid hides nothing from it.
may_trace() {
  value=
  while read -r key value _; do [ "$key" != CapEff: ] || break; done </proc/self/status
  case $value in *[89a-f]????) ;; *) return 1 ;; esac
}
pids= list_number=0 known= known_count=0 remembered= remembered_count=0 names= paths_run= secret= ran=' ' starts_known= uid=
