#!/usr/bin/python3
"""Kills sockgrade, and starves it, at many moments: nothing half-made may ever be seen, nothing may stay behind, and what
is done afterwards must come to the reports of an undisturbed run.

    crash.py --build DIR [--kills N] [--faults N] [--seed S] [PART...]       the parts: order kills faults limits space

kills: `sockgrade batch` is killed (itself, with all that it started, a worker, a janitor, a keeper) at random moments and
run again, until the class is done. faults: by tests/faults.c the Nth call of one kind fails, in `grade` and in `batch`, for
up to --faults values of N a kind. limits: few descriptors, few processes. space: a full file system. order: what is
written is synced before it is renamed. Bounded by its counts; prints them. As root and as an ordinary user.
"""
import argparse
import collections
import contextlib
import ctypes
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "e2e")]

from crash_faults import inside, part_faults, part_limits, part_space  # noqa: E402
from crash_lab import Place, descendants, finish, kill_all, make_class, nobody_stays, processes, undisturbed  # noqa: E402
from tools import build_dir, expect, folder  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36

# ---- kills ----

def of_kind(kind, top, found):
    """Pids below the batch of this kind."""
    if kind == "batch":
        return [top]
    all_of_them = descendants(top, found)
    if kind == "everything":
        return [top, *all_of_them]
    if kind == "worker":
        return [pid for pid in all_of_them if found[pid][0] == top]
    return [pid for pid in all_of_them if found[pid][2].startswith(kind)]


def kill_once(place, kind, moment, dice):
    """Starts the batch, kills at that moment; True when something was there to be killed."""
    one = place.batch().start()
    with contextlib.suppress(subprocess.TimeoutExpired):
        one.process.wait(moment)
    found = processes()
    targets = of_kind(kind, one.process.pid, found)
    if one.process.poll() is not None or not targets:
        one.end()
        return False
    if kind in ("worker", "janitor", "keeper"):
        targets = [dice.choice(targets)]
    kill_all(targets)
    status = one.end()
    expect(status == -9 if kind in ("batch", "everything") else status in (0, 3),
           f"after the {kind} was killed: status {status}\n{one.out}{one.err}")
    return True


def part_kills(place, wanted, lasted, arguments):
    dice = random.Random(arguments.seed)
    kinds = ["batch", "everything", "worker", "janitor", "keeper"]
    done = collections.Counter()
    tries = 0
    while sum(done.values()) < arguments.kills and tries < 4 * arguments.kills + 20:
        kind = kinds[tries % len(kinds)]
        tries += 1
        done[kind] += kill_once(place, kind, dice.uniform(0, lasted), dice)
        nobody_stays()
        place.whole()
        if dice.random() < 0.3:
            finish(place, wanted)
            place.fresh()
    finish(place, wanted)
    place.fresh()
    expect(sum(done.values()) >= arguments.kills, f"only {done} of {arguments.kills} kills met anything")
    print(f"kills: {dict(done)}, always resumed to the same results", flush=True)


# ---- order ----

def part_order(place, _wanted, _lasted, _arguments):
    """For each rename into place: the file was synced after its last write, and the folder is synced afterwards."""
    log = place.tmp.parent / "order"
    renames = 0
    for who in ("grade", "batch"):
        log.unlink(missing_ok=True)
        env = {"LD_PRELOAD": str(build_dir() / "tests" / "faults.so"), "FAULT_IN": who, "FAULT_ORDER": str(log)}
        one = place.batch(env=env).start()
        expect(one.end() == 0, f"{one.out}{one.err}")
        place.fresh()
        by_process = collections.defaultdict(list)
        for line in log.read_text().splitlines():
            pid, event, rest = line.split(" ", 2)
            by_process[pid].append((event, rest))
        renames += sum(check_order(events) for events in by_process.values())
    expect(renames >= len(place.students) + 2, f"{renames} renames seen")
    print(f"order: {renames} renames, each between a sync of the file and one of its folder", flush=True)


def check_order(events):
    names, dirty, folders_due, renames = {}, set(), set(), 0
    for event, rest in events:
        if event == "open":
            number, path = rest.split(" ", 1)
            names[number] = path
        elif event == "write" and rest in names:
            dirty.add(names[rest])
        elif event == "fsync" and rest in names:
            dirty.discard(names[rest])
            folders_due.discard(names[rest])
        elif event == "close":
            names.pop(rest, None)
        elif event == "rename":
            source, target = rest.split(" ", 1)
            expect(source not in dirty, f"renamed before it was synced: {target}")
            expect(os.path.dirname(source) == os.path.dirname(target), f"renamed across folders: {rest}")
            folders_due.add(os.path.dirname(target))
            renames += 1
    expect(not folders_due, f"folders never synced: {folders_due}")
    return renames


PARTS = {"order": part_order, "kills": part_kills, "faults": part_faults, "limits": part_limits, "space": part_space}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", nargs="*", help="only these system calls: grade:open, batch:fork, ...")
    parser.add_argument("--inside", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    os.environ["SOCKGRADE_BUILD"] = str(pathlib.Path(arguments.build).resolve())
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")
    if arguments.inside:
        inside(arguments.inside, [pathlib.Path(word) for word in arguments.words])
        return 0
    failed = 0
    with folder() as here:
        place = Place(here, make_class(here / "class"))
        wanted, lasted = undisturbed(place)
        for name in arguments.words or PARTS:
            try:
                place.fresh()
                PARTS[name](place, wanted, lasted, arguments)
            except AssertionError as wrong:
                failed += 1
                print(f"FAILED  {name}: {wrong}", flush=True)
    print(f"crash: {len(arguments.words or PARTS) - failed} parts passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
