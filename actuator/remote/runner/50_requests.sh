
# --- requests -----------------------------------------------------------------------------------

# Reads a request: a line "mailhub-request 1", "name=value" lines, an empty line, then a body of
# body_bytes bytes and a newline.
read_request() {
  verb='' journal='' epoch=0 wanted_id='' key='' digest='' wait_ms=0 within_ms='' after_ms=0 generation=0 grace_ms=5000 body_bytes=0 body=''
  # When descriptors are scarce a shell may lose its own input. Without a request there is nothing to answer.
  IFS= read -r line || [ -n "$line" ] || fail unavailable "no request could be read; nothing was done"
  [ "$line" = "mailhub-request 1" ] || fail invalid "this is no request of version 1"
  header_count=0 header_end=''
  while IFS= read -r line; do
    [ -n "$line" ] || {
      header_end=1
      break
    }
    header_count=$((header_count + 1))
    [ $header_count -le 32 ] && [ ${#line} -le 300 ] || fail invalid "the request's header is too large"
    case $line in
      nonce=*) nonce=${line#*=} ;;
      verb=*) verb=${line#*=} ;;
      journal=*) journal=${line#*=} ;;
      epoch=*) epoch=${line#*=} ;;
      directory_id=*) wanted_id=${line#*=} ;;
      key=*) key=${line#*=} ;;
      digest=*) digest=${line#*=} ;;
      wait_ms=*) wait_ms=${line#*=} ;;
      within_ms=*) within_ms=${line#*=} ;;
      after_ms=*) after_ms=${line#*=} ;;
      generation=*) generation=${line#*=} ;;
      grace_ms=*) grace_ms=${line#*=} ;;
      body_bytes=*) body_bytes=${line#*=} ;;
      *) fail invalid "unknown field in the request: ${line%%=*}" ;;
    esac
  done
  # What was cut off would have its default, and another meaning.
  [ -n "$header_end" ] || fail invalid "the request was cut short"
  check_name "$nonce" 64
  check_name "$journal" 64
  check_number "$epoch" 999999999
  check_number "$wait_ms" 600000
  [ -z "$within_ms" ] || check_number "$within_ms" 604800000
  check_number "$grace_ms" 600000
  check_number "$body_bytes" 65536
  # hello rewrites it
  [ -z "$tools_unread" ] || [ "$verb" = hello ] || ! is_there "$dir/tools" || unreadable "$dir/tools"
  check_mode
  [ "$body_bytes" -eq 0 ] || read_body
}

check_number() {
  case $1 in '' | *[!0-9]* | 0?* | ??????????*) fail invalid "'$1' is no number" ;; esac
  [ "$1" -le "$2" ] || fail invalid "$1 is more than $2"
}

