
# For: posix
# ---- Hosts without /proc -------------------------------------------------------------------------

# Sets `seconds` from a time of ps: [[DD-]HH:]MM:SS, sometimes with a fraction. Fails at anything else.
read_elapsed() {
  days=0
  value=${1%.*}
  case $value in *-*)
    days=${value%%-*}
    value=${value#*-}
    ;;
  esac
  case $days:$value in *:*:*[!0-9:]* | *[!0-9:]*:* | :* | *: | *::*) return 1 ;; *:*:*) ;; *) return 1 ;; esac
  IFS=:
  # shellcheck disable=SC2086 # the parts between the colons
  set -- $value
  IFS=$words
  seconds=0
  for part; do
    while :; do case $part in 0?*) part=${part#0} ;; *) break ;; esac done
    seconds=$((seconds * 60 + part))
  done
  while :; do case $days in 0?*) days=${days#0} ;; *) break ;; esac done
  seconds=$((seconds + days * 86400))
}

# The uptime is the age of process 1. A boot is identified by its time, in the form of the actuator's runner, since
# gates compare the two.
read_boot_posix() {
  seconds=
  age=$(ps -o etime= -p 1) && read_elapsed "$(printf %s "$age" | tr -d ' ')" && uptime=$seconds
  boot=$(who -b | tr -cd 'A-Za-z0-9')
  boot=boot-${boot:-$(ps -o lstart= -p 1 | tr -cd 'A-Za-z0-9')}
  [ "$boot" = boot- ] && boot=
}

look_at_host_posix() {
  cpus=$(getconf _NPROCESSORS_ONLN) || cpus=$(getconf NPROCESSORS_ONLN)
  out="${out}cpus $cpus${nl}time $(awk 'BEGIN { srand(); print srand() }')$nl$(vmstat -s)$nl"
}

# This ps's names for memory and threads: POSIX has none. "-" if it has none either.
ps_words=
learn_ps() {
  ps_memory= ps_threads= ps_wide=
  for word in rss rssize; do
    [ -z "$ps_memory" ] && case $(ps -o $word= -p $self 2>&1) in *[!0-9$words]*) ;; *[0-9]*) ps_memory=$word ;; esac
  done
  for word in nlwp thcount; do
    [ -z "$ps_threads" ] && case $(ps -o $word= -p $self 2>&1) in *[!0-9$words]*) ;; *[0-9]*) ps_threads=$word ;; esac
  done
  # Some cut arguments to a terminal's width without a terminal.
  ps -ww -o pid= -p $self >/dev/null && ps_wide=-ww
  ps_words="-A $ps_wide -o pid= -o time= -o etime= ${ps_memory:+-o $ps_memory=} ${ps_threads:+-o $ps_threads=} -o args="
}

