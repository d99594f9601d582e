#!/usr/bin/python3
"""The hostile corpus: attacks on sockgrade at intake, while building and while running (README.md beside this file).

    run.py --build DIR [--as root|user] [GROUP...]

Prints what was not contained, and why; the last line is "N of N contained" for each identity that graded.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import machine as machines  # noqa: E402
import believed  # noqa: E402
import build_time  # noqa: E402
import take_in  # noqa: E402
import klass  # noqa: E402
import run_time  # noqa: E402
import silent  # noqa: E402

GROUPS = {"class": klass.klass, "attacks": run_time.attacks, "silence": silent.silence, "build": build_time.build, "intake": take_in.intake, "peers": silent.peers,
          "forged": believed.forged, "watched": believed.watched, "holdout": believed.holdout}


ROW = re.compile(r"^\| (\d+) \| [ABR ]+ \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.M)


def table():
    """{number: name} of README.md, whose files must be there."""
    rows = ROW.findall((HERE / "README.md").read_text(encoding="utf-8"))
    for _, name, files in rows:
        for file in files.split(", "):
            if not (HERE / file).exists() and not (HERE / "attacks" / file).exists():
                raise SystemExit(f"README.md: {name}: no file {file}")
    if [int(number) for number, *_ in rows] != list(range(1, len(rows) + 1)):
        raise SystemExit("README.md: the rows are not numbered from 1 on")
    return {int(number): name for number, name, _ in rows}


def run_group(name, machine, who):
    """{number: problems}; a group that breaks down is a problem of number 0."""
    home = pathlib.Path(tempfile.mkdtemp(dir=machine.place, prefix=f"{name}-"))
    home.chmod(0o755)
    try:
        return (run_time.bites if name == "bites" else GROUPS[name])(machine, who, home)
    except Exception:  # whatever it was: the group failed, the others go on
        return {0: [f"{name}: {traceback.format_exc()}"]}


def run_all(machine, who, names, found):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda name: run_group(name, machine, who), names):
            for number, problems in result.items():
                found.setdefault(number, []).extend(problems)
    found.setdefault(0, []).extend(machine.leftovers())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--as", dest="who", action="append")
    parser.add_argument("groups", nargs="*")
    arguments = parser.parse_args()
    os.environ["SOCKGRADE_BUILD"] = str(pathlib.Path(arguments.build).resolve())
    rows = table()
    machines.enter()
    machine = machines.Machine()
    wrong = False
    try:
        names = [n for n in GROUPS if not arguments.groups or n in arguments.groups]
        harmless = run_group("bites", machine, None)  # outside, once, before the machine is looked at
        machine.reset()
        for who in arguments.who or machines.identities():
            found = {number: list(problems) for number, problems in harmless.items()}
            run_all(machine, who, names, found)
            if not arguments.groups and who != "root":  # the quota of 84 and 102 is an ordinary user's
                for number in rows.keys() - found.keys():
                    found[number] = ["was not tested"]
            found[0] += [f"{number} was tested and is not in README.md" for number in found.keys() - rows.keys() - {0}]
            for number in sorted(found):
                for problem in found[number]:
                    print(f"NOT CONTAINED  {number} {rows.get(number, '')}  as {who}: {problem}", flush=True)
            numbers = [n for n in found if n]
            contained = [n for n in numbers if not found[n]]
            print(f"as {who}: {len(contained)} of {len(numbers)} contained", flush=True)
            wrong = wrong or any(found.values())
    finally:
        machine.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
