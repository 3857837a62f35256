#!/usr/bin/env bash
# packaging/lintian.sh FOLDER: no error and no warning of lintian about the packages in FOLDER that is not explained in
# lintian-overrides; and both units are confined (systemd-analyze security, 2.0 or less).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lintian --fail-on error,warning --info --allow-root "${1:?folder}"/*.deb

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for unit in "$here"/exporter/mailhub-exporter.service "$here"/actuator/mailhub-actuator.service; do
  said=$(systemd-analyze security --no-pager --offline=true --threshold=20 "$unit") || { echo "$said"; exit 1; }
  echo "$said" | tail -n 1
done
