
# --- dead man -----------------------------------------------------------------------------------

# A lease has the command to run when no renewal comes in time. One timer looks at all leases, with
#   runner deadman
# which starts "runner restore RUN@PATH" for each that seems to have expired.

enter_lease() {
  run=${key%%/*} path=${key#*/}
  [ "$run/$path" = "$key" ] || fail invalid "a lease's key is RUN/PATH, not '$key'"
  check_name "$run" 64
  check_name "$path" 128
  base=$dir/leases/$run@$path
}

# The size is constant while the restoring command is the same, so that a new text covers the old one in place. With $2
# = first, room for all later writes is reserved.
write_lease() {
  lease_text="state=$lease_state
disarmed=$lease_disarmed
generation=$lease_generation
after_ms=$lease_after
digest=$lease_digest
boot_id=$lease_boot
uptime_s=$lease_uptime
pid=$lease_pid
start=$lease_start
mark=$lease_mark
exit_status=$lease_exit
at=$lease_at
reboot=$lease_reboot
remark=$lease_remark"
  # Without it the text would not cover the old one.
  lease_pad=$(printf "%$((1500 - ${#lease_text}))s." '') && [ -n "$lease_pad" ] || return
  lease_text="mailhub-lease 1
pad=${lease_pad%.}
$lease_text

$lease_command
"
  if [ "${2:-}" = first ]; then
    rm -f "$1.lease.spare"
    take_room "$1.lease.room" ${#lease_text} && make_note "$1.exit" && publish "$1.lease" "$lease_text"
  else
    publish_over "$1.lease" "$lease_text"
  fi && durable "$dir/leases"
}

# The lease starts anew, now.
start_lease() {
  read_boot
  read_kernel_clock
  lease_boot=$boot lease_uptime=$clock_s
  write_lease "$@"
}

# Whether the lease has run out. Uptime counts, so clock steps have no effect; after a reboot it counts from the boot.
# In whole seconds: never early, and at most a second late.
lease_expired() {
  read_boot
  read_kernel_clock
  lease_anew="uptime went back from $lease_uptime to $clock_s s"
  [ "$lease_boot" = "$boot" ] || count_from_boot
  [ $((clock_s - lease_uptime)) -gt $(((lease_after + 999) / 1000)) ]
}

# A container may have its own boot id, and is rebooted while the kernel's clock continues: its boot is the start of
# process 1. Where that is hidden, the lease counts from now on.
count_from_boot() {
  lease_uptime=0
  [ -n "$use_proc" ] || return 0 # then the clock is the age of process 1
  if start_of 1; then
    to_clock "$start"
    lease_uptime=${clock%.*}
  else
    lease_uptime=$((clock_s + 1))
    lease_anew="since when this host is up is hidden from this account (process 1 is)"
  fi
}

# Whether the lease began later than now: it is unknown how much of it has passed. Follows lease_expired.
lease_went_back() {
  [ "$clock_s" -lt "$lease_uptime" ] || return
  lease_remark="$lease_anew, so the lease counted anew"
}

lease_needs_work() {
  case $lease_state in
    armed) lease_expired || lease_went_back ;;
    restoring)
      read_boot
      lease_key=${1##*/}
      alive "$lease_pid" "$lease_start" "$lease_boot" "$lease_mark" "${lease_key%%@*}/${lease_key#*@}" || return 0
      # The restoring process reports how it ended. If it was killed, the note does: a remaining process is a daemon.
      ! start_of "$lease_pid" && read_note "$1"
      ;;
    *) false ;;
  esac
}

# An unreadable claim does not delay the dead man: no other part acts.
any_claim_alive() {
  list "$runs/$1" || return
  for claim_seen in "$runs/$1/"*.claim; do
    matched "$claim_seen" || continue
    read_state "${claim_seen%.claim}"
    [ "$state" = running ] && return 0
  done
  return 1
}

report_lease() {
  read_lease "$base"
  case $lease_state in
    restoring) receipt="lease=restored${nl}lease_detail=being restored since $lease_at$nl" ;;
    restored) receipt="lease=restored${nl}lease_detail=restored at $lease_at, exit status ${lease_exit:-unknown}$nl${lease_exit:+lease_exit=$lease_exit$nl}" ;;
    *) receipt="lease=$lease_state${nl}lease_detail=$lease_reboot${lease_reboot:+${lease_remark:+; }}$lease_remark$nl" ;;
  esac
}

# No step that a new lease would guard may begin, so none is armed. The step's own lease is acknowledged.
check_dead_men_of_others() {
  lease_own=$path path=
  check_dead_men
  path=$lease_own
  read_lease "$base"
}

