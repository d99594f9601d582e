"""The demo class: each hand-in gets the verdicts and classes that its label promises."""
import concurrent.futures
import shutil

from tools import (PASSING, ROOT, TESTS, expect, folder, grade, mutant_alone, mutant_header, not_passed, scenarios, verdicts)

DEMO = TESTS / "demo"


def graded(name, *words):
    with folder() as here:
        shutil.copytree(DEMO / name, here / name)
        report, _ = grade(*words, here / name)
        return report


def of(report, assignment):
    return {n: s for n, s in scenarios(report).items() if n.startswith(assignment + "/")}


def test_the_lecture_s_own_programs():
    report = graded("slides")
    tcp, udp = of(report, "tcp-echo-server"), of(report, "udp-echo-server")
    for name in ("starts", "echo-line", "half-close", "two-clients-in-turn", "big"):
        expect(tcp[f"tcp-echo-server/{name}"]["verdict"] == "ok", f"{name}\n" + "\n".join(not_passed(report)))
    expect(tcp["tcp-echo-server/slow-first"]["class"] == "blocks-on-first-client", str(tcp["tcp-echo-server/slow-first"]))
    expect(tcp["tcp-echo-server/reset"]["verdict"] == "failed", "DieWithError survived a reset")
    expect(udp["udp-echo-server/echo"]["verdict"] == "ok", str(udp["udp-echo-server/echo"]))
    expect(udp["udp-echo-server/sizes"]["class"].startswith("buffer-too-small"), str(udp["udp-echo-server/sizes"]))


def test_a_hand_in_that_does_not_compile():
    report = graded("no-compile")
    expect(report["build"]["status"] == "failed" and report["score"] == 0, str(report["build"]["status"]))
    expect(report["build"]["warnings"], "the compiler's messages are missing")


def test_a_server_that_never_listens():
    report = graded("never-listens")
    for name, scenario in scenarios(report).items():
        if name.endswith("/starts"):
            expect(scenario["verdict"] == "failed", name)
            expect(scenario["proof"] in ("silent", "seen"), f"{name}: {scenario['proof']}")
        elif not name.endswith(("/usage", "/bad-port")):
            expect(scenario["verdict"] == "skipped", f"{name}: {scenario['verdict']}")


def test_a_server_that_hangs_everywhere():
    report = graded("hangs-everywhere")
    scored = [s for s in scenarios(report).values() if s["verdict"] == "failed"]
    expect(scored, "nothing failed")
    expect(report["score"] < 0.35 * report["max_score"], f"a server that never answers has {report['score']}")
    proven = [s for s in scored if s["proof"] in ("silent", "seen")]
    expect(len(proven) >= len(scored) * 3 // 4,
           "most hangs are to be proven: " + str([(s["id"], s["proof"]) for s in scored]))


def mutants():
    chosen = set((TESTS / "demo-mutants.txt").read_text().split())
    for patch in sorted((ROOT / "testcases" / "mutants").glob("*/*.patch")):
        if patch.name.split("-")[0] in chosen:
            yield patch


def problems_of(patch):
    header = mutant_header(patch)
    with folder() as here:
        place = mutant_alone(patch, here / "hand-in")
        names = header["must-fail"] + header["must-pass"]  # of all of them `make mutants` tells
        report, _ = grade(*(word for name in names for word in ("--only", name)), place)
    seen, all_scenarios = verdicts(report), scenarios(report)
    problems = [f"{n} should fail and is {seen.get(n)}" for n in header["must-fail"] if seen.get(n) != "failed"]
    problems += [f"{n} should pass and is {seen.get(n)}: {all_scenarios[n].get('observed')}"
                 for n in header["must-pass"] if seen.get(n) not in PASSING]
    classes = {s.get("class") for s in all_scenarios.values() if s["verdict"] == "failed"}
    if header["class"] not in classes:
        problems.append(f"class {header['class']} should be named; named: {sorted(c or '' for c in classes)}")
    return problems


def test_the_mutants_fail_as_labelled():
    patches = list(mutants())
    expect(len(patches) >= 12, f"only {len(patches)} mutants in the demo class")
    expect(len({p.parent.name for p in patches}) == 4, "not all four assignments have a mutant")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:  # most of the time goes by in waiting
        report = dict(zip((p.name for p in patches), pool.map(problems_of, patches)))
    wrong = {name: problems for name, problems in report.items() if problems}
    expect(not wrong, "\n".join(f"{n}:\n  " + "\n  ".join(p) for n, p in wrong.items()))
