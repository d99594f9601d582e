"""Parts of crash.py: single system calls that fail, few descriptors and processes, full file systems."""
import collections
import contextlib
import errno
import json
import os
import pathlib
import resource
import subprocess
import sys

from crash_lab import HERE, PATIENCE, Place, groups, nobody_stays, finish

from tools import build_dir, expect, folder

# ---- faults ----

GRADE_CALLS = {
    "open": "EMFILE", "openat": "EMFILE", "read": "EIO", "write": "ENOSPC", "fsync": "EIO", "rename": "EIO",
    "mkdir": "ENOSPC", "mkdtemp": "ENOSPC", "pipe2": "EMFILE", "socket": "EMFILE", "socketpair": "EMFILE",
    "fork": "EAGAIN", "syscall": "EAGAIN", "memfd_create": "EMFILE", "epoll_create1": "EMFILE", "epoll_ctl": "ENOSPC",
    "accept4": "EMFILE", "fcntl": "EMFILE", "sendmsg": "ENOBUFS", "recvmsg": "ENOMEM", "pthread_create": "EAGAIN",
    "dup2": "EMFILE", "chmod": "EIO", "pread": "EIO",
}
BATCH_CALLS = {
    "open": "EMFILE", "openat": "EMFILE", "read": "EIO", "write": "ENOSPC", "fsync": "EIO", "rename": "EIO",
    "mkdir": "ENOSPC", "mkdtemp": "ENOSPC", "fork": "EAGAIN", "syscall": "EMFILE", "memfd_create": "EMFILE",
    "fcntl": "EMFILE", "chmod": "EIO", "pread": "EIO", "dup2": "EMFILE",
}


def fault_env(who, call, nth, cause, fired):
    return {"LD_PRELOAD": str(build_dir() / "tests" / "faults.so"), "FAULT_IN": who, "FAULT_FIRED": str(fired),
            "FAULT": f"{call}:{nth}:{getattr(errno, cause)}"}


def judged(report):
    return {f"{a['id']}/{s['id']}": (s["verdict"], s.get("class")) for a in report["assignments"] for s in a["scenarios"]}


def truthful(report, wanted):
    """No verdict but the undisturbed one, or none at all; a score counts only when it is the undisturbed one."""
    for assignment, right in zip(report["assignments"], wanted["assignments"]):
        if assignment["status"] != "withheld":
            expect(assignment["score"] == right["score"] and assignment["status"] == right["status"],
                   f"{assignment['id']}: {assignment['status']} {assignment['score']}: {assignment.get('status_text')}, "
                   f"for {right['status']} {right['score']}")
    expect(report["submission"]["refusal"] == wanted["submission"]["refusal"],
           f"refused: {report['submission']['refusal']}")
    expect(report["build"]["status"] == wanted["build"]["status"] or
           all(a["status"] == "withheld" for a in report["assignments"]), f"build: {report['build']['status']}")
    right = judged(wanted)
    for name, (verdict, its_class) in judged(report).items():
        expect(verdict in ("error", "skipped") or (verdict, its_class) == right[name],
               f"{name}: {verdict}, {its_class}, for {right[name]}")


def check_grade(place, student, wanted, env=None, limits=()):
    """One disturbed grade: the right report, or a fault of the host; (what became of it, the status)."""
    (place.out / "grade.json").write_text("old")
    one = place.grade(student, env=env, limits=limits).start()
    status = one.end()
    text = (place.out / "grade.json").read_text()
    what = f"status {status}, {one.err.strip()[-300:]}"
    nobody_stays()
    expect(status in (wanted["status"], 3), f"{student.name}: {what}")
    if text == "old":
        expect(status == 3 and one.err.startswith("sockgrade: ") and one.err.count("\n") == 1, f"no report, no reason: {what}")
    else:
        try:
            truthful(json.loads(text), wanted["report"])
        except AssertionError as wrong:
            raise AssertionError(f"{student.name}: {wrong} ({what})") from None
    (place.out / "grade.json").unlink()
    for path in place.tmp.iterdir():  # what could not be removed is the next one's to remove
        expect(path.name.startswith("sockgrade-grade-"), f"left: {path}")
    return status


def graded_once(place, student):
    one = place.grade(student).start()
    status = one.end()
    expect(status in (0, 1), f"undisturbed: {status}\n{one.err}")
    report = json.loads((place.out / "grade.json").read_text())
    (place.out / "grade.json").unlink()
    return {"status": status, "report": report}


