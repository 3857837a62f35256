
# --- the host's lock, and the right to act ----------------------------------------------------------

# Every claim, and every decision about the right to claim, happens between lock and unlock. flock's lock ends with its
# holder; without flock, numbered files replace it. Waits for any time, or with $1 looks that many times, 20 ms apart,
# and fails if it never was free.
lock() {
  lock_looks=${1:-}
  if [ -n "$use_flock" ] && command -v flock >/dev/null; then
    { command exec 9>>"$dir/lock"; } 2>/dev/null || fail unavailable "cannot open $dir/lock; nothing was done"
    if [ -z "$lock_looks" ]; then
      flock 9 9>&9 || fail unavailable "flock failed on $dir/lock; nothing was done"
    else
      until flock -n 9 9>&9; do look_again || { exec 9>&-; return 1; }; done
    fi
  else
    numbered_lock || return
  fi
  locked=1
}

look_again() {
  if [ -n "$lock_looks" ]; then
    lock_looks=$((lock_looks - 1))
    [ $lock_looks -gt 0 ] || return 1
  fi
  nap 20
}

unlock() {
  locked=''
  if [ -n "$use_flock" ] && command -v flock >/dev/null; then
    exec 9>&-
  else
    echo free >>"$dir/lock.$lock_number"
    rm -f "$lock_file"
  fi
}

# The process that made file lock.N holds lock N until it adds "free" or dies. A process that finds N free makes N + 1,
# which only one can do (ln). The newest file is never removed, so a late process with an old number sees a newer one.
numbered_lock() {
  lock_file=$dir/tmp/lock.$$
  read_boot
  start_of $$
  rm -f "$lock_file" # a namesake's before a reboot may still be the newest lock's other name
  until write_lock_file; do
    [ -d "$dir/tmp" ] || fail unavailable "$dir is gone; nothing was done"
    [ -n "${lock_must:-}" ] || fail unavailable "cannot write to $dir; nothing was done"
    nap 100 # another has the only room, for a second at most
  done
  lock_failures=0
  while :; do
    if ! newest_lock || { [ "$lock_newest" -gt 0 ] && lock_held "$dir/lock.$lock_newest"; }; then
      look_again && continue
      mv -f "$lock_file" "$dir/lock-room"
      return 1
    fi
    lock_number=$((lock_newest + 1))
    if ! ln "$lock_file" "$dir/lock.$lock_number" 2>/dev/null; then
      [ -e "$lock_file" ] || fail unavailable "$dir is gone; nothing was done"
      [ ! -e "$dir/lock.$lock_number" ] || continue # another was first
      lock_failures=$((lock_failures + 1))
      if [ $lock_failures -gt 100 ] && [ -z "${lock_must:-}" ]; then
        mv -f "$lock_file" "$dir/lock-room"
        fail unavailable "cannot make $dir/lock.$lock_number, the disk may be full; nothing was done"
      fi
      look_again && continue
      mv -f "$lock_file" "$dir/lock-room"
      return 1
    fi
    locked=1 # what fails from here on lets it go
    newest_lock
    [ "$lock_newest" -eq "$lock_number" ] && break
    locked=''
    rm -f "$dir/lock.$lock_number"
  done
  for lock_old in "$dir"/lock.*; do
    [ "${lock_old##*.}" -lt "$lock_number" ] && mv -f "$lock_old" "$dir/lock-room" 2>/dev/null
  done
  return 0
}

# On a full disk, the file of an old lock is overwritten: one long line, as long as its old contents.
write_lock_file() {
  lock_text="$$ $start $boot"
  { printf '%s\n' "$lock_text" >"$lock_file"; } 2>/dev/null && [ -s "$lock_file" ] && return
  rm -f "$lock_file"
  mv "$dir/lock-room" "$lock_file" 2>/dev/null || return
  lock_size=$(($(wc -c <"$lock_file") - 1))
  [ $lock_size -ge ${#lock_text} ] && { printf "%-${lock_size}s\n" "$lock_text" 1<>"$lock_file"; } 2>/dev/null
}

newest_lock() {
  lock_newest=0 unseen=''
  list "$dir" || [ -z "$unseen" ] || return # where it is gone, ln says so
  for lock_seen in "$dir"/lock.*; do
    lock_seen=${lock_seen##*.}
    case $lock_seen in *[!0-9]* | '') continue ;; esac
    [ "$lock_seen" -le "$lock_newest" ] || lock_newest=$lock_seen
  done
}

# Only its holder counts: a dead holder's remaining process, such as a daemon that it restored, holds nothing.
lock_held() {
  lock_pid='' lock_free=''
  if ! { { read -r lock_pid lock_start lock_boot && read -r lock_free; true; } <"$1"; } 2>/dev/null; then
    [ -e "$1" ] || return 1 # a later one has taken its place
    unreadable "$1"
    return 0
  fi
  [ -z "$lock_free" ] && [ -n "$lock_pid" ] && [ "$lock_boot" = "$boot" ] &&
    start_of "$lock_pid" && same_start "$start" "$lock_start"
}

# Refuses a journal that this host does not obey, and an actuator that another has replaced. $1 is "held" under the
# lock, and "look" to record nothing; else a newer epoch takes the lock to be recorded.
check_fence() {
  fence_journal='' fence_epoch=0
  if is_file "$dir/fence"; then
    { { read -r fence_journal fence_epoch; true; } <"$dir/fence"; } 2>/dev/null || unreadable "$dir/fence"
    case $fence_journal/$fence_epoch in
      /* | */ | */*[!0-9]*)
        read_whole "$dir/fence"
        fail refused "$dir/fence does not say which journal this host obeys: 'mailhubctl takeover HOST --reason WHY' decides; nothing was done"
        ;;
    esac
  fi
  if [ "${1:-}" = look ]; then
    [ -n "$fence_journal" ] || return 0
    [ "$fence_journal" != "$journal" ] || [ "$epoch" -lt "$fence_epoch" ] || return 0
  elif [ -z "$fence_journal" ] || { [ "$fence_journal" = "$journal" ] && [ "$epoch" -gt "$fence_epoch" ]; }; then
    if [ "${1:-}" = held ]; then
      publish_over "$dir/fence" "$journal $epoch$nl" || fail unavailable "cannot write $dir/fence; nothing was done"
      durable "$dir"
    else
      lock
      check_fence held
      unlock
    fi
    return
  fi
  [ "$fence_journal" = "$journal" ] ||
    fail refused "this host obeys journal $fence_journal, not $journal: two actuators? 'mailhubctl takeover HOST --reason WHY' decides"
  [ "$epoch" -eq "$fence_epoch" ] ||
    fail refused "epoch $epoch is over: an actuator with epoch $fence_epoch has been here since"
}

# Refuses to continue when the receipts are not those that the actuator knows: earlier actions would be unknown, and
# must not count as "not done".
check_directory() {
  directory_id=
  is_file "$dir/id" || {
    is_absent "$dir/id" || unreadable "$dir/id"
    fail directory_changed "there is no receipts directory in $dir any more, the one with identity $wanted_id is gone"
  }
  read_id
  [ "$directory_id" = "$wanted_id" ] ||
    fail directory_changed "the receipts in $dir are others than recorded: identity $directory_id, not $wanted_id"
  ! is_anothers "$dir" || fail refused "$dir belongs to another account; nothing was done" # the rest of strict is hello's
}

# Sets directory_id from an existing identity.
read_id() {
  { read -r directory_id <"$dir/id"; } 2>/dev/null && [ -n "$directory_id" ] || unreadable "$dir/id"
}
