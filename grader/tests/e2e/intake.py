"""Hand-ins as archives: each form, broken ones among good ones, run again."""
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
    source = copy_reference(here / "anna")
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
        good = zip_of(copy_reference(here / "anna"), here / "anna.zip")
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
        source = copy_reference(here / "anna")
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
        source = copy_reference(here / "anna")
        subprocess.run(["mkdir", "-p", str(source / ".git" / "hooks")], check=True)
        canary = here / "canary"
        (source / ".git" / "config").write_text(f"[core]\n\tfsmonitor = touch {canary}\n\thooksPath = hooks\n")
        (source / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        report, _ = grade(*ONLY, source, status=0)
        expect(report["submission"]["form"] == "git", str(report["submission"]))
        expect(not canary.exists(), "git was run")
