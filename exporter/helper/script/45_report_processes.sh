# ---- What is said of them ------------------------------------------------------------------------

# Whether process or thread $1 is the one of process number $2 of the spec: 0 yes, 1 no, 2 unknown, and then `no_args`
# has the reason. Its executable is known to match.
args_fit() {
  eval "contain=\$contain_$2 lack=\$lack_$2"
  [ -z "$contain$lack" ] && return 0
  learn_args "$1"
  from=$1
  number_of || return 1
  eval "was=\$r_$pid args=\${args_$pid:-}"
  case $was in
    *known) ;;
    *held) tell_unread && no_args=$why_unread && return 2 ;;
    *left) no_args='is one of many with long arguments' && return 2 ;;
    *) no_args='shows no arguments' && return 2 ;;
  esac
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
      # A process that has just ended has no arguments and no exe, either.
      if [ -e "$1/exe" ]; then unknown="process ${1##*/} $no_args"; else ended=1; fi
      return 1
      ;;
  esac
  dir=${1%/task/*}
  pid=${dir#/proc/}
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  eval "stat=\$t_$pid"
  [ -n "$stat" ] && read -r _ resident _ <"$1/statm" || {
    if [ -e "$1/exe" ]; then unknown="process ${1##*/} cannot be read"; else ended=1; fi
    return 1
  }
  out="${out}process $2 $resident $stat$nl"
  eval "list=\$process_threads_$2"
  [ -z "$list" ] && return 0
  for task in "$dir"/task/[0-9]*; do
    comm=
    IFS= read -r comm <"$task/comm" || {
      # One that has ended is no trouble.
      case $task in *'['*) task=$dir/task ;; *) task=$task/comm ;; esac
      [ ! -e "$task" ] || partly="cannot read $task"
      continue
    }
    "match_thread_$2" "$comm"
    [ -z "$thread" ] && continue
    # Its name may continue after a line end.
    { IFS= read -r comm && IFS= read -r comm; } <"$task/comm" && continue
    if read_stat "$task/stat"; then
      out="${out}thread $thread $stat$nl"
    else
      [ ! -e "$task/stat" ] || partly="cannot read $task/stat"
    fi
  done
  return 0
}

