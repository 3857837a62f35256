#!/bin/sh
# collect.sh FOLDER PROGRAM...: makes FOLDER the root of an image: the programs of /build/bin, each library that they load, at
# its own path, and what those read: certificates, time zones, the account.
set -eu
root=$1
shift
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/mailhub" "$root/usr/share" "$root/var/lib" "$root/tmp"
# Where a container runtime mounts its own; a read-only root cannot get them later.
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/run"
chmod 1777 "$root/tmp"
for program in "$@"; do
  install -m 755 "/build/bin/$program" "$root/usr/bin/$program"
  said=$(ldd "/build/bin/$program")
  case $said in *'not found'*) printf '%s\n' "$said" >&2; exit 1 ;; esac
  for library in $(printf '%s\n' "$said" | grep -o '/[^ ]*'); do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
done
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -a /usr/share/zoneinfo "$root/usr/share/"
echo 'mailhub:x:65532:65532:mailhub:/nonexistent:/none' >"$root/etc/passwd"
echo 'mailhub:x:65532:' >"$root/etc/group"
printf 'hosts: files dns\npasswd: files\n' >"$root/etc/nsswitch.conf"
for program in "$@"; do
  if [ "$program" = mailhub_actuator ]; then
    install -d -m 700 -o 65532 -g 65532 "$root/var/lib/mailhub-actuator"
  fi
done
