#!/bin/sh
# The peer of bench.py: the operators' page as a script over ssh, with local checks in a loop. It keeps no receipts, arms no dead
# man and asks nobody outside; if something fails, it stays as it is.
#   by_hand.sh restart | rebuild MAILHUB        ON names a program that runs `ON HOST COMMAND` over ssh
# The hosts' shells expand the quoted parts; names of hosts have no blanks.
# shellcheck disable=SC2016,SC2046
set -eu
eddy=/opt/isode/sbin/isode.eddy

quiet() {  # CPU idle at 90 % over six seconds
  $ON x500 'while set -- $(head -n 1 /proc/stat); sleep 6; set -- $(($2 + $3 + $4 + $7 + $8)) $(($5 + $6)) $(head -n 1 /proc/stat); do
    busy=$(($4 + $5 + $6 + $9 + ${10} - $1)) idle=$(($7 + $8 - $2))
    [ $((idle * 10)) -lt $(((busy + idle) * 9)) ] || break
  done'
}
cycle() {  # the mailhubs in their order
  $ON x500 "/etc/rc2.d/S81eddy stop
    while pgrep -f '^$eddy -C' >/dev/null; do sleep 0.1; done
    pkill -f '^$eddy -D /dirtables/root'
    while pgrep -f '^$eddy -D' >/dev/null; do sleep 0.1; done
    /etc/rc2.d/S81eddy start
    until bash -c 'exec 3<>/dev/tcp/127.0.0.1/17003' 2>/dev/null; do sleep 0.1; done"
  for hub; do
    quiet
    $ON "$hub" 'systemctl restart regclient; sleep 3; systemctl is-active regclient'
  done
}
bring_back_agents() {
  $ON x500 '/opt/qub/bin/ractl qubRA start; /opt/qub/bin/ractl qubRA start student'
}

if [ "$1" = restart ]; then
  cycle mailhub1 mailhub2 mailhub3
  bring_back_agents
  exit
fi
cycle mailhub1 mailhub2 mailhub3
quiet
$ON x500 '/opt/qub/bin/ractl qubRA stop student'
$ON "$2" 'systemctl stop regclient; /home/exim/scripts/rebuild'
cycle "$2" $(printf '%s\n' mailhub1 mailhub2 mailhub3 | grep -v -x "$2")
bring_back_agents
$ON x500 'while [ $(ls /var/spool/qubRA/deltas | wc -l) -gt 50 ]; do sleep 0.5; done'
quiet
