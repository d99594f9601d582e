#!/usr/bin/env bash
# The house rules that a machine can check: format, layers, sizes, clang-tidy, cppcheck, shellcheck.
set -uo pipefail
cd "$(dirname "$(realpath "$0")")/../.." || exit 2

wrong=0
# verdict NAME STATUS
verdict() {
    if (($2 == 0)); then
        echo "style: $1: clean"
    else
        echo "style: $1: NOT clean"
        wrong=1
    fi
}

mapfile -t c_files < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' | sort -u)
mapfile -t grader_sources < <(git ls-files --cached --others --exclude-standard 'grader/*.c' | grep -v '^grader/tests/' | sort -u)
mapfile -t reference_sources < <(git ls-files --cached --others --exclude-standard 'reference/*.c' 'student-template/*.c' | sort -u)
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' '.ci/run' | sort -u)

format() { clang-format --dry-run -Werror "${c_files[@]}"; }

sizes() {
    local bad=0 file lines
    for file in "${grader_sources[@]}" "${reference_sources[@]}"; do
        [[ -f $file ]] || continue
        lines=$(wc -l <"$file")
        local max=400
        [[ $file == reference/* ]] && max=250
        ((lines <= max)) || { echo "  $file has $lines lines, more than $max"; bad=1; }
    done
    # pmccabe: modified complexity, complexity, statements, first line, lines, file(line): name
    while read -r _ complexity _ _ lines where name; do
        ((lines <= 60)) || { echo "  $where $name has $lines lines, more than 60"; bad=1; }
        ((complexity <= 15)) || { echo "  $where $name has complexity $complexity, more than 15"; bad=1; }
    done < <(pmccabe "${grader_sources[@]}" "${reference_sources[@]}" 2>/dev/null)
    return "$bad"
}

flags=(-std=gnu17 -D_GNU_SOURCE -Igrader -include base/banned.h '-DSOCKGRADE_VERSION="0"' '-DSOCKGRADE_DATA="/"')

tidy() {
    printf '%s\n' "${grader_sources[@]}" |
        xargs -P "$(nproc)" -n 4 -I{} clang-tidy --quiet --warnings-as-errors='*' {} -- "${flags[@]}" 2>/dev/null
}

cpp_check() {
    cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppress=missingIncludeSystem -j "$(nproc)" -Igrader -D_GNU_SOURCE '-DSOCKGRADE_VERSION="0"' \
        '-DSOCKGRADE_DATA="/"' "${grader_sources[@]}" "${reference_sources[@]}"
}

shell() { shellcheck "${scripts[@]}"; }

unfinished() { # words that mark unfinished work do not belong into what is shipped
    ! grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${grader_sources[@]}" "${reference_sources[@]}" Makefile
}

format
verdict "format (clang-format)" $?
grader/tests/layers.sh
verdict "layers" $?
sizes
verdict "sizes (wc, pmccabe)" $?
shell
verdict "shellcheck" $?
unfinished
verdict "unfinished work" $?
cpp_check
verdict "cppcheck" $?
tidy
verdict "clang-tidy" $?
exit "$wrong"
