"""Correct programs that are unlike the reference, and are not accused: each rule of testcases/README.md has one here."""
from tools import copy_reference, expect, folder, grade, not_passed, scenarios

FORK = ("Makefile", "TCP_VARIANT ?= poll", "TCP_VARIANT ?= fork")


def variant(*edits, only):
    """Scenarios of the reference with these edits (file, old, new)."""
    with folder() as here:
        place = copy_reference(here / "variant", only.split("/")[0].replace("-", "_"))
        for name, old, new in edits:
            text = (place / name).read_text(encoding="utf-8")
            expect(old in text, f"{name} has no longer {old!r}")
            (place / name).write_text(text.replace(old, new), encoding="utf-8")
        report, _ = grade("--only", only, place)
    expect(report["build"]["status"] == "ok", f"{report['build']}")
    return report


def all_pass(report, *but):
    wrong = [line for line in not_passed(report) if line.split(":")[0] not in but]
    expect(not wrong, "\n".join(wrong))
    missed = [name for name in but if scenarios(report)[name]["verdict"] != "failed"]
    expect(not missed, f"{missed} should fail")


def test_a_daemon_that_forks_away_is_still_the_service():
    report = variant(("echo/tcp_echo_poll.c", "    if (listener < 0)\n        goto out;\n",
                      "    if (listener < 0)\n        goto out;\n    if (fork() != 0)\n        _exit(0);\n    setsid();\n"),
                     only="tcp-echo-server/*")
    all_pass(report)


def test_two_children_not_yet_waited_for_are_no_leak():
    report = variant(FORK, ("echo/tcp_echo_fork.c", """    pid_t pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0) {
        forget(family, pid);
        pid = waitpid(-1, NULL, WNOHANG);
    }
""", """    for (size_t i = family->children; i > 2; i--)
        if (waitpid(family->child[i - 1], NULL, WNOHANG) > 0)
            forget(family, family->child[i - 1]);
"""), only="tcp-echo-server/*")
    all_pass(report)


def test_a_short_backlog_costs_its_own_scenario_alone():
    """Clients come as fast as the queue takes them; a full one would drop a SYN, or reset a client that thinks it is in."""
    for backlog in (1, 5):
        report = variant(("Makefile", "TCP_VARIANT ?= poll", "TCP_VARIANT ?= thread"),
                         ("net/net.c", "BACKLOG = 128,", f"BACKLOG = {backlog},"), only="tcp-echo-server/*")
        all_pass(report, *(["tcp-echo-server/backlog"] if backlog == 1 else []))


def answers_garbage(edit):
    report = variant(("http/http_server.c", "        reply.status = status;\n", edit), only="http-server/garbage")
    seen = scenarios(report)["http-server/garbage"]
    expect(seen["verdict"] == "ok", f"{edit}: {seen['verdict']}, {seen.get('observed')}")


def test_garbage_may_be_answered_in_many_ways():
    for status in (400, 405, 501):
        answers_garbage(f"        reply.status = status == 400 ? {status} : status;\n")
    answers_garbage("        if (status == 400)\n            return false;\n        reply.status = status;\n")


def test_what_may_not_be_seen_is_403_or_404():
    for forbidden, directory in ((403, 403), (404, 404)):
        report = variant(("http/file.c", "    case EPERM:\n        return 403;", f"    case EPERM:\n        return {forbidden};"),
                         ("http/file.c", "    if (real == NULL)\n        return status_of(errno);\n",
                          f"    if (real == NULL)\n        return directory ? {directory} : status_of(errno);\n"),
                         only="http-server/*")
        all_pass(report)


def test_a_limit_of_the_box_is_named_when_it_strikes():
    """The program's own log fills a file: its end is told as the limit's, with the limit's name."""
    report = variant(("echo/udp_echo_server.c", "        /* An answer that", """        FILE *log = fopen("log", "a");
        for (int i = 0; log && i < 1 << 14; i++)
            fwrite(datagram, 1, sizeof datagram, log);
        /* An answer that"""), only="udp-echo-server/echo")
    seen = scenarios(report)["udp-echo-server/echo"]
    expect(seen["verdict"] == "failed" and seen["class"] == "killed-by-limit", f"{seen['class']}: {seen.get('observed')}")
    expect("size" in seen["hint"], seen["hint"])


def test_a_client_that_refuses_folded_headers_loses_nothing():
    """By the sheet they are not well-formed; a client that takes the fold for a header of its own is wrong, K36 shows."""
    report = variant(("http/response.c", "            continue;\n        char *colon",
                      "            return \"a folded header line\";\n        char *colon"), only="http-client/*")
    all_pass(report)
    folds = scenarios(report)["http-client/obs-fold"]
    expect(folds["verdict"] == "info" and folds["score"] == folds["max_score"], f"{folds}")
