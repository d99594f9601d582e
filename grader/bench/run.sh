#!/usr/bin/env bash
# The figures, as ratios measured side by side in one run. No bar here: the numbers are printed.
set -euo pipefail
build=$(realpath "${1:-build}")
here=$(dirname "$(realpath "$0")")

echo "== a box against bubblewrap (start, run, end; microseconds)"
"$build/bench/box" "${BENCH_ROUNDS:-200}"
if [[ -x $build/bench/silence ]]; then
    echo "== from the last input to the proof of silence, and its soundness"
    "$build/bench/silence"
fi
echo "== whole grades against compiling alone"
exec /usr/bin/python3 "$here/grades.py" "$build"
