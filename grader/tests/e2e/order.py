"""Which scenario runs when: a need that takes long is not waited for, and decides all the same."""
import json
import shutil

import sanitizers
from tools import ROOT, copy_reference, expect, expect_status, folder, grade, hand_in, sockgrade

LONG = [{"check": "srv", "alive": True, "for": 0.7}]
PASSES = [{"open": "a", "tcp": "${host}:${port}"}, {"send": "a", "data": "x"}, {"expect": "a", "data": "x"}]
FAILS = [{"open": "a", "tcp": "${host}:${port}"}, {"send": "a", "data": "x"}, {"expect": "a", "data": "y"}]


def scenario(name, steps, *needs):
    return {"id": name, "title": name, "level": "basic", "force": "course", "points": 10, "show": "all",
            "standard": "none", "needs": list(needs), "steps": steps}


# Each has been decided before those that need it, directly or not, may count.
SCENARIOS = [
    scenario("long-fails", LONG + FAILS),
    scenario("beside-it", PASSES, "long-fails"),
    scenario("beside-it-and-long", LONG + PASSES, "long-fails"),
    scenario("after-both", PASSES, "beside-it-and-long"),
    scenario("fails-beside-it", FAILS, "long-fails"),
    scenario("long-passes", LONG + PASSES),
    scenario("beside-that", PASSES, "long-passes"),
    scenario("fails-beside-that", FAILS, "long-passes"),
]
SKIPPED = {"beside-it": "long-fails", "beside-it-and-long": "long-fails", "after-both": "beside-it-and-long",
           "fails-beside-it": "long-fails"}


def graded(here, place, steps, *options, **how):
    cases = here / "cases"
    (cases / "suites").mkdir(parents=True)
    shutil.copy(ROOT / "testcases" / "classes.json", cases)
    (cases / "order.json").write_text(json.dumps(
        {"assignment": "order", "title": "order", "program": "tcp_echo_server", "args": ["${port}"],
         "ready": "tcp ${port}", "setup": [{"start": "srv"}], "scenarios": steps}))
    (cases / "suites" / "course.json").write_text(json.dumps(
        {"suite": "order", "title": "order", "sanitizer": {"points": 6, "cap": 0.5},
         "assignments": [{"assignment": "order", "points": 10}]}))
    expect_status(sockgrade("lint", "--testcases", cases), 0)
    report, _ = grade("--testcases", cases, *options, place, status=1, **how)
    return report


def check(*options):
    with folder() as here:
        report = graded(here, copy_reference(here / "reference", "tcp_echo_server"), SCENARIOS, *options)
        told = {s["id"]: s for s in report["assignments"][0]["scenarios"]}
        for name, by in SKIPPED.items():
            expect(told[name]["verdict"] == "skipped" and told[name]["blocked_by"] == by, told[name])
            expect(not told[name].get("trace") and told[name]["score"] == 0, told[name])
        for name in ("long-passes", "beside-that"):
            expect(told[name]["verdict"] == "ok" and told[name]["score"] > 0, told[name])
        for name in ("long-fails", "fails-beside-that"):
            expect(told[name]["verdict"] == "failed" and told[name]["failed_step"], told[name])


def test_what_ran_beside_its_need_counts_only_when_that_has_passed():
    check("--jobs", "4")


def test_one_at_a_time_gives_the_same_verdicts():
    check("--jobs", "1")


def test_nothing_is_found_in_what_ran_too_soon():
    """The server overruns its buffer in `beside-it` only, which does not count after all."""
    steps = [scenario("long-fails", LONG + FAILS),
             scenario("beside-it", [{"open": "a", "tcp": "${host}:${port}"},
                                    {"send": "a", "data": {"gen": "zero", "size": 1024}},
                                    {"expect": "a", "data": {"gen": "zero", "size": 1024}}], "long-fails"),
             scenario("another", PASSES)]
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=sanitizers.server())
        alone = [dict(steps[1], needs=[]), steps[2]]
        report = graded(here, place, alone, sanitizer=True)
        expect(len(report["sanitizer"]["findings"]) == 1, "the mistake shows where it counts")
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=sanitizers.server())
        report = graded(here, place, steps, sanitizer=True)
        expect(report["sanitizer"]["status"] == "tested" and not report["sanitizer"]["findings"], report["sanitizer"])
