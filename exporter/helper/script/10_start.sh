#!/bin/sh
# The remote half of the exporter: it stays on the host at the far end of one SSH channel and
# answers each request with one framed text. It reads /proc with builtins alone; it forks once for
# all services, once for all directories and files, and for the checks, which are commands. Nothing
# here judges a value: the exporter does, and trusts none.
#
# Requests, on standard input:
#   spec ... end     what to look at, once per channel: lines as in read_spec below
#   hello NONCE      answered with "NONCE hello 1": the helper is there and speaks version 1
#   go NONCE MS      look now; checks must be done within MS milliseconds
# The reply to go begins with the line "NONCE begin 1", ends with "NONCE end", and holds, for each
# collector that the spec asks for, "section NAME CLOCK", lines of its own, and "done NAME CLOCK" or
# "failed NAME CLOCK WHY". A prompt, a profile's greeting or anything else before the first line is
# the reader's to skip; the nonce is known to nobody here.
#
# Written for dash, bash, busybox, ksh and mksh; where there is perl, it takes over what needs no
# fork. As an argument of `sh -c` it is the exporter's to bring along; installed as a file and named
# in authorized_keys (restrict,command="...mailhub-helper --installed") it is all that the key can start,
# and then a check is the program of that name in /etc/mailhub/checks, whatever command the request
# holds.

# Every shell named above has -ef; lists of words are split and variables are assigned by eval on
# purpose.
# shellcheck disable=SC1007,SC2015,SC2016,SC2034,SC2086,SC2154,SC3013
exec 2>/dev/null
installed=
if [ "${1:-}" = --installed ]; then
  installed=1
  # Bash reads files in blocks and has a clock; its start-up files are none of our business.
  if [ -z "${BASH_VERSION:-}" ] && [ -x /bin/bash ]; then
    unset SSH_CLIENT SSH2_CLIENT
    SHLVL=9 exec /bin/bash --norc -- "$0" --installed
  fi
fi
LC_ALL=C
PATH=/usr/xpg4/bin:/usr/bin:/bin:/usr/sbin:/sbin:${PATH:-}
export LC_ALL PATH
unset ENV BASH_ENV CDPATH GREP_OPTIONS
unalias -a
umask 077
set +f
newline='
'
blank=' 	'
words=$blank$newline
IFS=$words

# A clock for durations: microseconds where the shell has one, else the hundredths of a second of
# /proc/uptime.
if [ -n "${EPOCHREALTIME:-}" ]; then
  tick() { clock=$EPOCHREALTIME; }
else
  tick() { read -r clock _ </proc/uptime; }
fi
clock=0

# Facts that cannot change while this process lives. btime makes start times out of ticks since
# boot; the size of a page comes from comparing the same figure in kB and in pages.
ticks_per_second=$(getconf CLK_TCK) || ticks_per_second=100
boot=
read -r boot </proc/sys/kernel/random/boot_id
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

# How many processors /proc/stat lists, and when the host booted. /proc/stat is long and some shells
# read a byte at a time, so it is read whole only by grep, and again a minute later: processors
# rarely come and go.
btime=0
cpus=0
cpus_counted=
count_cpus() {
  cpus_counted=${uptime%.*}
  cpus=0
  while read -r key value _; do
    case $key in
      cpu[0-9]*) cpus=$((cpus + 1)) ;;
      btime) [ "$btime" = 0 ] && btime=$value ;;
    esac
  done <<END
$(grep -E '^(cpu[0-9]|btime )' /proc/stat | cut -c 1-40)
END
}

if find /proc/self/stat -maxdepth 0 -printf x >/dev/null; then has_printf=1; else has_printf=; fi
case $(timeout --version | head -n 1) in *GNU*) has_timeout=1 ;; *) has_timeout= ;; esac
if command -v setsid >/dev/null; then has_setsid=1; else has_setsid=; fi
