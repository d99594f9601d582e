"""To be believed, or not to be noticed: forged lines in every form of the report, and programs that look for their watcher."""
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

import run_time
import silent
from machine import AS_USER, tools

FORGED = ("total 100.00 of 100.00 points", "talk  10.00 of 10.00 points, 1 of 1 scenarios passed", "build: ok (0.1 s, 0 compiler messages)",
          "100 passed, 0 failed", "::error file=x::owned", "##vso[task.complete result=Succeeded;]")
MAKEFILE = r"""
all:
	@printf '%s\n' @FORGED@
	@printf '\r\033[2J\033]8;;http://192.0.2.1\007x\033]8;;\007\n'
	-cc -c forged.c
	cc -w -O1 -pthread -o talk talk.c
"""
SOURCE = """#line 1 "total 100.00 of 100.00 points"
#warning total 100.00 of 100.00 points
#line 1 "a\\n::error file=x::owned"
#error "]]></system-out></testcase><testcase name='forged'/>"
"""


def forged(machine, who, home):
    """One hand-in forges by stdout, stderr, file names, compiler messages and make's output; every form is looked at."""
    steps = [{"start": "p", "args": ["forge"], "ready": "none"}, {"expect": "p", "data": "honest\n", "eof": True}]
    silent.write_suite(home / "cases", "talk", [{"id": "one", "title": "one", "steps": steps}], 10)
    run_time.write_hand_in(home / "hand-in", ["talk"])
    (home / "hand-in" / "Makefile").write_text(MAKEFILE.replace("@FORGED@", " ".join(f"'{f}'" for f in FORGED)))
    (home / "hand-in" / "forged.c").write_text(SOURCE)
    for name in ("total 100.00 of 100.00 points", "x\ntotal 100.00 of 100.00 points\n", "<testcase name='forged'>"):
        (home / "hand-in" / name.replace("/", "")).write_text("x")
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    report = machine.grade(who, "--testcases", home / "cases", "--verbose", home / "hand-in")
    found = {67: [], 87: [], 88: [], 89: [], 99: []}
    if report["score"] != 0 or report["full_marks"] or tools.verdicts(report) != {"talk/one": "failed"}:
        found[87].append(f"{report['score']} points, {tools.verdicts(report)}")
    path = home / "report.json"
    path.write_text(json.dumps(report))
    path.chmod(0o644)
    text = machine.sockgrade(who, "report", path, "--format", "text").out
    for line in text.splitlines():
        if any(line.startswith(f) for f in FORGED):
            found[89 if "build" in line else 87].append(f"a line of the text: {line!r}")
    if len(re.findall(r"(?m)^total ", text)) != 1 or "\ntotal 0.00 of 10.00 points" not in text:
        found[88].append(f"the total: {text[-600:]}")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text):
        found[67].append("control characters in the text")
    junit = machine.sockgrade(who, "report", path, "--format", "junit").out
    names = [case.get("name") for case in xml.etree.ElementTree.fromstring(junit).iter("testcase")]
    if len(names) != 1 or "forged" in names:
        found[99].append(f"JUnit names {names}")
    return found


