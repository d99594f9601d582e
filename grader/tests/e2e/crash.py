"""sockgrade itself is killed, and starved: a few moments of what `make soak` tries at hundreds (tests/crash.py)."""
import os
import shutil
import subprocess
import sys

from tools import ROOT, TESTS, TIMEOUT, as_user, binary, build_dir, expect, folder, public_place

SANITIZED = os.environ.get("SOCKGRADE_SANITIZED")  # its library wants to be loaded before ours


def crash(*words, user=False):
    place = ROOT
    prefix = ()
    build = build_dir()
    if user and as_user():  # from a place that anybody may read
        place, prefix = public_place(), as_user()
        build = place / "build"
        for name in ("crash.py", "crash_lab.py", "crash_faults.py", "e2e/tools.py"):
            (place / "grader" / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TESTS / name, place / "grader" / "tests" / name)
        (place / "build" / "tests").mkdir(exist_ok=True)
        if not SANITIZED:
            shutil.copy(build_dir() / "tests" / "faults.so", place / "build" / "tests")
    with folder() as here:
        here.chmod(0o777)
        done = subprocess.run([*prefix, sys.executable, str(place / "grader" / "tests" / "crash.py"), "--build", str(build),
                               *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False,
                              env=dict(os.environ, TMPDIR=str(here), HOME="/"))
        text = done.stdout.decode() + done.stderr.decode()
        expect(done.returncode == 0 and " 0 failed" in text, f"{binary()} {words}:\n{text}")


def test_kills_and_failing_system_calls():
    if SANITIZED:
        crash("kills", "--kills", "2")
    else:
        crash("order", "kills", "faults", "--kills", "4", "--faults", "4", "--calls", "grade:syscall", "batch:open")


def test_kills_and_limits_as_a_user():
    # what a sanitizer itself does without descriptors is not ours
    crash("kills", *(() if SANITIZED else ("limits",)), "--kills", "3", "--faults", "2", "--seed", "2", user=True)


def test_a_full_file_system():
    crash("space", "--faults", "2")
