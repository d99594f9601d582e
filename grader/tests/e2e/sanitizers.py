"""The sanitizer column: programs that pass the scenarios and misuse memory all the same, and those that do not."""
import json
import xml.dom.minidom

from tools import ROOT, as_user, expect, expect_status, folder, grade, hand_in, sockgrade, validate

SERVER = """#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
%(before)s
static void serve(int c)
{
    char buf[1024];
    ssize_t n;
    while ((n = recv(c, buf, %(room)s, 0)) > 0) {
        buf[n] = 0; /* line 14 */
        %(also)s
        for (ssize_t sent = 0, k; sent < n; sent += k)
            if ((k = send(c, buf + sent, n - sent, MSG_NOSIGNAL)) < 0)
                break;
    }
    close(c);
}
int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    signal(SIGCHLD, SIG_IGN);
    int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 64))
        return 1;
    for (;;) {
        int c = accept(s, NULL, NULL);
        if (c >= 0 && fork() == 0) {
            close(s);
            serve(c);
            exit(0);
        }
        close(c);
    }
}
"""

CLIENT = """#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (argc != 3)
        return 2;
    if (getaddrinfo(argv[1], argv[2], &hints, &list)) /* line 11 */
        return 1;
    int s = socket(list->ai_family, SOCK_STREAM, 0);
    if (connect(s, list->ai_addr, list->ai_addrlen))
        return 1;
    list = NULL;
    char buf[512];
    for (ssize_t n; (n = read(0, buf, sizeof buf)) > 0;)
        if (write(s, buf, n) != n)
            return 1;
    shutdown(s, SHUT_WR);
    for (ssize_t n; (n = read(s, buf, sizeof buf)) > 0;)
        fwrite(buf, 1, n, stdout);
    return 0;
}
"""

SERVER_ONLY = ("--only", "tcp-echo-server/half-close")


def server(before="", room="sizeof buf", also=""):
    return SERVER % {"before": before, "room": room, "also": also}


def section(report):
    return report["sanitizer"]


def brief(report):
    return json.dumps(section(report), indent=1)[:4000]


def only_finding(report):
    findings = section(report)["findings"]
    expect(len(findings) == 1, brief(report))
    return findings[0]


def check_filled_buffer(place, prefix=()):
    """A buffer that is exactly filled: no scenario sees it, the sanitizer does, wherever the Makefile calls gcc."""
    report, result = grade(*SERVER_ONLY, place, sanitizer=True, prefix=prefix)
    validate(result.out)
    failed = [s["id"] for a in report["assignments"] for s in a["scenarios"] if s["verdict"] == "failed"]
    expect(not failed, f"it passes every scenario: {failed}")
    one = only_finding(report)
    expect((one["class"], one["kind"], one["file"], one["line"], one["function"]) ==
           ("memory-error", "stack-buffer-overflow", "tcp_echo_server.c", 14, "serve"), brief(report))
    expect(one["source"].startswith("buf[n] = 0;"), brief(report))
    expect(one["scenarios"] == ["tcp-echo-server/half-close"], brief(report))
    expect(one["sent"]["len"] >= 1024 and one["sent"]["endpoint"], brief(report))
    expect("'buf'" in one["excerpt"] and "0x7" not in one["excerpt"], brief(report))
    expect(one["points_lost"] > 0 and section(report)["score"] == 0, brief(report))
    expect(result.status == 1, "points are missing")


def test_a_buffer_that_is_exactly_filled():
    with folder() as here:
        check_filled_buffer(hand_in(here / "h", tcp_echo_server=server()))


def test_as_an_ordinary_user_with_gcc_written_out():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        (place / "Makefile").write_text("CC = gcc\nCFLAGS = -Wall -Werror -O2 -D_FORTIFY_SOURCE=2\n"
                                        "all:\n\tgcc -Wall -Wextra -static -s -o tcp_echo_server tcp_echo_server.c\n"
                                        "\tstrip tcp_echo_server\n")
        check_filled_buffer(place, prefix=as_user())


def test_objects_that_came_with_the_hand_in():
    """They are older than nothing, and without sanitizers: make -B makes them anew."""
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        (place / "Makefile").write_text("tcp_echo_server: tcp_echo_server.o\n\tcc -o $@ $<\n")
        (place / "tcp_echo_server.o").write_bytes(b"not an object\n")
        report, _ = grade(*SERVER_ONLY, place, sanitizer=True)
        expect(section(report)["build"]["status"] == "ok", brief(report))


def test_undefined_behaviour_does_not_end_the_program():
    also = "volatile int most = 2147483647 - 100; most += (int)n;"
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server(room="sizeof buf - 1", also=also))
        report, _ = grade(*SERVER_ONLY, place, sanitizer=True)
        one = only_finding(report)
        expect((one["class"], one["kind"], one["line"]) == ("undefined-behaviour", "signed-integer-overflow", 15),
               brief(report))
        part = section(report)["assignments"][0]
        expect(part["scenarios"] > 1 and abs(part["score"] - part["max_score"] / 2) < 1e-3, brief(report))


def test_a_leak_counts_at_a_program_s_own_end_only():
    leak = "char *volatile lost = malloc(40); lost = NULL;"
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server(room="sizeof buf - 1", also=leak), tcp_echo_client=CLIENT)
        report, _ = grade(*SERVER_ONLY, "--only", "tcp-echo-client/half-close", place, sanitizer=True)
        one = only_finding(report)
        expect((one["class"], one["file"], one["line"]) == ("memory-leak", "tcp_echo_client.c", 11), brief(report))