# Learns which processes may be which exes, though they run other files: started_N, those started by the path of exe N; called_N,
# those started by its name (see say_start); namesakes_N, those whose file has its base name, or no name (it was mounted by itself).
# The own name of a process proves little, since it may change that; but a process with the name of its own file, and not of an exe,
# was started by another name. The arguments of the other new ones are looked at once, and stay known while the process is the same.
# Sets `starts_unread` to those whose arguments are held back.
learn_starts() {
  [ -z "$starts_known" ] || return
  i=0 comms=/ fresh= links=
  while [ $i -lt $exes ]; do
    keep started $i ''
    keep called $i ''
    keep namesakes $i ''
    eval "comm=\$comm_$i"
    comms=$comms$comm/
    i=$((i + 1))
  done
  IFS=$nl
  for dir in $pids; do
    pid=${dir#/proc/}
    case $pid in '' | *[!0-9]*) continue ;; esac
    eval "all=\${m_$pid:-} from=\${w_$pid:-} link=\${l_$pid:-} list=\${b_$pid:-} base=\${a_$pid:-}"
    case $from$all in '' | *' '*[0-9]*) continue ;; esac
    case $link in
      / | '/ (deleted)') links=$links$from$nl$link$nl ;;
      *) case $bases in *"/${link##*/}/"*) links=$links$from$nl$link$nl ;; esac ;;
    esac
    [ -z "$list" ] || continue
    base=${link:-$base} comm=
    IFS= read -r comm <"$dir/comm"
    if is_called_like_its_file; then keep b $pid -; else fresh="$fresh $from"; fi
  done
  IFS=$words
  read_apart say_start $fresh
  starts_unread=$unread
  IFS=$nl
  for line in $lines; do
    case $line in
      'of '*)
        from=${line#of }
        number_of || break
        ;;
      -*) keep b $pid "$line" ;;
      left) starts_unread="$starts_unread $from" ;;
      trouble) why='cannot ask how processes were started' ;;
    esac
  done
  if [ -z "$why" ]; then
    note_starts
    set -- $links
    while [ $# -gt 1 ]; do
      from=$1 link=$2
      i=0
      while [ $i -lt $exes ]; do
        eval "exe=\$exe_$i real=\$real_$i"
        case ${link##*/} in '' | ' (deleted)' | "${exe##*/}" | "${real##*/}") eval "namesakes_$i=\"\$namesakes_$i \$from\"" ;; esac
        i=$((i + 1))
      done
      shift 2
    done
    [ -n "$starts_unread" ] || starts_known=1
  fi
  IFS=$words
}

# Whether a process with the name $comm and the file $base was started by that name, and by no exe's.
is_called_like_its_file() {
  case $comms in *"/$comm/"*) return 1 ;; esac
  base=${base##*/}
  [ "$base" != "$comm" ] || return 0
  [ ${#comm} = 15 ] && case $base in "$comm"*) return 0 ;; esac
  return 1
}

# Adds to `said` the exes by whose paths $from was started: "- N N"; and after " / " those by whose names it was, where a link leads on
# from the exe: PATH, a relative path or one below another root may have led there before the link moved. Of one without arguments
# nothing can be learnt: it has just ended, or has overwritten them.
say_start() {
  opened= flat= first= list=- others= long=
  if read_stat "$from/stat" && args_are_few ${stat##*") "} && [ -z "$long" ]; then
    { opened=1 && IFS= read -r flat; } <"$from/cmdline"
    [ -n "$opened" ] || [ ! -e "$from/stat" ] || said=${said}trouble$nl
    is_begun_by_an_exe || {
      said=$said-$nl
      return
    }
  fi
  # In the rare case that a command is needed for one alone. Of many the rest waits for the next look.
  longs=$((longs + 1))
  [ $longs -le 20 ] || {
    said=${said}left$nl
    return
  }
  i=0 first=$(head -c 4200 "$from/cmdline" | tr '\000\n' '\n\001')
  first=${first%%"$nl"*}
  while [ $i -lt $exes ]; do
    eval "exe=\$exe_$i real=\$real_$i"
    case $first in
      "$exe") list="$list $i" ;;
      /*)
        case $exe in
          "$real") ;;
          *"$first") [ "$from/root/" -ef / ] || others="$others $i" ;;
        esac
        ;;
      *) [ "$exe" = "$real" ] || [ "${first##*/}" != "${exe##*/}" ] || others="$others $i" ;;
    esac
    i=$((i + 1))
  done
  said=$said$list${others:+ /$others}$nl
}

# Whether $flat, arguments without their separators, begins with the path of an exe, or with a name that counts (see above).
is_begun_by_an_exe() {
  i=0
  while [ $i -lt $exes ]; do
    eval "exe=\$exe_$i real=\$real_$i"
    name=${exe##*/}
    [ "$exe" != "$real" ] && [ -n "$name" ] || name=$exe
    case $flat in
      "$exe"* | "$name"* | [!/]*"/$name"*) return ;;
      *"/$name"*) [ "$from/root/" -ef / ] || return 0 ;;
    esac
    i=$((i + 1))
  done
  return 1
}

# Sets started_N and called_N from known results.
note_starts() {
  for dir in $pids; do
    pid=${dir#/proc/}
    case $pid in '' | *[!0-9]*) continue ;; esac
    eval "list=\${b_$pid:-} from=\${w_$pid:-}"
    case $list in -' '*) ;; *) continue ;; esac
    IFS=$words
    kind=started
    for i in ${list#-}; do
      case $kind$i in
        */) kind=called ;;
        started*) eval "started_$i=\"\$started_$i \$from\"" ;;
        *) eval "called_$i=\"\$called_$i \$from\"" ;;
      esac
    done
    IFS=$nl
  done
}