def walk(most):
    """1, 2, 3, ... then in growing steps: the first calls are the most different ones."""
    nth, step = 1, 1
    for i in range(most):
        yield nth
        if i >= most // 2:
            step = max(1, nth // 6)
        nth += step


def part_faults(place, wanted, _lasted, arguments):
    failures = []
    counts = collections.Counter()
    for who, calls in (("grade", GRADE_CALLS), ("batch", BATCH_CALLS)):
        right = {s: graded_once(place, s) for s in place.students} if who == "grade" else {}
        for call, cause in calls.items():
            if arguments.calls and f"{who}:{call}" not in arguments.calls:
                continue
            for i, nth in enumerate(walk(arguments.faults)):
                fired = place.tmp.parent / "fired"
                fired.unlink(missing_ok=True)
                env = fault_env(who, call, nth, cause, fired)
                student = place.students[i % 4]
                try:
                    if who == "grade":
                        status = check_grade(place, student, right[student], env=env)
                    else:
                        status = check_batch(place, wanted, env=env)
                    counts[f"{who}, status {status}"] += 1
                except AssertionError as wrong:
                    failures.append(f"{who} {call} {nth}: {wrong}")
                    print(f"  {failures[-1]}", flush=True)
                    nobody_stays()
                if not fired.exists():
                    break
                counts["fired"] += 1
    place.fresh()
    print(f"faults: {dict(counts)}, {len(failures)} wrong", flush=True)
    expect(not failures and counts["fired"] > 0, "\n".join(failures) or "no fault fired")


def check_batch(place, wanted, env=None, limits=()):
    place.fresh()
    one = place.batch(env=env, limits=limits).start()
    status = one.end()
    nobody_stays()
    place.whole()
    expect(status in (0, 3), f"status {status}: {one.out}{one.err}")
    if status == 3 and not (place.out / "summary.json").exists():
        expect(one.err.startswith("sockgrade: "), f"no reason: {one.out}{one.err}")
    for name, report in place.results().items():
        if name in wanted and name.endswith(".json") and name != "summary.json":
            truthful(report, wanted[name])
    finish(place, wanted)
    return status


# ---- limits ----

def tasks_of(uid):
    """RLIMIT_NPROC counts threads."""
    count = 0
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            count += len(list((entry / "task").iterdir())) if entry.stat().st_uid == uid else 0
    return count


def part_limits(place, wanted, _lasted, arguments):
    right = {s: graded_once(place, s) for s in place.students[:2]}
    counts = collections.Counter()
    for i, files in enumerate([4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48, 64][::1 if arguments.faults > 5 else 6]):
        student = place.students[i % 2]
        counts[check_grade(place, student, right[student], limits=[(resource.RLIMIT_NOFILE, files)])] += 1
    counts[check_batch(place, wanted, limits=[(resource.RLIMIT_NOFILE, 12)])] += 1
    counts[check_batch(place, wanted, limits=[(resource.RLIMIT_FSIZE, 3000)])] += 1
    if os.geteuid() != 0:  # root's processes are not counted
        mine = tasks_of(os.geteuid())
        for more in range(1, 12, 1 if arguments.faults > 5 else 4):
            counts[check_grade(place, place.students[0], right[place.students[0]],
                               limits=[(resource.RLIMIT_NPROC, mine + more)])] += 1
        counts[check_batch(place, wanted, limits=[(resource.RLIMIT_NPROC, mine + 3)])] += 1
    print(f"limits: {dict(counts)} by status", flush=True)
    expect(counts[3] > 0, "no limit was felt")


# ---- space ----

def in_small_space(kib, words):
    """The command in a mount namespace where $SPACE/out and $SPACE/tmp lie on a file system of so many KiB."""
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    script = 'mount -t tmpfs -o size="$1"k,mode=755 space "$2" && mkdir "$2/out" "$2/tmp" && shift 2 && exec "$@"'
    return [*unshare, "sh", "-c", script, "sh", str(kib), *words]


def part_space(place, wanted, _lasted, arguments):
    """Runs crash.py itself in a namespace with a file system that is too small, and then larger."""
    for kib in (12, 60, 140, 400)[::1 if arguments.faults > 5 else 2]:
        with folder() as here:
            words = [sys.executable, str(HERE / "crash.py"), "--build", str(build_dir()), "--inside", str(here),
                     *map(str, place.students)]
            done = subprocess.run(in_small_space(kib, [str(here), *words]), stdin=subprocess.DEVNULL, check=False,
                                  capture_output=True, timeout=2 * PATIENCE)
            expect(done.returncode == 0, f"{kib} KiB: {done.stdout.decode()}{done.stderr.decode()}")
            print(f"space: {kib} KiB: {done.stdout.decode().strip()}", flush=True)
    expect(wanted, "nothing to compare with")


def inside(space, students):
    """A full file system, then one with room: the second run completes what the first could not."""
    place = Place.__new__(Place)
    place.students, place.out, place.tmp = students, space / "out", space / "tmp"
    place.mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    place.groups = groups()
    one = place.batch().start()
    status = one.end()
    nobody_stays()
    place.whole()
    expect(status in (0, 3) and (status == 0 or one.err or one.out), f"status {status}: {one.out}{one.err}")
    for report in place.results().values():
        if isinstance(report, dict) and report.get("format") == "sockgrade/report/1":
            expect(all(a["status"] in ("withheld", "graded", "missing") for a in report["assignments"]), str(report))
    # with the options that it has, mount(8) would say its owner's number once more, which means nobody in here
    subprocess.run(["mount", "--options-mode=ignore", "-t", "tmpfs", "-o", "remount,size=256m", "none", str(space)], check=True)
    place.mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    again = place.batch().start()
    expect(again.end() == 0, f"with room: {again.out}{again.err}")
    place.nothing_left()
    scores = {n: r["score"] for n, r in place.results().items() if isinstance(r, dict) and "score" in r and "build" in r}
    expect(scores["good.json"] > scores["silent.json"] > scores["broken.json"] == 0, str(scores))
    print(f"status {status}, then complete")
