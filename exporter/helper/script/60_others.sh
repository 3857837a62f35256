
# ---- The other collectors ------------------------------------------------------------------------

look_at_host() {
  IFS= read -r line </proc/stat
  out="${out}$line${newline}cpus $cpus$newline"
  { IFS= read -r line && IFS= read -r value && IFS= read -r rest; } </proc/meminfo
  out="$out$line$newline$value$newline$rest$newline"
  if [ -n "${EPOCHREALTIME:-}" ]; then
    out="${out}time $EPOCHREALTIME$newline"
  elif [ -z "$want_paths" ]; then # else find tells the time, in passing
    out="${out}time $(date +%s.%N)$newline"
  fi
}

look_at_services() {
  if [ -n "$units" ]; then
    # shellcheck disable=SC2086 # one argument per unit is what is meant
    text=$(systemctl show --no-pager --property=Id,LoadState,ActiveState,NRestarts \
      --property=ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic -- $units </dev/null)
    [ -z "$text" ] && why="systemctl show said nothing"
    out="$out$text$newline"
  fi
  i=0
  while [ $i -lt $sysvs ]; do
    eval "name=\$sysv_$i"
    i=$((i + 1))
    script=/etc/init.d/$name
    [ -e "$script" ] || script=/etc/rc.d/init.d/$name
    if [ -e "$script" ]; then
      bounded 1000 "exec \"$script\" status" >/dev/null </dev/null
      out="${out}sysv $name $?$newline"
    else
      out="${out}sysv $name absent$newline"
    fi
  done
}

# Whether the names in directory $1 can be read, and what they name. Asked by trying: some shells answer
# -r and -x from the mode alone, which is wrong for a root that may not everything, as on NFS.
may_look_into() {
  { true <"$1"; } 2>/dev/null && [ -e "$1/." ]
}

# Whether all there is to look at are directories without anything in them, as work queues are most
# of the time: no need for a fork then. Only asked when that was so the last time.
all_empty() {
  [ -z "$want_details" ] && [ "$files_before" = 0 ] && [ -n "${EPOCHREALTIME:-}" ] || return 1
  i=0
  while [ $i -lt $paths ]; do
    eval "path=\$path_$i"
    i=$((i + 1))
    [ -d "$path" ] && may_look_into "$path" || return 1
    for entry in "$path"/* "$path"/.[!.]* "$path"/..?*; do
      [ -e "$entry" ] || [ -L "$entry" ] && return 1
    done
    empty="${empty}d 0 0 0 $path$newline"
  done
}

# One find for all of them. Each line: type, depth, size, mtime, the path it was asked for.
# Directories that held many files the last time are summed up on the host, at the cost of a second
# process.
look_at_paths() {
  empty=
  if all_empty; then
    out=$out$empty
    return
  fi
  set -- /proc/self/stat
  i=0
  while [ $i -lt $paths ]; do
    eval "path=\$path_$i"
    i=$((i + 1))
    # Find would say of one that it may not list that nothing is in it.
    [ -d "$path" ] && ! may_look_into "$path" && continue
    set -- "$@" "$path"
  done
  if [ -z "$has_printf" ]; then
    shift
    look_without_printf "$@"
  elif [ "$files_before" -lt 200 ]; then
    text=$(find -H "$@" -maxdepth 1 -printf '%y %d %s %T@ %H\n' </dev/null)
    out="$out$text$newline"
    files_before=$((${#text} / 40))
    case $text in *"${newline}f 1 "*) ;; *) files_before=0 ;; esac
  else
    text=$(find -H "$@" -maxdepth 1 -printf '%y %d %s %T@ %H\n' </dev/null | awk '
      $2 == 0 { print; next }
      $1 == "f" {
        path = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", path)
        if (!(path in count) || $4 < oldest[path]) oldest[path] = $4
        count[path]++; bytes[path] += $3; all++
      }
      END {
        for (path in count) printf "sum %d %.0f %s %s\n", count[path], bytes[path], oldest[path], path
        print "files " all + 0
      }')
    files_before=${text##*"files "}
    out="$out${text%files *}"
  fi
}

# For a find that cannot print: some processes for each path.
look_without_printf() {
  for path in "$@"; do
    [ -e "$path" ] || continue
    case $(stat -L -c '%F' "$path") in directory) type=d ;; *) type=f ;; esac
    out="$out$type 0 $(stat -L -c '%s %Y' "$path") $path$newline"
    [ $type = d ] && out="$out$(find "$path" -maxdepth 1 -type f -exec stat -c '%s %Y' {} + | sum_up "$path")$newline"
  done
  out="${out}time $(date +%s)$newline"
}

sum_up() {
  awk -v path="$1" '
    NR == 1 || $2 < oldest { oldest = $2 } { bytes += $1 } END { if (NR) printf "sum %d %.0f %s %s", NR, bytes, oldest, path }'
}

# Runs shell text $2 for at most $1 milliseconds; then it and its whole process group are killed.
# GNU timeout does that; others kill one process only, so a group is made and watched here.
bounded() {
  if [ -n "$has_timeout" ]; then
    fraction=$((1000 + $1 % 1000))
    timeout -s KILL $(($1 / 1000)).${fraction#1} sh -c "$2"
    return
  fi
  if [ -n "$has_setsid" ]; then setsid sh -c "$2" & else sh -c "$2" & fi
  pid=$!
  (
    exec 3>&- >/dev/null
    sleep $((($1 + 999) / 1000))
    kill -9 -$pid || kill -9 $pid
  ) &
  watch=$!
  wait $pid
  status=$?
  kill $watch
  return $status
}

# All checks at once, each in a bounded group of its own that prints its two lines itself: one
# hanging check costs the others nothing. Of its output one line counts; the rest is swallowed, so
# that the command is not ended by SIGPIPE. A line without an end is read for as long as the check
# may take, and no longer.
check_program='
  { (eval "$MAILHUB_CHECK") </dev/null 2>/dev/null 3>&-; printf "status %s %s\n" "$MAILHUB_NUMBER" "$?" >&3; } |
  { IFS= read -r line; printf "output %s %.200s\n" "$MAILHUB_NUMBER" "$line" >&3; while read -r line; do :; done; }'
run_checks() {
  i=0
  while [ $i -lt $checks ]; do
    eval "MAILHUB_CHECK=\$check_$i ms=\$check_ms_$i"
    [ "$ms" -gt "$1" ] && ms=$1
    MAILHUB_NUMBER=$i
    export MAILHUB_CHECK MAILHUB_NUMBER
    if [ -n "$has_timeout" ]; then
      fraction=$((1000 + ms % 1000))
      timeout -s KILL $((ms / 1000)).${fraction#1} sh -c "$check_program" 3>&1 >/dev/null </dev/null &
    else
      bounded "$ms" "$check_program" 3>&1 >/dev/null </dev/null &
    fi
    i=$((i + 1))
  done
  wait
}

look_at_checks() {
  out="$out$(run_checks "$milliseconds")$newline"
}
