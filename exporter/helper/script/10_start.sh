#!/bin/sh
# The remote half of the exporter: it stays on the host at the far end of one SSH channel and
# answers each request with one framed text. It reads /proc with builtins only; it forks once for
# all services, once for all directories and files, and for the checks, which are commands. It judges
# no value: the exporter does, and trusts none.
#
# Requests, on standard input:
#   spec ... end     what to look at, once per channel: lines as in read_spec below
#   hello NONCE      answered with "NONCE hello 1": the helper is there and speaks version 1
#   go NONCE MS      look now; checks must be done within MS milliseconds
# The reply to go begins with the line "NONCE begin 1" and ends with "NONCE end". Between them, each
# collector of the spec has "section NAME CLOCK", lines of its own, and "done NAME CLOCK" or "failed
# NAME CLOCK WHY". The reader skips a prompt, a profile's greeting or anything else before the first
# line: only that line has the nonce.
#
# Written for dash, bash, busybox, ksh and mksh; perl, if present, does the work that needs no fork.
# The exporter sends it (helper_command.h). Or it is installed as a file and named in authorized_keys
# (restrict,command="...mailhub-helper --installed"), and the key can start nothing else. Then a
# check is the program of that name in /etc/mailhub/checks, whatever command the request holds, and
# a status script the one of that name in /etc/mailhub/services.

# When it is sent, the parts that the host does not need are left out. "For: posix" comes before parts for hosts without
# /proc only, "For: linux" before parts for the others, "For: perl" and "For: commands" before parts for hosts whose
# spec needs no fork, and for the rest.

# Every shell named above has -ef; lists of words are split and variables are assigned by eval on
# purpose.
# shellcheck disable=SC1007,SC2015,SC2016,SC2034,SC2045,SC2046,SC2086,SC2154,SC2295,SC3013,SC3045
exec 2>/dev/null
PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin:${PATH:-}
installed=
case ${1:-} in
  --installed)
    # Restarted without the account's environment, which may change any program's behaviour. Bash, if present, reads
    # files in blocks and has a clock.
    if [ -x /bin/bash ]; then set -- /bin/bash --norc --; else set -- sh; fi
    exec env -i PATH="$PATH" HOME="${HOME:-/}" USER="${USER:-}" LOGNAME="${LOGNAME:-}" "$@" "$0" --clean
    ;;
  --clean) installed=1 ;;
esac
LC_ALL=C
export LC_ALL PATH
unalias -a
umask 077
set +f
nl='
'
blank=' 	'
words=$blank$nl
IFS=$words

# Printing is a builtin in all of them, under different names.
if [ -n "${KSH_VERSION:-}" ] && command -v print >/dev/null; then
  say() { print -rn -- "$1"; }
else
  say() { printf %s "$1"; }
fi

# For want of a descriptor or of a process mksh leaves the function that it is in, without a word, and goes on behind it, so that
# what the function did not find would be absent. A shell with such a trap ends instead, as the others do.
trap : EXIT

# A clock for durations: microseconds where the shell has one, else the hundredths of a second of
# /proc/uptime.
if [ -n "${EPOCHREALTIME:-}" ]; then
  tick() { clock=$EPOCHREALTIME; }
else
  tick() { read -r clock _ </proc/uptime; }
fi
clock=0

# Facts that cannot change while this process lives. btime makes start times out of ticks since boot; the page size
# comes from comparing one value in kB and in pages.
ticks_per_second=$(getconf CLK_TCK) || ticks_per_second=100
boot=
read -r boot </proc/sys/kernel/random/boot_id
self=$$
page_kb=4
find_page_size() {
  while read -r key value _; do
    [ "$key" = VmSize: ] && break
  done </proc/$$/status
  read -r pages _ </proc/$$/statm
  [ "${pages:-0}" -gt 0 ] && page_kb=$(((value + pages / 2) / pages))
  case $page_kb in 4 | 8 | 16 | 64) ;; *) page_kb=4 ;; esac
}
find_page_size

