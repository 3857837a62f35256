#!/usr/bin/env bash
# The long checks beyond `make test`: sanitizers over unit tests and simulation, fuzzers, crashes, scale, and many more seeds.
set -euo pipefail
cd "$(dirname "$0")/.."

for preset in asan tsan; do
  echo "== $preset: unit tests, whole programs, simulation"
  cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" -j "$(nproc)"
  MAILHUB_SIM_SEEDS=300 ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -L 'unit|program|sim|scale' \
    --timeout 600
done

echo "== fuzzers: a minute each"
scripts/fuzz.sh 60

echo "== crash tests"
ctest --test-dir build/dev --output-on-failure --no-tests=error -L crash

echo "== packages: lintian, and a host that installs and purges them"
scripts/deps.sh package
make --no-print-directory packages
ctest --test-dir build/package --output-on-failure --no-tests=error -L package

echo "== the exporter among 200 hosts, hosts that lie, and 10,000 probes"
ctest --test-dir build/dev --output-on-failure --no-tests=error -L scale

echo "== simulation: ${SEEDS:-20000} seeds"
cmake --preset release >/dev/null
cmake --build build/release -j "$(nproc)" --target sim_test
MAILHUB_SIM_SEEDS=${SEEDS:-20000} build/release/tests/sim/sim_test --gtest_filter='Simulation.*'

echo "== lint"
scripts/lint.sh
