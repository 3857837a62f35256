
# --- the owner of the directory -------------------------------------------------------------------

# An account that can write to the directory, or replace it, can make this account do anything. Fails and sets
# strict_problem to a sentence unless directory $1 and its folders belong to this account and no other may write to
# them. All folders above must belong to this account or root, and no other may write to them, as sshd requires for a
# home. Above, a sticky folder like /tmp is allowed: others cannot move foreign files there. strict_unseen is empty only
# if all was seen: without a free descriptor or process a shell may leave a function anywhere.
strict() {
  strict_problem="$1 cannot be looked at" strict_unseen=1
  strict_real=$(cd -P "$1" 2>/dev/null && pwd -P) || { [ -x "$1" ] || strict_no "$1 cannot be entered"; return 1; }
  for strict_at in "$1" "$1/bin" "$1/receipts" "$1/leases" "$1/swept" "$1/tmp"; do
    [ ! -e "$strict_at" ] || strict_own "$strict_at" || return
  done
  strict_above "$1" && strict_above "$strict_real"
}

strict_no() {
  strict_problem=$1 strict_unseen=""
  return 1
}

# Whether $1 surely belongs to another account.
is_anothers() {
  [ ! -O "$1" ] && [ -e "$1" ] && [ ! -O "$1" ]
}

strict_own() {
  ! is_anothers "$1" || { strict_no "$1 belongs to another account"; return; }
  # shellcheck disable=SC2046  # the fields of ls: mode, links, owner
  set -- "$1" $(ls -ldn "$1/." 2>/dev/null)
  case ${2:-} in
    d????[!w]??[!w]*) ;;
    "") strict_problem="$1 cannot be looked at"; return 1 ;;
    *) strict_no "others than its owner may write to $1" ;;
  esac
}

strict_above() {
  strict_at=$1
  while strict_at=${strict_at%/*}; do
    # shellcheck disable=SC2046
    set -- "${strict_at:-/}" $(ls -ldn "${strict_at:-/}" 2>/dev/null)
    [ -n "${2:-}" ] || { strict_problem="$1 cannot be looked at"; return 1; }
    [ "${4:-}" = 0 ] || ! is_anothers "$1" || { strict_no "$1 belongs to another account"; return; }
    case ${2:-} in
      l* | d????[!w]??[!w]* | d????????[tT]*) ;;
      *) strict_no "others than its owner may write to $1"; return ;;
    esac
    [ -n "$strict_at" ] || return 0
  done
}
