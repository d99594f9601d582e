"""A class in which most hand-ins are bombs: while they are built, and while they run. They are graded side by side with a
correct one, whose report must be what it is alone."""
import csv
import json
import shutil
import subprocess

import run_time
from machine import tools, validate

SANITIZED = """#include <stdlib.h>
const char *__asan_default_options(void) { return "exitcode=0:log_path=/tmp/x:halt_on_error=0"; }
int main(void) { if (getenv("ASAN_OPTIONS")) return 0; char *p = malloc(8); return p[8 + (p == NULL)] * 0; }
"""

UDP = "udp_echo_server"
ONLY = ("--only", "udp-echo-server/echo", "--only", "udp-echo-server/binary", "--only", "tcp-echo-server/half-close")

SOURCES = {  # number, source of udp_echo_server.c, status of the build
    "devzero": (16, '#include "/dev/zero"\nint main(void) { return 0; }\n', "failed"),
    "urandom": (16, '#include "/dev/urandom"\nint main(void) { return 0; }\n', "failed|timeout"),
    "static": (17, "char x[1UL << 40] = {1};\nint main(void) { return 0; }\n", "failed"),
    "macro": (18, "#define A(x) B(x x x x x x x x x x x x x x x x)\n#define B(x) C(x x x x x x x x x x x x x x x x)\n"
              "#define C(x) D(x x x x x x x x x x x x x x x x)\n#define D(x) E(x x x x x x x x x x x x x x x x)\n"
              "#define E(x) F(x x x x x x x x x x x x x x x x)\n#define F(x) x x x x x x x x x x x x x x x x\n"
              'char *s = A("0123456789");\nint main(void) { return 0; }\n', "failed|timeout"),
    "parens": (19, "int main(void) { return " + "(" * 200000 + "0" + ")" * 200000 + "; }\n", "failed"),
    "itself": (19, '#include "udp_echo_server.c"\n#include "udp_echo_server.c"\n', "failed|flood"),
    "rept": (20, '__asm__(".rept 1000000000\\n.quad 1\\n.endr");\nint main(void) { return 0; }\n', "failed|timeout"),
}

MAKEFILES = {
    "flood": (21, "all:\n\tyes warning: 0123456789012345678901234567890123456789\n", "flood"),
    "forks": (22, "all:\n\t$(MAKE) all & $(MAKE) all & wait\n", "failed|timeout"),
    # more than the box's memory: init itself goes with it, which is the hand-in's fault and not the machine's
    "huge": (31, "all:\n\tfor i in 1 2 3 4 5 6 7 8 9; do head -c 200000000 /dev/zero > /build/$$i; done; "
                 "for i in $$(seq 11 90); do mkdir -p $$i/$$i && cd $$i; done\n", "failed|ok"),
}

SERVERS = {  # number, what a udp_echo_server does
    "run-forks": (27, "forks", [1000000]),
    "run-memory": (29, "memory", [100000]),
    "run-spin": (33, "spin", []),
    "run-descriptors": (32, "descriptors", [1000000]),
    "run-flood": (66, "flood", [3000]),
}


def write_class(place):
    place.mkdir()
    for name, (_, source, _) in SOURCES.items():
        tools.hand_in(place / name, udp_echo_server=source)
    for name, (_, text, _) in MAKEFILES.items():
        (place / name).mkdir()
        (place / name / "Makefile").write_text(text)
    for name, (_, mode, arguments) in SERVERS.items():
        family = "talk" if mode == "flood" else "bombs"
        run_time.write_hand_in(place / name, [family])
        words = "".join(f', "{a}"' for a in arguments)
        (place / name / "Makefile").write_text(f"all:\n\tcc -w -O1 -pthread -o {UDP} server.c\n")
        text = (place / name / f"{family}.c").read_text().replace("int main(", "int attack_main(")
        (place / name / "server.c").write_text(
            text + f'\nint main(void)\n{{\n    char *words[] = {{"x", "{mode}"{words}, NULL}};\n'
            f"    return attack_main({2 + len(arguments)}, words);\n}}\n")
    tools.hand_in(place / "sanitized", udp_echo_server=SANITIZED)
    text = (place / "sanitized" / "Makefile").read_text()
    (place / "sanitized" / "Makefile").write_text(text.replace("-O1 -g", "-O1 -g -fsanitize=address"))
    for name in ("aaa-good", "zzz-good"):
        shutil.copytree(tools.ROOT / "reference", place / name)
    formula = place / '=HYPERLINK("http:192.0.2.1")'
    shutil.copytree(tools.ROOT / "reference", formula)
    subprocess.run(["chmod", "-R", "a+rX", str(place)], check=True)
    return formula.name


def verdicts(report):
    return {name: (s["verdict"], s["score"]) for name, s in tools.scenarios(report).items()}


def klass(machine, who, home):
    """One batch, two at a time."""
    formula = write_class(home / "class")
    out = home / "out"
    out.mkdir()
    out.chmod(0o777)
    alone = verdicts(machine.grade(who, *ONLY, home / "class" / "aaa-good"))  # the checkout may be closed to others
    # the slowest first; it takes a minute of all processors, so it is given to one identity alone
    slow = "forks" if who == list(machine.identities())[0] else ""
    students = sorted((home / "class").iterdir(), key=lambda path: (path.name != "forks", path.name))
    run = machine.sockgrade(who, "batch", *ONLY, "-j", 2, *(s for s in students if slow or s.name != "forks"), "-o", out)
    found = {number: [] for number, *_ in (*SOURCES.values(), *MAKEFILES.values(), *SERVERS.values())}
    found.update({68: [], 78: [], 79: [], 100: []})
    if run.status != 0:
        found[100].append(f"batch: {run!r}")
    for name, (number, _, status) in {**SOURCES, **MAKEFILES}.items():
        if name == "forks" and not slow:
            continue
        report = read(out / f"{name}.json", machine)
        if report["build"]["status"] not in status.split("|") or report["score"] != 0:
            found[number].append(f"class {name}: {report['build']['status']}, score {report['score']}: "
                                 f"{report['build']['log'][-500:]}")
    for name, (number, *_) in {**SERVERS, "sanitized": (78,)}.items():
        report = read(out / f"{name}.json", machine)
        if report["score"] != 0 or any(s["verdict"] == "error" for s in tools.scenarios(report).values()):
            found[number].append(f"class {name}: score {report['score']}: {verdicts(report)} {report['error']}")
    good = [out / "aaa-good.json", out / "zzz-good.json", *out.glob("*HYPERLINK*.json")]
    if len(good) != 3:
        found[68].append(f"no report for {formula}: {sorted(p.name for p in out.iterdir())}")
    for path in good:
        name, report = path.name, read(path, machine)
        if verdicts(report) != alone:
            found[100].append(f"{name} got {verdicts(report)}, alone {alone}")
            found[79].append(f"{name} beside programs that burn all processors")
    cells = [cell for row in csv.reader((out / "gradebook.csv").open(newline="")) for cell in row]
    if any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in cells if cell) or "HYPERLINK" not in "".join(cells):
        found[68].append(f"the gradebook: {cells}")
    return found


def read(path, machine):
    text = path.read_text()
    validate(text)
    tools.expect(machine.word not in text, f"a secret in {path.name}")
    return json.loads(text)
