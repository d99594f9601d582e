"""What crash.py needs: a small class, sockgrade run so that nothing it leaves is overlooked, and what must be the same."""
import collections
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "e2e"))

from tools import binary, expect, hand_in  # noqa: E402

ONLY = ("--only", "udp-echo-server/echo", "--only", "udp-echo-server/empty*", "--seed", "7")
PATIENCE = 240  # seconds; a backstop: whatever takes longer hangs

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
        left = groups() - self.groups
        while left and time.monotonic() < deadline:
            time.sleep(0.01)
            left &= groups()  # others, whose numbers mean nothing here, come and go
        expect(not left, f"control groups stay: {left}")

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
