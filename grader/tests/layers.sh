#!/usr/bin/env bash
# The arrows between the stages: a stage includes only those that its row allows, and no two files include each other in
# a circle.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."

declare -A may=(
    [base]="base"
    [submission]="base submission"
    [sandbox]="base sandbox"
    [build]="base submission sandbox build"
    [trace]="base trace"
    [scenario]="base trace scenario"
    [observe]="base observe"
    [driver]="base trace scenario observe driver"
    [verdict]="base trace scenario verdict"
    [sanitize]="base sanitize"
    [report]="base trace scenario verdict sanitize report"
    [batch]="base trace scenario verdict sanitize report submission batch"
)
wrong=0
for stage in "${!may[@]}"; do
    while IFS=: read -r file line; do
        [[ -n $file ]] || continue
        target=${line#*\"}
        target=${target%%/*}
        [[ $line == *'"'*/* ]] || target=$stage
        if [[ " ${may[$stage]} " != *" $target "* ]]; then
            echo "layers: $file includes $target/, which $stage may not"
            wrong=1
        fi
    done < <(grep -H '^#include "' grader/"$stage"/*.[ch] 2>/dev/null || true)
done

# Circles among headers: follow the arrows from each header; coming back to it is a circle.
edges=$(grep -H '^#include "' grader/*.h grader/*/*.h | sed 's/^grader\///; s/:#include "/ /; s/".*//')
if ! cycle=$(tsort <<<"$edges" 2>&1 >/dev/null) || [[ -n $cycle ]]; then
    echo "layers: headers include each other in a circle:"
    echo "$cycle"
    wrong=1
fi
((wrong == 0)) && echo "layers: every arrow points the right way"
exit "$wrong"
