#!/usr/bin/env bash
# Style and structure: formatting, clang-tidy, shellcheck, include direction, every test registered.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
# The parts of the runner and of the helper make sense only together.
git ls-files '*.sh' '.ci/run' ':!actuator/remote/runner' ':!exporter/helper/script' | xargs shellcheck
cat exporter/helper/script/*.sh | shellcheck -
cat actuator/remote/runner/*.sh | shellcheck --severity=warning -
tests/structure_test.py
cmake --preset lint >/dev/null
cmake --build build/lint -j "$(nproc)"
