
# --- running a command ------------------------------------------------------------------------------

# Runs command $2 and sets result to its exit status, or to nothing if that is unknown. Output goes to $1.out*. The note
# $1.exit exists and has no status yet. A process that the command leaves running may keep its output open: the
# wait for that is short. After $3 milliseconds (0: never) the function late is called.
#
# Four processes: this one; the subshell that starts the command and notes its end in $1.exit, so
# that it is known even if this one dies; the drain; the ticker. All are in the command's group, which the command may
# signal and a cancel does. All but the ticker survive that: then the end of all output is the end. TERM ends the ticker,
# so that a cancelled group is soon empty; this process then starts another.
run_captured() {
  over='' waited='' struck='' captured_must=$must_look must_look=1
  ticker_wait=$3
  # Before the others begin: the command may be faster. In ksh93 such a signal stays ignored in children, so where env
  # does not give the command its defaults back, each ignores it for itself.
  # shellcheck disable=SC2086  # a list of words
  if [ -n "$with_signals" ]; then trap '' $group_signals; else trap ':' $group_signals; fi
  # Redirected inside: a shell keeps copies of descriptors that an outer redirection replaces, and copies of the
  # connection's descriptors would keep it open.
  {
    exec 2>/dev/null
    # shellcheck disable=SC2086  # a list of words
    trap ':' $group_signals # unlike one that is ignored, the command gets its default back
    [ -z "$unsynced_claim" ] || durable "$unsynced_claim" || exit 1
    set_surroundings
    # Apart from the command, because a failed redirection's status is not the command's.
    exec </dev/null 2>&1 || exit 1
    # shellcheck disable=SC2086  # $with_signals is an option or nothing
    env -i $with_signals PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$HOME" \
      USER="$USER" LOGNAME="$USER" SHELL=/bin/sh LANG=C MAILHUB_KEY="${key:-}" \
      /bin/sh -c "$2"
    { echo $? 1<>"$1.exit"; } 2>/dev/null
  } | {
    drain_base=$1
    trap lose_output EXIT
    # Not again where it is so: then ksh93 writes the output for ever once the signal comes.
    # shellcheck disable=SC2086  # a list of words
    [ -n "$with_signals" ] || trap '' $group_signals
    exec >/dev/null 2>&1
    ulimit -f 512 || : # no fault of a shell may fill the disk: twice what a file of output has at most
    drain
  } &
  drain_pid=$!
  start_ticker "$1" 300
  trap 'over=1' USR1
  trap 'waited=1' USR2
  trap 'struck=1' TERM
  while :; do
    wait "$drain_pid"
    kill -0 "$drain_pid" 2>/dev/null || break
    [ -n "$over" ] && read_note "$1" && settle_drain && break
    [ -n "$waited" ] && waited='' && late
    if [ -n "$struck" ]; then
      # With less to wait each time, so that no number of signals keeps an answer back.
      struck='' ticker_wait=$(((ticker_wait + 1) / 2))
      start_ticker "$1" 20
    fi
  done
  must_look=$captured_must
  read_note "$1"
}

# All signals of POSIX that end a process and can be ignored.
group_signals='HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM XCPU XFSZ VTALRM PROF SYS'

start_ticker() {
  {
    exec </dev/null >/dev/null 2>&1
    # shellcheck disable=SC2086  # a list of words
    [ -n "$with_signals" ] || trap '' $group_signals
    trap - TERM
    ticker "$1" "$ticker_wait" "$2"
  } &
}

# The command is over; its output may still be on its way to the disk. Waits a short time for the drain's end: a daemon
# of the command may keep the output open.
settle_drain() {
  drain_looks=15
  while start_of "$drain_pid" && [ $drain_looks -gt 0 ]; do
    drain_looks=$((drain_looks - 1))
    nap 20
  done
  return 0
}

