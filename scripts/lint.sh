#!/usr/bin/env bash
# Style and structure: formatting, clang-tidy, shellcheck, include direction, every test registered.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
git ls-files '*.sh' '.ci/run' | xargs shellcheck
tests/structure_test.py
cmake --preset lint >/dev/null
cmake --build build/lint -j "$(nproc)"