next_word() { rest=${rest#"${rest%%[$blank]*}"} rest=${rest#"${rest%%[!$blank]*}"}; }

# Without /proc nobody can tell what a process really executes: the first word of its arguments has
# to do. One that shows the name there without its path may be it, or not. `ps` is believed when it does not
# complain, has come to a good end, which is the last line, and has found process 1 and this one.
look_at_processes_posix() {
  [ -n "$ps_words" ] || learn_ps
  table=$(
    ps $ps_words 2>&1
    echo "${nl}ps ended with $?"
  )
  seen_first= seen_self= whole=
  n=0
  while [ $n -lt $processes ]; do
    keep count $n 0
    keep doubt $n ''
    n=$((n + 1))
  done
  # Blanks at the end count: Solaris may cut after one.
  while IFS= read -r rest; do
    rest=${rest#"${rest%%[!$blank]*}"}
    pid=${rest%%[$blank]*}
    [ -n "$pid" ] || continue
    whole=
    case $rest in 'ps ended with 0') whole=1 && continue ;; esac
    row=$rest
    next_word
    cpu=${rest%%[$blank]*}
    next_word
    case $pid in *[!0-9]*)
      why="ps says: $pid $cpu $rest"
      return
      ;;
    esac
    resident=- lwps=- age=${rest%%[$blank]*}
    next_word
    [ -n "$ps_memory" ] && resident=${rest%%[$blank]*} && next_word
    [ -n "$ps_threads" ] && lwps=${rest%%[$blank]*} && next_word
    [ "$pid" = 1 ] && seen_first=1
    [ "$pid" = $self ] && seen_self=1 && continue
    # An empty field would shift the others.
    case $cpu$age in */*) rest= ;; esac
    case $resident in - | '') ;; *[!0-9]*) rest= ;; esac
    case $lwps in - | '') ;; *[!0-9]*) rest= ;; esac
    if [ -z "$rest" ]; then
      note_incomplete_row
      continue
    fi
    # Solaris keeps 80 characters; the last may be an end mark.
    case ${#rest} in 79 | 80) cut=1 ;; *) cut= ;; esac
    [ -n "$cut" ] || is_row || continue
    n=0
    while [ $n -lt $processes ]; do
      eval "e=\$process_exe_$n contain=\$contain_$n lack=\$lack_$n count=\$count_$n"
      eval "exe=\$exe_$e comm=\$comm_$e"
      look_at_row
      n=$((n + 1))
    done
  done <<END
$table
END
  [ -n "$seen_first" ] || why='ps does not show process 1'
  [ -n "$seen_self" ] || why='ps does not show the process that asks'
  [ -n "$whole" ] || why='ps does not come to an end'
  [ -n "$why" ] && return
  n=0
  while [ $n -lt $processes ]; do
    eval "count=\$count_$n doubt=\$doubt_$n"
    [ "$count" = 0 ] && [ -n "$doubt" ] && out="${out}unknown $n $doubt$nl"
    n=$((n + 1))
  done
}

# A row that lacks a column may be any process that it names; one that has numbers and times only may be any at all.
note_incomplete_row() {
  case $row in *[!0-9:.$blank-]*) nameless= ;; *) nameless=1 ;; esac
  n=0
  while [ $n -lt $processes ]; do
    eval "e=\$process_exe_$n"
    eval "exe=\$exe_$e"
    case $nameless:$row in 1:* | *"${exe##*/}"*) keep doubt $n "ps does not show all columns of process $pid" ;; esac
    n=$((n + 1))
  done
}

# Sets `name` to what a row begins with, up to and with $1, if no blank is before that.
shown_to() {
  before=${rest%%"$1"*}
  case $before in "$rest" | *[$blank]*) ;; *) name=$before$1 ;; esac
}

# Whether a row that does not begin with the path $exe may be that all the same: the path is cut off, or another one was
# given that leads there, or only the name is shown, as BSD and macOS do where they cannot read arguments.
may_be_exe() {
  [ -n "$cut" ] && case $exe in "$rest"*) return 0 ;; esac
  base=${exe##*/}
  name=${rest%%[$blank]*}
  case $exe in *[$blank]*)
    # Its name may have blanks, and its folders, from any of which on it may be shown.
    shown_to "$comm"
    tail=$base folder=${exe%/*}
    while shown_to "$tail" && [ -n "$folder" ]; do tail=${folder##*/}/$tail folder=${folder%/*}; done
    ;;
  esac
  case $name/ in *//* | */./* | */../*) ;; /*) return 1 ;; esac
  [ -n "$cut" ] && [ "$name" = "$rest" ] && return 0
  name=${name##*/}
  case $name in '['* | '('*) short=1 ;; *) short= ;; esac
  case $name in '['* | '('* | -*) name=${name#?} ;; esac
  case $name in *']' | *')' | *:) name=${name%?} ;; esac
  [ "$name" = "$base" ] && return 0
  [ -n "$short" ] && [ ${#name} -ge 15 ] && case $base in "$name"*) return 0 ;; esac
  return 1
}

# One row of the table beside one process of the spec.
look_at_row() {
  case "$cut$rest " in
    "1$exe ") may_be=1 ;;
    "1$exe "* | "$exe "*) may_be= ;;
    *)
      may_be_exe || return
      may_be=1
      ;;
  esac
  if [ -n "$may_be" ]; then
    keep doubt $n "process $pid does not show its path, or not all of it"
    return
  fi
  case $rest in *"$contain"*) ;; *)
    [ -n "$cut" ] && keep doubt $n "the arguments of process $pid are cut off"
    return
    ;;
  esac
  if [ -n "$lack" ]; then
    case $rest in *"$lack"*) return ;; esac
    [ -n "$cut" ] && keep doubt $n "the arguments of process $pid are cut off" && return
  fi
  if read_elapsed "$cpu"; then cpu_seconds=$seconds; else cpu_seconds=-; fi
  read_elapsed "$age" || seconds=-
  case $resident in '' | *[!0-9]*) resident=- ;; esac
  case $lwps in '' | *[!0-9]*) lwps=- ;; esac
  out="${out}process $n $pid $resident $lwps $cpu_seconds $seconds$nl"
  keep count $n $((count + 1))
}

