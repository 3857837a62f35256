#!/usr/bin/env bash
# scripts/lint.sh [--quick]: style and structure: formatting, shellcheck, include direction, every test registered.
# Without --quick also clang-tidy, which takes about 80 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without git, because the checkout may be another account's.
sources() {
  find . \( -path ./build -o -path ./.git \) -prune -o -type f "$@" -print
}

sources \( -name '*.cc' -o -name '*.h' \) | xargs clang-format --dry-run --Werror
# The parts of the runner and of the helper are checked as one script each.
sources -name '*.sh' ! -path './actuator/remote/runner/*' ! -path './exporter/helper/script/*' | xargs shellcheck .ci/run
cat exporter/helper/script/*.sh | shellcheck -
cat actuator/remote/runner/*.sh | shellcheck --severity=warning -
tests/structure_test.py
[ "${1:-}" != --quick ] || exit 0
cmake --preset lint >/dev/null
cmake --build build/lint -j "$(nproc)"
