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
import errno
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "e2e"))

from tools import binary, build_dir, expect, folder, hand_in  # noqa: E402

ONLY = ("--only", "udp-echo-server/echo", "--only", "udp-echo-server/empty*", "--seed", "7")
PATIENCE = 240  # seconds; a backstop: whatever takes longer hangs
PR_SET_CHILD_SUBREAPER = 36

# What may differ between two runs over the same class: times, and what is measured in or depends on time.
TIMES = {"seconds", "t_us", "cpu_ms", "rss_kib", "trace", "proof", "per_minute", "interrupted"}
# In the summary, what says whose work it was: this run's or an earlier one's.
OF_THE_RUN = {"graded", "current", "status"}

ECHO = r"""
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(int argc, char **argv)
{
    static char text[65536];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    if (bind(fd, (void *)&a, sizeof a))
        return 1;
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, text, sizeof text, 0, (void *)&from, &len);
        %s
        sendto(fd, text, n, 0, (void *)&from, len);
    }
}
"""
CLASS = {
    "good": ECHO % "",
    "first-byte": ECHO % "text[0] ^= 1;",
    "silent": ECHO % "continue;",
    "crashes": ECHO % "abort();",
    "broken": "int main(void) { return 0 }\n",
}


def make_class(here):
    return [hand_in(here / name, udp_echo_server=source) for name, source in CLASS.items()]


# ---- running, and what may be left ----

class Run:
    """One sockgrade, started so that whatever it leaves becomes our child and can be seen."""

    def __init__(self, words, env=None, limits=()):
        self.command = [binary(), *map(str, words)]
        self.env = dict(os.environ, **(env or {}))
        self.limits = limits
        self.process = None
        self.out = self.err = ""
        self.killed = False

    def start(self):
        def child():
            for kind, value in self.limits:
                resource.setrlimit(kind, (value, value))
        self.process = subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, preexec_fn=child, start_new_session=True)
        return self

    def end(self):
        """Waits; the exit status."""
        try:
            out, err = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            kill_all(descendants(os.getpid()))
            self.process.communicate()
            raise AssertionError(f"hangs: {' '.join(self.command)}, {self.env.get('FAULT')}") from None
        self.out, self.err = out.decode(errors="replace"), err.decode(errors="replace")
        return self.process.returncode


def run(words, **how):
    one = Run(words, **how).start()
    one.end()
    return one


def processes():
    """{pid: (parent, command line, name)} of all that can be seen."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text(errors="replace")
                name, rest = stat[stat.index("(") + 1:].rsplit(")", 1)
                found[int(entry.name)] = (int(rest.split()[1]), (entry / "cmdline").read_bytes().split(b"\0"), name)
    return found


def descendants(top, found=None):
    found = found or processes()
    children = collections.defaultdict(list)
    for pid, (parent, _, _) in found.items():
        children[parent].append(pid)
    order, at = list(children[top]), 0
    while at < len(order):
        order += children[order[at]]
        at += 1
    return order


def kill_all(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def nobody_stays():
    """Orphans became ours (subreaper): they must end by themselves."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return
    found = processes()
    left = {pid: found[pid] for pid in descendants(os.getpid(), found)}
    kill_all(left)
    raise AssertionError(f"processes stay: {left}")


def groups():
    """Control groups of sockgrade's whose process has gone."""
    found = set()
    for place, names, _ in os.walk("/sys/fs/cgroup"):  # groups come and go meanwhile: errors are left out
        for name in names:
            pid = name.rsplit("-", 1)[1] if name.startswith("sockgrade-") else ""
            if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
                found.add(f"{place}/{name}")
    return found


