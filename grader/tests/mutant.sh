#!/usr/bin/env bash
# Makes a hand-in with one mistake in it: a copy of the reference with a patch of testcases/mutants/ applied.
#     mutant.sh PATCH FOLDER    make it in FOLDER, which must not exist
#     mutant.sh --list          print the header of every mutant
set -euo pipefail

root=$(realpath "$(dirname "$(realpath "$0")")/../..")

if (($# == 1)) && [[ $1 == --list ]]; then
    for patch in "$root"/testcases/mutants/*/*.patch; do
        echo "${patch#"$root"/}"
        sed -n 's/^# /    /p; /^---/q' "$patch"
    done
    exit 0
fi
if (($# != 2)); then
    echo "usage: mutant.sh PATCH FOLDER | mutant.sh --list" >&2
    exit 2
fi
patch=$(realpath "$1")
folder=$2
[[ ! -e $folder ]] || { echo "mutant.sh: $folder is there already" >&2; exit 1; }

# The sources only: what was built beside them is not the mutant's.
mkdir -p "$folder"
(cd "$root/reference" && find . \( -name '*.[ch]' -o -name Makefile \) -print0 | tar --null -T - -cf -) |
    tar -C "$folder" -xf -
patch -d "$folder" -p1 --no-backup-if-mismatch --quiet <"$patch"
