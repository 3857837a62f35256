
# For: linux
# ---- Arguments -----------------------------------------------------------------------------------

# Reading the arguments of a process waits for its memory lock, which each account may hold on its own processes for any
# time. So a child reads them. If it waits, it is left behind under the name mailhub:PID, so that no helper, not even a
# later one, waits for the same process twice. Nothing else that is read here needs that lock.
held=' ' # "PID=CHILD": the child that waits for the arguments of this process
held_back='does not let its arguments be read'
look=0 patience=1000

# Sets `why_unread` to why the arguments of process $pid are unknown: it is not to blame where it was not even asked.
tell_unread() {
  why_unread='was not asked for its arguments, since others take all the time and children that there are'
  case $held in *" $pid="*) why_unread=$held_back ;; esac
}

# Sets `pid` to the number of process or thread $from.
number_of() {
  dir=${from%/task/*}
  pid=${dir#/proc/}
  case $pid in '' | *[!0-9]*) return 1 ;; esac
}

# Begins a look: forgets children that no longer wait.
begin_to_read() {
  look=$((look + 1)) patience=$((milliseconds / 4))
  [ $patience -lt 1000 ] || patience=1000
  list=$held held=' '
  for one in $list; do
    child=/proc/${one#*=} comm=
    IFS= read -r comm <"$child/comm"
    [ "$comm" = "mailhub:${one%=*}" ] && [ -O "$child" ] && [ -e "$child/exe" ] && held="$held$one "
  done
}

# The child: calls $how, which adds to `said`, for each process or thread, and names it before. The listener may wait
# for each in vain, but after the first result nothing can be late.
read_each() {
  IFS=$words said= longs=0
  read -r child _ </proc/self/stat
  for from; do
    number_of || continue
    say "mailhub:$pid" >/proc/self/comm
    say "at $child $from$nl" || exit
    said="${said}of $from$nl"
    "$how"
  done
  [ ${#said} -lt 2000 ] || say "long$nl"
  say "${said}whole$nl"
}

# Its parent, so that it is no orphan unless it must be left behind.
wait_for_reader() {
  IFS=$words
  read -r waiter _ </proc/self/stat
  say "$waiter$nl"
  read_each "$@" </dev/null &
  wait
}

# Listens: waits $1 seconds for each line, or for all where read has no such limit.
if (echo x | { IFS= read -r -t 0.5 line && [ "$line" = x ]; }); then
  hear_in_time() {
    while IFS= read -r -t "$1" line; do
      say "$line$nl"
      case $line in
        whole) return ;;
        long) exec cat ;;
      esac
    done
    return 1
  }
elif [ -n "$has_timeout" ]; then
  hear_in_time() { timeout -s KILL "$1" cat; }
else
  hear_in_time() { cat; }
fi
hear_reader() {
  read -r waiter
  hear_in_time "$1" || kill -9 "$waiter"
}

# Sets `lines` to the output of function $1 in a child for each of the other arguments, processes or threads: after a
# line "of FROM". Sets `unread` to those that are held back; if these are too many, none is asked.
read_apart() {
  how=$1 lines=$nl unread= list=
  shift
  for from; do
    number_of || continue
    case $held in *" $pid="*) unread="$unread $from" && continue ;; esac
    if [ ${#held} -lt 1500 ]; then list="$list $from"; else unread="$unread $from"; fi
  done
  IFS=$words
  set -- $list
  while [ $# -gt 0 ]; do
    fraction=$((1000 + patience % 1000))
    fraction=$((patience / 1000)).${fraction#1}
    part=$nl$(wait_for_reader "$@" | hear_reader "$fraction")$nl
    case $part in *"${nl}whole$nl")
      lines=$part
      return
      ;;
    esac
    part=${part##*"${nl}at "}
    part=${part%%"$nl"*}
    child=${part%% *} late=${part#* }
    case $child in '' | *[!0-9]*) late=$1 child=0 ;; esac
    list=
    for from; do [ "$from" = "$late" ] || list="$list $from"; done
    from=$late
    number_of && held="$held$pid=$child " unread="$unread $from"
    [ $patience -lt 100 ] || patience=$((patience / 2))
    set -- $list
  done
}

# Whether a stat file, its fields after the name, says of less than 200,000 bytes of arguments: a process may claim
# gigabytes, which cost it nothing. Cut, since some shells count in 32 bits. Sets `long` if there are more than 1,000, which a
# command reads sooner than a shell that reads each by itself.
args_are_few() {
  first=${46:-} last=${47:-}
  case $first$last in *[!0-9]*) return 1 ;; esac
  above=${first%?????????} end=${last%?????????}
  # A 1 before them, so that no zero is the first.
  long= first=1${first#"$above"} last=1${last#"$end"}
  if [ "$above" = "$end" ]; then
    [ $((last - first)) -le 1000 ] || long=1
  else
    long=1
  fi
  first=${46:-} last=${47:-}
  first=${first%?????} last=${last%?????}
  [ $((${last:-0} - ${first:-0})) -le 1 ]
}

# Adds the arguments of process or thread $from to `said`, joined by blanks. A shell's read drops the NULs between them,
# so a command joins them properly, once per started program: they stay valid while the program and the result of read
# are the same.
say_args() {
  # Any account can have many processes with long arguments.
  [ ${#said} -lt 1000000 ] || {
    said=${said}left$nl
    return
  }
  read_stat "$from/stat" && read_image && args_are_few ${stat##*") "} || return
  flat= more=$long
  [ -n "$long" ] || { IFS= read -r flat && more=1; } <"$from/cmdline"
  eval "was=\${key_$pid:-}"
  if [ -z "$more" ] && [ -n "$image$flat" ] && [ "$was" = "$image $flat" ]; then
    said=${said}same$nl
    return
  fi
  args=$(tr '\000\n' '  ' <"$from/cmdline")
  [ -n "$args" ] || return
  if [ -z "$more" ] && [ -n "$image" ]; then said="${said}key $image $flat$nl"; fi
  said="${said}args $args$nl"
}

# Learns the arguments of these processes and threads, once a look: r_N says in which, and whether they are "known", "none" or "held",
# or "left" for want of time.
learn_args() {
  list=
  for from; do
    number_of || continue
    eval "was=\${r_$pid:-}"
    case $was in "$look "*) continue ;; esac
    list="$list $from"
    keep r $pid "$look none"
  done
  [ -n "$list" ] || return
  read_apart say_args $list
  for from in $unread; do number_of && keep r $pid "$look held"; done
  key=-
  set -f
  IFS=$nl
  for line in $lines; do
    case $line in
      'of '*)
        from=${line#of } key=-
        number_of || break
        ;;
      'key '*) key=${line#key } ;;
      'args '*)
        keep key $pid "$key"
        keep args $pid "${line#args }"
        keep r $pid "$look known"
        ;;
      same) keep r $pid "$look known" ;;
      left) keep r $pid "$look left" ;;
    esac
  done
  IFS=$words
  set +f
}
