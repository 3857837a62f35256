#!/bin/sh
# mailhub's runner: carries out the actuator's requests on this host, once each, and keeps receipts.
# Assembled from actuator/remote/runner/*.sh; docs/runner.md describes protocol, files and rules.
#
# usage: runner [--dir DIR] [--shell "SH"] [--allow-tmpfs] [--no-systemd] [--no-flock] [--no-proc]
#               [--installed] [--allow FILE] [job | deadman | loop | restore LEASE]
# Without a last word: one request on standard input, one reply on standard output.

set -u
umask 077
LC_ALL=C
export LC_ALL
unset ENV BASH_ENV CDPATH
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

nl='
'
me=$0
options=
dir=/var/lib/mailhub-runner
shell='sh'
use_tmpfs=''
use_systemd=1
use_flock=1
use_proc=1
installed=''
allow=/etc/mailhub-runner.allow
while [ $# -gt 0 ]; do
  case $1 in
    --dir) dir=$2 options="$options --dir $2" && shift 2 ;;
    --shell) shell=$2 && shift 2 ;;
    --allow-tmpfs) use_tmpfs=1 options="$options $1" && shift ;;
    --no-systemd) use_systemd='' options="$options $1" && shift ;;
    --no-flock) use_flock='' options="$options $1" && shift ;;
    --no-proc) use_proc='' options="$options $1" && shift ;;
    --installed) installed=1 options="$options $1" && shift ;;
    --allow) allow=$2 options="$options --allow $2" && shift 2 ;;
    *) break ;;
  esac
done
runs=$dir/receipts
mode='' mode_unread=''
# Only root may make units; elsewhere, and without systemd, setsid has to do.
[ -n "$use_systemd" ] && [ -d /run/systemd/system ] && [ -w /etc/systemd/system ] || use_systemd=

# --- time and processes -------------------------------------------------------------------------

# Sets uptime (seconds and hundredths, as in the reply). Numbers stay small: some shells count in 32 bits.
read_uptime() {
  if [ -n "$use_proc" ]; then
    uptime=''
    { read -r uptime _ </proc/uptime; } 2>/dev/null
    case $uptime in [0-9]*.[0-9][0-9]) ;; *) read_kernel_clock && uptime=$clock_s.00 ;; esac
  else
    to_seconds "$(ps -o etime= -p 1 | tr -d ' ')"
    uptime=$seconds.00
  fi
}

# Sets clock (seconds and hundredths) and clock_s: the time since the boot, by the kernel's start time of a process that
# has just begun. A container's uptime may be made up (lxcfs): it may go back, or be empty.
read_kernel_clock() {
  if [ -n "$use_proc" ]; then
    # The process of a substitution has just begun; ksh93 makes none.
    clock_self=''
    { read -r clock_self _ </proc/self/stat; } 2>/dev/null
    clock_stat=$(read -r clock_line </proc/self/stat && printf '%s' "$clock_line")
    case $clock_stat in "$clock_self "*) clock_stat=$(cat /proc/self/stat) ;; esac
    # shellcheck disable=SC2086  # the fields after "pid (name) "
    set -- ${clock_stat##*") "}
    [ $# -ge 20 ] || fail unavailable "the time since the boot cannot be read; nothing was done"
    shift 19
    to_clock "$1"
  else
    read_uptime
    clock=$uptime
  fi
  clock_s=${clock%.*}
}

# Sets clock to the value of $1, a process's start. Cut, not divided: after 248 days it exceeds 32 bits.
to_clock() {
  clock=$1.00
  [ -z "$use_proc" ] || case $1 in
    ???*) clock=${1%??}.${1#"${1%??}"} ;;
    *) clock=0.00 ;;
  esac
}

