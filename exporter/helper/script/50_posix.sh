
# ---- Hosts without /proc -------------------------------------------------------------------------

# Sets `seconds` from a time as ps writes it: [[DD-]HH:]MM:SS.
read_elapsed() {
  days=0
  value=$1
  case $value in *-*)
    days=${value%%-*}
    value=${value#*-}
    ;;
  esac
  IFS=:
  # shellcheck disable=SC2086 # the parts between the colons
  set -- $value
  IFS=$words
  seconds=0
  for part; do
    part=${part#0}
    seconds=$((seconds * 60 + ${part:-0}))
  done
  seconds=$((seconds + days * 86400))
}

# The uptime is the age of process 1, and a boot is known by when it was.
read_boot_posix() {
  read_elapsed "$(ps -o etime= -p 1 | tr -d ' ')"
  uptime=$seconds
  boot=$(who -b | cksum)
  boot=${boot%% *}
}

look_at_host_posix() {
  cpus=$(getconf _NPROCESSORS_ONLN) || cpus=$(getconf NPROCESSORS_ONLN)
  out="${out}cpus $cpus${newline}time $(awk 'BEGIN { srand(); print srand() }')$newline$(vmstat -s)$newline"
}

# Without /proc nobody can tell what a process really executes: the first word of its arguments has
# to do.
look_at_processes_posix() {
  table=$(ps -e -o rss= -o nlwp= -o time= -o etime= -o args=)
  i=0
  while [ $i -lt $processes ]; do
    eval "e=\$process_exe_$i contain=\$contain_$i lack=\$lack_$i"
    eval "exe=\$exe_$e"
    while read -r resident lwps cpu age args; do
      case "$args " in "$exe "*) ;; *) continue ;; esac
      case $args in *"$contain"*) ;; *) continue ;; esac
      [ -n "$lack" ] && case $args in *"$lack"*) continue ;; esac
      read_elapsed "$cpu"
      cpu=$seconds
      read_elapsed "$age"
      out="${out}process $i $resident $lwps $cpu $seconds$newline"
    done <<END
$table
END
    i=$((i + 1))
  done
}