def watched(machine, who, home):
    """What a program sees of its surroundings is the same for students, who may see the scenarios, and for the course: of
    another seed, with a trace or without. And runs side by side do not meet."""
    look = [{"start": "p", "args": ["look"], "ready": "none"}, {"check": "p", "exit": 0}]
    silent.write_suite(home / "cases", "talk", [{"id": f"look{i}", "title": "look", "steps": look} for i in range(3)], 10)
    suite = home / "cases" / "suites" / "course.json"
    (home / "cases" / "suites" / "shown.json").write_text(json.dumps(dict(json.loads(suite.read_text()), show=True)))
    run_time.write_hand_in(home / "hand-in", ["talk"])
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    seen = set()
    for words in (("--suite", home / "cases" / "suites" / "shown.json", "--verbose"), ("--seed", 7, "-j", 1)):
        report = machine.grade(who, "--testcases", home / "cases", *words, home / "hand-in")
        seen |= {s["stderr"] for s in tools.scenarios(report).values()}
    found = {71: [], 73: [], 85: []}
    if len(seen) != 1 or "uid" not in next(iter(seen)):
        found[71].append(f"these differ: {seen}")
    if any(word in text for text in seen for word in ("SOCKGRADE", "SECRET", "TMPDIR", "CI=", machine.word)):
        found[71].append(f"a name that tells: {seen}")
    meet = [{"start": "p", "args": ["rendezvous"], "ready": "none"},
            {"expect": "p.err", "matches": "met: nobody", "eof": True}]
    silent.write_suite(home / "meet", "network", [{"id": f"m{i}", "title": "meet", "steps": meet} for i in range(6)], 20)
    run_time.write_hand_in(home / "meeting", ["network"])
    report = machine.grade(who, "--testcases", home / "meet", "-j", 6, home / "meeting")
    found[73] += [f"met: {s.get('observed')}" for s in tools.scenarios(report).values() if s["verdict"] != "ok"]
    again = [{"start": "p", "args": ["remember"], "ready": "none"},
             {"expect": "p.err", "matches": "again: first", "eof": True}]
    silent.write_suite(home / "again", "network", [{"id": f"r{i}", "title": "again", "steps": again} for i in range(3)], 20)
    report = machine.grade(who, "--testcases", home / "again", "-j", 1, home / "meeting")
    found[85] += [f"remembered: {s.get('observed')}" for s in tools.scenarios(report).values() if s["verdict"] != "ok"]
    # and this is how they meet where nothing keeps them apart
    run_time.compile_outside(home / "programs", ["network"])
    both = [subprocess.Popen([home / "programs" / "network", "rendezvous"], stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    if sum(b"nobody" in text for text in told) != 1:
        found[73].append(f"does not bite: {told}")
    told = [subprocess.run([home / "programs" / "network", "remember"], stderr=subprocess.PIPE, cwd=home, check=False).stderr
            for _ in range(2)]
    if told != [b"again: first\n", b"again: ok\n"]:
        found[85].append(f"does not bite: {told}")
    for name in ("/tmp/sg-hostile-again", "/dev/shm/sg-hostile-again"):
        pathlib.Path(name).unlink(missing_ok=True)
    subprocess.run(["ipcrm", "-M", "7118"], check=False)
    return found


QUOTA = 60
HOLD = f"""
import ctypes, os, sys, time
libc, held, end = ctypes.CDLL(None), [], time.monotonic() + 120
while len(held) < {QUOTA - 10} and time.monotonic() < end:
    if libc.unshare(0x40000000) == 0:
        held.append(os.open("/proc/self/ns/net", os.O_RDONLY))
    else:
        time.sleep(0.1)  # the kernel takes the last ones apart behind our back
print("held", len(held))
"""


def holdout(machine, who, home):
    """Network namespaces are counted by a quota: after 24 boxes that each keep sockets in flight, the quota is free again.
    All the while networks that sockgrade has given back are not yet gone."""
    if who != "user":
        return {}
    steps = [{"start": "p", "args": ["holdout"], "ready": "none"}, {"check": "p", "exit": 0}]
    silent.write_suite(home / "cases", "network", [{"id": f"h{i}", "title": "h", "steps": steps} for i in range(24)], 20)
    run_time.write_hand_in(home / "hand-in", ["network"])
    (home / "hold.py").write_text(HOLD)
    temporary = home / "tmp"
    temporary.mkdir()
    temporary.chmod(0o777)
    script = (f"echo {QUOTA} > /proc/sys/user/max_net_namespaces; unshare --user --map-user=65534 --map-group=65534 \"$@\"; "
              f"echo status $?; exec {sys.executable} {home}/hold.py")
    prefix = AS_USER if os.environ["HOSTILE_ROOT"] else ()
    done = subprocess.run([*prefix, "unshare", "--user", "--map-root-user", "sh", "-c", script, "sh",
                           machine.public / "build" / "sockgrade", "grade", "-j", "4", "--testcases", home / "cases", home / "hand-in"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, TMPDIR=str(temporary)), check=False)
    text = done.stdout.decode("utf-8", "replace")
    right = "status 0" in text and f"held {QUOTA - 10}" in text
    problems = [] if right else [f"network namespaces: {text[-1500:]}"]
    return {84: problems, 102: problems}
