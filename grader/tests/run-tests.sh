#!/usr/bin/env bash
# Runs every test of a build folder: the Criterion binaries one after the other (each uses all cores by itself), beside them
# the end-to-end tests and the hostile corpus. Fails when anything failed, when a binary ran no test, or when a sanitizer left a log.
set -euo pipefail

build=$(realpath "${1:-build}")
here=$(dirname "$(realpath "$0")")
logs=$(mktemp -d "${TMPDIR:-/tmp}/sockgrade-tests.XXXXXX")
e2e='' hostile=''
# shellcheck disable=SC2317 # called by the trap
clean_up() {
    local pid
    for pid in $e2e $hostile; do
        kill "$pid" 2>/dev/null && wait "$pid"
    done
    rm -rf "$logs"
}
trap clean_up EXIT

# A finding in a worker whose verdict was already sent stays green in Criterion: the logs tell.
mkdir "$logs/sanitizer"
chmod 1777 "$logs/sanitizer"
chmod 755 "$logs"
export ASAN_OPTIONS="suppressions=$here/../fuzz/asan.supp:log_path=$logs/sanitizer/asan:detect_leaks=1:abort_on_error=0:allocator_may_return_null=1"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$logs/sanitizer/ubsan"

# What the three parts need of the machine they make themselves, and most of their time is waiting: they run side by side.
# The first one's lines come as they are made, the others' when it has ended.

unit_tests() {
    local failed=0 tested=0 passing=0 binary name line
    for binary in "$build"/tests/test_*; do
        [[ -x $binary && ! -d $binary && $binary != *.d ]] || continue
        name=$(basename "$binary")
        if ! timeout -k 5 300 "$binary" >"$logs/$name.log" 2>&1; then
            failed=$((failed + 1))
            cat "$logs/$name.log"
            echo "FAILED: $name"
        fi
        line=$(grep -a 'Synthesis: Tested:' "$logs/$name.log" | tail -n 1 | sed 's/\x1b\[[0-9;]*m//g' || true)
        echo "$name: ${line:-no closing line}"
        if [[ $line =~ Tested:\ ([0-9]+)\ \|\ Passing:\ ([0-9]+) ]] && ((BASH_REMATCH[1] > 0)); then
            tested=$((tested + BASH_REMATCH[1]))
            passing=$((passing + BASH_REMATCH[2]))
        else
            echo "FAILED: $name ran no test"
            failed=$((failed + 1))
        fi
    done
    echo "unit tests: $passing of $tested passed"
    ((failed == 0 && tested > 0))
}

# What fuzzing has found once stays mended: the corpora go through the same entry points, without libFuzzer.
corpora() {
    local failed=0 corpus name
    for corpus in "$here"/../fuzz/corpus/*; do
        name=$(basename "$corpus")
        if ! timeout -k 5 120 "$build/fuzz/$name" "$corpus" >"$logs/fuzz.out" 2>"$logs/fuzz.err"; then
            tail -n 20 "$logs/fuzz.err"
            echo "FAILED: fuzz corpus $name"
            failed=$((failed + 1))
        fi
        echo "fuzz corpus $name: $(tail -n 1 "$logs/fuzz.out")"
    done
    ((failed == 0))
}

/usr/bin/python3 "$here/e2e/run.py" --build "$build" >"$logs/e2e.txt" 2>&1 &
e2e=$!
/usr/bin/python3 "$here/hostile/run.py" --build "$build" >"$logs/hostile.txt" 2>&1 &
hostile=$!
failed=0
unit_tests || failed=$((failed + 1))
corpora || failed=$((failed + 1))
wait "$e2e" || failed=$((failed + 1))
cat "$logs/e2e.txt"
wait "$hostile" || failed=$((failed + 1))
cat "$logs/hostile.txt"

for log in "$logs"/sanitizer/*; do
    [[ -s $log ]] || continue
    echo "FAILED: a sanitizer reported:"
    head -60 "$log"
    failed=$((failed + 1))
done
((failed == 0))