# Writes the lease, starts the timer, and only then reports armed.
arm() {
  enter_lease
  check_number "$after_ms" 604800000
  check_number "$generation" 1000000000
  [ "$after_ms" -ge 1000 ] || fail invalid "a dead man waits at least a second, not $after_ms ms"
  [ -n "$body" ] || fail invalid "there is no restoring command"
  lock
  check_fence held
  check_directory
  ! is_there "$dir/swept/$run" || fail refused "run $run is over and swept; nothing was armed"
  refuse_what_was_taken_away
  read_lease "$base"
  lease_was=$lease_state
  case $lease_state.$lease_disarmed in
    armed.*) [ "$lease_digest" = "$digest" ] || fail refused "lease $key is armed with another restoring command" ;;
    restoring.* | restored.) unlock && report_lease && return ;;
    *) check_dead_men_of_others ;;
  esac
  resolve "$body"
  [ "$generation" -le "$lease_generation" ] || lease_generation=$generation
  lease_state=armed lease_disarmed='' lease_reboot='' lease_remark='' lease_after=$after_ms lease_digest=$digest lease_command=$body
  lease_pid='' lease_start='' lease_mark='' lease_exit='' lease_at=''
  if [ "$lease_was" = armed ]; then start_lease "$base"; else start_lease "$base" first; fi || {
    [ "$lease_was" = armed ] || remove_lease || begun=1
    fail unavailable "cannot write $base.lease, the disk may be full; nothing was armed"
  }
  begun=1
  if ! ensure_timer; then
    [ "$lease_was" = armed ] || remove_lease
    fail internal "the dead man's timer could not be started: $timer_problem"
  fi
  note_reboot
  unlock
  report_lease
}

# A delayed request may come after the one that disarmed its lease: no one would know of the new lease. An empty file
# needs no room but its name, so it fits on most full disks.
refuse_what_was_taken_away() {
  list "$dir/leases"
  for lease_gone in "$base".gone.*; do
    is_numbered "$lease_gone" gone || continue
    [ "${lease_gone##*.}" -lt "$generation" ] ||
      fail refused "lease $key was taken away again before this request was heard; nothing was armed"
  done
}

note_taken_away() {
  [ "$generation" -gt 0 ] || return 0 # an older actuator sends no count
  { printf '' >"$base.gone.$generation"; } 2>/dev/null && durable "$dir/leases" || return
  for lease_gone in "$base".gone.*; do
    is_numbered "$lease_gone" gone || continue
    [ "${lease_gone##*.}" -ge "$generation" ] || rm -f "$lease_gone"
  done
}

# Whether file $1 is $base.$2.NUMBER. A path may have dots, so another lease's files may begin like this one's.
is_numbered() {
  case ${1#"$base.$2."} in '' | *[!0-9]*) return 1 ;; esac
}

# Records in the lease whether the timer comes back after a reboot.
note_reboot() {
  [ "$lease_reboot" = "$no_reboot" ] && return
  lease_reboot=$no_reboot
  write_lease "$base" || fail unavailable "cannot write $base.lease"
}

renew() {
  enter_lease
  check_number "$after_ms" 604800000
  lock
  check_fence held
  check_directory
  read_lease "$base"
  if [ "$lease_state" = armed ]; then
    [ "$after_ms" -lt 1000 ] || lease_after=$after_ms
    lease_remark=''
    lease_expired || lease_went_back
    start_lease "$base" || fail unavailable "cannot write $base.lease; it was not renewed"
    begun=1
    # Renewed is not armed: somebody must be there to act.
    if ! timer_alive; then
      ensure_timer || fail internal "the lease is renewed, but nothing would act on it: $timer_problem"
      note_reboot
    fi
  fi
  unlock
  report_lease
}

# Disarms the lease, unless it was armed again after that decision. A lease on which the host acts or has acted stays as
# the receipt, but is now acknowledged, and may be armed again.
disarm() {
  enter_lease
  check_number "$generation" 1000000000
  lock
  check_fence held
  check_directory
  read_lease "$base"
  [ "$generation" -ge "$lease_generation" ] ||
    fail refused "lease $key has been armed anew since; nothing was taken away"
  note_taken_away || fail unavailable "cannot write to $dir/leases; nothing was taken away"
  case $lease_state in
    armed)
      remove_lease || fail unavailable "cannot remove $base.lease; it is still armed"
      begun=1
      durable "$dir/leases" || fail unavailable "$base.lease is removed, but perhaps not on disk"
      any_lease_armed || stop_timer
      ;;
    restoring | restored)
      lease_disarmed=1
      write_lease "$base" || fail unavailable "cannot write $base.lease"
      begun=1
      ;;
  esac
  unlock
  report_lease
}

remove_lease() {
  rm -f "$base.lease" || return
  rm -f "$base.lease.room" "$base.lease.spare" "$base.exit" || :
}

# Whether there is still a lease to look at. An unreadable one may be armed, and a looker must exist when it becomes
# readable.
any_lease_armed() {
  armed_must=$must_look must_look=1 any_armed=''
  list "$dir/leases" || any_armed=1
  for lease_seen in "$dir"/leases/*.lease; do
    matched "$lease_seen" || continue
    read_lease "${lease_seen%.lease}"
    case $lease_state in armed | restoring | unknown) any_armed=1 && break ;; esac
  done
  must_look=$armed_must
  [ -n "$any_armed" ]
}