class Place:
    """A class with its reports and its own TMPDIR."""

    def __init__(self, here, students):
        self.students, self.out, self.tmp = students, here / "out", here / "tmp"
        self.mounts = pathlib.Path("/proc/self/mountinfo").read_text()
        self.groups = groups()
        self.fresh()

    def fresh(self):
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.rmtree(self.tmp, ignore_errors=True)
        self.out.mkdir()
        self.tmp.mkdir(mode=0o755)

    def batch(self, **how):
        env = {"TMPDIR": str(self.tmp), **(how.pop("env", None) or {})}
        return Run(["batch", *ONLY, "-j", "2", *self.students, "-o", self.out], env=env, **how)

    def grade(self, student, **how):
        env = {"TMPDIR": str(self.tmp), **(how.pop("env", None) or {})}
        return Run(["grade", *ONLY, "--format=json", "-o", self.out / "grade.json", student], env=env, **how)

    def whole(self):
        """Every file that can be seen is whole."""
        for path in self.out.glob("[!.]*.json"):
            try:
                json.loads(path.read_text())
            except ValueError:
                raise AssertionError(f"half a report: {path.name}") from None
        book = self.out / "gradebook.csv"
        expect(not book.exists() or book.read_bytes().endswith(b"\r\n"), "half a gradebook")

    def nothing_left(self):
        expect(not list(self.tmp.iterdir()), f"left in TMPDIR: {list(self.tmp.iterdir())}")
        hidden = [p.name for p in self.out.iterdir() if p.name.startswith(".")]
        expect(not hidden, f"left beside the reports: {hidden}")
        expect(pathlib.Path("/proc/self/mountinfo").read_text() == self.mounts, "a mount stays")
        deadline = time.monotonic() + PATIENCE
        while groups() - self.groups and time.monotonic() < deadline:
            time.sleep(0.01)
        expect(not groups() - self.groups, f"control groups stay: {groups() - self.groups}")

    def results(self):
        """{file: what must be the same}, texts byte for byte."""
        found = {p.name: normal(json.loads(p.read_text())) for p in self.out.glob("*.json")}
        if "summary.json" in found:
            summary = json.loads((self.out / "summary.json").read_text())
            found["summary.json"] = normal(summary, TIMES | OF_THE_RUN)
        book = self.out / "gradebook.csv"
        found["gradebook.csv"] = book.read_bytes() if book.exists() else b""
        return found


def normal(value, without=frozenset(TIMES)):
    """Byte for byte, but for times."""
    if isinstance(value, dict):
        return {key: normal(v, without) for key, v in value.items() if key not in without}
    if isinstance(value, list):
        return [normal(v, without) for v in value]
    if isinstance(value, str):  # ports are drawn, times are written into sentences
        return re.sub(r"\b\d+\.\d+ m?s\b", "N s", value)
    return value


def difference(first, other):
    """Where two results differ, in one line each."""
    if isinstance(first, dict) and isinstance(other, dict):
        return [f"{key}{'' if line.startswith('[') else ': '}{line}" for key in sorted({*first, *other})
                for line in difference(first.get(key), other.get(key))]
    if isinstance(first, list) and isinstance(other, list) and len(first) == len(other):
        return [f"[{i}]{line}" for i, pair in enumerate(zip(first, other)) for line in difference(*pair)]
    return [] if first == other else [f"{first!r} became {other!r}"]


def undisturbed(place):
    started = time.monotonic()
    done = place.batch().start()
    expect(done.end() == 0, f"undisturbed: {done.out}{done.err}")
    lasted = time.monotonic() - started
    place.whole()
    place.nothing_left()
    wanted = place.results()
    place.fresh()
    return wanted, lasted


def finish(place, wanted):
    """What was disturbed is run again: the same results."""
    done = place.batch().start()
    expect(done.end() == 0, f"run again: status {done.process.returncode}\n{done.out}{done.err}")
    nobody_stays()
    place.whole()
    place.nothing_left()
    changed = difference(wanted, {name: v for name, v in place.results().items() if name != "grade.json"})
    expect(not changed, "other results after a disturbed run:\n" + "\n".join(changed[:10]))


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
        if who not in arguments.who:
            continue
        right = {s: graded_once(place, s) for s in place.students} if who == "grade" else {}
        for call, cause in calls.items():
            if arguments.calls and call not in arguments.calls:
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
    subprocess.run(["mount", "-o", "remount,size=256m", str(space)], check=True)
    place.mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    again = place.batch().start()
    expect(again.end() == 0, f"with room: {again.out}{again.err}")
    place.nothing_left()
    scores = {n: r["score"] for n, r in place.results().items() if isinstance(r, dict) and "score" in r and "build" in r}
    expect(scores["good.json"] > scores["silent.json"] > scores["broken.json"] == 0, str(scores))
    print(f"status {status}, then complete")


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
    parser.add_argument("--calls", nargs="*", help="only these system calls")
    parser.add_argument("--who", nargs="*", default=["grade", "batch"])
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
