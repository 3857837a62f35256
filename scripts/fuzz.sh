#!/usr/bin/env bash
# scripts/fuzz.sh [SECONDS [TARGET...]]: libFuzzer on every target of tests/fuzz (or the named ones), SECONDS each (60),
# one after the other. Any finding fails. MAILHUB_FUZZ_RUNS=N ends a target after N executions at the latest;
# MAILHUB_FUZZ_PRESET=fuzz-fast omits the sanitizers, for 6 to 80 times as many executions in the same time. New inputs
# go to build/PRESET/corpus, findings and logs to build/PRESET/findings; nothing into the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
preset=${MAILHUB_FUZZ_PRESET:-fuzz}
if [ $# -gt 0 ]; then
  targets=("$@")
else
  mapfile -t targets < <(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
fi

# The greatest useful length of a target's input; short inputs are tried more often.
longest() {
  case $1 in
    rfc3339) echo 64 ;;
    matcher) echo 512 ;;
    promql) echo 1024 ;;
    calendar | ics | runbook | settings | site) echo 2048 ;;
    web_config | runner_reply | service_texts | known_hosts) echo 1024 ;;
    *) echo 4096 ;;
  esac
}

scripts/deps.sh fuzz
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" -j "$(nproc)"

failed=()
printf '%-14s %12s %8s %8s  %s\n' target executions exec/s edges result
for target in "${targets[@]}"; do
  learned=build/$preset/corpus/$target
  findings=build/$preset/findings/$target
  log=$findings/log
  mkdir -p "$learned" "$findings"
  result=good
  # A malloc of half a GiB, ten seconds, or a failed check is a finding.
  "build/$preset/bin/${target}_fuzzer" -max_total_time="$seconds" -runs="${MAILHUB_FUZZ_RUNS:--1}" \
    -max_len="$(longest "$target")" -dict="tests/fuzz/dictionaries/$target.dict" \
    -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 \
    -artifact_prefix="$findings/" "$learned" "tests/fuzz/corpus/$target" >"$log" 2>&1 || result=FINDING
  printf '%-14s %12s %8s %8s  %s\n' "$target" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")" \
    "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)" "$result"
  [ "$result" = good ] || failed+=("$target")
done

for target in "${failed[@]}"; do
  findings=build/$preset/findings/$target
  echo "== $target"
  grep -m 1 -E -A 3 'broken demand|ERROR|runtime error' "$findings/log" || tail -n 5 "$findings/log"
  grep 'Test unit written to' "$findings/log" || true
done
[ ${#failed[@]} -eq 0 ]
