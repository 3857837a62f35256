
# --- check ------------------------------------------------------------------------------------------

# Answers what a run would meet here, and changes nothing: whether the receipts can be kept (receipts), whether this host
# would obey the sender (fence), and what keeps it from running each line of the body, with the line's number.
check() {
  checked=$(on_failure=say_failure && check_receipts)
  case $checked in
    '' | absent) receipt="receipts=${checked:-ready}$nl" ;;
    *) receipt="receipts=${checked%% *}${nl}receipts_detail=${checked#* }$nl" ;;
  esac
  checked=$(on_failure=say_failure && check_fence look)
  case $checked in
    '') receipt="${receipt}fence=free$nl" ;;
    *) receipt="${receipt}fence=${checked%% *}${nl}fence_detail=${checked#* }$nl" ;;
  esac
  checked=$(sha256sum <"$me" 2>/dev/null)
  receipt="${receipt}runner=${checked%% *}$nl"
  check_commands
  directory_id=none
  if is_there "$dir/id"; then read_id; fi
}

# Prints an error of kind $1 as one line, and ends the subshell that it came in.
say_failure() {
  printf '%s %s\n' "$1" "$2"
  exit 0
}

# Sets out. It is bounded as all output is, and a line that has no room is not silently allowed.
check_commands() {
  out='' check_line=0
  [ -n "$body" ] || return 0
  while IFS= read -r check_command; do
    check_line=$((check_line + 1))
    checked=$(on_failure=say_failure && resolve "$check_command")
    [ -n "$checked" ] || continue
    [ ${#out} -le 3000 ] || { receipt="${receipt}truncated=1$nl"; break; }
    out="$out$check_line ${checked#* }$nl"
  done <<EOF
$body
EOF
}

# Prints "absent" if the directory is to be made; fails as the first hello would.
check_receipts() {
  if is_there "$dir"; then
    if ! strict "$dir"; then
      [ -z "$strict_unseen" ] || fail unavailable "$strict_problem"
      fail refused "$strict_problem"
    fi
    refuse_tmpfs "$dir"
    for check_at in "$dir" "$dir/receipts" "$dir/leases" "$dir/swept" "$dir/tmp"; do
      is_there "$check_at" || is_absent "$check_at" || unreadable "$check_at"
      [ ! -e "$check_at" ] || [ -w "$check_at" ] || fail refused "$(id -un) may not write to $check_at"
    done
    report_leases # reads them
  else
    check_at=$dir
    until [ -e "${check_at:-/}" ]; do check_at=${check_at%/*}; done
    [ -w "${check_at:-/}" ] || fail refused "$(id -un) may not write to ${check_at:-/}, so $dir cannot be made"
    refuse_tmpfs "${check_at:-/}"
    echo absent
  fi
  ! session_ends_all || lingers || refuse_short_sessions
}
