
# ---- Answering -----------------------------------------------------------------------------------

section() { # NAME FUNCTION
  tick
  out="${out}section $1 $clock$newline"
  why=
  "$2"
  tick
  if [ -z "$why" ]; then out="${out}done $1 $clock$newline"; else out="${out}failed $1 $clock $why$newline"; fi
}

flush() {
  printf %s "$out"
  out=
}

# What needs no fork is sent first, and each collector that may hang sends what was there before it:
# a late one costs only itself. The exporter gives up on the channel when its own deadline passes.
answer() { # NONCE MILLISECONDS
  milliseconds=$2
  if [ -n "$posix" ]; then
    read_boot_posix
  else
    read -r uptime _ </proc/uptime
    [ -n "$cpus_counted" ] && [ $((${uptime%.*} - cpus_counted)) -lt 60 ] || count_cpus
  fi
  out="$newline$1 begin 1${newline}uptime $uptime${newline}boot $boot$newline"
  out="${out}clock $ticks_per_second $page_kb $btime$newline"
  section host look_at_host$posix
  [ -n "$want_processes" ] && section processes look_at_processes$posix
  if [ -n "$want_paths" ]; then
    flush
    section paths look_at_paths
  fi
  if [ -n "$want_services" ]; then
    flush
    section services look_at_services
  fi
  if [ -n "$want_checks" ]; then
    flush
    section checks look_at_checks
  fi
  out="$out$1 end$newline"
  flush
}

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
