
# --- by what this host tells processes and boots apart --------------------------------------------

# Sets mode: by what this host tells processes and boots apart, "proc" or "ps", and then of what its boot id is made. The
# first hello decides it for good. What cannot be read later is not another boot, and another decision makes another boot
# id: then what runs would seem to be interrupted. So mode_unread says that the decision is not known: unread, or gone.
learn_mode() {
  mode='' mode_unread='' unseen=''
  { read -r mode <"$dir/mode"; } 2>/dev/null || mode=''
  case $mode in
    'proc kernel' | 'proc who start' | 'proc start' | 'proc who' | 'proc none' | 'ps who' | 'ps lstart' | 'ps none') ;;
    *)
      learn_must=$must_look must_look=1
      if is_there "$dir/mode" || [ -n "$unseen" ]; then
        mode_unread=unread
      elif is_there "$dir/id" || [ -n "$unseen" ]; then
        # What nearly every host has decided can be decided again.
        choose_mode first || mode_unread=gone
      else
        choose_mode
      fi
      must_look=$learn_must
      ;;
  esac
  case $mode in
    proc*) use_proc=1 ;;
    ps*) use_proc='' ;;
  esac
}

# Sets mode to the first that can be read here. With $1, fails where that is not the best.
choose_mode() {
  if [ -n "$use_proc" ] && [ -r /proc/self/stat ]; then
    set -- "${1:-}" 'proc kernel' 'proc who start' 'proc start' 'proc who' 'proc none'
  else
    [ -z "$use_proc" ] || [ -z "${1:-}" ] || return
    use_proc=''
    set -- "${1:-}" 'ps who' 'ps lstart' 'ps none'
  fi
  [ -z "$1" ] || set -- '' "$2"
  shift
  for mode in "$@"; do boot_is_known && return; done
  return 1
}

# Answers if the mode is not known, or if what it needs is not there now.
check_mode() {
  case $mode_unread in
    '') ;;
    gone)
      [ "${verb:-}" != hello ] || return 0 # it may decide anew
      [ -n "$must_look" ] ||
        fail unavailable "$dir/mode is gone, so it is not known by what this host tells its boots apart; nothing was done"
      return 1
      ;;
    *)
      read_whole "$dir/mode"
      [ -n "$must_look" ] ||
        fail unavailable "$dir/mode does not say by what this host tells its boots apart ('proc kernel' nearly everywhere); nothing was done"
      return 1
      ;;
  esac
  [ -z "$use_proc" ] || start_of $$ || fail unavailable "/proc/$$/stat cannot be read; nothing was done"
}

# Sets boot.
read_boot() {
  boot_is_known && return
  check_descriptors
  fail unavailable "the boot id of this host ($mode) cannot be read; nothing was done"
}

# Sets boot if all that the mode says it is made of can be read.
boot_is_known() {
  boot='' boot_when='' boot_start='' boot_kept=${start:-}
  for boot_part in $mode; do
    case $boot_part in
      kernel)
        { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
        [ -n "$boot" ] || return
        ;;
      who)
        boot_when=$(who -b 2>/dev/null | tr -cd 'A-Za-z0-9')
        [ -n "$boot_when" ] || return
        ;;
      lstart)
        boot_when=$(ps -o lstart= -p 1 2>/dev/null | tr -cd 'A-Za-z0-9')
        [ -n "$boot_when" ] || return
        ;;
      start)
        start_of 1
        boot_start=$start start=$boot_kept
        [ -n "$boot_start" ] || return
        ;;
    esac
  done
  [ -n "$boot" ] || case $mode in
    proc*) boot=boot-$boot_when-$boot_start ;;
    *) boot=boot-$boot_when ;;
  esac
}
