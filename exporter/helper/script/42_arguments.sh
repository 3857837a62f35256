
# For: linux
# ---- Arguments -----------------------------------------------------------------------------------

# Reading the arguments of a process waits for its memory lock, which each account may hold on its own processes for any
# time. So a child reads them. If it waits, it is left behind under the name mailhub:PID, so that no helper, not even a
# later one, waits for the same process twice. Nothing else that is read here needs that lock.
held=' ' # "PID=CHILD": the child that waits for the arguments of this process
held_back='does not let its arguments be read'
look=0 patience=1000 waited=0 late=
MOST_HELD=100

# Sets `why_unread` to why the arguments of process $pid are unknown: it is not to blame where it was not even asked.
tell_unread() {
  why_unread='was not asked for its arguments, since others of its account take the time and children that there are'
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
  look=$((look + 1)) patience=$((milliseconds / 4)) waited=0 late=
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

# Sets `list` to those of these processes and threads for which a child may wait, and `afterwards` to those of accounts that have let
# one wait. The processes of one account hold half of the children at most, and one that holds none is asked in any case.
# Adds the others to `unread`.
in_turn() {
  list="$*" afterwards=
  [ "$held$late" != ' ' ] || return 0
  some=
  for one in $held $late; do some="$some /proc/${one%=*}/status"; done
  some="$some /proc/self/status"
  for from; do some="$some $from/status"; done
  turns=$nl$(grep -H '^Uid:' $some | find_turns)$nl
  list=
  for from; do
    case $turns in
      *"${nl}now $from$nl"*) list="$list $from" ;;
      *"${nl}later $from$nl"*) afterwards="$afterwards $from" ;;
      *) [ ! -e "$from" ] || unread="$unread $from" ;;
    esac
  done
  [ -n "$list" ] || {
    list=$afterwards afterwards=
  }
}

# The account is the real user, since /proc/PID belongs to root where a program is not dumpable. The ids that an account may give
# itself (/etc/subuid) count as one. Behind the line of grep itself are those in question.
find_turns() {
  awk -v held="$held" -v late="$late" -v most=$MOST_HELD '
    function account_of(user, i) {
      for (i = 1; i <= ranges; i++) if (user >= first[i] && user < end[i]) return "range" i
      return user
    }
    BEGIN {
      while ((getline line <"/etc/subuid") > 0) {
        n = split(line, part, ":")
        first[++ranges] = part[n - 1] + 0
        end[ranges] = part[n - 1] + part[n]
      }
    }
    {
      from = $1
      sub(/\/status:Uid:$/, "", from)
      if (from == "/proc/self") { is_asked = 1; next }
      pid = from
      sub(/^\/proc\//, "", pid)
      sub(/\/.*/, "", pid)
      if (!($2 in known)) known[$2] = account_of($2 + 0)
      account[pid] = known[$2]
      if (is_asked) { asked[++count] = from; number[count] = pid }
    }
    END {
      n = split(late, some, " ")
      for (i = 1; i <= n; i++) if (some[i] in account) turn[account[some[i]]] = 1
      all = split(held, some, " ")
      for (i = 1; i <= all; i++) {
        sub(/=.*/, "", some[i])
        waits[some[i]] = 1
        if (some[i] in account) { turn[account[some[i]]] = 1; own[account[some[i]]]++ }
      }
      for (i = 1; i <= count; i++) {
        a = account[number[i]]
        when = a in turn ? "later" : "now"
        if (!(number[i] in waits) && (!(a in own) || own[a] < most / 2 && all < most)) print when, asked[i]
      }
    }'
}

# Sets `lines` to the output of function $1 in a child for each of the other arguments, processes or threads: after a
# line "of FROM". Sets `unread` to those that are held back or not asked.
read_apart() {
  how=$1 lines=$nl unread=
  shift
  IFS=$words
  while in_turn "$@" && [ -n "$list" ]; do
    [ $waited -lt $((milliseconds / 2)) ] || {
      unread="$unread $list $afterwards"
      return
    }
    fraction=$((1000 + patience % 1000))
    fraction=$((patience / 1000)).${fraction#1}
    set -- $list
    part=$nl$(wait_for_reader "$@" | hear_reader "$fraction")$nl
    case $part in *"${nl}whole$nl")
      lines=$lines$part
      set -- $afterwards
      continue
      ;;
    esac
    part=${part##*"${nl}at "}
    part=${part%%"$nl"*}
    child=${part%% *} from=${part#* }
    case $child in '' | *[!0-9]*) from=$1 child=0 ;; esac
    number_of && held="$held$pid=$child " late="$late $pid"
    waited=$((waited + patience))
    [ $patience -lt 100 ] || patience=$((patience / 2))
    set -- $list $afterwards
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
  case $args in *[!\ ]*) ;; *) return ;; esac # a program may have overwritten all of them
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