# Sets took_ms: milliseconds from uptime $1 to uptime $2.
set_took() {
  took_ms=$(((${2%.*} - ${1%.*}) * 1000 + (1${2#*.} - 1${1#*.}) * 10))
  [ $took_ms -ge 0 ] || took_ms=0 # it went back
}

# Sets seconds to the value of ps's [[days-]hours:]minutes:seconds in $1.
to_seconds() {
  seconds=$1 seconds_days=0
  case $seconds in *-*) seconds_days=${seconds%%-*} seconds=${seconds#*-} ;; esac
  case $seconds in *:*:*) ;; *) seconds=0:$seconds ;; esac
  seconds_hours=${seconds%%:*} seconds=${seconds#*:}
  seconds_minutes=${seconds%%:*} seconds=${seconds#*:}
  seconds=$((seconds_days * 86400 + $(plain "$seconds_hours") * 3600 + $(plain "$seconds_minutes") * 60 + $(plain "$seconds")))
}

# Sets start to the uptime at which process $1 began, from one look at it and at process 1; two looks would differ by
# the time between them. A dead process shows as "<defunct>".
start_by_ps() {
  start_age='' start_uptime=''
  start_table=$(ps -o pid= -o etime= -o args= -p "1,$1" 2>/dev/null)
  while read -r start_pid seconds start_args; do
    [ -n "$seconds" ] || continue
    case $start_args in *'<defunct>'*) continue ;; esac
    to_seconds "$seconds"
    [ "$start_pid" != 1 ] || start_uptime=$seconds
    [ "$start_pid" != "$1" ] || start_age=$seconds
  done <<EOF
$start_table
EOF
  [ -n "$start_age" ] && [ -n "$start_uptime" ] && start=$((start_uptime - start_age))
}

# A number without leading zeros, which would make it octal.
plain() {
  case $1 in 0?) echo "${1#0}" ;; *) echo "$1" ;; esac
}

# Sets start: what tells process $1 from a later one of the same number. Fails if there is no such
# process, or only its corpse.
start_of() {
  start=
  if [ -n "$use_proc" ]; then
    read_stat "$1" || return 1
    case $stat_state in Z | X) start='' && return 1 ;; esac
  else
    start_by_ps "$1"
  fi
}

# Sets start, stat_state and stat_group of process $1. Its name may have any characters, even line ends. One whose first thread
# has ended shows as a zombie (Z), though its other threads work: its number of threads tells.
read_stat() {
  stat_text=''
  { while IFS= read -r stat_line; do stat_text="$stat_text $stat_line"; done <"/proc/$1/stat"; } 2>/dev/null
  # shellcheck disable=SC2086  # splitting is the point: the fields after "pid (name) "
  set -- ${stat_text##*") "}
  [ $# -ge 20 ] || { check_descriptors; return 1; }
  stat_state=$1 stat_group=$3
  [ "${18}" -le 1 ] || stat_state=threads
  shift 19
  start=$1
}

same_start() {
  [ -n "$use_proc" ] && { [ "$1" = "$2" ]; return; }
  [ $(($1 - $2)) -le 2 ] && [ $(($2 - $1)) -le 2 ]
}

# Whether process $1 with start time $2 of boot $3 lives, or any process of the group that it led. Mark $4 and key $5
# distinguish its own processes from foreign ones that got its number.
alive() {
  [ "$3" = "$boot" ] || return 1
  start_of "$1" && { same_start "$start" "$2"; return; }
  group_alive "$1" "$4" "$5"
}

# Whether group $1, whose leader is gone, still has a living member of mark $2 and key $3.
group_alive() {
  group_said=''
  kill -0 "-$1" 2>/dev/null || group_said=$(kill -0 "-$1" 2>&1)
  # A process that may not be signalled, for example one that sudo started, still exists.
  case $group_said in *[Nn]'o such process'*) return 1 ;; esac
  [ -n "$use_proc" ] || return 0
  group_seen=''
  for stat_file in /proc/[0-9]*/stat; do
    stat_pid=${stat_file#/proc/} stat_pid=${stat_pid%/stat}
    read_stat "$stat_pid" && [ "$stat_group" = "$1" ] || continue
    group_seen=1
    case $stat_state in Z | X) continue ;; esac
    belongs "$stat_pid" "$2" "$3" && return 0
  done
  # A process that cannot be seen (hidepid) may belong to it.
  [ -n "$group_said" ] && [ -z "$group_seen" ]
}

# Whether member $1 of a group is of mark $2 and key $3. A free group number is given out again, and any account can
# fork until it gets the number that it wants. An unknown answer counts as yes.
belongs() {
  mark_of "$1"
  [ -n "$2" ] && [ -n "$mark" ] && [ "$mark" != "$2" ] || return 0
  # It was put elsewhere, or is a foreign process.
  uid_of $$
  own_uid=$uid
  uid_of "$1"
  if [ "$uid" = "$own_uid" ]; then
    member_environ=$(tr '\000' '\n' <"/proc/$1/environ" 2>/dev/null) || return 0
    case $nl$member_environ$nl in *"${nl}MAILHUB_KEY=$3$nl"*) return 0 ;; *) return 1 ;; esac
  fi
  case $uid in 0 | '') return 0 ;; *) return 1 ;; esac
}