# A shortened request must never run: half a command is another command.
read_body() {
  while IFS= read -r line; do
    body=$body$line
    [ ${#body} -eq "$body_bytes" ] && return
    body=$body$nl
    [ ${#body} -le "$body_bytes" ] || fail invalid "the body is longer than the $body_bytes bytes announced"
  done
  fail invalid "the request was cut short"
}

# Claims the key and runs the command, or reports the earlier result.
run_verb() {
  enter_key
  is_there "$base.claim" || resolve "$body"
  if ! is_there "$base.claim" && claim run; then
    ended=
    perform "$wait_ms" && ended=finished
    [ -n "$replied" ] || report "$base" $ended
  else
    read_claim "$base"
    check_digest
    wait_for_end
    report "$base"
  fi
}

# The command takes longer than the actuator wants to wait: answers, closes the connection, and continues.
replied=
late() {
  [ -z "$replied" ] || return
  replied=1
  report "$base" running
  trap '' PIPE
  succeed
  exec </dev/null >/dev/null 2>&1
}

wait_for_end() {
  waited=0
  while [ $waited -lt "$wait_ms" ]; do
    read_state "$base"
    [ "$state" = running ] || break
    nap 30
    waited=$((waited + 30))
  done
}

# Starts the job's own process, free of this connection; it claims the key for itself.
launch() {
  enter_key
  if ! is_there "$base.claim"; then
    resolve "$body"
    job_file=$dir/tmp/job.$$
    rm -f "$job_file.failed" # an older process's of that number
    [ -n "${own_start:-}" ] || own_start_of
    litter=$job_file
    {
      printf 'mailhub-request 1\nnonce=%s\nverb=launch\njournal=%s\nepoch=%s\ndirectory_id=%s\nkey=%s\ndigest=%s\n%sbody_bytes=%s\n\n%s\n' \
        "$nonce" "$journal" "$epoch" "$wanted_id" "$key" "$digest" "${within_ms:+within_ms=$within_ms$nl}" "$body_bytes" "$body" >"$job_file"
    } 2>/dev/null || fail unavailable "cannot write to $dir/tmp; nothing was done"
    unit=
    [ -n "$use_systemd" ] && unit=mailhub-job-$run-$path-$attempt-$$
    begun=1 litter=''
    # shellcheck disable=SC2086
    if [ -z "$unit" ] || ! systemd-run --quiet --collect --no-block --unit="$unit" --property=KillMode=process --property=IgnoreSIGPIPE=no \
      --property=TimeoutStopSec=5s --description="mailhub job $key" $shell "$me" --shell "$shell" $options job "$job_file" "$unit" "$own_start" </dev/null >/dev/null 2>&1; then
      unit=
      setsid $shell "$me" --shell "$shell" $options job "$job_file" "" "$own_start" </dev/null >/dev/null 2>&1 &
      job_pid=$!
    fi
    waited=0
    until [ -e "$base.claim" ]; do
      job_lives || [ -e "$base.claim" ] || [ -e "$job_file.failed" ] || job_has_gone
      [ ! -e "$job_file.failed" ] || job_was_refused
      [ $waited -lt 10000 ] || fail unknown "no claim for $key after 10 s: whether the job starts is not known"
      nap 10
      waited=$((waited + 10))
    done
  fi
  read_claim "$base"
  begun='' # if another command has the key
  check_digest
  begun=1
  report "$base"
}

# Answers that nobody claims the key any more, as on a full disk where the job's process cannot say why. Of a unit that is
# not there systemd may only not have begun it.
job_has_gone() {
  [ -n "$unit" ] || ! is_absent "$base.claim" || begun=''
  fail unavailable "the job's process is gone, and no claim of $key is seen; nothing was done"
}

# Answers what the job's own process has said of it: nothing has begun.
job_was_refused() {
  job_error=''
  { read -r job_error line <"$job_file.failed"; } 2>/dev/null
  [ -n "$job_error" ] || unreadable "$job_file.failed"
  rm -f "$job_file.failed"
  begun=''
  fail "$job_error" "$line"
}

# Whether the process that is to claim the job's key is still there. systemd is asked once a second.
job_lives() {
  if [ -n "$unit" ]; then
    [ $((waited % 1000)) -ne 990 ] || systemctl is-active --quiet "$unit"
  else
    kill -0 "$job_pid" 2>/dev/null
  fi
}

# The job's own process.
job() {
  exec <"$1" >/dev/null 2>&1
  job_file=$1 unit=$2 asked_start=$3
  on_failure=job_failed
  read_request
  on_failure=job_failed
  rm -f "$job_file" # whatever ends this process from here on
  enter_key
  resolve "$body"
  claim job && perform 0 && write_status
}

job_failed() {
  rm -f "$job_file" # a claim of this process, or nothing, came of it
  echo "$1 $2" >"$job_file.failed~new" && mv -f "$job_file.failed~new" "$job_file.failed"
}

# Ensures that the key never runs, unless it was claimed before.
void_verb() {
  enter_key
  body=
  when_swept=swept
  if ! is_there "$base.claim" && claim void; then
    durable "$unsynced_claim" || fail unknown "the void claim for $key is published but perhaps not on disk"
  fi
  report "$base"
}

# TERM to all of the claim's processes, KILL for the rest after the grace. That it was told so is noted first: see read_state.
cancel() {
  enter_key
  when_swept=swept
  lock
  check_fence held
  check_directory
  read_state "$base"
  if [ "$state" = running ]; then
    begun=1
    own_start_of
    note cancelled
    note "canceller $$ $own_start"
    signal_all TERM
  fi
  unlock
  if [ "$state" = running ]; then
    # Another cancel may have sent the KILL.
    wait_for_death "$grace_ms" || { note killed && signal_all KILL && wait_for_death 5000; } || {
      report "$base" running
      return
    }
    cancels=1 killed=143
    ! is_noted "$base" killed || killed=137
    read_state "$base"
    # Its runner was killed before it could report the end, but the end is known here.
    if [ "$state" = interrupted ]; then
      read_kernel_clock
      killed_at=$clock
      to_clock "$claim_start"
      set_took "$clock" "$killed_at"
      publish_status "$base" $killed $took_ms "$claim_pid"
    fi
  fi
  report "$base"
}

# Adds line $1 below the note of the command's end. Without room for it only the next readers lack it.
note() {
  is_noted "$base" "$1" || { echo "$1" >>"$base.exit"; } 2>/dev/null || :
}

signal_all() {
  if [ -n "$claim_unit" ] && [ -n "$use_systemd" ] && systemctl kill --signal="$1" "$claim_unit" 2>/dev/null; then
    return
  fi
  kill "-$1" "-$claim_pid" 2>/dev/null
}

# Waits at most $1 ms until nothing of the claim is left, whatever its status: a process that ignores TERM may outlive the
# command.
wait_for_death() {
  waited=0
  while is_left; do
    [ $waited -lt "$1" ] || return 1
    nap 30
    waited=$((waited + 30))
  done
}

# The claim's first name stays until the run is swept.
answer() {
  trap '' PIPE # the connection may be gone; the status is written all the same
  [ -n "$replied" ] || succeed
  exec </dev/null >/dev/null 2>&1
  write_status soon
  exit 0
}

too_little() {
  trap - EXIT
  read_request
  fail unavailable "this account has too few descriptors (ulimit -n) or no process left (ulimit -u); nothing was done"
}

# Frequent requests are answered here, before the shell has read the rest of this file.
unwritten=
with_signals='' leave_session='' has_left='' cancels=''
tools_unread=''
if [ $# -eq 0 ]; then
  trap too_little EXIT # some shells end when they can make no process
  (trap - EXIT && enough_descriptors) || too_little # busybox ends when it cannot save a descriptor
  trap - EXIT
fi
learn_mode
{ { read -r with_signals && read -r leave_session; } <"$dir/tools"; } 2>/dev/null || tools_unread=1
case ${1:-} in
  '')
    # A command's group is what cancel ends, so this process must lead one.
    [ -z "$use_proc" ] || { start_of $$ && own_start=$start; }
    no_manager=''
    if [ "$leave_session" = scope ] && [ -z "${MAILHUB_DETACHED:-}" ] && ! find_user_manager; then
      # The session need not be left any more, perhaps.
      if session_ends_all; then no_manager=1; else leave_session=''; fi
    fi
    if [ -n "${MAILHUB_DETACHED:-}" ]; then
      has_left=$MAILHUB_DETACHED
      unset MAILHUB_DETACHED
    elif [ "$leave_session" = scope ] && [ -z "$no_manager" ]; then
      MAILHUB_DETACHED=scope
      export MAILHUB_DETACHED
      lead=setsid
      [ "${stat_group:-}" != $$ ] || lead=''
      # shellcheck disable=SC2086
      exec systemd-run --user --scope --quiet -- $lead $shell "$me" --shell "$shell" $options
    elif [ "${stat_group:-}" != $$ ]; then
      # shellcheck disable=SC2086  # shell and options are lists of words
      MAILHUB_DETACHED=1 exec setsid $shell "$me" --shell "$shell" $options
    fi
    read_request
    [ -z "$no_manager" ] || [ "$verb" = hello ] || [ "$verb" = check ] ||
      fail unavailable "there is no systemd of $(id -un) any more to keep what is begun beyond this connection ('loginctl enable-linger $(id -un)' on this host starts it); nothing was done"
    case $verb in hello | takeover | check) ;; *) check_directory; check_fence ;; esac
    case $verb in
      run) run_verb; answer ;;
      launch) launch; answer ;;
      status) enter_key; when_swept=swept; report "$base"; answer ;;
      void) void_verb; answer ;;
      cancel) cancel; answer ;;
    esac
    ;;
  job)
    job "$2" "$3" "$4"
    exit 0
    ;;
esac
