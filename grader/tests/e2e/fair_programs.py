"""Hand-ins, written from the assignment sheets alone and unlike the reference: nothing in them is accused.

grader/tests/fair/stdio   a process for each client, signals, select, stdio on sockets, listen(fd, 5), IPv4 only
grader/tests/fair/modern  epoll, threads, signalfd, timerfd, eventfd, sendfile; both families on one socket; bonuses
grader/tests/fair/passing the echo programs only: connections passed on to workers by SCM_RIGHTS, two processes with shared
                          memory, recvmmsg and sendmmsg, SO_RCVTIMEO

A scenario that they do not pass is either a bonus that they do not have, and is named here, or wrong.
"""
from tools import TESTS, expect, grade, not_passed, scenarios

# What the sheets do not ask for, or leave to the program; none of it costs points.
ALL = {
    "udp-echo-server/reply-address": "info",  # one INADDR_ANY socket, as in the lecture
    "udp-echo-client/refused": "info",        # they go on trying: the sheet says when to give up
}
PLAIN = {
    "tcp-echo-server/ipv6": "info",
    "tcp-echo-server/port-zero": "info",
}
STDIO = {
    "http-server/last-modified": "non-strict",
}


def passes_but(name, known, *words):
    report, _ = grade(*words, TESTS / "fair" / name)
    expect(report["build"]["status"] == "ok", f"{report['build']}")
    expect(not report["build"].get("messages"), f"{report['build']}")
    seen = {path: found["verdict"] for path, found in scenarios(report).items() if found["verdict"] != "ok"}
    expect(seen == known, f"not as expected: {sorted(seen.items() ^ known.items())}\n" + "\n".join(not_passed(report)))
    expect(report["score"] == report["max_score"], f"{report['score']} of {report['max_score']}")


def test_processes_signals_and_stdio():
    passes_but("stdio", ALL | PLAIN | STDIO)


def test_one_thread_with_epoll_and_many_threads():
    passes_but("modern", ALL)


def test_connections_and_datagrams_by_the_dozen():
    passes_but("passing", ALL | PLAIN, "--only", "tcp-echo-*/*", "--only", "udp-echo-*/*")
