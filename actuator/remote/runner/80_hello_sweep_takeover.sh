
# --- hello, sweep, takeover ------------------------------------------------------------------------

# Makes the directory, or checks it again: the only request that needs no identity.
hello() {
  mkdir -p "$dir" "$dir/receipts" "$dir/leases" "$dir/swept" "$dir/tmp" 2>/dev/null || [ -d "$dir" ] ||
    fail unavailable "cannot make $dir"
  if ! strict "$dir"; then
    [ -z "$strict_unseen" ] || fail unavailable "$strict_problem; nothing was done" # perhaps no process can be made
    fail refused "$strict_problem; nothing was done"
  fi
  [ -d "$dir/tmp" ] && chmod 700 "$dir" || fail unavailable "cannot make $dir/tmp, the disk may be full; nothing was done"
  refuse_tmpfs "$dir"
  if ! is_there "$dir/id"; then
    identity=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    [ ${#identity} -eq 32 ] && publish "$dir/tmp/id.$$" "$identity$nl" || fail unavailable "cannot write to $dir"
    ln "$dir/tmp/id.$$" "$dir/id" 2>/dev/null
    rm -f "$dir/tmp/id.$$"
    durable "$dir" "${dir%/*}/"
  fi
  if ! is_there "$dir/mode"; then
    if [ "$mode_unread" = gone ]; then
      ! anything_open ||
        fail unavailable "$dir/mode is gone while something runs or is armed ($open_seen), so its boot is not known; nothing was done"
      choose_mode
    fi
    publish "$dir/tmp/mode.$$" "$mode$nl" || fail unavailable "cannot write to $dir"
    ln "$dir/tmp/mode.$$" "$dir/mode" 2>/dev/null
    rm -f "$dir/tmp/mode.$$"
    durable "$dir"
    learn_mode
    check_mode
  fi
  read_id
  wanted_id=$directory_id
  check_fence
  check_directory
  # Commands get every signal's default back: a shell's background job ignores INT and QUIT, a service PIPE.
  if env --default-signal true 2>/dev/null; then with_signals=--default-signal; fi
  leave_session=''
  if session_ends_all; then
    lingers || refuse_short_sessions
    leave_session=scope
  fi
  publish "$dir/tools" "${with_signals:-}$nl$leave_session$nl"
  [ -e "$dir/fence.room" ] || take_room "$dir/fence.room" 128
  # Files left by crashes. A wrong clock may remove a file of a running request: then nothing is claimed, and the
  # request is repeated.
  find "$dir/tmp" "$dir/receipts" -name '*~new.*' -mtime +1 -exec rm -f {} + 2>/dev/null
  find "$dir/tmp" -type f -mtime +1 -exec rm -f {} + 2>/dev/null
  if any_lease_armed; then
    lock
    ensure_timer || fail internal "the dead man's timer could not be started: $timer_problem"
    unlock
  fi
  report_leases
}

# Refuses a directory $1 that a reboot empties.
refuse_tmpfs() {
  [ -z "$use_tmpfs" ] || return 0
  case $(stat -f -c %T "$1" 2>/dev/null || df -T "$1" 2>/dev/null) in
    *tmpfs* | *ramfs*) fail refused "$1 is on a tmpfs: receipts would not survive a reboot" ;;
  esac
}

refuse_short_sessions() {
  fail refused "logind ends all that $(id -un) has started when the connection ends (KillUserProcesses), jobs and dead men too: 'loginctl enable-linger $(id -un)' on this host lets them live; nothing was done"
}

# Whether something may run or is armed: then its boot id counts. Sets open_seen to what it is.
anything_open() {
  list "$runs"
  for open_seen in "$runs"/*/*.claim; do
    matched "$open_seen" || continue
    is_there "${open_seen%.claim}.status" && continue
    open_kind=''
    { { read -r _ && read -r _ && read -r open_kind; } <"$open_seen"; } 2>/dev/null
    [ "$open_kind" = kind=void ] || return 0
  done
  open_seen=$dir/leases
  any_lease_armed
}

# Any lease on which the host has acted; else whether one is armed.
report_leases() {
  lease_answer=none lease_details='' armed_details=''
  list "$dir/leases"
  for lease_seen in "$dir"/leases/*.lease; do
    matched "$lease_seen" || continue
    base=${lease_seen%.lease}
    report_lease
    case $lease_state in
      armed)
        [ $lease_answer = none ] && lease_answer=armed
        lease_said=${receipt#*lease_detail=}
        [ "$lease_said" = "$nl" ] || [ ${#armed_details} -ge 2000 ] ||
          armed_details="$armed_details${armed_details:+; }${base##*/}: ${lease_said%"$nl"}"
        ;;
      restoring | restored)
        [ -n "$lease_disarmed" ] && continue
        lease_answer=restored
        [ ${#lease_details} -lt 2000 ] && lease_details="$lease_details${lease_details:+; }${base##*/} $lease_state at $lease_at"
        ;;
    esac
  done
  [ $lease_answer = restored ] || lease_details=$armed_details
  receipt="lease=$lease_answer${nl}lease_detail=$lease_details$nl"
}

# Forgets a run for good, after the actuator has seen all its receipts; later requests are refused. May be repeated
# after a power cut.
sweep() {
  run=$key
  check_name "$run" 64
  lock
  check_fence held
  check_directory
  if ! is_there "$dir/swept/$run"; then
    any_claim_alive "$run" && fail refused "something of run $run is still working: $claim_seen"
    refuse_sweeping_dead_men
  fi
  swept_leases=
  list "$dir/leases"
  for lease_seen in "$dir/leases/$run@"*.lease; do
    matched "$lease_seen" && swept_leases=1
  done
  [ -z "$swept_leases" ] || begun=1
  rm -f "$dir/leases/$run@"* 2>/dev/null # complaints of many files might fill a pipe
  [ -z "$swept_leases" ] || durable "$dir/leases" || fail unavailable "cannot remove leases from $dir/leases"
  remember_sweep || fail unavailable "cannot write to $dir/swept"
  begun=1
  rm -rf "${runs:?}/$run" 2>/dev/null
  [ -z "$swept_leases" ] || any_lease_armed || stop_timer
  forget_oldest_sweeps
  unlock
  receipt=
}

# The sweeps in order, one run per line: a count decides which is forgotten, because a clock could be years ahead for a
# moment.
sweeps=$dir/sweeps
most_swept=10000 # and a tenth more, so that the list is not rewritten each time

remember_sweep() {
  ! is_there "$dir/swept/$run" || return 0
  if ! is_there "$sweeps"; then # an older runner's sweeps come first
    sweeps_before=$(ls "$dir/swept") && publish "$sweeps" "$sweeps_before${sweeps_before:+$nl}" || return
  fi
  { echo "$run" >>"$sweeps"; } 2>/dev/null && { printf '' >"$dir/swept/$run"; } 2>/dev/null && durable "$sweeps" "$dir/swept"
}

# May be interrupted anywhere: the next sweep starts it again.
forget_oldest_sweeps() {
  sweep_count=$(($(wc -l <"$sweeps")))
  [ $sweep_count -gt $((most_swept + most_swept / 10)) ] || return
  # Only names: a power cut may have damaged a line.
  head -n $((sweep_count - most_swept)) "$sweeps" | grep '^[A-Za-z0-9_][A-Za-z0-9._-]*$' | (cd "$dir/swept" && xargs rm -f)
  tail -n $most_swept "$sweeps" >"$sweeps~new.$$" && durable "$sweeps~new.$$" && mv -f "$sweeps~new.$$" "$sweeps"
} 2>/dev/null

# An armed dead man of a finished run stays if its service may have been stopped: a person gave up waiting for this
# host, and it must still act. If nothing of its step ever began, a request to arm came late, and it is not needed.
refuse_sweeping_dead_men() {
  list "$dir/leases"
  for lease_seen in "$dir/leases/$run@"*.lease; do
    matched "$lease_seen" || continue
    lease_seen=${lease_seen%.lease}
    read_lease "$lease_seen"
    [ "$lease_state" != restoring ] || fail refused "the dead man of run $run is just restoring"
    [ "$lease_state" = armed ] || continue
    ! is_there "$runs/$run" || list "$runs/$run"
    for claim_seen in "$runs/$run/${lease_seen#"$dir/leases/$run@"}@"*.claim; do
      matched "$claim_seen" || continue
      read_claim "${claim_seen%.claim}"
      [ "$claim_kind" = void ] || fail refused "the dead man of run $run is still armed"
    done
  done
}

# From now on this host obeys the given journal. The sender cannot know the receipts' identity: a foreign sender learns
# nothing before this.
takeover() {
  is_there "$dir/id" ||
    fail unavailable "there is no receipts directory in $dir: this host obeys nobody yet; nothing was changed"
  read_id
  wanted_id=$directory_id
  lock
  check_directory
  check_in_time
  publish_over "$dir/fence" "$journal $epoch$nl" || fail unavailable "cannot write $dir/fence; nothing was changed"
  begun=1
  durable "$dir"
  unlock
}


case ${1:-} in
  '')
    case $verb in
      hello) hello ;;
      arm) arm ;;
      renew) renew ;;
      disarm) disarm ;;
      sweep) sweep ;;
      takeover) takeover ;;
      check) check ;;
      *) fail invalid "unknown verb '$verb'" ;;
    esac
    succeed
    ;;
  deadman) must_look=1 && check_mode && deadman ;;
  loop) must_look=1 && loop ;;
  restore) must_look=1 && check_mode && restore "$2" ;;
  *) fail invalid "unknown word '$1'" ;;
esac
