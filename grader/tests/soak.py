#!/usr/bin/python3
"""Grades the same hand-ins again and again while every processor is kept busy, and compares the verdicts: they must not
depend on the machine's load. Bounded by its counts; prints them.

    soak.py --build DIR [--rounds N] [--spinners N]      N grades of the reference; N spinning processes a processor
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "e2e"))

from tools import ROOT, TESTS, folder, mutant, scenarios, sockgrade  # noqa: E402

# One of each kind of evidence: bytes, an end, proven silence, a process' state, a death.
MUTANTS = ["S03", "S07", "S10", "S18", "B04"]
FAIR = ["stdio", "modern"]  # of tests/fair: correct, in styles that are not the reference's
OTHER_ROUNDS = 5  # of the rounds of the reference, one in so many is also one of a mutant and of a fair hand-in


class Load:
    """Spinning processes, ended with the block; each by its own handle."""

    def __init__(self, count):
        self.count = count
        self.running = []

    def __enter__(self):
        self.running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self.count)]

    def __exit__(self, *unused):
        for process in self.running:
            process.kill()
        for process in self.running:
            process.wait()


def verdicts_of(place, *words):
    """{scenario: (verdict, class)} of one grade; what was proven or seen may differ, what it means may not."""
    result = sockgrade("grade", "--format", "json", "--no-sanitizer", "--other-machines=off", *words, place)
    if result.status not in (0, 1):
        return {"no report": (result.status, result.err.strip())}
    return {name: (s["verdict"], s.get("class")) for name, s in scenarios(json.loads(result.out)).items()}


def difference(first, other):
    return {name: (first.get(name), other.get(name)) for name in {*first, *other} if first.get(name) != other.get(name)}


def repeat(title, place, rounds, *words):
    """How many of the rounds differ from the first."""
    first = verdicts_of(place, *words)
    wrong = 0
    for i in range(1, rounds):
        changed = difference(first, verdicts_of(place, *words))
        wrong += bool(changed)
        if changed:
            print(f"  {title}, round {i}: {changed}", flush=True)
        if (i + 1) % 10 == 0 and i + 1 < rounds:
            print(f"  {title}: {i + 1} grades so far, {wrong} of them different", flush=True)
    counts = collections.Counter(verdict for verdict, _ in first.values())
    print(f"{title}: {rounds} grades, {wrong} of them different; {dict(counts)}", flush=True)
    lost = [n for n, (v, _) in first.items() if v not in ("ok", "info", "non-strict")]
    return wrong, lost


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--spinners", type=int, default=4)
    arguments = parser.parse_args()
    os.environ["SOCKGRADE_BUILD"] = str(pathlib.Path(arguments.build).resolve())
    failed = passed = 0
    with Load(arguments.spinners * (os.cpu_count() or 1)):
        wrong, lost = repeat("reference", ROOT / "reference", arguments.rounds)
        failed += wrong + bool(lost)
        passed += arguments.rounds - wrong
        rounds = max(2, arguments.rounds // OTHER_ROUNDS)
        for name in FAIR:
            wrong, lost = repeat(name, TESTS / "fair" / name, rounds)
            failed += wrong + bool(lost)
            passed += rounds - wrong
        for name in MUTANTS:
            patch = next((ROOT / "testcases" / "mutants").glob(f"*/{name}-*.patch"))
            with folder() as here:
                wrong, lost = repeat(patch.stem, mutant(patch, here / "hand-in"), rounds, "--only",
                                     f"{patch.parent.name}/*")
            failed += wrong + (not lost)
            passed += rounds - wrong
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
