#!/usr/bin/python3
"""Whole grades against compiling alone, measured in turns in one run: medians and ratios."""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
ROUNDS = int(os.environ.get("BENCH_GRADES", "5"))
SOCKGRADE = str(BUILD / "sockgrade")


def timed(*command, ok=(0,)):
    began = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False)
    seconds = time.monotonic() - began
    if done.returncode not in ok:
        sys.exit(f"bench: {command}: status {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return seconds


SANITIZERS = "gcc -fsanitize=address,undefined -fno-omit-frame-pointer -g"


def make_alone(source, *words, jobs=2):
    with tempfile.TemporaryDirectory(prefix="sockgrade-bench-") as here:
        copy = pathlib.Path(here) / "copy"
        shutil.copytree(source, copy)
        return timed("make", "-s", f"-j{jobs}", "-C", str(copy), *words, ok=(0, 2))


def row(name, seconds, base):
    median = statistics.median(seconds)
    print(f"  {name:<52} median {median:7.3f} s  (min {min(seconds):.3f}, max {max(seconds):.3f})  "
          f"ratio {median / base:.2f}", flush=True)
    return median


def one_hand_in():
    reference, hanging = ROOT / "reference", ROOT / "grader/tests/demo/hangs-everywhere"
    make, grade, hang, sanitized, column = [], [], [], [], []
    for _ in range(ROUNDS):
        make.append(make_alone(reference))
        grade.append(timed(SOCKGRADE, "grade", "--no-sanitizer", str(reference)))
        hang.append(timed(SOCKGRADE, "grade", "--no-sanitizer", str(hanging), ok=(1,)))
        sanitized.append(make_alone(reference, f"CC={SANITIZERS}"))
        column.append(timed(SOCKGRADE, "grade", str(reference)))
    base = statistics.median(make)
    row("reference: make -j2 alone", make, base)
    full = row("reference: full grade", grade, base)
    slow = row("a hand-in that hangs everywhere: full grade", hang, base)
    base = statistics.median(sanitized)
    row("reference: make -j2 alone, with sanitizers", sanitized, base)
    row("reference: full grade, with the sanitizer column", column, base)
    print(f"  the one that hangs against the reference: {slow / full:.2f}")


def a_class(size=20):
    with tempfile.TemporaryDirectory(prefix="sockgrade-bench-") as here:
        place = pathlib.Path(here)
        subprocess.run([str(ROOT / "grader/tests/demo-class.sh"), str(place / "all")], check=True,
                       stdout=subprocess.DEVNULL)
        left_out = {"make-hangs", "make-floods"}  # what they cost is a limit, not work
        hand_ins = [p for p in sorted((place / "all").iterdir()) if p.name not in left_out][:size]
        began = time.monotonic()
        running = []
        for hand_in in hand_ins:  # make -j2 of the same: two hand-ins at a time, one job each
            copy = place / "copy" / hand_in.name
            shutil.copytree(hand_in, copy)
            running.append(subprocess.Popen(["make", "-s", "-C", str(copy)], stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL))
            if len(running) == 2:
                running.pop(0).wait()
        for process in running:
            process.wait()
        make = time.monotonic() - began
        batch = timed(SOCKGRADE, "batch", "-j2", "--no-sanitizer", *map(str, hand_ins), "-o", str(place / "out"))
        print(f"  a class of {len(hand_ins)}: the builds alone {make:.2f} s, batch -j2 {batch:.2f} s, ratio {batch / make:.2f}")


one_hand_in()
a_class()