# Whether process or thread $1 runs a file that its path no longer reaches, neither here nor from that process: its
# volume was removed. A deleted file is marked as such; is_from_here has judged files with a wanted name. A file that
# may not be looked at (another account has mounted its folder) counts as reachable if its path leads to such a file:
# that takes a command, so it is asked once.
is_nowhere() {
  dir=${1%/task/*}
  pid=${dir#/proc/}
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  eval "link=\${l_$pid:-} nowhere=\${c_$pid:-}"
  bearers_of "$link"
  [ -z "$bearers" ] || return 1
  # Each may be an unprintable character.
  case $has_printf$link in
    [!1]*'?'*)
      link=$(readlink "$1/exe") || return 1
      keep l $pid "$link"
      ;;
  esac
  if [ -e "$1/exe" ]; then
    [ ! "$1/exe" -ef "$link" ] && [ ! "$1/exe" -ef "$1/root$link" ]
    return
  fi
  [ -e "$1/root/" ] || return 1
  if [ -z "$nowhere" ]; then
    nowhere=1
    for path in "$link" "$1/root$link"; do
      [ -e "$path" ] || surely_absent "$path" || nowhere=0
    done
    keep c $pid $nowhere
  fi
  [ $nowhere = 1 ]
}

# Sets `unknown` if a process that runs another file was started by the path of exe number $1, for process number $2:
# perhaps an older version, before a link moved. Or if its file may be the exe, on a volume that is gone. This cannot be
# decided.
look_for_older_version() {
  set -f
  learn_starts
  if [ -n "$why" ]; then unknown=$why why=; else find_older_version "$1" "$2"; fi
  set +f
}
find_older_version() {
  eval "exe=\$exe_$1 base=\$comm_$1 started=\$started_$1 called=\$called_$1 namesakes=\$namesakes_$1"
  # Beside one that is found, a name alone tells nothing.
  [ $count = 0 ] || called=
  n=$2
  eval "contain=\$contain_$n\$lack_$n"
  [ -z "$contain" ] || learn_args $started $called $namesakes
  for from in $started $called; do
    same_folder "$from" "$exe"
    [ $? != 1 ] && may_be_meant "$from" "$2" "was started as $exe, or as ${exe##*/}, and runs another file" && return
  done
  for from in $namesakes; do
    is_nowhere "$from" && may_be_meant "$from" "$2" 'runs a file that is in no folder any more' && return
  done
  for from in $starts_unread; do
    same_folder "$from" "$exe"
    [ $? != 1 ] && [ -e "$from" ] && number_of && tell_unread && unknown="process $pid $why_unread" && return
  done
  case $secret in *"$nl"/proc/1"$nl"*) ;; *) return ;; esac
  comm=
  IFS= read -r comm </proc/1/comm
  [ "$comm" = "$base" ] && may_be_meant /proc/1 "$2" 'does not show what it runs'
}

# Sets `unknown` to why process or thread $1 may be process number $2 of the spec, unless it has ended or has other arguments.
in_its_end='hangs in its end'
may_be_meant() {
  [ -e "$1" ] || return
  args_fit "$1" "$2"
  [ $? != 1 ] || return
  dir=${1%/task/*}
  unknown="process ${dir##*/} $3"
}

# What is absent now, and ran at the look before, is looked for again if a process has ended meanwhile: another one may do its
# work, and be in no list.
look_at_processes() {
  begin_to_read
  said=$out counts=' ' hung_before="$hung "
  for times in 1 2 3; do
    out=$said
    look_once
    [ -z "$why" ] && [ -n "$again" ] || break
  done
  [ -n "$why" ] || counted=$counts
  [ -z "$trouble$why" ] || forget_processes
}

# Sets `again` if it is to be done again.
look_once() {
  again= ended= ending= hung=
  find_processes
  # The files that were run before such a look are run still, for all that is known.
  [ -z "$why" ] || {
    ran=$ran_before
    return
  }
  # Those that are found come first: others may take the time that there is for arguments.
  n=0 all=
  while [ $n -lt $processes ]; do
    eval "e=\$process_exe_$n contain=\$contain_$n\$lack_$n"
    [ -z "$contain" ] || eval "all=\"\$all \$found_$e\""
    n=$((n + 1))
  done
  learn_args $all
  hidden=unknown
  n=0
  while [ $n -lt $processes ]; do
    eval "e=\$process_exe_$n"
    eval "found=\$found_$e"
    count=0 unknown= partly=
    for from in $found; do
      # The one that looks is none of them.
      [ "${from%%/task/*}" != /proc/$self ] && report_process "$from" $n && count=$((count + 1))
    done
    unknown=${partly:-$unknown}
    eval "doubtful=\$doubtful_$e blind=\$blind_$e"
    if [ $count = 0 ]; then
      [ "$hidden" != unknown ] || learn_hidden
      unknown=${unknown:-${trouble:-${blind:-$hidden}}}
    else
      counts="$counts$n "
    fi
    for from in $doubtful; do
      text='has a file of this name, in namespaces of its own'
      shares "$from" mnt && text='runs a file of this name that was deleted'
      [ -e "$from/exe" ] || text='runs a file that cannot be looked at'
      case $ending in *" $from "*) text=$in_its_end ;; esac
      [ -n "$unknown" ] || may_be_meant "$from" $n "$text"
    done
    [ -n "$unknown" ] || look_for_older_version "$e" $n
    if [ -z "$unknown" ] && [ $count = 0 ]; then
      for from in $hung; do
        may_be_meant "$from" $n "$in_its_end"
        case $hung_before in *" $from "*) ;; *) again=1 ;; esac
      done
    fi
    # Most that are seen in their end are gone at once.
    case $count${unknown%"process "*"$in_its_end"}$ended:$counted$counts in 01:*" $n "*) again=1 ;; esac
    [ -z "$unknown" ] || out="${out}unknown $n $unknown$nl"
    n=$((n + 1))
  done
}
counted=' ' hung=