# Sets `stat` to the one line of a stat file. The name in it may have any characters, even line ends; the exporter finds
# its end.
read_stat() {
  stat=
  while IFS= read -r line; do
    stat="$stat$line "
  done <"$1"
  [ -n "$stat" ]
}

# Sets `parent` and `start_ticks` from the line of read_stat.
read_stat_fields() {
  # shellcheck disable=SC2086 # the fields after the name
  set -- ${stat##*") "}
  parent=${2:-} start_ticks=${20:-0}
}

# A container may show no boot id. Then the id is made from the start of process 1, exactly as the actuator's runner
# does.
if [ -z "$boot" ] && read_stat /proc/1/stat && read_stat_fields; then
  boot=boot-$(who -b | tr -cd 'A-Za-z0-9')-$start_ticks
fi

# The kernel's boot time moves when the clock is set. An unknown answer changes nothing.
read_btime() {
  stat=$(grep '^btime ' /proc/stat)
  stat=${stat#btime }
  case $stat in '' | *[!0-9]*) ;; *) btime=$stat ;; esac
}

# The boot time; 0 where /proc contradicts itself, as in some containers: the asked process has just been started. Asked
# at each look until it is known.
learn_btime() {
  btime=
  stat=$(grep -h -e '^btime ' -e ') [A-Z] [0-9]' /proc/stat /proc/self/stat) && now=$(date +%s) && read_stat_fields || return 1
  case $stat in 'btime '*) stat=${stat#btime } ;; *) stat=0 ;; esac
  btime=${stat%%[!0-9]*}
  since=$((now - ${btime:-0} - start_ticks / ticks_per_second))
  [ $since -le 60 ] && [ $since -ge -60 ] || btime=0
}

# The number of processors in /proc/stat. /proc/stat is long and some shells read it byte by byte, so only grep reads it
# whole, and again a minute later: processors and clocks rarely change.
btime=
cpus=0
cpus_counted=
count_cpus() {
  cpus_counted=${uptime%.*}
  cpus=$(grep -c '^cpu[0-9]' /proc/stat)
  case $btime in '' | 0) ;; *) read_btime ;; esac
}

# The name of this process tells a later helper its present work: see other_looks.
call_myself() {
  say "mailhub:$1" >/proc/$self/comm
}

# Sets `why` if an earlier helper of this account still does the same look although its connection is gone: it hangs
# there, and one hanging helper is enough. Asked until it is gone. Its parent is process 1, or a supervisor above this
# process. One that waits for the arguments of a process is noted in `held`. A setuid program does not count: any
# account may start it under any name. NAME
other_looks() {
  case $alone in *" $1 "*) return ;; esac
  mark=$(printf %.15s "mailhub:$1") above=' 1 ' parent=$PPID
  while read_stat "/proc/$parent/stat" && read_stat_fields && [ "$parent" -gt 1 ]; do above="$above$parent "; done
  for dir in /proc/[0-9]*; do
    comm=
    IFS= read -r comm <"$dir/comm"
    case $comm in "$mark" | mailhub:[1-9]*) ;; *) continue ;; esac
    [ -O "$dir" ] && [ -e "$dir/exe" ] && [ ! -u "$dir/exe" ] && [ ! -g "$dir/exe" ] || continue
    [ "$dir/ns/mnt" -ef /proc/$self/ns/mnt ] && read_stat "$dir/stat" && read_stat_fields || continue
    case $above in *" $parent "*) ;; *) continue ;; esac
    case ${comm#mailhub:} in *[!0-9]*) ;; *) held="$held${comm#mailhub:}=${dir#/proc/} " && continue ;; esac
    why="an earlier look has not come back: process ${dir#/proc/}"
    return
  done
  alone="$alone $1 "
}
alone=

if find /proc/self/stat -maxdepth 0 -printf x >/dev/null; then has_printf=1; else has_printf=; fi
case $(timeout --version | head -n 1) in *GNU*) has_timeout=1 ;; *) has_timeout= ;; esac
if command -v setsid >/dev/null; then has_setsid=1; else has_setsid=; fi
