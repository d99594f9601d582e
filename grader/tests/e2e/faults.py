"""System calls that are made to fail: what the student is told, what a scenario's author is told, and what is left."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from tools import ROOT, as_user, expect, expect_status, folder, grade, mutant_alone, part_of_reference, \
    public_place, scenarios, sockgrade, validate

# Two processes, one in accept, and, once somebody has come, one in recv for ever.
BLOCKS_FOR_EVER = """
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char *argv[])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    char bytes[100];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 5))
        return 1;
    fork();
    fd = accept(fd, 0, 0);
    for (;;)
        recv(fd, bytes, sizeof bytes, 0);
}
"""


def cases(here, calls, steps):
    """A folder of test cases with one scenario under these faults."""
    (here / "suites").mkdir(parents=True)
    shutil.copy(ROOT / "testcases" / "classes.json", here)
    (here / "suites" / "course.json").write_text(
        '{"suite": "s", "title": "t", "assignments": [{"assignment": "faults", "points": 10}]}')
    (here / "faults.json").write_text(json.dumps({
        "assignment": "faults", "program": "tcp_echo_server", "args": ["${port}"], "ready": "tcp ${port}",
        "world": {"calls": calls}, "setup": [{"start": "srv"}],
        "scenarios": [{"id": "one", "title": "t", "steps": steps}]}))
    return here


def test_the_report_says_which_call_was_made_to_fail():
    name = "tcp-echo-server/fault-accept-aborted"
    patch = ROOT / "testcases" / "mutants" / "tcp-echo-server" / "S73-dies-on-aborted.patch"
    with folder() as here:
        report, result = grade("--only", name, mutant_alone(patch, here / "hand-in"), status=1)
        validate(result.out)
    found = scenarios(report)[name]
    expect(found["class"] == "dies-on-accept-error", found)
    expect("the grader had made accept fail with ECONNABORTED once" in found["observed"], found)
    faults = [e for e in found["trace"] if e["event"] == "fault"]
    expect([e["text"] for e in faults] == ["accept call 2: ECONNABORTED"], found["trace"])
    expect(faults[0]["actor"] == "srv", faults)


def test_a_scenario_without_faults_says_nothing_of_them():
    patch = ROOT / "testcases" / "mutants" / "tcp-echo-server" / "S73-dies-on-aborted.patch"
    with folder() as here:
        report, _ = grade("--only", "tcp-echo-server/echo-line", mutant_alone(patch, here / "hand-in"))
    for found in scenarios(report).values():
        expect(not [e for e in found.get("trace", []) if e["event"] == "fault"], found)


def test_the_same_seed_meets_the_same_calls():
    steps = [{"open": "a", "tcp": "${host}:${port}"}, {"send": "a", "data": {"gen": "random", "size": 300}},
             {"expect": "a", "data": {"gen": "random", "size": 300}},
             {"expect": "a", "data": "more", "note": "never comes: the log is kept of what failed"}]
    calls = {"send": {"max": 1, "chance": 0.4}, "recv": {"max": 20}}
    seen = []
    with folder() as here:
        testcases = cases(here / "cases", calls, steps)
        for seed in (1, 1, 2):
            report, _ = grade("--testcases", testcases, "--seed", seed, part_of_reference("tcp_echo_server"), status=1)
            trace = scenarios(report)["faults/one"]["trace"]
            seen.append([e["text"].split(":")[0] for e in trace if e["event"] == "fault" and e["text"].startswith("send")])
    expect(seen[0] and seen[0] == seen[1], seen)
    expect(seen[0] != seen[2], seen)


def test_what_cannot_be_is_refused_with_its_place():
    wrong = [
        ({"recvfrom": {"max": 1}}, "recvfrom: say 'recv'"),
        ({"accept": {"errno": "EBADF", "nth": 1}}, "calls.accept.errno"),
        ({"recv": {"errno": "EINTR"}}, "which calls fail?"),
        ({"recv": {"max": 1, "nth": 1, "every": 2}}, "exclude each other"),
    ]
    with folder() as here:
        for i, (calls, words) in enumerate(wrong):
            testcases = cases(here / str(i), calls, [])
            for command in (("lint", "--testcases", testcases), ("grade", "--testcases", testcases, ROOT / "reference")):
                result = sockgrade(*command)
                expect_status(result, 2)
                expect(words in result.out + result.err and "faults.json:1:" in result.out + result.err, result)


def started_by(program):
    """The pids of all processes that run a hand-in's program of that name."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cmdline").read_bytes().split(b"\0")[0] == program:
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def test_nothing_is_left_when_sockgrade_is_killed():
    place = public_place()
    name = b"/hand-in/tcp_echo_server"
    with folder() as here:
        testcases = cases(here / "cases", {"recv": {"max": 1}}, [
            {"open": "a", "tcp": "${host}:${port}"}, {"wait": 300}])
        hand_in = here / "hand-in"
        hand_in.mkdir()
        (hand_in / "tcp_echo_server.c").write_text(BLOCKS_FOR_EVER)
        (hand_in / "Makefile").write_text("tcp_echo_server: tcp_echo_server.c\n\tcc -o $@ tcp_echo_server.c\n")
        subprocess.run(["chmod", "-R", "a+rX", str(here)], check=True)
        before = set(started_by(name))
        grader = subprocess.Popen([*as_user(), str(place / "build" / "sockgrade"), "grade", "--testcases", str(testcases),
                                   str(hand_in)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ours = []
        while len(ours) < 2 and grader.poll() is None:
            time.sleep(0.01)
            ours = [p for p in set(started_by(name)) - before if follows(p, grader.pid)]
        expect(len(ours) == 2, "program and its child do not run under the tracer")
        grader.send_signal(signal.SIGKILL)
        grader.wait()
        deadline = time.monotonic() + 60
        while [p for p in ours if alive(p)] and time.monotonic() < deadline:
            time.sleep(0.01)
        expect(not [p for p in ours if alive(p)], f"{ours} live on")


def follows(pid, grader):
    """Is it traced by a thread of that process?"""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        tracer = int(status.split("TracerPid:")[1].split()[0])
        return tracer != 0 and os.path.exists(f"/proc/{grader}/task/{tracer}")
    except (OSError, IndexError, ValueError):
        return False


def alive(pid):
    try:
        return " Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
