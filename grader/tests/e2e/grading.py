"""Whole grades: the reference's full marks, as root and as a user, and that nothing stays behind."""
import os
import pathlib
import subprocess

from tools import (as_user, copy_reference, expect, folder, full_marks, grade, mutant_alone, scenarios, sockgrade,
                   validate, ROOT)


def test_the_reference_has_full_marks():
    report, result = grade(ROOT / "reference")
    full_marks(report)
    expect(result.status == 0, repr(result))
    validate(result.out)
    ran = [s for s in scenarios(report).values() if s["verdict"] != "skipped"]
    expect(len(ran) >= 150, f"only {len(ran)} scenarios ran")


def test_the_reference_has_full_marks_as_an_ordinary_user():
    prefix = as_user()
    with folder() as here:
        place = copy_reference(here / "reference")
        subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
        report, result = grade("--suite", ROOT / "testcases/suites/basics.json", place, prefix=prefix)
        full_marks(report)
        expect(result.status == 0, repr(result))


def test_every_tcp_variant_of_the_reference_is_a_correct_server():
    for variant in ("fork", "thread"):
        with folder() as here:
            place = copy_reference(here / "reference", f"tcp_echo_server_{variant}")
            report, _ = grade("--only", "tcp-echo-server/*", place,
                              "--program", f"tcp_echo_server={built(place, variant)}")
            full_marks(report)


def test_what_was_lost_stands_at_the_mistakes():
    """A mistake costs what was skipped for it, too: the sum over the findings is what is missing of the points."""
    for name in ("tcp-echo-server/S25-answers-at-end", "byte-order/B02-no-ntohl", "http-server/H30-iterative"):
        assignment = name.split("/")[0]
        with folder() as here:
            place = mutant_alone(ROOT / "testcases/mutants" / f"{name}.patch", here / "it")
            report, _ = grade("--only", f"{assignment}/*", place)
            part = next(a for a in report["assignments"] if a["id"] == assignment)
            lost = part["max_score"] - part["score"]
            told = sum(finding["points_lost"] for finding in part["findings"])
            skipped = {s["id"] for s in part["scenarios"] if s["verdict"] == "skipped"}
            named = {i for finding in part["findings"] for i in finding["skipped"]}
            expect(lost > 0 and abs(lost - told) < 0.01, f"{name}: {lost} lost, {told} told")
            expect(skipped and named == skipped, f"{name}: {sorted(skipped ^ named)}")


def built(place, variant):
    subprocess.run(["make", "-s", "-C", str(place)], check=True, stdout=subprocess.DEVNULL)
    return place / f"tcp_echo_server_{variant}"


def ours(path):
    """Names of what sockgrade could have left there."""
    try:
        return {p.name for p in pathlib.Path(path).iterdir() if p.name.startswith("sockgrade-")
                and not p.name.startswith(("sockgrade-e2e-", "sockgrade-tests", "sockgrade-demo"))}
    except OSError:
        return set()


def test_nothing_stays_behind():
    with folder() as here:
        (here / "tmp").mkdir(mode=0o777)
        sockgrade("grade", "--only", "tcp-echo-server/*", ROOT / "reference", env={"TMPDIR": str(here / "tmp")})
        expect(not list((here / "tmp").iterdir()), f"left in TMPDIR: {list((here / 'tmp').iterdir())}")
        mounts = pathlib.Path("/proc/self/mountinfo").read_text()
        expect(str(here) not in mounts, "a mount stayed")
        for process in pathlib.Path("/proc").glob("[0-9]*/cwd"):
            try:
                target = os.readlink(process)
            except OSError:
                continue
            expect(not target.startswith(str(here)), f"a process stayed: {process}")
