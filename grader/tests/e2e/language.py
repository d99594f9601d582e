"""The manual of the scenario language: every example of testcases/FORMAT.md is a file that really runs."""
import re
import shutil

from tools import ROOT, copy_reference, expect, expect_status, folder, full_marks, grade, sockgrade

FENCE = re.compile(r"^```json[^\n]*\n(.*?)^```", re.S | re.M)


def examples():
    """The complete assignment files among the manual's examples."""
    text = (ROOT / "testcases" / "FORMAT.md").read_text(encoding="utf-8")
    return [e for e in FENCE.findall(text) if '"scenarios"' in e and '"assignment"' in e]


def test_every_example_of_the_manual_runs_and_passes():
    found = examples()
    expect(len(found) >= 10, f"only {len(found)} runnable examples in FORMAT.md")
    with folder() as here:
        cases = here / "cases"
        (cases / "suites").mkdir(parents=True)
        shutil.copy(ROOT / "testcases" / "classes.json", cases)
        names = []
        for i, text in enumerate(found):
            name = f"example-{i}"
            text, n = re.subn(r'"assignment"\s*:\s*"[^"]*"', f'"assignment": "{name}"', text, count=1)
            expect(n == 1, text)
            (cases / f"{name}.json").write_text(text, encoding="utf-8")
            names.append(name)
        (cases / "suites" / "course.json").write_text(
            '{"suite": "manual", "title": "the manual\'s examples", "assignments": ['
            + ", ".join(f'{{"assignment": "{n}", "points": 10}}' for n in names) + "]}\n")
        expect_status(sockgrade("lint", "--testcases", cases), 0)
        report, _ = grade("--testcases", cases, copy_reference(here / "reference"))
        full_marks(report)


def test_every_verb_has_an_example_that_runs():
    text = "\n".join(examples())
    for verb in ("start", "open", "send", "expect", "close", "check", "fetch", "wait", "repeat", "parallel", "do", "meet"):
        expect(re.search(rf'"{verb}"\s*:', text), f"no runnable example uses '{verb}'")
