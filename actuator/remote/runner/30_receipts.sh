
# --- receipts -----------------------------------------------------------------------------------

# Sets base, the common beginning of the key's file names. A key is RUN/PATH/ATTEMPT.
enter_key() {
  run=${key%%/*} path=${key#*/}
  attempt=${path#*/} path=${path%%/*}
  [ "$run/$path/$attempt" = "$key" ] || fail invalid "a key is RUN/PATH/ATTEMPT, not '$key'"
  check_name "$run" 64
  check_name "$path" 128
  case $attempt in *[!0-9]* | '' | ??????????*) fail invalid "an attempt is a number, not '$attempt'" ;; esac
  base=$runs/$run/$path@$attempt
}

check_name() {
  [ ${#1} -le "$2" ] || fail invalid "a name of ${#1} characters is longer than $2"
  case $1 in
    '' | [.-]* | *[!A-Za-z0-9._-]*) fail invalid "'$1' is no name: letters, digits, '.', '_' and '-' make one" ;;
  esac
}

# A person must look, but where nothing is to begin: the key never will run, and nobody knows any more whether it has.
when_swept=refused
refuse_swept() {
  ! is_there "$dir/swept/$run" || fail $when_swept "run $run is over and its receipts are swept; nothing was done"
}

# Reads a claim into claim_*. An incomplete one (a power cut) proves nothing: its command never began.
read_claim() {
  refuse_swept
  claim_kind='' claim_digest='' claim_pid='' claim_start='' claim_boot='' claim_unit='' claim_mark='' claim_key='' claim_whole=''
  is_file "$1.claim" || return 0
  {
    {
      while IFS= read -r line; do
        case $line in
          kind=*) claim_kind=${line#*=} ;;
          digest=*) claim_digest=${line#*=} ;;
          pid=*) claim_pid=${line#*=} ;;
          start=*) claim_start=${line#*=} ;;
          boot_id=*) claim_boot=${line#*=} ;;
          unit=*) claim_unit=${line#*=} ;;
          mark=*) claim_mark=${line#*=} ;;
          key=*) claim_key=${line#*=} ;;
          '') claim_whole=$claim_kind && break ;;
        esac
      done
      true
    } <"$1.claim"
  } 2>/dev/null || unreadable "$1.claim"
  [ -n "$claim_whole" ] || {
    read_whole "$1.claim"
    claim_kind='' claim_pid=''
  }
}

# Reads a status into status_*; fails when there is none.
read_status() {
  is_file "$1.status" || return
  status_exit='' status_duration=0
  {
    {
      while IFS= read -r line; do
        case $line in
          exit_status=*) status_exit=${line#*=} ;;
          duration_ms=*) status_duration=${line#*=} ;;
        esac
      done
      true
    } <"$1.status"
  } 2>/dev/null || unreadable "$1.status"
  [ -n "$status_exit" ] || { read_whole "$1.status"; return 1; }
}

# Sets state of the key at $1: none, void, finished, running, interrupted. Checks whether the claim is alive before it
# looks for its status again, so that a status written in between is not missed.
read_state() {
  state=none
  if ! is_there "$1.claim"; then
    is_absent "$1.claim" || unreadable "$1.claim"
    refuse_swept # what was swept may have run
    return 0
  fi
  read_claim "$1"
  state=void
  [ "$claim_kind" = void ] && return
  # What was told to end is over once nothing of it is left: its own shell may die before a process that waits for storage, or
  # that this account may not end.
  if is_noted "$1" cancelled; then
    read_boot
    state=running
    is_left && return
    # It is about to write the status of what it has killed. Of two at once each writes it.
    [ -z "$cancels" ] && is_being_cancelled "$1" && return
  fi
  state=finished
  read_status "$1" && return
  read_boot
  state=running
  if [ -n "$claim_pid" ] && claim_alive; then
    read_note "$1" || return 0
    # The command is over. Its runner writes the status, unless it has died and only a daemon of the command lives. The
    # end of a step may be reported before that, a job's may not. The runner may still wait for output that a daemon
    # keeps open: USR1 is its own ticker's signal, sent early.
    if start_of "$claim_pid" && same_start "$start" "$claim_start"; then
      kill -USR1 "$claim_pid" 2>/dev/null
      await_status "$1" && state=finished && return
      [ "$claim_kind" = run ] || return 0
    fi
  fi
  state=finished
  read_status "$1" && return
  settle_orphan "$1" && return
  state=interrupted
}

claim_alive() {
  alive "$claim_pid" "$claim_start" "$claim_boot" "$claim_mark" "$claim_key"
}

