#!/usr/bin/python3
"""End-to-end tests: the real binary, on real programs, in real namespaces.

    run.py --build DIR [PATTERN...]     only the tests whose name contains a PATTERN

Each test is a function whose name begins with test_ in one of the modules beside this file. Tests run side by side, one
for each processor. The last line is "N passed, N failed".
"""
import argparse
import concurrent.futures
import importlib
import os
import pathlib
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["cli", "grading", "demo_class", "bad_input", "batch", "intake", "language", "isolation", "ladder", "crash", "network",
           "do_little", "faults", "sanitizers", "fairness", "suites"]


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
    try:
        function()
        return title, None
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
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run_one, *t) for t in tests]):
            title, problem = future.result()
            if problem is None:
                passed += 1
                print(f"ok      {title}", flush=True)
            else:
                failed += 1
                print(f"FAILED  {title}\n{problem}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
