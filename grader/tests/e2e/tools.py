"""What the end-to-end tests share: running sockgrade, making hand-ins, reading reports."""
import atexit
import contextlib
import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "grader" / "tests"
# A backstop only: no verdict and no assertion depends on it.
TIMEOUT = 900


def build_dir():
    return pathlib.Path(os.environ.get("SOCKGRADE_BUILD", ROOT / "build"))


def binary():
    return str(build_dir() / "sockgrade")


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "surrogateescape")
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    def __repr__(self):
        return f"status {self.status}\n--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-4000:]}"


@functools.cache
def public_place():
    """A copy of what sockgrade needs where any user may read it: the checkout may lie in a closed home folder."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="sockgrade-e2e-public-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    place.chmod(0o755)
    (place / "build").mkdir()
    shutil.copy(binary(), place / "build")
    for name in ("testcases", "reference"):
        shutil.copytree(ROOT / name, place / name)
    subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
    return place


def sockgrade(*words, env=None, cwd=None, prefix=()):
    """Runs sockgrade with these words and returns its Result. With a prefix (another user, a namespace) from a place
    that anybody may read."""
    environment = dict(os.environ, **(env or {}))
    program = binary()
    words = [str(word) for word in words]
    if prefix:
        place = public_place()
        program = str(place / "build" / "sockgrade")
        words = [str(place) + word[len(str(ROOT)):] if word.startswith(f"{ROOT}/") else word for word in words]
    command = [*prefix, program, *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=TIMEOUT, env=environment, cwd=cwd, check=False)
    return Result(done)


class Skipped(Exception):
    """Raised by a test that this machine cannot run, with the reason."""


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def expect_status(result, status):
    expect(result.status == status, f"exit status {status} expected:\n{result!r}")


def grade(*words, status=None, sanitizer=False, machines="off", **how):
    """Grades and returns (report, result); without the other builds, which take most of the time, unless asked for."""
    result = sockgrade("grade", "--format", "json", *([] if sanitizer else ["--no-sanitizer"]),
                       "--other-machines", machines, *words, **how)
    if status is not None:
        expect_status(result, status)
    expect(result.status in (0, 1, 3), f"no report:\n{result!r}")
    return json.loads(result.out), result


def scenarios(report):
    """{"assignment/id": scenario} of a report."""
    return {f"{a['id']}/{s['id']}": s for a in report["assignments"] for s in a["scenarios"]}


def verdicts(report):
    return {name: s["verdict"] for name, s in scenarios(report).items()}


PASSING = ("ok", "non-strict", "info")


def not_passed(report):
    """What ran and did not pass, as "id: verdict, class, proof, seconds, observed" lines for a message."""
    return [f"{name}: {s['verdict']}, {s.get('class')}, {s.get('proof')}, {s.get('seconds')}, {s.get('observed')}"
            for name, s in scenarios(report).items() if s["verdict"] in ("failed", "error")]


def full_marks(report):
    lost = [n for n, s in scenarios(report).items()
            if s["verdict"] not in ("ok", "info") and s["max_score"] > 0]
    expect(not lost and report["score"] == report["max_score"],
           f"full marks expected: {report['score']} of {report['max_score']}\n" + "\n".join(not_passed(report))
           + f"\n{lost}\nbuild: {report['build']}")


@contextlib.contextmanager
def folder():
    """A fresh folder that anybody may enter; removed at the end."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sockgrade-e2e-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", str(path)], check=False)
        shutil.rmtree(path, ignore_errors=True)


MAKEFILE = """CFLAGS ?= -O1 -g
all: {programs}
%: %.c
\t$(CC) $(CFLAGS) -o $@ $<
"""


def hand_in(path, **sources):
    """A hand-in folder of single-file C programs: hand_in(p, tcp_echo_server="int main...")."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "Makefile").write_text(MAKEFILE.format(programs=" ".join(sources)))
    for name, text in sources.items():
        (path / f"{name}.c").write_text(text)
    return path


def only_programs(place, *programs):
    """A copy of the reference, or a mutant of it, whose Makefile makes these alone: a fraction of the time where one of
    them is all that a test looks at."""
    makefile = place / "Makefile"
    text = makefile.read_text(encoding="utf-8")
    expect("\nall: $(programs)\n" in text, "the reference's Makefile has changed")
    makefile.write_text(text.replace("\nall: $(programs)\n", f"\nall: {' '.join(programs)}\n"), encoding="utf-8")
    return place


def copy_reference(path, *programs):
    """The reference as a hand-in of its own; with programs named, these alone."""
    shutil.copytree(ROOT / "reference", path)
    return only_programs(path, *programs) if programs else path


@functools.cache
def part_of_reference(*programs):
    """Such a copy for all tests that do not write to it."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="sockgrade-e2e-part-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    place.chmod(0o755)
    return copy_reference(place / "reference", *programs)


def mutant(patch, path):
    """The hand-in that a patch of testcases/mutants makes of the reference."""
    subprocess.run([str(TESTS / "mutant.sh"), str(patch), str(path)], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def mutant_alone(patch, path):
    """The same, of which only the program that the patch changes is made."""
    assignment = pathlib.Path(patch).parent.name
    testcases = json.loads((ROOT / "testcases" / f"{assignment}.json").read_text(encoding="utf-8"))
    return only_programs(mutant(patch, path), testcases["program"])


def mutant_header(patch):
    """{"bug": ..., "class": ..., "must-fail": [...], "must-pass": [...]} of a patch's head."""
    header = {}
    for line in pathlib.Path(patch).read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        key, _, value = line[2:].partition(":")
        header[key.strip()] = value.strip()
    for key in ("must-fail", "must-pass"):
        header[key] = header.get(key, "").split()
    return header


def validate(report_text):
    """Against reports/report.schema.json, by python3-jsonschema."""
    import jsonschema
    schema = json.loads((ROOT / "reports" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(report_text))


def as_user():
    """Command prefix that becomes an ordinary user where the tests run as root; empty otherwise."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
