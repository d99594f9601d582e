"""The delegated scope of an ordinary user: a systemd-run of the test's own, first in PATH, stands in for the real one."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

from tools import ROOT, as_user, expect, expect_status, folder, public_place, sockgrade

REFERENCE = ROOT / "reference"
SOME = ("--no-sanitizer", "--only", "udp-echo-server/*")

LOG = 'printf "%s\\n" "$$" >>"$FAKE_LOG.pids"; printf "<%s>" "$@" >>"$FAKE_LOG"; echo >>"$FAKE_LOG"\n'
BECOMES = LOG + 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"\n'
FAILS = LOG + "exit 3\n"
HANGS = LOG + "exec sleep 1000\n"


class Fake:
    def __init__(self, place, script):
        self.log = place / "log"
        for path in (self.log, place / "log.pids"):
            path.touch()
            path.chmod(0o666)
        (place / "run").mkdir()
        (place / "run" / "bus").touch()
        (place / "bin").mkdir()
        if script:
            program = place / "bin" / "systemd-run"
            program.write_text("#!/bin/sh\n" + script)
            program.chmod(0o755)
        path = f"{place}/bin:{os.environ['PATH']}" if script else f"{place}/bin"
        self.env = {"PATH": path, "XDG_RUNTIME_DIR": str(place / "run"), "FAKE_LOG": str(self.log)}

    def calls(self):
        return self.log.read_text().splitlines()

    def alive(self):
        return [p for p in pathlib.Path(f"{self.log}.pids").read_text().split() if pathlib.Path(f"/proc/{p}").exists()]

    def run(self, *words, **env):
        prefix = as_user()
        env = {**self.env, **env}
        if not prefix:  # what PATH leads to must not decide how sockgrade itself is found
            return sockgrade(*words, env=env, prefix=("/usr/bin/env",))
        return sockgrade(*words, env=env, prefix=("/usr/bin/" + prefix[0], *prefix[1:]))


@contextlib.contextmanager
def fake(script):
    with folder() as place:
        yield Fake(place, script)


def finding(result):
    lines = [line for line in result.out.splitlines() if line.startswith("a control group delegated to this user: ")]
    expect(len(lines) == 1, f"one line says what was found:\n{result!r}")
    return lines[0].partition(": ")[2]


def test_the_work_is_done_in_the_scope():
    with fake(BECOMES) as systemd:
        result = systemd.run("doctor")
        expect_status(result, 0)
        expect(finding(result).startswith("entered, by systemd-run"), repr(result))
        call = systemd.calls()
        expect(len(call) == 1 and call[0].startswith("<--user><--scope><--quiet><--property=Delegate=yes><-->"), str(call))
        expect(call[0].endswith("/sockgrade><doctor>"), str(call))


def test_words_and_exit_status_go_through():
    with fake(BECOMES) as systemd:
        result = systemd.run("grade", *SOME, REFERENCE)
        expect_status(result, 0)
        expect("total" in result.out and not result.err, repr(result))
        result = systemd.run("grade", "--only", "no $HOME *", REFERENCE)
        expect_status(result, 2)
        expect("no $HOME *" in result.err, repr(result))
        calls = systemd.calls()
        expect(len(calls) == 2 and "expand" not in calls[0] and "<--expand-environment=no><-->" in calls[1], str(calls))
        expect_status(systemd.run("grade", "--help"), 0)
        expect(len(systemd.calls()) == 2, "help needs no scope")


def test_workers_of_a_batch_share_its_scope():
    with fake(BECOMES) as systemd, folder() as out:
        out.chmod(0o777)
        result = systemd.run("batch", *SOME, "-j", 2, REFERENCE, REFERENCE, "-o", out / "reports")
        expect_status(result, 0)
        expect(len(systemd.calls()) == 1, str(systemd.calls()))


def test_a_systemd_run_that_fails_costs_nothing():
    with fake(FAILS) as systemd:
        result = systemd.run("doctor")
        expect_status(result, 0)
        expect(finding(result) == "none: systemd-run ended with status 3", repr(result))
        expect_status(systemd.run("grade", *SOME, REFERENCE), 0)


def test_a_systemd_run_that_hangs_is_ended():
    with fake(HANGS) as systemd:
        result = systemd.run("doctor")
        expect_status(result, 0)
        expect(finding(result) == "none: systemd-run gave no scope within 5 s", repr(result))
        expect(len(systemd.calls()) == 1 and not systemd.alive(), f"left: {systemd.alive()}")


def test_what_is_missing_is_named():
    with fake(None) as systemd:
        expect(finding(systemd.run("doctor")) == "none: there is no systemd-run in PATH", "")
        expect("XDG_RUNTIME_DIR" in finding(systemd.run("doctor", XDG_RUNTIME_DIR="")), "")
    with fake(BECOMES) as systemd:
        expect("is set to no" in finding(systemd.run("doctor", SOCKGRADE_SCOPE="no")), "")
        # an address that was left in the environment is nobody's: no loop, and no word to a stranger's descriptor
        result = systemd.run("doctor", SOCKGRADE_SCOPE="1:1:1")
        expect_status(result, 0)
        expect(not systemd.calls(), str(systemd.calls()))


def test_root_makes_its_own():
    if os.geteuid() == 0:
        with fake(BECOMES) as systemd:
            result = sockgrade("doctor", env=systemd.env)
            expect(finding(result).startswith("not needed: root") and not systemd.calls(), repr(result))


def test_signals_go_through():
    """Both ends of the pair end, whichever is meant: SIGTERM is handed on, SIGKILL takes the other along."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        with fake(BECOMES) as systemd:
            program = public_place() / "build" / "sockgrade"
            hand_in = public_place() / "reference"
            first = subprocess.Popen([*as_user(), str(program), "grade", str(hand_in)], env={**os.environ, **systemd.env},
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not any("sockgrade" in os.readlink(f"/proc/{p}/exe") for p in systemd.alive()):
                time.sleep(0.01)
            while not pathlib.Path(f"/proc/{systemd.alive()[0]}/task/{systemd.alive()[0]}/children").read_text().split():
                time.sleep(0.01)  # it has begun to work
            first.send_signal(sig)
            expect(first.wait() == -sig, f"{first.returncode}, not {-sig}")
            while systemd.alive():  # a zombie until whoever inherits it has waited
                time.sleep(0.01)
