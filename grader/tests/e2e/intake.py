"""Hand-ins as archives: each form, broken ones among good ones, run again."""
import csv
import io
import json
import subprocess
import tarfile
import zipfile

from tools import (as_user, copy_reference, expect, expect_status, folder, full_marks, grade, sockgrade, validate)

ONLY = ("--only", "udp-echo-server/echo")


def zip_of(source, target, top=""):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, f"{top}{path.relative_to(source)}")
    return target


def tar_of(source, target, how):
    with tarfile.open(target, f"w{how}") as archive:
        archive.add(source, "anna-hw1")
    return target


def archives(here):
    source = copy_reference(here / "anna", "udp_echo_server")
    yield zip_of(source, here / "flat.zip")
    yield zip_of(source, here / "wrapped.zip", "anna hw1/")
    for how in ("", ":gz", ":bz2", ":xz"):
        yield tar_of(source, here / f"anna.tar{how.replace(':', '.')}", how)


def each_form_gets_full_marks(prefix):
    with folder() as here:
        digests = set()
        for path in archives(here):
            path.chmod(0o644)
            report, _ = grade(*ONLY, path, status=0, prefix=prefix)
            full_marks(report)
            validate(json.dumps(report))
            digests.add(report["submission"]["digest"])
            expect(path.name.endswith(report["submission"]["form"]), str(report["submission"]))
        expect(len(digests) == 1, f"digests: {digests}")


def test_each_form_of_archive_gets_full_marks():
    each_form_gets_full_marks(())


def test_each_form_of_archive_gets_full_marks_as_a_user():
    each_form_gets_full_marks(as_user())


def evil_tar(target):
    with tarfile.open(target, "w") as archive:
        link = tarfile.TarInfo("x")
        link.type, link.linkname = tarfile.SYMTYPE, str(target.parent)
        archive.addfile(link)
        data = tarfile.TarInfo("x/pwned")
        data.size = 5
        archive.addfile(data, io.BytesIO(b"pwned"))


