"""A class: reports, gradebook, summary; run again, killed in the middle, one rotten hand-in among good ones."""
import csv
import json
import os
import signal
import subprocess
import time

from tools import (ROOT, TIMEOUT, binary, copy_reference, expect, expect_status, folder, hand_in, sockgrade, validate)

ONLY = ("--only", "udp-echo-server/echo")
BROKEN = "int main(void){ return 0 }\n"


def small_class(here):
    """Three hand-ins: full marks, broken, and one whose name is a formula."""
    copy_reference(here / "anna", "udp_echo_server")
    hand_in(here / "bert", udp_echo_server=BROKEN)
    copy_reference(here / "=cmd()", "udp_echo_server")
    return [here / "anna", here / "bert", here / "=cmd()"]


def reports(place):
    return {p.name: json.loads(p.read_text()) for p in place.glob("*.json") if p.name != "summary.json"}


def test_a_class_gets_reports_a_gradebook_and_a_summary():
    with folder() as here:
        students = small_class(here)
        out = here / "out"
        result = sockgrade("batch", *ONLY, "-j", "2", *students, "-o", out)
        expect_status(result, 0)
        made = reports(out)
        expect(len(made) == 3, f"reports: {sorted(made)}")
        for path in out.glob("*.json"):
            if path.name != "summary.json":
                validate(path.read_text())
        rows = list(csv.reader((out / "gradebook.csv").open(newline="")))
        expect(len(rows) == 4, f"gradebook: {rows}")
        expect(not any(cell[:1] in "=+-@\t\r" for row in rows for cell in row if cell), f"a formula: {rows}")
        summary = json.loads((out / "summary.json").read_text())
        expect("3" in json.dumps(summary), str(summary))
        expect("anna" in result.out and "bert" in result.out, repr(result))
        expect("\x1b" not in result.out + result.err, "escape codes in piped output")


def stamp(place):
    return {p.name: p.stat().st_mtime_ns for p in place.glob("*.json") if p.name != "summary.json"}


def test_a_second_run_grades_only_what_changed():
    with folder() as here:
        students = small_class(here)
        out = here / "out"
        expect_status(sockgrade("batch", *ONLY, *students, "-o", out), 0)
        before = stamp(out)
        expect_status(sockgrade("batch", *ONLY, *students, "-o", out), 0)
        expect(stamp(out) == before, "a current report was made again")
        (students[0] / "udp_echo_server.c").open("a").write("\n/* changed */\n") if (
            students[0] / "udp_echo_server.c").exists() else (students[0] / "NOTES").write_text("changed\n")
        expect_status(sockgrade("batch", *ONLY, *students, "-o", out), 0)
        after = stamp(out)
        changed = [n for n in before if after[n] != before[n]]
        expect(len(changed) == 1, f"made again: {changed}")
        expect_status(sockgrade("batch", "--seed", "9", *ONLY, *students, "-o", out), 0)
        expect(all(stamp(out)[n] != after[n] for n in after), "another seed is another grade")


def listen():
    """What runs in the background of a script is deaf to Ctrl-C, and so is all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(how):
    with folder() as here:
        students = [copy_reference(here / f"s{i}", "udp_echo_server") for i in range(6)]
        out = here / "out"
        process = subprocess.Popen([binary(), "batch", *ONLY, "-j", "1", *map(str, students), "-o", str(out)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=listen)
        end = time.monotonic() + TIMEOUT
        while len(list(out.glob("s[0-9]*.json"))) < 2 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(how)
        status = process.wait(TIMEOUT)
        finished = stamp(out)
        for text in (p.read_text() for p in out.glob("s[0-9]*.json")):
            validate(text)
        expect_status(sockgrade("batch", *ONLY, *students, "-o", out), 0)
        after = stamp(out)
        expect(len(after) == 6, f"reports: {sorted(after)}")
        expect(len(finished) >= 2 and all(after[n] == finished[n] for n in finished), "finished work was lost")
        return status


def test_ctrl_c_loses_nothing_that_was_finished():
    status = interrupted(signal.SIGINT)
    expect(status == 130, f"exit status after Ctrl-C: {status}")


def test_kill_9_loses_nothing_that_was_finished():
    expect(interrupted(signal.SIGKILL) == -9, "it was not killed")


def test_a_missing_hand_in_costs_only_its_own_report():
    with folder() as here:
        good = copy_reference(here / "good", "udp_echo_server")
        out = here / "out"
        result = sockgrade("batch", *ONLY, good, here / "absent", "-o", out)
        expect(result.status in (2, 3), repr(result))
        expect("absent" in result.out + result.err, repr(result))
        if result.status == 3:
            expect("good.json" in reports(out), "the neighbour lost its report")
    expect(os.path.isdir(ROOT), "the checkout")
