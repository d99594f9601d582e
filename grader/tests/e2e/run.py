#!/usr/bin/python3
"""End-to-end tests: the real binary, on real programs, in real namespaces.

    run.py --build DIR [PATTERN...]     only the tests whose name contains a PATTERN

Each test is a function whose name begins with test_ in one of the modules beside this file. Tests run side by side, one
for each processor. One that the machine cannot run is skipped, and says why. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["cli", "grading", "demo_class", "bad_input", "batch", "intake", "language", "isolation", "ladder", "crash", "network",
           "do_little", "faults", "sanitizers", "bigendian", "fairness", "fair_programs", "suites", "scope", "order"]


def collect(patterns):
    for name in MODULES:
        module = importlib.import_module(name)
        for attribute in sorted(dir(module)):
            if not attribute.startswith("test_"):
                continue
            title = f"{name}.{attribute}"
            if not patterns or any(p in title for p in patterns):
                yield title, getattr(module, attribute)


def run_one(title, function):
    """(title and how long it took, its problem)"""
    began = time.monotonic()
    title, problem = run_to_the_end(title, function)
    return f"{title} ({time.monotonic() - began:.1f} s)", problem


def run_to_the_end(title, function):
    try:
        function()
        return title, None
    except importlib.import_module("tools").Skipped as reason:
        return title, reason
    except Exception:  # a failing test, whatever it raised, is one failure and no end of the run
        return title, traceback.format_exc()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("patterns", nargs="*")
    arguments = parser.parse_args()
    os.environ["SOCKGRADE_BUILD"] = str(pathlib.Path(arguments.build).resolve())
    sys.path.insert(0, str(HERE))
    tests = list(collect(arguments.patterns))
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run_one, *t) for t in tests]):
            title, problem = future.result()
            if problem is None:
                passed += 1
                print(f"ok      {title}", flush=True)
            elif isinstance(problem, Exception):
                skipped += 1
                print(f"skipped {title}: {problem}", flush=True)
            else:
                failed += 1
                print(f"FAILED  {title}\n{problem}", flush=True)
    if skipped:
        print(f"{skipped} skipped: this machine cannot run them")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
