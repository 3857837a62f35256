#!/usr/bin/env bash
# scripts/deps.sh [--check] [build | fuzz | package]: installs the packages for build and tests, with fuzz those for fuzzing too,
# with package those to make and try packages and images too, with build those for a build alone, from Debian only. Quick when
# nothing is missing. --check installs nothing: it prints the missing packages, and fails.
set -euo pipefail

check=
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi

cache=/var/cache/mailhub
civetweb=$cache/civetweb-1.15

build=(
  g++ cmake ninja-build ccache lld make pkg-config git ca-certificates dpkg-dev
  libssh-dev libssl-dev zlib1g-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libgtest-dev libgmock-dev libyaml-cpp-dev
  libcli11-dev libsqlite3-dev libcurl4-openssl-dev libexpected-dev
  prometheus-cpp-dev libsystemd-dev libcrypt-dev libre2-dev libsimdjson-dev libabsl-dev libical-dev
)
packages=(
  "${build[@]}"
  # check
  clang-format clang-tidy shellcheck python3 python3-yaml python3-dateutil python3-prometheus-client
  # the shells of the helper's and runner's tests, login shells that are no POSIX shells, and other users
  dash bash busybox mksh ksh93u+m tcsh fish sudo
  # the lab: hosts, monitoring, mail
  openssh-server
  debootstrap systemd-container lxcfs fuse3 iproute2 openssh-client util-linux curl jq sqlite3 faketime strace
  prometheus prometheus-alertmanager
  # the tests of man pages and of docker/
  man-db docker-compose
  # for comparison and load in bench/
  prometheus-node-exporter prometheus-process-exporter webhook ansible-core wrk
)
if [ "${1:-}" = build ]; then
  packages=("${build[@]}")
elif [ "${1:-}" = fuzz ]; then
  packages+=(clang-14 libclang-rt-14-dev)
elif [ "${1:-}" = package ]; then
  packages+=(file lintian buildah)
fi

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done

if [ -n "$check" ]; then
  [ -e "$civetweb/lib/libcivetweb.a" ] || missing+=("civetweb with TLS, built from its source package")
  if [ ${#missing[@]} -gt 0 ]; then
    printf 'missing: %s\n' "${missing[@]}" >&2
    echo "scripts/deps.sh${1:+ $1} installs this; \"make test\" and \"make demo\" install what they need" >&2
    exit 1
  fi
  exit 0
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "deps: installing ${missing[*]}"
  # The lab starts daemons among them (Prometheus, Alertmanager, lxcfs); their packages must not.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Debian's civetweb library is built without TLS, IPv6 and compression; its source package has all three.
if [ ! -e "$civetweb/lib/libcivetweb.a" ]; then
  echo "deps: building civetweb from its Debian source package"
  work=$(mktemp -d)
  sources=$work/sources.list
  echo 'deb-src http://deb.debian.org/debian bookworm main' >"$sources"
  private=(-o APT::Sandbox::User=root -o "Dir::Etc::SourceList=$sources" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists")
  mkdir -p "$work/lists/partial"
  apt-get "${private[@]}" update -qq
  (cd "$work" && apt-get "${private[@]}" source -qq civetweb >/dev/null 2>&1)
  source_dir=$(find "$work" -maxdepth 1 -type d -name 'civetweb-*' | head -n 1)
  mkdir -p "$civetweb.tmp/lib" "$civetweb.tmp/include"
  cc -O2 -g -fPIC -DOPENSSL_API_3_0 -DNO_SSL_DL -DUSE_IPV6 -DUSE_ZLIB -DNO_FILES -DNO_CGI -DNDEBUG \
    -I"$source_dir/include" -c "$source_dir/src/civetweb.c" -o "$work/civetweb.o"
  ar rcs "$civetweb.tmp/lib/libcivetweb.a" "$work/civetweb.o"
  cp "$source_dir/include/civetweb.h" "$civetweb.tmp/include/"
  rm -rf "$civetweb" && mv "$civetweb.tmp" "$civetweb"
  rm -rf "$work"
fi
