#!/bin/sh
# A typical script for a look at the directory server over SSH: ps, awk, find. It gives the same values as the
# exporter's probe of that host, except for ports. Usage: naive.sh ROOT
root=$1
cat /proc/uptime /proc/sys/kernel/random/boot_id
date +%s.%N
awk '/^cpu /' /proc/stat
awk '/^Mem(Total|Available):/' /proc/meminfo
# Processes: number, resident memory, threads, age, CPU time.
ps -e -o pid=,rss=,nlwp=,etimes=,cputimes=,args= | awk -v root="$root" '
  { args = ""; for (i = 6; i <= NF; i++) args = args " " $i }
  $6 == root "/opt/isode/sbin/isode.eddy" { name = args ~ /-D \/dirtables\/root/ ? "eddy_root" : "eddy" }
  $6 == root "/opt/qub/sbin/qubRA" { name = "qubRA" }
  $6 == root "/opt/qub/sbin/openRA" { name = "openRA" }
  name != "" { print "process", name, $2, $3, $4, $5; name = "" }'
# Threads: state and CPU time.
ps -e -L -o comm=,state=,cputimes= | awk '$1 == "student" || $1 == "UNS" || $1 == "alias" { print "thread", $0 }'
# The directory: number, size and age of files.
find "$root/var/spool/qubRA/deltas" -maxdepth 1 -type f -printf '%s %T@\n' | awk '
  NR == 1 || $2 < oldest { oldest = $2 } { bytes += $1 } END { print "files", NR, bytes, oldest }'
