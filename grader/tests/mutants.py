#!/usr/bin/python3
"""Builds and grades every mutant of testcases/mutants/ and holds each to its label: the grader's own test.

    mutants.py --build DIR [--jobs N] [--suite FILE] [PATTERN...]   only the mutants whose path contains a PATTERN
    mutants.py --build DIR --results FILE [PATTERN...]              a round in pieces: what FILE knows is not graded again
    mutants.py --build DIR --write-summary                          and the matrix into testcases/mutants/README.md

Prints what is not as labelled, the kill matrix (kill_matrix.py says what its columns mean) and "N passed, N failed".
On a loaded machine a grade may be withheld: it is made again. A mutant that is not as labelled gets a second look when the
others are done and nothing else runs; what changed then is told as unsteady.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "e2e"))

import kill_matrix  # noqa: E402
from tools import ROOT, binary, folder, grade, mutant, mutant_header, scenarios  # noqa: E402

ATTEMPTS = 3  # of a grade that was withheld, since the machine or sockgrade was at fault


def summary_of(scenario):
    return {"verdict": scenario["verdict"], "class": scenario.get("class"),
            "observed": str(scenario.get("observed"))[:160]}


def findings_of(report):
    """Of the second build: None where there was none."""
    column = report.get("sanitizer") or {}
    return column.get("findings") if column.get("status") == "tested" else None


def graded(patch, options):
    """{"build": status, "scenarios": {name: summary}, "cost": share of the points, "findings"} of one mutant, from a report that counts."""
    sanitizer = mutant_header(patch).get("column") == "sanitizer"
    with folder() as here:
        place = mutant(patch, here / patch.stem)
        for _ in range(ATTEMPTS):
            report, _ = grade(*options, "--only", f"{patch.parent.name}/*", place, sanitizer=sanitizer)
            seen = {name: summary_of(s) for name, s in scenarios(report).items()}
            if all(s["verdict"] != "error" for s in seen.values()):
                break
    mine = next(a for a in report["assignments"] if a["id"] == patch.parent.name)
    return {"build": report["build"]["status"], "scenarios": seen, "cost": 1 - mine["score"] / mine["max_score"],
            "findings": findings_of(report)}


def examine(patch, options=()):
    """The verdict on one mutant. Whatever goes wrong is this mutant's affair, and not the end of the round."""
    try:
        return kill_matrix.judge(mutant_header(patch), graded(patch, options))
    except Exception as error:  # noqa: BLE001
        return kill_matrix.broken(f"{type(error).__name__}: {str(error)[:300]}")


def fingerprint(patch, options):
    """Of everything that a mutant's verdict depends on."""
    sources = [p for ending in ("*.c", "*.h", "Makefile") for p in (ROOT / "reference").rglob(ending)]
    cases = [ROOT / "testcases" / f"{patch.parent.name}.json", ROOT / "testcases" / "classes.json"]
    files = [patch, pathlib.Path(binary()), *sources, *cases, *(ROOT / "testcases" / "suites").glob("*.json")]
    digest = hashlib.sha256(repr(options).encode())
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Results:
    """What earlier pieces of the round have found; kept in a file where one is given."""

    def __init__(self, path, options):
        self.path = pathlib.Path(path) if path else None
        self.options = options
        self.known = json.loads(self.path.read_text()) if self.path and self.path.exists() else {}

    def get(self, patch):
        found = self.known.get(kill_matrix.name_of(patch))
        return found["result"] if found and found["fingerprint"] == fingerprint(patch, self.options) else None

    def put(self, patch, result):
        if not self.path:
            return
        self.known[kill_matrix.name_of(patch)] = {"fingerprint": fingerprint(patch, self.options), "result": result}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.known, indent=1))
        fresh.replace(self.path)


def first_look(patches, results, options, jobs):
    found = {patch: result for patch in patches if (result := results.get(patch))}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(examine, p, options): p for p in patches if p not in found}
        for future in concurrent.futures.as_completed(waiting):
            patch = waiting[future]
            found[patch] = future.result()
            if kill_matrix.is_as_labelled(found[patch]):
                results.put(patch, found[patch])
    return found


def second_look(found, results, options):
    """Alone, so that what a busy machine did is told from what the mutant does."""
    for patch in sorted(p for p, r in found.items() if not kill_matrix.is_as_labelled(r)):
        again = examine(patch, options)
        again["unsteady"] = again["outcome"] != found[patch]["outcome"]
        found[patch] = again
        results.put(patch, again)
        for problem in again["problems"] or ["as labelled at the second look only"]:
            print(f"{kill_matrix.name_of(patch)}: {problem}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--suite", help="of the assignments; default the course")
    parser.add_argument("--results", metavar="FILE", help="results of mutants that have been graded, read and kept")
    parser.add_argument("--write-summary", action="store_true", help="the matrix of all mutants into their README.md")
    parser.add_argument("patterns", nargs="*")
    arguments = parser.parse_args()
    os.environ["SOCKGRADE_BUILD"] = str(pathlib.Path(arguments.build).resolve())
    if arguments.write_summary and arguments.patterns:
        parser.error("a summary is of all mutants: no PATTERN with --write-summary")
    patches = [p for p in sorted((ROOT / "testcases" / "mutants").glob("*/*.patch"))
               if not arguments.patterns or any(w in str(p) for w in arguments.patterns)]
    options = ("--suite", str(pathlib.Path(arguments.suite).resolve())) if arguments.suite else ()
    results = Results(arguments.results, options)
    found = first_look(patches, results, options, arguments.jobs)
    second_look(found, results, options)
    named = {kill_matrix.name_of(patch): result for patch, result in sorted(found.items())}
    if patches:
        print("\n".join(kill_matrix.table(named)))
    if arguments.write_summary:
        kill_matrix.write_summary(ROOT / "testcases" / "mutants" / "README.md", named)
    wrong = sum(not kill_matrix.is_as_labelled(result) for result in named.values())
    print(f"{len(patches) - wrong} passed, {wrong} failed")
    return 0 if patches and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
