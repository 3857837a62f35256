#!/usr/bin/env bash
# Runs a command with another stack's prometheus, promtool, prometheus-alertmanager and amtool.
#
#   scripts/with-stack.sh forky promtool test rules rules/general/tests/*.yml    a stack of scripts/other-stacks.sh
#   scripts/with-stack.sh /opt/prometheus promtool --version             a folder that holds the programs
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: with-stack.sh STACK|FOLDER COMMAND..." >&2; exit 2; }
stack=$1
shift
case $stack in
  */*) bin=$stack ;;
  *) bin=${MAILHUB_STACKS:-/var/cache/mailhub/stacks}/$stack/bin ;;
esac
if ! [ -d "$bin" ]; then
  echo "with-stack: there is no folder $bin; scripts/other-stacks.sh makes those of trixie and forky" >&2
  exit 1
fi
PATH=$bin:$PATH exec "$@"
