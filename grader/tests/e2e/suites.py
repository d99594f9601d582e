"""The suites: what each counts, what students may see of it, and the lecture's own programs."""
import json
import re

from tools import ROOT, TESTS, expect, folder, grade, mutant, scenarios, sockgrade

SUITES = ROOT / "testcases" / "suites"
LECTURE = TESTS / "demo" / "slides"


def assignment_file(name):
    return json.loads((ROOT / "testcases" / f"{name}.json").read_text(encoding="utf-8"))


def suite(name):
    return json.loads((SUITES / f"{name}.json").read_text(encoding="utf-8"))


def points(of):
    return {a["assignment"]: a["points"] for a in of["assignments"]}


def test_course_and_self_test_count_the_same():
    course, students = suite("course"), suite("self-test")
    expect(points(course) == points(students), f"{points(course)}\n{points(students)}")
    expect(course.get("sanitizer") == students.get("sanitizer"), "the sanitizers count differently")
    expect(students.get("show") is True and not course.get("show"), "only the students' suite hides")


def test_the_suites_are_out_of_a_hundred():
    for path in sorted(SUITES.glob("*.json")):
        of = suite(path.stem)
        total = sum(points(of).values()) + of.get("sanitizer", {}).get("points", 0)
        expect(total == 100, f"{path.stem}: {total}")


def test_basics_and_slides_are_selections():
    everything, _ = grade("--suite", SUITES / "course.json", "--only", "*/starts", ROOT / "reference")
    for name in ("basics", "slides"):
        report, _ = grade("--suite", SUITES / f"{name}.json", ROOT / "reference")
        expect(report["score"] == report["max_score"] == 100, f"{name}: {report['score']} of {report['max_score']}")
        counted = {n for n, s in scenarios(report).items() if s["max_score"] > 0}
        expect(0 < len(counted) < 250, f"{name} counts {len(counted)} scenarios")
        levels = {f"{a['id']}/{s['id']}": s["level"] for a in map(lambda a: {**a, "scenarios": assignment_file(a["id"])["scenarios"]},
                  report["assignments"]) for s in a["scenarios"]}
        if name == "basics":
            expect(all(levels[n] == "basic" for n in counted), f"{[n for n in counted if levels[n] != 'basic']}")
    expect(everything["suite"], "the course has a name")


def tell_tales(assignment, name):
    """Words of a scenario that students are not to see: its note and the texts of its steps."""
    found = next(s for s in assignment_file(assignment)["scenarios"] if s["id"] == name)
    steps = json.dumps(found["steps"])
    return [found["note"], *re.findall(r'"data": "([^"$\\]{8,})"', steps)]


def told(hand_in, form, *words):
    return sockgrade("grade", "--verbose", "--format", form, *words, hand_in).out


def test_students_see_only_the_name_of_a_hidden_scenario():
    """A server that dies of SIGPIPE fails the scenario of that name, which is shown by name only."""
    with folder() as here:
        place = mutant(next((ROOT / "testcases/mutants/tcp-echo-server").glob("S18-*.patch")), here / "hand-in")
        words = ("--only", "tcp-echo-server/sigpipe")
        for form in ("text", "json", "junit"):
            open_report = told(place, form, *words)
            hidden = told(place, form, "--suite", SUITES / "self-test.json", *words)
            expect("SIGPIPE" in open_report, f"{form}: the teacher sees no reason")
            expect("sigpipe" in hidden, f"{form}: not even the name\n{hidden[-2000:]}")
            for tale in ("SIGPIPE", *tell_tales("tcp-echo-server", "sigpipe")):
                expect(tale not in hidden, f"{form} tells {tale!r}")


def test_students_see_nothing_of_a_scenario_that_shows_nothing():
    with folder() as here:
        cases = here / "cases"
        (cases / "suites").mkdir(parents=True)
        for name in ("classes.json", "udp-echo-server.json"):
            (cases / name).write_text((ROOT / "testcases" / name).read_text())
        text = assignment_file("udp-echo-server")
        for scenario in text["scenarios"]:
            if scenario["id"] == "empty":
                scenario["show"] = "nothing"
        (cases / "udp-echo-server.json").write_text(json.dumps(text))
        (cases / "suites" / "s.json").write_text(json.dumps(
            {"suite": "s", "show": True, "assignments": [{"assignment": "udp-echo-server", "points": 100}]}))
        place = mutant(next((ROOT / "testcases/mutants/udp-echo-server").glob("U05-*.patch")), here / "hand-in")
        for form in ("text", "json", "junit"):
            report = told(place, form, "--testcases", cases, "--suite", cases / "suites" / "s.json")
            expect("boundaries" in report, f"{form}: {report[-2000:]}")
            for word in ("An empty datagram is a datagram", "zero-taken-for-eof", "skips-zero-length", 'name="empty"', '"empty"'):
                expect(word not in report, f"{form} tells {word!r}")


def test_the_slides_suite_asks_for_little_more_than_the_lecture_s_programs_do():
    report, _ = grade("--suite", SUITES / "slides.json", LECTURE)
    parts = {a["id"]: a["score"] / a["max_score"] for a in report["assignments"]}
    expect(parts["tcp-echo-server"] > 0.9, f"{parts}")
    expect(parts["udp-echo-server"] == 1, f"{parts}")
    failed = {n for n, s in scenarios(report).items() if s["verdict"] == "failed" and n.startswith(("tcp-echo-s", "udp-echo-s"))}
    expect(failed == {"tcp-echo-server/slow-first"}, f"{failed}")