def test_tricks_that_hide_nothing():
    tricks = """
const char *__asan_default_options(void) { return "detect_leaks=0:log_path=/dev/null:exitcode=0:halt_on_error=0"; }
const char *__ubsan_default_options(void) { return "log_path=/dev/null:print_stacktrace=0"; }
"""
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server(before=tricks.replace("\n", " ")))
        (place / "Makefile").write_text("all:\n\tASAN_OPTIONS= gcc -fno-sanitize=all -o tcp_echo_server tcp_echo_server.c\n")
        report, _ = grade(*SERVER_ONLY, place, sanitizer=True)
        one = only_finding(report)
        expect(one["kind"] == "stack-buffer-overflow" and one["line"] == 14, brief(report))


def test_a_makefile_that_ignores_the_compiler():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        (place / "Makefile").write_text("all:\n\t/usr/bin/gcc -o tcp_echo_server tcp_echo_server.c\n")
        report, result = grade(*SERVER_ONLY, place, sanitizer=True)
        part = section(report)["assignments"][0]
        expect(part["status"] == "not-instrumented" and "ignores CFLAGS" in part["text"], brief(report))
        expect(section(report)["max_score"] == 0 and not section(report)["findings"], brief(report))
        expect(result.status == 0, "no points are lost")
        suite = here / "suite.json"
        suite.write_text(json.dumps({"suite": "strict", "sanitizer": {"points": 10, "required": True},
                                     "assignments": [{"assignment": "tcp-echo-server", "points": 90}]}))
        report, _ = grade("--suite", suite, *SERVER_ONLY, place, sanitizer=True)
        expect((section(report)["score"], section(report)["max_score"]) == (0, 10), brief(report))


def test_a_build_that_fails_with_sanitizers_only():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        (place / "Makefile").write_text("all:\n\tcase $$(command -v gcc) in /usr/bin/gcc) ;; *) exit 1 ;; esac\n"
                                        "\tgcc -o tcp_echo_server tcp_echo_server.c\n")
        report, _ = grade(*SERVER_ONLY, place, sanitizer=True)
        expect(section(report)["assignments"][0]["status"] == "not-built", brief(report))
        expect(section(report)["build"]["status"] == "failed" and section(report)["build"]["log"], brief(report))
        expect(section(report)["max_score"] == 0, brief(report))


def test_it_can_be_switched_off():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        report, result = grade(*SERVER_ONLY, place)
        expect(section(report)["status"] == "off" and section(report)["max_score"] == 0, brief(report))
        expect(result.status == 0 and report["score"] == report["max_score"], "its points are left out")
        text = sockgrade("grade", *SERVER_ONLY, "--no-sanitizer", place)
        expect("--no-sanitizer" in text.out, repr(text))
        basics, _ = grade("--suite", ROOT / "testcases" / "suites" / "basics.json", *SERVER_ONLY, place, sanitizer=True)
        expect(section(basics)["status"] == "none", brief(basics))


def test_a_program_that_does_nothing_earns_nothing():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server="int main(void) { return 0; }")
        report, _ = grade("--only", "tcp-echo-server/*", place, sanitizer=True)
        part = section(report)["assignments"][0]
        expect(part["status"] == "blocked" and part["score"] == 0 and part["max_score"] > 0, brief(report))


def test_every_form_tells_it():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        report = here / "report.json"
        sockgrade("grade", *SERVER_ONLY, "--format", "json", "-o", report, place)
        text = sockgrade("report", report)
        for words in ("sanitizers", "tcp_echo_server.c:14 in serve: stack-buffer-overflow (memory-error)",
                      "buf[n] = 0;", "tcp-echo-server/half-close", "'buf'"):
            expect(words in text.out, f"{words!r} is missing:\n{text!r}")
        junit = xml.dom.minidom.parseString(sockgrade("report", "--format", "junit", report).out)
        suites = {s.getAttribute("name"): s for s in junit.getElementsByTagName("testsuite")}
        expect(suites["sanitizers"].getAttribute("failures") == "1", junit.toxml())


def test_what_is_hidden_stays_hidden():
    with folder() as here:
        place = hand_in(here / "h", tcp_echo_server=server())
        cases = here / "cases"
        cases.mkdir()
        (cases / "suites").mkdir()
        (cases / "classes.json").write_text((ROOT / "testcases" / "classes.json").read_text())
        steps = [{"open": "a", "tcp": "${host}:${port}"}, {"send": "a", "data": {"of": "secret! ", "times": 200}},
                 {"close": "a", "how": "write"}, {"expect": "a", "closed": True}]
        scenario = {"id": "hidden-one", "title": "Hidden", "show": "nothing", "steps": steps}
        (cases / "tcp-echo-server.json").write_text(json.dumps(
            {"assignment": "tcp-echo-server", "program": "tcp_echo_server", "args": ["${port}"],
             "ready": "tcp ${port}", "setup": [{"start": "srv"}], "scenarios": [scenario]}))
        (cases / "suites" / "course.json").write_text(json.dumps(
            {"suite": "s", "show": True, "sanitizer": {"points": 5},
             "assignments": [{"assignment": "tcp-echo-server", "points": 95}]}))
        report, result = grade("--testcases", cases, place, sanitizer=True)
        one = only_finding(report)
        expect(one["line"] == 14 and one["scenarios"] == [] and one["sent"] is None, brief(report))
        expect("secret!" not in json.dumps(section(report)), brief(report))
        expect_status(result, 1)
