#!/usr/bin/env bash
# Fetches the Prometheus and Alertmanager of newer Debian releases, beside the installed ones: the rules must work on
# each of them. Quick when they are there. Nothing is installed: each stack is a tree of its own, started through the
# tree's own loader and libc, since a newer release's programs need a newer libc than Debian 12 has.
#
#   scripts/other-stacks.sh            both stacks
#   scripts/other-stacks.sh forky      this one
#
# To fetch a newer version of a stack, remove its folder first. scripts/with-stack.sh runs a command on a stack.
set -euo pipefail

cache=${MAILHUB_STACKS:-/var/cache/mailhub/stacks}
archive=http://deb.debian.org/debian
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=(prometheus promtool prometheus-alertmanager libc6)
programs=(prometheus promtool prometheus-alertmanager amtool)
releases=("$@")
[ ${#releases[@]} -gt 0 ] || releases=(trixie forky)

fail() {
  echo "other-stacks: $*" >&2
  exit 1
}

# apt's output, indented, then the failure.
fail_with() {
  sed 's/^/  /' "$1" >&2
  shift
  fail "$*"
}

# An apt that does not know this machine's packages, lists and caches, and leaves them alone.
private_apt() {
  local work=$1
  shift
  apt-get -qq -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=30 \
    -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State=$work/state" \
    -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" "$@"
}

# A small script starts a program of the tree: its loader, its libraries, itself.
write_launcher() {
  local release=$1 program=$2 stack=$3 loader library_path
  loader=$(cd "$stack" && find tree -name 'ld-linux*.so.*' | head -n 1)
  library_path=$(cd "$stack" && dirname "$(find tree -name libc.so.6 | head -n 1)")
  if [ -z "$loader" ] || [ ! -e "$stack/tree/usr/bin/$program" ]; then
    fail "the packages of $release hold no $program with its loader"
  fi
  printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' \
    "$cache/$release/$loader" "$cache/$release/$library_path" "$cache/$release/tree/usr/bin/$program" >"$stack/bin/$program"
  chmod 755 "$stack/bin/$program"
}

# In its own shell, so that its trap cleans up in any case.
fetch() (
  release=$1
  [[ $release =~ ^[a-z]+$ ]] || fail "$release is no name of a Debian release"
  work=$(mktemp -d "$cache/.$release.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  echo "other-stacks: fetching Prometheus and Alertmanager of Debian $release"
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/stack/tree" "$work/stack/bin"
  : >"$work/status"
  echo "deb [signed-by=$keyring] $archive $release main" >"$work/sources.list"
  # An unreachable source is only a warning for apt, unless this is set.
  private_apt "$work" -o APT::Update::Error-Mode=any update >"$work/log" 2>&1 ||
    fail_with "$work/log" "Debian's archive cannot be reached, or has no $release that $keyring vouches for"
  (cd "$work/debs" && private_apt "$work" download "${packages[@]}") >"$work/log" 2>&1 ||
    fail_with "$work/log" "Debian $release does not give all of: ${packages[*]}"
  for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/stack/tree"; done
  rm -rf "$work/stack/tree/usr/share" "$work/stack/tree/var" "$work/stack/tree/etc"
  for program in "${programs[@]}"; do write_launcher "$release" "$program" "$work/stack"; done
  rm -rf "${cache:?}/$release"
  mv "$work/stack" "$cache/$release"
  for program in "${programs[@]}"; do
    "$cache/$release/bin/$program" --version 2>&1 | sed -n "1s/^/other-stacks: $release has /;1s/ (branch.*//p"
  done
)

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9  # several checkouts share the folder
fetches=()
for release in "${releases[@]}"; do
  [ -x "$cache/$release/bin/${programs[-1]}" ] && continue
  fetch "$release" &
  fetches+=($!)
done
failed=0
for pid in "${fetches[@]}"; do wait "$pid" || failed=1; done
exit "$failed"
