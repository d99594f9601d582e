#!/usr/bin/env bash
# The demo: grades a small class for real and shows the result. Makes the class anew in a folder of its own.
set -euo pipefail

build=$(realpath "${1:-build}")
here=$(dirname "$(realpath "$0")")
class=$(mktemp -d "${TMPDIR:-/tmp}/sockgrade-demo.XXXXXX")
trap 'rm -rf "$class"' EXIT

"$here/demo-class.sh" "$class/hand-ins"
echo
echo "== One hand-in: the lecture's own programs, as a student sees them"
"$build/sockgrade" grade "$class/hand-ins/slides" && status=0 || status=$?
((status <= 1)) || exit "$status"
echo
echo "== The class: $(find "$class/hand-ins" -mindepth 1 -maxdepth 1 | wc -l) hand-ins"
"$build/sockgrade" batch "$class"/hand-ins/* -o "$class/reports"
echo
echo "== gradebook.csv"
column -s, -t <"$class/reports/gradebook.csv" 2>/dev/null || cat "$class/reports/gradebook.csv"
