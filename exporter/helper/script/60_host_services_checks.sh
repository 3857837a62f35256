
# For: all
# ---- The other collectors ------------------------------------------------------------------------

look_at_host() {
  line= value= rest=
  IFS= read -r line </proc/stat
  out="${out}$line${nl}cpus $cpus$nl"
  line=
  { IFS= read -r line && IFS= read -r value && IFS= read -r rest; } </proc/meminfo
  out="$out$line$nl$value$nl$rest$nl"
  if [ -n "${EPOCHREALTIME:-}" ]; then
    out="${out}time $EPOCHREALTIME$nl"
  # else find tells the time as well
  elif [ -z "$want_paths" ]; then
    out="${out}time $(date +%s.%N)$nl"
  fi
}

# For: commands

# Each service manager has a part of its own, which adds the manager's word in requests to `managers`; ask_WORD NAME...
# asks for the state of these services.
look_at_services() {
  for manager in $managers; do
    set --
    for service in $services; do
      case $service in "$manager":*) set -- "$@" "${service#*:}" ;; esac
    done
    [ $# -eq 0 ] || "ask_$manager" "$@"
  done
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
    # It does no look; some shells end only after the sleep, and a later helper must not take it for a hanging one.
    say mailhub:idle >/proc/self/comm
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
# may take, and no longer. A status script may begin with empty lines; a check with one has no value.
check_program='
  { (eval "$MAILHUB_CHECK") </dev/null 2>/dev/null 3>&-; printf "status %s %s\n" "$MAILHUB_NUMBER" "$?" >&3; } |
  { while IFS= read -r line; do case $MAILHUB_NUMBER$line in script) ;; *) break ;; esac; done; printf "output %s %.200s\n" "$MAILHUB_NUMBER" "$line" >&3; while read -r line; do :; done; }'
run_checks() {
  i=0
  while [ $i -lt $checks ]; do
    eval "MAILHUB_CHECK=\$check_$i ms=\$check_ms_$i"
    [ "$ms" -gt "$1" ] && ms=$1
    [ "$ms" -gt 0 ] || ms=1 # 0 would be no limit
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

# A check that is cut off before its own time is over has not failed, so the scrape's time is told, too. What ends is sent at
# once: a scrape with less time may wait for it.
look_at_checks() {
  out="${out}limit $milliseconds$nl"
  flush
  run_checks "$milliseconds" | while IFS= read -r line; do say "$line$nl"; done
}
