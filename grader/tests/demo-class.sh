#!/usr/bin/env bash
# Makes the demo class: the reference, the template, the hand-ins of grader/tests/demo/ and the mutants named below.
#     demo-class.sh FOLDER
set -euo pipefail

to=$1
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
mutants=$root/testcases/mutants

mkdir -p "$to"
cp -R "$root/reference" "$to/reference"
cp -R "$root/student-template" "$to/template"
for hand_in in "$here"/demo/*/; do
    cp -R "$hand_in" "$to/$(basename "$hand_in")"
done
for patch in "$mutants"/*/*.patch; do
    name=$(basename "$patch" .patch)
    grep -qx "${name%%-*}" "$here/demo-mutants.txt" || continue
    "$here/mutant.sh" "$patch" "$to/mutant-$name" >/dev/null
done