# Sets mark: the place and the login of process $1, which its children inherit and no foreign process can have.
mark_of() {
  mark=''
  [ -n "$use_proc" ] || return 0
  {
    while IFS= read -r mark_line; do
      # The line of the login or service. There may be a dozen others, one for each kind of limit.
      case $mark_line in 0::* | *:name=systemd:*) mark="$mark$mark_line;" ;; esac
    done <"/proc/$1/cgroup"
    mark_line=''
    read -r mark_line <"/proc/$1/sessionid" # it has no line end
    mark=$mark$mark_line
  } 2>/dev/null
  # The end of a long path is enough.
  while [ ${#mark} -gt 400 ] && [ "$mark" != "${mark#*/}" ]; do mark=${mark#*/}; done
}

# Sets uid, the account of process $1.
uid_of() {
  uid=''
  { while read -r uid_name uid _; do [ "$uid_name" != Uid: ] || return 0; done <"/proc/$1/status"; } 2>/dev/null
  uid=''
}

# Sleeps $1 milliseconds; whole seconds, rounded up, where sleep knows no fractions.
nap() {
  nap_fraction=000$(($1 % 1000))
  sleep "$(($1 / 1000)).${nap_fraction#"${nap_fraction%???}"}" 2>/dev/null || sleep $((($1 + 999) / 1000))
}

# --- sessions -----------------------------------------------------------------------------------

# Whether logind may end an account's processes when its connection ends. An unknown answer counts as yes.
session_ends_all() {
  [ -n "${XDG_SESSION_ID:-}" ] && [ "$(id -u)" -ne 0 ] || return 1
  session_kills='' session_only='' session_except=''
  {
    read -r session_kills
    read -r session_only
    read -r session_except
  } <<EOF
$(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager \
    KillUserProcesses KillOnlyUsers KillExcludeUsers 2>/dev/null)
EOF
  [ "$session_kills" != 'b false' ] || return 1
  case $session_except in *" \"$(id -un)\""*) return 1 ;; esac
  case $session_only in '' | 'as 0' | *" \"$(id -un)\""*) ;; *) return 1 ;; esac
}

lingers() {
  [ -e "/var/lib/systemd/linger/${USER:-$(id -un)}" ]
}

# Whether the account's own systemd runs, and continues after the last session: where the account lingers.
find_user_manager() {
  lingers || return
  XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
  export XDG_RUNTIME_DIR
  [ -e "$XDG_RUNTIME_DIR/systemd/private" ]
}

# Becomes a command that outlives the session.
become_outside_session() {
  if [ "$leave_session" = scope ] && [ "$has_left" != scope ] && find_user_manager; then
    exec systemd-run --user --scope --quiet -- "$@"
  fi
  exec "$@"
}

# --- the reply ----------------------------------------------------------------------------------

nonce=
receipt=''
out=''
locked=''         # this process holds the host's lock
litter=''         # files of no more use
made=''           # a folder of no use unless something is put into it
unsynced_claim='' # the directory of a claim just published
begun=''          # something of what is asked for is done, perhaps: neither refused nor unavailable is true any more

# Prints the reply whose text is $1. An answer that nobody reads waits for ever: it must not keep the lock from others.
reply() {
  [ -z "$locked" ] || unlock
  printf 'mailhub-runner 1\nnonce=%s\n%s' "$nonce" "$1"
}

# Answers with an error of kind $1, which tells the actuator what to do, and a sentence; then ends.
fail() {
  # The sentence may quote what others have written, and must stay one line of the reply that fits into any pipe.
  case $begun$1 in 1refused | 1unavailable) set -- unknown "${2%; nothing was done}" ;; esac
  [ ${#2} -le 900 ] || set -- "$1" "$(printf '%.900s' "$2")"
  case $2 in *[[:cntrl:]]*) set -- "$1" "$(printf '%s' "$2" | tr '\000-\037\177' '?')" ;; esac
  [ -z "${on_failure:-}" ] || "$on_failure" "$1" "$2"
  # shellcheck disable=SC2086  # a list of words
  [ -z "$litter" ] || rm -f $litter
  [ -z "$made" ] || rmdir "$made" 2>/dev/null
  reply "result=error${nl}error=$1${nl}message=$2${nl}output_bytes=0$nl$nl"
  exit 0
}

# Answers with the contents of receipt and out. The mark is read last, so it is newer than all that is reported.
succeed() {
  read_boot
  read_uptime
  reply "result=ok$nl${receipt}directory_id=$directory_id${nl}boot_id=$boot${nl}uptime=$uptime${nl}output_bytes=${#out}$nl$nl$out"
}

# --- unreadable files -----------------------------------------------------------------------------

# An unreadable file is not absent: a restore or an edit may have made it another account's, the disk may have errors,
# descriptors may be used up. With $must_look set, nothing is answered and nothing ends; unseen then reports it.
must_look='' unseen=''

