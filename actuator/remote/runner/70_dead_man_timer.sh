
# --- the timer ----------------------------------------------------------------------------------

deadman_script=$dir/deadman.sh
[ -z "$installed" ] || deadman_script=$me # root has put it there for good

# Starts a look at the leases every 5 s: a systemd timer, which also comes back after a reboot, or a loop, which cron
# brings back if there is one.
ensure_timer() {
  no_reboot=''
  timer_problem="cannot copy the runner to $dir/deadman.sh"
  if [ -z "$installed" ] && ! cmp -s "$me" "$dir/deadman.sh"; then
    cp "$me" "$dir/deadman.sh~new" && durable "$dir/deadman.sh~new" && mv -f "$dir/deadman.sh~new" "$dir/deadman.sh" || return 1
  fi 2>/dev/null
  if [ -n "$use_systemd" ]; then
    ensure_units
  else
    ensure_loop
  fi
}

# Whether the timer or loop of ensure_timer still exists, and what it would run.
timer_alive() {
  [ -s "$deadman_script" ] || return
  [ -n "$use_systemd" ] || { loop_alive; return; }
  name_units
  systemctl is-active --quiet "$unit_name.timer" && systemctl is-enabled --quiet "$unit_name.timer"
}

name_units() {
  units=/etc/systemd/system
  unit_name=mailhub-deadman
  [ "$dir" = /var/lib/mailhub-runner ] || unit_name=mailhub-deadman-${dir##*/}
}

ensure_units() {
  name_units
  service="[Unit]
Description=mailhub's dead man: restores what a vanished actuator has stopped

[Service]
Type=oneshot
ExecStart=/bin/sh $deadman_script$options deadman
KillMode=process
IgnoreSIGPIPE=no
"
  timer="[Unit]
Description=Looks at mailhub's leases

[Timer]
OnActiveSec=5s
OnBootSec=5s
OnUnitInactiveSec=5s
AccuracySec=500ms

[Install]
WantedBy=timers.target
"
  timer_problem="cannot write units to $units"
  for unit_file in service timer; do
    if [ $unit_file = service ]; then unit_text=$service; else unit_text=$timer; fi
    unit_path=$units/$unit_name.$unit_file
    [ "$(cat "$unit_path" 2>/dev/null)$nl" = "$unit_text" ] && continue
    publish "$unit_path" "$unit_text" && chmod 644 "$unit_path" || return 1
    unit_changed=1
  done
  timer_problem=$({ [ -z "${unit_changed:-}" ] || systemctl daemon-reload; } 2>&1 &&
    systemctl enable --quiet --now "$unit_name.timer" 2>&1 &&
    systemctl is-active "$unit_name.timer" 2>&1 && systemctl is-enabled "$unit_name.timer" 2>&1)
}

ensure_loop() {
  timer_problem="the loop did not start"
  loop_tries=0
  while ! loop_alive; do
    [ $loop_tries -lt 100 ] || return 1
    if [ $((loop_tries % 50)) -eq 0 ]; then
      {
        exec 9>&- </dev/null >/dev/null 2>&1 # the lock is not the loop's
        # shellcheck disable=SC2086  # options and shell are lists of words
        become_outside_session setsid $shell "$deadman_script" --shell "$shell" $options loop
      } &
    fi
    loop_tries=$((loop_tries + 1))
    nap 20
  done
  loop_line="@reboot $shell $deadman_script$options loop"
  if read_crontab && ! has_line "$table" "$loop_line"; then
    write_crontab "${table:+$table$nl}$loop_line$nl"
  fi
  read_crontab && has_line "$table" "$loop_line" ||
    no_reboot="a reboot is not survived: there is neither a systemd unit nor a crontab for this account"
  return 0
}

# Sets table to the account's crontab. Fails unless it was surely readable: unread lines would be lost with the next
# change.
read_crontab() {
  command -v crontab >/dev/null || return 1
  table=$(crontab -l 2>&1) && return
  case $table in
    *"no crontab for"* | *"can't open your crontab"*) table='' ;;
    *) return 1 ;;
  esac
}

has_line() {
  case "$nl$1$nl" in *"$nl$2$nl"*) ;; *) return 1 ;; esac
}

# Only the loop itself counts: its remaining sleep looks at nothing.
loop_alive() {
  loop_pid=
  { read -r loop_pid loop_start loop_boot <"$dir/leases/loop"; } 2>/dev/null
  read_boot
  [ -n "$loop_pid" ] && [ "$loop_boot" = "$boot" ] && start_of "$loop_pid" && same_start "$start" "$loop_start"
}

