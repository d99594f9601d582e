#!/usr/bin/env bash
# Runs fuzz targets for some seconds each, as many at once as there are processors: run.sh BUILD SECONDS NAME...
# What libFuzzer finds worth keeping goes to BUILD/corpus/NAME, what it breaks to BUILD/crashes/NAME-*; the corpus in the
# sources stays as it is. Fails when anything was found.
set -euo pipefail

build=$(realpath "$1")
seconds=$2
shift 2
here=$(dirname "$(realpath "$0")")
mkdir -p "$build/crashes" "$build/logs"
export ASAN_OPTIONS="suppressions=$here/asan.supp:detect_leaks=1"

fuzz_one() {
    local build=$1 here=$2 seconds=$3 name=$4 status=0
    mkdir -p "$build/corpus/$name"
    local dictionary=()
    [[ ! -f $here/$name.dict ]] || dictionary=("-dict=$here/$name.dict")
    # -timeout and -rss_limit_mb: one input is bounded in time and memory; -detect_leaks: and leaves nothing behind
    timeout -k 5 $((seconds + 120)) "$build/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -detect_leaks=1 -use_value_profile=1 -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" \
        "${dictionary[@]}" "$build/corpus/$name" "$here/corpus/$name" >"$build/logs/$name" 2>&1 || status=$?
    local runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$name")
    if ((status == 0)) && ((${runs:-0} > 0)); then
        echo "fuzz: $name: $runs inputs in $seconds s, nothing found"
        return 0
    fi
    grep -av -e '^#[0-9]' -e '^  *0x' "$build/logs/$name" | tail -n 60
    echo "FAILED: fuzz: $name (status $status)"
    return 1
}
export -f fuzz_one

printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'fuzz_one "$@"' fuzz "$build" "$here" "$seconds" {}
