#!/usr/bin/python3
"""Builds and grades every mutant of testcases/mutants/ and holds each to its label: the grader's own test.

    mutants.py --build DIR [--jobs N] [--suite FILE] [PATTERN...]   only the mutants whose path contains a PATTERN

A mutant is killed as labelled when each scenario of must-fail fails (or is non-strict, where the demand is a SHOULD), each of must-pass passes, and the class is named.
Prints what is not as labelled, how far each mistake spreads, and "N passed, N failed" at the end.
"""
import argparse
import concurrent.futures
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "e2e"))

from tools import PASSING, ROOT, folder, grade, mutant, mutant_header, scenarios  # noqa: E402


def observed(scenario):
    return f"{scenario['verdict']}, {scenario.get('class')}: {str(scenario.get('observed'))[:160]}"


def examine(patch, options=()):
    """(problems, number of failed scenarios) of one mutant; kept apart from grading, which takes the time."""
    header = mutant_header(patch)
    with folder() as here:
        report, _ = grade(*options, "--only", f"{patch.parent.name}/*", mutant(patch, here / patch.stem))
    seen = scenarios(report)
    failed = [name for name, s in seen.items() if s["verdict"] in ("failed", "non-strict")]
    problems = []
    if report["build"]["status"] != "ok":
        problems.append(f"make: {report['build']['status']}")
    problems += [f"{n} should fail: {observed(seen[n])}" for n in header["must-fail"] if n not in failed]
    problems += [f"{n} should pass: {observed(seen[n])}" for n in header["must-pass"]
                 if seen[n]["verdict"] not in PASSING]
    problems += [f"{n}: {observed(s)}" for n, s in seen.items() if s["verdict"] == "error"]
    classes = sorted({str(seen[n].get("class")) for n in failed})
    if header["class"] not in ["-", *classes]:
        problems.append(f"class {header['class']} is not named, but {', '.join(classes) or 'none'}")
    return problems, len(failed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--suite", help="of the assignments; default the course")
    parser.add_argument("patterns", nargs="*")
    arguments = parser.parse_args()
    os.environ["SOCKGRADE_BUILD"] = str(pathlib.Path(arguments.build).resolve())
    patches = [p for p in sorted((ROOT / "testcases" / "mutants").glob("*/*.patch"))
               if not arguments.patterns or any(w in str(p) for w in arguments.patterns)]
    options = ("--suite", arguments.suite) if arguments.suite else ()
    wrong = 0
    spread = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for patch, (problems, n_failed) in zip(patches, pool.map(lambda p: examine(p, options), patches)):
            spread.append(n_failed)
            wrong += bool(problems)
            for problem in problems:
                print(f"{patch.parent.name}/{patch.stem}: {problem}", flush=True)
    if spread:
        print(f"scenarios failed by a mutant: median {statistics.median(spread)}, most {max(spread)}")
    print(f"{len(patches) - wrong} passed, {wrong} failed")
    return 0 if patches and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