def test_a_broken_archive_costs_its_owner_only():
    with folder() as here:
        good = zip_of(copy_reference(here / "anna", "udp_echo_server"), here / "anna.zip")
        whole = good.read_bytes()
        (here / "cut.zip").write_bytes(whole[:-30])
        (here / "text.zip").write_text("I could not zip it\n")
        with zipfile.ZipFile(here / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", bytes(20 << 20))
        with zipfile.ZipFile(here / "slip.zip", "w") as archive:
            archive.writestr("../pwned", "pwned")
        evil_tar(here / "evil.tar")
        (here / "evil\nname\x1b[31m.zip").write_bytes(whole[:100])
        out = here / "out"
        hand_ins = sorted(p for p in here.iterdir() if p.is_file())
        result = sockgrade("batch", *ONLY, *hand_ins, "-o", out)
        expect_status(result, 0)
        expect(not (here / "pwned").exists(), "it was written outside")
        expect("\x1b" not in result.out and "evil\nname" not in result.out, repr(result))
        kinds = {}
        for path in out.glob("*.json"):
            if path.name == "summary.json":
                continue
            validate(path.read_text())
            report = json.loads(path.read_text())
            kinds[path.stem] = report["submission"]["refusal_kind"]
            expect((report["score"] == report["max_score"]) == (path.stem == "anna"), f"{path.name}: {report['score']}")
        expect(kinds.pop("anna") is None, "the good one was refused")
        expect(sorted(kinds.values()) == ["bomb", "link-leaves-tree", "not-an-archive", "not-an-archive",
                                          "not-an-archive", "path-leaves-tree"], str(kinds))


def test_a_current_archive_is_not_graded_again():
    with folder() as here:
        source = copy_reference(here / "anna", "udp_echo_server")
        path = zip_of(source, here / "anna.zip")
        out = here / "out"
        expect_status(sockgrade("batch", *ONLY, path, "-o", out), 0)
        before = (out / "anna.json").stat().st_mtime_ns
        zip_of(source, path, "packed anew/")
        result = sockgrade("batch", *ONLY, path, "-o", out)
        expect("current" in result.out, repr(result))
        expect((out / "anna.json").stat().st_mtime_ns == before, "graded again, though only its packing is new")
        (source / "NOTES").write_text("another hand-in\n")
        zip_of(source, path)
        expect_status(sockgrade("batch", *ONLY, path, "-o", out), 0)
        expect((out / "anna.json").stat().st_mtime_ns != before, "not graded again")


def test_a_git_checkout_is_a_folder_and_git_is_never_run():
    with folder() as here:
        source = copy_reference(here / "anna", "udp_echo_server")
        subprocess.run(["mkdir", "-p", str(source / ".git" / "hooks")], check=True)
        canary = here / "canary"
        (source / ".git" / "config").write_text(f"[core]\n\tfsmonitor = touch {canary}\n\thooksPath = hooks\n")
        (source / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        report, _ = grade(*ONLY, source, status=0)
        expect(report["submission"]["form"] == "git", str(report["submission"]))
        expect(not canary.exists(), "git was run")


def canvas(here, late=""):
    """A download as Canvas makes it: an archive, loose files, a text, and one archive that is broken."""
    source = here / "anna"
    if not source.exists():
        copy_reference(source, "udp_echo_server")
    good = zip_of(source, here / "good.zip").read_bytes()
    with zipfile.ZipFile(here / "hw1_submissions.zip", "w") as archive:
        archive.writestr(f"doejane_{late}12345_60001_hw 1.zip", good)
        archive.writestr("brokenben_12346_60002_hw1.zip", good[:-30])
        archive.writestr("lizloose_12347_60003_Makefile", "all: udp_echo_server\nudp_echo_server: s.c\n\tcc -o $@ s.c\n")
        archive.writestr("lizloose_12347_60004_s.c", "int main(void) { return 0; }\n")
        archive.writestr("=cmd()_LATE_12348_60005_hw1.zip", good)
        archive.writestr("tedtext_12349_text.html", "<p>see my repository")
    return here / "hw1_submissions.zip"


def by_student(out):
    found = {}
    for path in out.glob("*.json"):
        if path.name != "summary.json":
            validate(path.read_text())
            report = json.loads(path.read_text())
            found[report["submission"]["student"]["id"]] = report
    return found


def a_canvas_download(prefix):
    with folder() as here:
        download = canvas(here)
        download.chmod(0o644)
        out = here / "out"
        temp = here / "temp"
        temp.mkdir()
        for place in (here, temp):
            place.chmod(0o777)
        result = sockgrade("batch", *ONLY, download, "-o", out, prefix=prefix, env={"TMPDIR": str(temp)})
        expect_status(result, 0)
        expect("form canvas: 5 hand-ins, 1 late, 1 refused" in result.out, repr(result))
        reports = by_student(out)
        expect(sorted(reports) == ["12345", "12346", "12347", "12348", "12349"], str(sorted(reports)))
        jane = reports["12345"]["submission"]
        full_marks(reports["12345"])
        expect((jane["student"]["name"], jane["late"], jane["download"], jane["form"]) ==
               ("doejane", False, "canvas", "zip"), str(jane))
        expect(jane["path"].endswith("hw1_submissions.zip/doejane_12345_60001_hw 1.zip"), str(jane))
        expect(reports["12348"]["submission"]["late"] is True, str(reports["12348"]["submission"]))
        full_marks(reports["12348"])
        kinds = {who: r["submission"]["refusal_kind"] for who, r in reports.items()}
        expect(kinds == {"12345": None, "12346": "not-an-archive", "12347": None, "12348": None,
                         "12349": "nothing-handed-in"}, str(kinds))
        expect(reports["12347"]["build"]["status"] == "ok", str(reports["12347"]["build"]))
        rows = list(csv.DictReader((out / "gradebook.csv").open(newline="", encoding="utf-8")))
        expect({r["student_id"]: r["late"] for r in rows}["12348"] == "late", str(rows))
        expect(not any(cell and cell[0] in "=+-@\t\r" for row in rows for cell in row.values()), f"a formula: {rows}")
        expect(not list(temp.iterdir()), f"left behind: {list(temp.iterdir())}")


def test_a_canvas_download():
    a_canvas_download(())


def test_a_canvas_download_as_a_user():
    a_canvas_download(as_user())


def test_a_download_is_resumed_and_lateness_is_news():
    with folder() as here:
        out = here / "out"
        expect_status(sockgrade("batch", *ONLY, canvas(here), "-o", out), 0)
        before = {p.name: p.stat().st_mtime_ns for p in out.glob("*_1234*.json")}
        result = sockgrade("batch", *ONLY, canvas(here), "-o", out)
        expect_status(result, 0)
        again = {p.name: p.stat().st_mtime_ns for p in out.glob("*_1234*.json")}
        kept = sorted(n for n in before if again[n] == before[n])
        expect(kept == ["_cmd___12348.json", "doejane_12345.json", "lizloose_12347.json"], f"kept: {kept}\n{result!r}")
        expect_status(sockgrade("batch", *ONLY, canvas(here, "LATE_"), "-o", out), 0)
        expect(by_student(out)["12345"]["submission"]["late"] is True, "its report does not say that it is late")


def test_a_pattern_that_is_wrong_is_a_usage_error():
    with folder() as here:
        path = zip_of(copy_reference(here / "anna", "udp_echo_server"), here / "anna.zip")
        result = sockgrade("batch", *ONLY, "--student-regex", "(?<id>x", path, "-o", here / "out")
        expect_status(result, 2)
        expect("student pattern: character 8" in result.err, repr(result))
        result = sockgrade("batch", *ONLY, "--student-regex", "^(?<name>an+a)", path, "-o", here / "out")
        expect_status(result, 0)
        report = json.loads((here / "out" / "anna.json").read_text())
        expect(report["submission"]["student"]["name"] == "anna", str(report["submission"]))
        expect(report["submission"]["download"] == "pattern", str(report["submission"]))


def test_a_class_that_cannot_be_opened_loses_nothing():
    """What was graded before stays as it is, byte for byte; whole again, the class is current."""
    with folder() as here:
        out = here / "out"
        download = canvas(here)
        expect_status(sockgrade("batch", *ONLY, download, "-o", out), 0)
        before = {p.name: p.read_bytes() for p in out.iterdir()}
        whole = download.read_bytes()
        middle = len(whole) // 2
        for damaged in (whole[:middle], b"", b"<html>Log in first</html>", whole[:middle] + bytes(64) + whole[middle + 64:]):
            download.write_bytes(damaged)
            result = sockgrade("batch", *ONLY, download, "-o", out)
            expect_status(result, 2)
            expect(result.err.count("\n") == 1 and "hw1_submissions.zip" in result.err, repr(result))
            expect("Nothing was graded and no report was touched" in result.err, repr(result))
            expect({p.name: p.read_bytes() for p in out.iterdir()} == before, "something was touched")
        download.write_bytes(whole)
        result = sockgrade("batch", *ONLY, download, "-o", out)
        expect_status(result, 0)
        expect(result.out.count(": current: ") >= 3, repr(result))


def test_a_gradescope_download_names_its_students():
    with folder() as here:
        source = copy_reference(here / "anna", "udp_echo_server")
        good = zip_of(source, here / "good.zip").read_bytes()
        with zipfile.ZipFile(here / "export.zip", "w") as archive:
            archive.writestr("assignment_1_export/submission_11/hw.zip", good)
            archive.writestr("assignment_1_export/submission_12/hw.zip", good[:-30])
            archive.writestr("assignment_1_export/submission_metadata.yml", """---
submission_11:
  :submitters:
  - :name: Jane Doe
    :sid: '0071'
    :email: jane@example.edu
  :lateness: '02:00:00'
submission_12:
  :submitters:
  - :name: "=Bro\\u202eken"
    :email: ben@example.edu
""")
        out = here / "out"
        result = sockgrade("batch", *ONLY, here / "export.zip", "-o", out)
        expect_status(result, 0)
        reports = by_student(out)
        expect(sorted(reports) == ["0071", "12"], str(sorted(reports)))
        jane, ben = (reports[i]["submission"] for i in ("0071", "12"))
        full_marks(reports["0071"])
        expect(jane["student"] == {"id": "0071", "name": "Jane Doe", "email": "jane@example.edu"} and jane["late"] is True, str(jane))
        expect(ben["student"]["email"] == "ben@example.edu" and ben["refusal_kind"] == "not-an-archive", str(ben))
        expect("\u202e" not in (out / "gradebook.csv").read_text(encoding="utf-8"), "a name turned the line around")
