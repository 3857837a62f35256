
# --- everything else ----------------------------------------------------------------------------

# Makes the directory, or looks at it again: the only request that needs no identity.
hello() {
  mkdir -p "$dir" "$dir/receipts" "$dir/leases" "$dir/swept" "$dir/tmp" 2>/dev/null && chmod 700 "$dir" ||
    fail unavailable "cannot make $dir"
  if [ -z "$use_tmpfs" ]; then
    case $(stat -f -c %T "$dir" 2>/dev/null || df -T "$dir" 2>/dev/null) in
      *tmpfs* | *ramfs*) fail refused "$dir is on a tmpfs: receipts would not survive a reboot" ;;
    esac
  fi
  if [ ! -e "$dir/id" ]; then
    publish "$dir/tmp/id.$$" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')$nl" || fail unavailable "cannot write to $dir"
    ln "$dir/tmp/id.$$" "$dir/id" 2>/dev/null
    rm -f "$dir/tmp/id.$$"
    durable "$dir" "${dir%/*}/"
  fi
  read -r wanted_id <"$dir/id" && [ -n "$wanted_id" ] || fail internal "$dir/id cannot be read"
  check_fence
  check_directory
  if env --default-signal=INT true 2>/dev/null; then with_signals=--default-signal=INT,QUIT; fi
  publish "$dir/tools" "${with_signals:-}$nl"
  find "$dir/tmp" "$dir/receipts" -name '*.new.*' -mtime +1 -exec rm -f {} + 2>/dev/null
  find "$dir/tmp" -type f -mtime +1 -exec rm -f {} + 2>/dev/null
  if any_lease_armed; then
    lock
    ensure_timer || fail internal "the dead man's timer could not be started: $timer_problem"
    unlock
  fi
  report_leases
}

# Any lease that the host has acted on, else whether one is armed.
report_leases() {
  lease_answer=none lease_details=
  for lease_seen in "$dir"/leases/*.lease; do
    [ -e "$lease_seen" ] || continue
    base=${lease_seen%.lease}
    report_lease
    case $lease_state in
      armed) [ $lease_answer = none ] && lease_answer=armed ;;
      restoring | restored)
        [ -n "$lease_disarmed" ] && continue
        lease_answer=restored
        [ ${#lease_details} -lt 2000 ] && lease_details="$lease_details${lease_details:+; }${base##*/} $lease_state at $lease_at"
        ;;
    esac
  done
  receipt="lease=$lease_answer${nl}lease_detail=$lease_details$nl"
}

# Forgets a run whose receipts the actuator has all seen, for good: what comes late is refused. A dead
# man that is still armed was armed by a request that came after its end: nobody waits for it.
sweep() {
  run=$key
  check_name "$run" 64
  lock
  check_fence held
  check_directory
  any_claim_alive "$run" && fail refused "something of run $run is still working: $claim_seen"
  for lease_seen in "$dir/leases/$run@"*.lease; do
    [ -e "$lease_seen" ] || continue
    read_lease "${lease_seen%.lease}"
    [ "$lease_state" != restoring ] || fail refused "the dead man of run $run is just restoring"
  done
  { : >"$dir/swept/$run"; } 2>/dev/null && durable "$dir/swept" || fail unavailable "cannot write to $dir/swept"
  rm -rf "${runs:?}/$run" "$dir/leases/$run@"*
  any_lease_armed || stop_timer
  unlock
  find "$dir/swept" -type f -mtime +90 -exec rm -f {} + 2>/dev/null
  receipt=
}

# From now on this host obeys the given journal. Who asks cannot know the receipts' identity: a
# stranger is told nothing before this.
takeover() {
  { read -r wanted_id <"$dir/id"; } 2>/dev/null
  lock
  check_directory
  publish "$dir/fence" "$journal $epoch$nl" || fail unavailable "cannot write $dir/fence; nothing was changed"
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
      *) fail invalid "unknown verb '$verb'" ;;
    esac
    succeed
    ;;
  deadman) deadman ;;
  loop) loop ;;
  restore) restore "$2" ;;
  *) fail invalid "unknown word '$1'" ;;
esac