# Whether a cancel of the key at $1 is under way, by the notes "canceller PID START".
is_being_cancelled() {
  cancellers=''
  { while read -r noted line; do [ "$noted" != canceller ] || cancellers="$cancellers$line "; done <"$1.exit"; } 2>/dev/null
  # shellcheck disable=SC2086  # pairs of words
  set -- $cancellers
  while [ $# -ge 2 ]; do
    start_of "$1" && same_start "$start" "$2" && return
    shift 2
  done
  return 1
}

# Whether the claim, or a process of its unit, lives. For systemd a unit is inactive though one of its processes cannot die.
is_left() {
  claim_alive && return
  [ -n "$claim_unit" ] || return
  case $claim_mark in
    *0::/*)
      left_group=${claim_mark#*0::}
      left_group=${left_group%%;*}
      is_populated "/sys/fs/cgroup$left_group" && return
      is_populated "/sys/fs/cgroup/unified$left_group" && return
      ;;
  esac
  case $claim_mark in *:name=systemd:/*) ;; *) return 1 ;; esac
  left_group=${claim_mark#*:name=systemd:}
  is_populated "/sys/fs/cgroup/systemd${left_group%%;*}"
}

# Whether control group $1, or one below it, has processes.
is_populated() {
  [ -d "$1" ] || return
  left_pid=
  { read -r left_pid <"$1/cgroup.procs"; } 2>/dev/null
  [ -z "$left_pid" ] || return 0
  left_pid=$(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null)
  [ -n "$left_pid" ]
}

# Waits half a second for the status of a command whose end is noted.
await_status() {
  status_looks=25
  until read_status "$1"; do
    status_looks=$((status_looks - 1))
    [ $status_looks -gt 0 ] || return
    nap 20
  done
}

# The runner died, but the command's end was noted before: that note is as good as a status. One that waited for storage may
# have died of a cancel's KILL after the cancel's answer.
settle_orphan() {
  [ "$claim_boot" = "$boot" ] || return
  read_note "$1" || { [ -z "$cancels" ] && is_noted "$1" killed && result=137; } || return
  status_exit=$result status_duration=0
  publish_status "$1" "$result" 0 "$claim_pid" || : # a full disk: the note stays
}

# Writes the status of the key at $1: exit status $2 after $3 ms, into the room that process $4 reserved at its claim.
publish_status() {
  published_status="exit_status=$2${nl}duration_ms=$3$nl"
  publish_in_room "$1.status" "$published_status" "$1.room.$4" "${5:-}" || publish "$1.status" "$published_status" "${5:-}"
}

# Fills receipt and out for the key at $1. $2 is the state, if the caller knows it.
report() {
  if [ -n "${2:-}" ]; then state=$2; else read_state "$1"; fi
  receipt="state=$state$nl"
  [ "$state" = finished ] && receipt="${receipt}exit_status=$status_exit${nl}duration_ms=$status_duration$nl"
  case $state in finished | running | interrupted) read_output "$1" ;; esac
}

# Sets out to the command's last 4 KiB of output.
read_output() {
  out=
  output_last=0 output_unseen=''
  list "${1%/*}"
  for output_file in "$1".out.*; do
    output_number=${output_file##*.}
    case $output_number in *[!0-9]* | '') continue ;; esac
    [ "$output_number" -gt "$output_last" ] && output_last=$output_number
  done
  if [ "$output_last" -gt 0 ]; then
    output_before=$1.out.$((output_last - 1))
    [ "$output_last" -gt 1 ] || output_before=$1.out
    [ -r "$output_before" ] && [ -r "$1.out.$output_last" ] || output_unseen=1
    out=$(cat "$output_before" "$1.out.$output_last" 2>/dev/null | tail -c 4097; echo .)
  elif [ -s "$1.out" ]; then
    [ -r "$1.out" ] || output_unseen=1
    out=$(tail -c 4097 "$1.out" 2>/dev/null; echo .)
  fi
  out=${out%.}
  if [ ${#out} -gt 4096 ] || [ "$output_last" -gt 0 ] || [ -n "$output_unseen" ] || is_noted "$1" cut; then
    receipt="${receipt}truncated=1$nl"
    [ ${#out} -gt 4096 ] && out=${out#?}
  fi
}

# Reads the lease at $1 into lease_*; the state is none when there is no lease. A caller that must also look at others
# gets the state unknown for an unreadable lease.
read_lease() {
  lease_state=none lease_disarmed='' lease_generation=0 lease_exit='' lease_at='' lease_command='' lease_pid='' lease_start='' lease_mark='' lease_reboot='' lease_remark=''
  unseen=''
  is_file "$1.lease" && read_lease_file "$1.lease"
  [ -z "$unseen" ] || lease_state=unknown
}

read_lease_file() {
  lease_whole=''
  { {
    while IFS= read -r line; do
      case $line in
        state=*) lease_state=${line#*=} ;;
        disarmed=*) lease_disarmed=${line#*=} ;;
        generation=*) lease_generation=${line#*=} ;;
        after_ms=*) lease_after=${line#*=} ;;
        digest=*) lease_digest=${line#*=} ;;
        boot_id=*) lease_boot=${line#*=} ;;
        uptime_s=*) lease_uptime=${line#*=} ;;
        pid=*) lease_pid=${line#*=} ;;
        start=*) lease_start=${line#*=} ;;
        mark=*) lease_mark=${line#*=} ;;
        exit_status=*) lease_exit=${line#*=} ;;
        at=*) lease_at=${line#*=} ;;
        reboot=*) lease_reboot=${line#*=} ;;
        remark=*) lease_remark=${line#*=} ;;
        '') lease_whole=1 && break ;;
      esac
    done
    while IFS= read -r line; do lease_command=$lease_command${lease_command:+$nl}$line; done
    [ -n "$lease_whole" ]
  } <"$1"; } 2>/dev/null || unreadable "$1"
}

# Refuses to begin anything of a run whose dead man has acted: the decision is out of date. After the actuator's
# acknowledgement, only the step that this dead man guards is refused until it is armed again: the service that it stops
# would stay stopped.
check_dead_men() {
  list "$dir/leases"
  for lease_seen in "$dir/leases/$run@"*.lease; do
    matched "$lease_seen" || continue
    lease_seen=${lease_seen%.lease}
    read_lease "$lease_seen"
    lease_step=$run/${lease_seen#"$dir/leases/$run@"}
    case $lease_state.$lease_disarmed in
      restoring.*) fail refused "the dead man of $lease_step is restoring since $lease_at; nothing was done" ;;
      restored.) fail refused "the dead man of $lease_step has acted (restored at $lease_at), which is not acknowledged; nothing was done" ;;
      restored.*)
        [ "$lease_step" != "$run/$path" ] ||
          fail refused "the dead man of $lease_step has acted (restored at $lease_at) and is not armed again; nothing was done"
        ;;
    esac
  done
}

# Refuses a command that is too late: another host's dead man may have acted meanwhile. The time counts from the start
# of the asked process, which existed before the request was sent.
check_in_time() {
  [ -n "$within_ms" ] || return 0
  [ -n "${asked_start:-${own_start:-}}" ] || own_start_of
  to_clock "${asked_start:-$own_start}"
  in_time_from=$clock
  read_kernel_clock
  set_took "$in_time_from" "$clock"
  [ -n "$use_proc" ] || took_ms=$((took_ms + 3000)) # ps gives whole, inexact seconds
  [ "$took_ms" -lt "$within_ms" ] ||
    fail unavailable "it took $took_ms ms to get this far, and what was asked was to begin within $within_ms ms; nothing was done"
}

own_start_of() {
  start_of $$ || fail unavailable "/proc/$$/stat cannot be read; nothing was done"
  own_start=$start
}

# Claims the key at base for this very process, as $1 = run, job or void. Fails when another process has it. After
# success no other process will ever run the key; run_captured syncs the directory unsynced_claim before the command
# starts.
claim() {
  refuse_swept
  if [ ! -d "$runs/$run" ]; then
    made=$runs/$run
    mkdir -p "$runs/$run" 2>/dev/null && durable "$runs" || fail unavailable "cannot make $runs/$run; nothing was done"
  fi
  read_boot
  [ -n "${own_start:-}" ] || own_start_of
  read_uptime
  began=$uptime
  cancelled=''
  trap 'cancelled=1' TERM
  claim_file=$base.claim~new.$$
  litter="$claim_file $base.exit~new.$$ $base.room.$$"
  [ "$1" = void ] || { take_room "$base.room.$$" 64 && make_note "$base.exit~new.$$"; } ||
    fail unavailable "cannot write to $runs/$run, the disk may be full; nothing was done"
  mark_of $$
  {
    printf 'mailhub-claim 1\nkey=%s\nkind=%s\ndigest=%s\npid=%s\nstart=%s\nboot_id=%s\nuptime=%s\nunit=%s\nmark=%s\nby=%s\n\n%s\n' \
      "$key" "$1" "$digest" "$$" "$own_start" "$boot" "$uptime" "${unit:-}" "$mark" "$journal $epoch" "$body" >"$claim_file"
  } 2>/dev/null || fail unavailable "cannot write to $runs/$run; nothing was done"
  # Waits for the disk and for the lock at once.
  sync "$claim_file" 2>/dev/null &
  claim_sync=$!
  lock
  wait $claim_sync || fail unavailable "cannot write to $runs/$run; nothing was done"
  check_fence held
  check_directory
  refuse_swept
  [ "$1" = void ] || { check_dead_men; check_in_time; }
  ln "$claim_file" "$base.claim" 2>/dev/null
  claim_result=$?
  unlock
  if [ $claim_result -ne 0 ]; then
    rm -f "$base.exit~new.$$" "$base.room.$$"
    [ -e "$base.claim" ] || fail unavailable "cannot publish $base.claim; nothing was done"
    return 1
  fi
  [ "$1" = void ] || mv -f "$base.exit~new.$$" "$base.exit"
  unsynced_claim=$runs/$run begun=1
}

# Reserves the room for the note of a command's end, which is filled in place: the end must be recorded on a full disk
# too.
make_note() {
  { printf '%s\n' '-       ' 1<>"$1"; } 2>/dev/null && [ -s "$1" ]
}

# Refuses a key that was used for another command.
check_digest() {
  [ -z "$claim_whole" ] || [ "$claim_kind" = void ] || [ "$claim_digest" = "$digest" ] ||
    fail refused "key $key was claimed for another command (digest $claim_digest, not $digest)"
}