# A command gets the surroundings of a login: account, home, folder, and umask. sshd and cron give them; systemd gives
# root none. Receipts keep the runner's own umask.
set_surroundings() {
  USER=${USER:-${LOGNAME:-$(id -un)}}
  if [ -z "${HOME:-}" ]; then
    case $USER in *[!A-Za-z0-9._-]*) HOME=/ ;; *) eval "HOME=~$USER" ;; esac
    case $HOME in /*) ;; *) HOME=/ ;; esac
    cd "$HOME" 2>/dev/null || cd /
  fi
  umask 022
}

# Sets result to the exit status in $1.exit; fails if there is none yet.
read_note() {
  result=
  is_file "$1.exit" || return
  { { read -r result; true; } <"$1.exit"; } 2>/dev/null || unreadable "$1.exit"
  [ -n "$result" ] || read_whole "$1.exit"
  case $result in '' | *[!0-9]*) result='' && return 1 ;; esac
  [ "$result" -le 255 ] || result=$((result - 128)) # ksh93 gives 256 + signal
}

# Copies standard input to $drain_base.out, then $drain_base.out.1, $drain_base.out.2, ...: of these the last two are
# kept, so a flood takes at most 1 MiB on disk. When no more can be written it still reads: closing the pipe would kill
# the writer.
drain() {
  drain_file=$drain_base.out drain_number=0 drain_size=0
  while :; do
    drain_info=$(dd bs=8192 count=16 2>&1 >>"$drain_file") || lose_output
    [ ! -e "$drain_base.status" ] || read_on
    drain_blocks=${drain_info%" records in"*} # "whole+partial", perhaps after a warning or what USR1 makes it print
    drain_blocks=${drain_blocks##*"$nl"}
    [ $((${drain_blocks%+*} + ${drain_blocks#*+})) -lt 16 ] && trap - EXIT && return
    drain_info=${drain_info##*"$nl"}
    case $drain_info in
      [0-9]*' bytes'*) drain_size=$((drain_size + ${drain_info%% *})) ;;
      *) drain_size=$((drain_size + 131072)) ;;
    esac
    if [ $drain_size -ge 131072 ]; then
      [ $drain_number -lt 2 ] || rm -f "$drain_base.out.$((drain_number - 1))"
      drain_number=$((drain_number + 1)) drain_size=0
      drain_file=$drain_base.out.$drain_number
    fi
  done
}

# Further output of the command is lost, and the note says so: that takes no inode, no block and no process. Any failure
# of the drain's shell, for example to make a process, ends here.
lose_output() {
  trap - EXIT
  echo cut >>"$drain_base.exit"
  read_on
}

# Reads all input with a program that needs no file, not even /dev/null.
read_on() {
  exec wc -c >&- 2>&-
}

# Whether line $2 is below the note of the command of $1: cut, if output was lost; cancelled; killed.
is_noted() {
  { while read -r noted; do [ "$noted" != "$2" ] || return 0; done <"$1.exit"; } 2>/dev/null
  return 1
}

# Signals the runner after $2 milliseconds, and when the command of $1 is over while its output is still open. Looks after
# $3 milliseconds first.
ticker() {
  ticker_step=$3 ticker_left=$2
  while :; do
    if [ "$ticker_left" -gt 0 ]; then
      [ "$ticker_step" -le "$ticker_left" ] || ticker_step=$ticker_left
      ticker_left=$((ticker_left - ticker_step))
      nap "$ticker_step"
      [ "$ticker_left" -gt 0 ] || ticker_signal USR2
    else
      nap "$ticker_step"
    fi
    [ -e "$1.status" ] && exit
    read_note "$1" && ticker_signal USR1
    ticker_signal 0
    ticker_step=$((ticker_step * 2))
    [ $ticker_step -lt 5000 ] || ticker_step=5000
  done
}

ticker_signal() {
  start_of $$ && same_start "$start" "$own_start" || exit
  kill "-$1" $$
}

# Runs command under the key that this process has claimed. After $1 milliseconds the waiting request is told that it
# takes longer. Leaves the end in status_*, for write_status.
perform() {
  [ -z "$cancelled" ] || command='exit 143'
  # Fails when the subshell was killed: the claim stays without a status, because none is known.
  run_captured "$base" "$command" "$1" || return
  read_uptime
  set_took "$began" "$uptime"
  status_exit=$result status_duration=$took_ms
  unwritten=1
}

# Until this is done the note in .exit serves as the status, so a waiting request is answered first. With $1 = soon the
# status may be visible before it is on disk. A full disk must not make a known end unknown: waits for room for any
# time.
write_status() {
  [ -n "$unwritten" ] || return 0
  until publish_status "$base" "$status_exit" "$status_duration" $$ "$@"; do
    [ -d "$runs/$run" ] || return
    nap 5000
  done
  durable "$base.status" "$runs/$run"
}