# Whether $1 exists. Fails only if it surely does not: its folder is readable, or surely absent.
is_there() {
  seen_at=$1
  while [ ! -e "${seen_at:-/}" ]; do
    [ ! -L "$seen_at" ] || { unreadable "$seen_at"; return; }
    case $seen_at in */*) seen_at=${seen_at%/*} ;; *) seen_at=. ;; esac
  done
  [ "$seen_at" != "$1" ] || return 0
  [ -d "${seen_at:-/}" ] && [ -x "${seen_at:-/}" ] && return 1
  unreadable "${seen_at:-/}"
}

# Whether there is a file $1. The code that opens it must add "|| unreadable".
is_file() {
  is_there "$1" || return
  [ -f "$1" ] && return
  is_there "$1" || return # as in list
  unreadable "$1"
}

can_open() {
  { { true; } <"$1"; } 2>/dev/null
}

# Comes before a pattern in folder $1: an unreadable folder matches nothing.
list() {
  is_there "$1" || return
  [ -d "$1" ] && [ -x "$1" ] && can_open "$1" && return
  is_there "$1" || return # it went away between the two looks
  unreadable "$1"
}

# Whether $1 is a name that a pattern has matched, and not the pattern itself.
matched() {
  case ${1##*/} in *'*'*) return 1 ;; esac
}

# For a file $1 whose contents are incomplete. A shell takes a read error for the end; cat reports it.
read_whole() {
  cat "$1" >/dev/null 2>&1 || unreadable "$1"
}

# Whether file $1 that is_there has not found is absent: a disk may fail to say so. Costs a process.
is_absent() {
  case $(ls -d "$1" 2>&1) in *[Nn]'o such file'* | *[Nn]'ot a directory'*) return 0 ;; esac
  return 1
}

# Answers that $1 is there, perhaps, and cannot be read. Rights and links are for a person to mend, all else may pass. Only
# a program says which it is.
unreadable() {
  unseen=1
  [ -z "$must_look" ] || return 1
  unreadable_kind=unavailable
  case $({ cat "$1"; ls -d "$1/."; } 2>&1 >/dev/null) in
    *[Pp]'ermission denied'* | *[Ss]'ymbolic link'* | *[Nn]'o such file'*) unreadable_kind=refused ;;
  esac
  fail $unreadable_kind "$1 cannot be read, so what it says is not known"
}

# Whether there are enough descriptors: six at a time, and six that a shell saves meanwhile. With fewer, shells lose
# open files or end silently. Uses none of the request's descriptors: a shell may close one that it cannot save.
enough_descriptors() {
  { { { { { { true; } 2>/dev/null; } 2>/dev/null; } 2>/dev/null; } 2>/dev/null; } 2>/dev/null; } \
    2>/dev/null 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null 8</dev/null
}

# Comes where a file of /proc was unreadable: that has no meaning if no descriptor is left to open it.
check_descriptors() {
  can_open /dev/null && return
  fail unavailable "no descriptor is left to look with; nothing was done"
}

# --- files --------------------------------------------------------------------------------------

# Ensures that the data of the named files and directories survives a power cut.
durable() {
  sync "$@" 2>/dev/null
}

# An incomplete file is called NAME~new.PID: no run, path or number has a "~", so no other file has such a name.

# Puts text $2 into file $1, completely or not at all; on disk before it is visible, unless $3 is soon.
publish() {
  { printf '%s' "$2" >"$1~new.$$"; } 2>/dev/null && { [ "${3:-}" = soon ] || durable "$1~new.$$"; } &&
    mv -f "$1~new.$$" "$1" 2>/dev/null
}

# A full disk must not prevent the end of begun work. So room is reserved early: a file of blanks, which is later
# overwritten in place. (A file system that never writes in place still needs a free block.)

# Makes file $1 of $2 blanks. Fails if the disk is full. Not every shell notices that. A file that fits the smallest
# block of any disk is complete or absent, and checking its size costs a process.
take_room() {
  { printf "%$2s" '' >"$1"; } 2>/dev/null && [ -s "$1" ] && { [ "$2" -le 512 ] || [ "$(($(wc -c <"$1")))" -eq "$2" ]; }
}

# Puts text $2 into file $1, completely or not at all, using the room in file $3; on disk before it is visible, unless
# $4 is soon. The rest of the room stays after the text.
publish_in_room() {
  [ -s "$3" ] && { printf '%s' "$2" 1<>"$3"; } 2>/dev/null && { [ "${4:-}" = soon ] || durable "$3"; } &&
    mv -f "$3" "$1" 2>/dev/null
}

# Puts text $2 into file $1 using the room in $1.room; the old file becomes the next room. Without usable room, room is
# reserved now.
publish_over() {
  [ -e "$1.room" ] || mv -f "$1.spare" "$1.room" 2>/dev/null # cut off between the two
  rm -f "$1.spare"
  # shellcheck disable=SC3013  # not in POSIX, but in each shell that runner_shells_test knows
  if [ -e "$1.room" ] && [ ! "$1.room" -ef "$1" ] && ln "$1" "$1.spare" 2>/dev/null; then
    publish_in_room "$1" "$2" "$1.room" && mv -f "$1.spare" "$1.room" && return
  fi
  publish "$1" "$2"
}
