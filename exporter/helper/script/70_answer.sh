
# For: all
# ---- Answering -----------------------------------------------------------------------------------

# Finished sections are sent before each section that may hang, with its name: if it is late, the
# exporter leaves it behind and asks another helper for the rest. NAME FUNCTION
section() {
  tick
  out="${out}section $1 $clock$nl"
  why=
  case $1$posix in
    host*) ;;
    *_posix) flush ;;
    *)
      flush
      other_looks "$1"
      [ -n "$why" ] || call_myself "$1"
      ;;
  esac
  [ -n "$why" ] || "$2"
  tick
  if [ -z "$why" ]; then out="${out}done $1 $clock$nl"; else out="${out}failed $1 $clock $why$nl"; fi
}

flush() {
  say "$out"
  out=
}

# NONCE MILLISECONDS
answer() {
  milliseconds=$2
  uptime=
  if [ -n "$posix" ]; then
    read_boot_posix
  else
    read -r uptime _ </proc/uptime
    [ -n "$btime" ] || learn_btime
    case $cpus_counted,${uptime%.*} in
      , | ,* | *, | *[!0-9,]*) count_cpus ;;
      *) [ $((${uptime%.*} - cpus_counted)) -lt 60 ] && [ ${uptime%.*} -ge "$cpus_counted" ] || count_cpus ;;
    esac
  fi
  out="$nl$1 begin 1$nl"
  # Unreadable values are left out; the exporter knows the consequences.
  case $uptime in '' | *[!0-9.]*) ;; *) out="${out}uptime $uptime$nl" ;; esac
  case $boot in '' | *[!A-Za-z0-9-]*) ;; *) out="${out}boot $boot$nl" ;; esac
  out="${out}clock $ticks_per_second $page_kb ${btime:-0}$nl"
  section host look_at_host$posix
  [ -n "$want_processes" ] && section processes look_at_processes$posix
  [ -n "$want_paths" ] && section paths look_at_paths
  [ -n "$want_services" ] && section services look_at_services
  [ -n "$want_checks" ] && section checks look_at_checks
  out="$out$1 end$nl"
  [ -n "$posix" ] || call_myself idle
  flush
}

[ -e /proc/self/comm ] && call_myself idle
exes=0 processes=0 checks=0 posix= want_processes= want_services= want_paths= want_checks=
while IFS= read -r line; do
  case $line in
    spec) read_spec ;;
    'hello '*) printf '\n%s hello 1\n' "${line#hello }" ;;
    'go '*)
      line=${line#go }
      case ${line#* } in '' | *[!0-9]*) ;; *) answer "${line%% *}" "${line#* }" ;; esac
      ;;
  esac
done