stop_timer() {
  if [ -n "$use_systemd" ]; then
    name_units
    systemctl disable --quiet --now "$unit_name.timer" 2>/dev/null
    return
  fi
  loop_line="@reboot $shell $deadman_script$options loop"
  if read_crontab && has_line "$table" "$loop_line"; then
    table=$nl$table$nl
    table=${table%%"$nl$loop_line$nl"*}$nl${table#*"$nl$loop_line$nl"}
    write_crontab "${table#"$nl"}"
  fi
}

# By a file: with a pipe whose other end failed to start, the crontab would become empty.
write_crontab() {
  table_file=$dir/tmp/crontab.$$
  { printf '%s' "$1" >"$table_file"; } 2>/dev/null && [ "$(cat "$table_file" && echo .)" = "$1." ] &&
    crontab - <"$table_file" 2>/dev/null
  rm -f "$table_file"
}

# --- the timer's commands ---------------------------------------------------------------------------

deadman() {
  [ -O "$dir" ] || return
  list "$dir/leases" || return
  for lease_due in "$dir"/leases/*.lease; do
    matched "$lease_due" || continue
    lease_due=${lease_due%.lease}
    read_lease "$lease_due"
    lease_needs_work "$lease_due" || continue
    # shellcheck disable=SC2086
    setsid $shell "$me" --shell "$shell" $options restore "${lease_due##*/}" </dev/null >/dev/null 2>&1 &
  done
}

# Ends by itself when there is nothing to look at, or by a signal. Without a process for a look many shells end, so the
# loop restarts itself in the same process.
loop() {
  trap loop_anew EXIT
  trap 'trap - EXIT; exit 143' HUP INT TERM
  check_mode || exit
  loop_alive && [ "$loop_pid" != $$ ] && trap - EXIT && return
  start_of $$
  publish "$dir/leases/loop" "$$ $start $boot$nl"
  while :; do
    deadman
    if ! any_lease_armed; then
      lock
      any_lease_armed || break
      unlock
    fi
    nap 4000
  done
  rm -f "$dir/leases/loop"
  unlock
  trap - EXIT
}

# Waits a second before that: not every shell can without another process; perl can. Without perl it waits busily.
loop_anew() {
  trap - EXIT
  exec 9>&-
  # shellcheck disable=SC2086  # options and shell are lists of words
  set -- $shell "$deadman_script" --shell "$shell" $options loop
  unseen=''
  is_there "$dir/leases" || [ -n "$unseen" ] || return
  ! command -v perl >/dev/null || exec perl -e 'sleep 1; exec @ARGV' -- "$@"
  exec "$@"
}

# Decides under the lock. Does nothing if the lease was renewed or if a process of the run still works; else restores,
# and records that. Without the lock within a second the next look decides, so that waiting processes do not accumulate.
restore() {
  base=$dir/leases/$1
  run=${1%%@*}
  lock 50 || return
  if is_there "$dir/swept/$run"; then # a power cut has brought it back
    rm -f "$base".*
    return
  fi
  read_lease "$base"
  lease_needs_work "$base" || return
  if [ "$lease_state" = armed ] && { [ -n "$lease_remark" ] && ! lease_expired || any_claim_alive "$run"; }; then
    start_lease "$base"
    return
  fi
  if [ "$lease_state" = restoring ] && [ "$lease_boot" = "$boot" ] && read_note "$base"; then
    note_restored
    unlock
    return
  fi
  start_of $$
  own_start=$start
  mark_of $$
  trap ':' TERM
  lease_state=restoring lease_pid=$$ lease_start=$own_start lease_mark=$mark lease_boot=$boot
  lease_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  rm -f "$base.status" "$base.out"
  for restore_old in "$base".out.*; do
    ! is_numbered "$restore_old" out || rm -f "$restore_old"
  done
  make_note "$base.exit" # an earlier, interrupted restoring may have left its own
  write_lease "$base" || return
  unlock
  key=$run/${1#*@}
  # A command that root has removed from the list is not run: the receipt says so.
  refusal=$(must_look='' && resolve "$lease_command")
  case $refusal in *"${nl}error=unavailable$nl"*) return ;; esac # the next look finds no restoring process
  if [ -n "$refusal" ]; then
    refusal=${refusal#*"${nl}message="}
    { printf '%s\n' "${refusal%%"$nl"*}" >"$base.out"; } 2>/dev/null
    command='exit 126'
  else
    resolve "$lease_command"
  fi
  run_captured "$base" "$command" 0
  lock_must=1
  while :; do
    [ -d "$dir/leases" ] || return
    lock
    read_lease "$base" # it may have been acknowledged meanwhile
    [ "$lease_state" != unknown ] || return # the note stays for the next look
    note_restored && break
    unlock # a full disk: no other need wait for it
    nap 5000
  done
  unlock
}

# Records, under the lock, that the restoring command has ended with $result.
note_restored() {
  lease_state=restored lease_exit=$result
  write_lease "$base" || return
  publish "$base.status" "exit_status=$result$nl"
  any_lease_armed || stop_timer
}
