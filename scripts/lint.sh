#!/usr/bin/env bash
# scripts/lint.sh [--quick]: style and structure: formatting, shellcheck, include direction, every test registered; without
# --quick clang-tidy, too, which takes long.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
# The parts of the runner and of the helper make sense only together.
git ls-files '*.sh' '.ci/run' ':!actuator/remote/runner' ':!exporter/helper/script' | xargs shellcheck
cat exporter/helper/script/*.sh | shellcheck -
cat actuator/remote/runner/*.sh | shellcheck --severity=warning -
tests/structure_test.py
[ "${1:-}" != --quick ] || exit 0
cmake --preset lint >/dev/null
cmake --build build/lint -j "$(nproc)"
