"""Bad input: a clear error, the right exit status, and nothing lost."""
import json
import os
import subprocess

from tools import (as_user, expect, expect_status, folder, grade, hand_in, part_of_reference, scenarios, sockgrade,
                   ROOT, TESTS)

ONLY = ("--only", "udp-echo-server/starts")
LISTENS = """#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>
int main(int c, char **v){ int s = socket(AF_INET, SOCK_DGRAM, 0);
 struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(c > 1 ? v[1] : "0"))};
 if (bind(s, (void *)&a, sizeof a)) return 1; for (;;) pause(); }
"""


def test_a_missing_hand_in_is_a_usage_error():
    result = sockgrade("grade", "/nonexistent/hand-in")
    expect_status(result, 2)
    expect("/nonexistent/hand-in" in result.err, repr(result))


def test_an_unreadable_hand_in_is_a_usage_error():
    prefix = as_user()
    with folder() as here:
        place = hand_in(here / "h", udp_echo_server=LISTENS)
        place.chmod(0)
        result = sockgrade("grade", place, prefix=prefix)
        place.chmod(0o755)
        expect_status(result, 2)


def refused(make, kind):
    with folder() as here:
        place = hand_in(here / "h", udp_echo_server=LISTENS)
        make(place)
        report, _ = grade(*ONLY, place, status=1)
        refusal = report["submission"]["refusal"]
        expect(refusal and kind in json.dumps(report["submission"]), f"{kind}: {report['submission']}")
        expect(report["score"] == 0, "points without a program")


def test_links_that_leave_the_tree_are_refused():
    refused(lambda place: (place / "passwd").symlink_to("/etc/passwd"), "link")
    refused(lambda place: (place / "up").symlink_to("../.."), "link")


def test_fifos_and_sockets_are_refused():
    refused(lambda place: os.mkfifo(place / "pipe"), "fifo")


def test_a_hand_in_without_a_makefile():
    with folder() as here:
        place = here / "h"
        place.mkdir()
        (place / "a.c").write_text("int main(void){return 0;}\n")
        report, _ = grade(*ONLY, place, status=1)
        expect(report["build"]["status"] == "no-makefile", str(report["build"]))


def test_a_make_that_fails_is_told_with_its_messages():
    with folder() as here:
        place = hand_in(here / "h", udp_echo_server="int main(void){ return undeclared; }\n")
        report, _ = grade(*ONLY, place, status=1)
        expect(report["build"]["status"] == "failed", str(report["build"]))
        expect(any("undeclared" in w["text"] for w in report["build"]["warnings"]), str(report["build"]))


def test_a_make_that_floods_is_ended():
    with folder() as here:
        place = here / "h"
        place.mkdir()
        (place / "Makefile").write_text("all:\n\tyes 0123456789012345678901234567890123456789\n")
        report, result = grade(*ONLY, place, status=1)
        expect(report["build"]["status"] == "flood", report["build"]["status"])
        expect(len(result.out) < 2_000_000, "the flood reached the report")


def test_a_missing_program_is_named():
    with folder() as here:
        place = hand_in(here / "h", something_else="int main(void){return 0;}\n")
        report, _ = grade(*ONLY, place, status=1)
        expect(report["build"]["status"] == "ok", str(report["build"]))
        assignment = next(a for a in report["assignments"] if a["id"] == "udp-echo-server")
        expect(assignment["status"] == "missing", str(assignment["status"]))


def test_a_program_of_another_kind_is_named():
    with folder() as here:
        place = here / "h"
        place.mkdir()
        (place / "Makefile").write_text("all:\n\tprintf 'not a program' > udp_echo_server; chmod +x udp_echo_server\n")
        report, _ = grade(*ONLY, place, status=1)
        verdict = scenarios(report)["udp-echo-server/starts"]
        expect(verdict["verdict"] == "failed", str(verdict))


def test_an_output_that_cannot_be_written():
    expect_status(sockgrade("grade", *ONLY, "-o", "/nonexistent/report.json", ROOT / "reference"), 2)


def test_a_full_disk_at_the_report_loses_nothing():
    with folder() as here:
        report = here / "report.json"
        report.write_text("the old report\n")
        # a limit on the file's size stands in for the full disk: the write fails half-way all the same
        result = sockgrade("grade", *ONLY, "--format", "json", "-o", report, part_of_reference("udp_echo_server"),
                           prefix=("prlimit", "--fsize=2000"))
        expect(result.status in (3, 2), repr(result))
        expect(report.read_text() == "the old report\n", "the old report was harmed")
        expect(sorted(p.name for p in here.iterdir()) == ["report.json"], f"leftovers: {list(here.iterdir())}")


def test_bad_utf8_everywhere():
    with folder() as here:
        place = hand_in(here / b"h-\xff\xfe".decode("utf-8", "surrogateescape"), udp_echo_server=LISTENS)
        name = os.fsencode(place) + b"/\xff\xfe\n-rf.c"
        with open(name, "wb") as file:
            file.write(b"/* \xff\xfe */\n")
        (place / "Makefile").write_bytes(b"all: udp_echo_server\n\t@printf '\\377\\376\\033[31m warn\\n'\n")
        report, _ = grade(*ONLY, place)
        expect(report["build"]["status"] == "ok", str(report["build"]))
        expect("\x1b" not in json.dumps(report, ensure_ascii=False), "an escape code went through")


def test_no_namespaces_is_the_machine_s_fault():
    """Where user namespaces are used up, grading refuses with the cause: nobody loses a point."""
    inner = ("unshare", "--user", "--map-root-user", "sh", "-c",
             "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"", "sh")
    result = sockgrade("grade", *ONLY, part_of_reference("udp_echo_server"), prefix=(*as_user(), *inner))
    expect_status(result, 3)
    expect("max_user_namespaces" in result.err or "ENOSPC" in result.err or "user namespaces" in result.err, repr(result))
    expect(len(result.err.strip().splitlines()) == 1, repr(result))


def test_an_empty_suite_is_a_usage_error():
    with folder() as here:
        suite = here / "empty.json"
        suite.write_text('{"suite": "empty", "title": "nothing", "assignments": []}\n')
        expect_status(sockgrade("grade", "--suite", suite, ROOT / "reference"), 2)


def test_the_hand_in_that_hangs_in_make_costs_only_itself():
    with folder() as here:
        result = subprocess.run(["cp", "-R", str(TESTS / "demo" / "make-hangs"), str(here / "h")], check=True)
        expect(result.returncode == 0, "copying")
        report, _ = grade(*ONLY, here / "h", status=1)
        expect(report["build"]["status"] == "timeout", str(report["build"]))
