"""Programs that do almost nothing get almost nothing, however well they do it: grader/tests/little/."""
import shutil

from tools import TESTS, expect, folder, grade, mutant_alone, scenarios, ROOT

LITTLE = TESTS / "little"
NOTHING = 0.15  # of an assignment's points: what starts, ends and says its usage as it should has this much
HALF = 0.4      # a client that does one of its two halves, sending or receiving, or sends all the right requests

PROGRAMS = {
    "tcp-echo-server": ("tcp_echo_server", "server", ""),
    "udp-echo-server": ("udp_echo_server", "server", "-DTYPE=SOCK_DGRAM"),
    "byte-order": ("nbo_server", "server", ""),
    "http-server": ("http_server", "server", "-DMOST=4"),
    "tcp-echo-client": ("tcp_echo_client", "client", "-DARGUMENTS=2"),
    "udp-echo-client": ("udp_echo_client", "client", "-DARGUMENTS=2 -DTYPE=SOCK_DGRAM"),
    "byte-order-client": ("nbo_client", "client", "-DARGUMENTS=2"),
    "http-client": ("http_client", "client", "-DARGUMENTS=1"),
}


def graded(assignment, behaviour):
    """The assignment's part of the report on a program of little/ with that behaviour."""
    program, source, flags = PROGRAMS[assignment]
    with folder() as here:
        place = here / behaviour
        place.mkdir()
        shutil.copy(LITTLE / f"{source}.c", place)
        (place / "Makefile").write_text(f"all: {program}\n{program}: {source}.c\n"
                                        f"\tcc -Wall -Wextra -Werror {flags} -DBEHAVIOUR={behaviour} -o $@ $<\n")
        report, _ = grade("--only", f"{assignment}/*", place)
    expect(report["build"]["status"] == "ok", f"{behaviour}: {report['build']}")
    return next(a for a in report["assignments"] if a["id"] == assignment)


def share(part):
    return part["score"] / part["max_score"]


def at_most(most, assignment, *behaviours):
    shares = {b: share(graded(assignment, b)) for b in behaviours}
    generous = {b: s for b, s in shares.items() if s > most}
    expect(not generous, f"{assignment}: {generous}, and {most} would be enough")


def test_tcp_echo_servers():
    at_most(NOTHING, "tcp-echo-server", "never_accepts", "silent", "closing", "constant", "constant_once")


def test_udp_echo_servers():
    at_most(NOTHING, "udp-echo-server", "silent", "constant")


def test_byte_order_servers():
    at_most(NOTHING, "byte-order", "never_accepts", "silent", "closing", "constant", "echo", "zero_reply", "refuses_all")


def test_http_servers():
    at_most(NOTHING, "http-server", "never_accepts", "silent", "closing", "constant", "echo", "always_200",
            "always_200_close", "always_the_file", "always_404", "always_400_close", "always_501_close")


def test_tcp_echo_clients():
    at_most(NOTHING, "tcp-echo-client", "succeeds", "fails", "copies", "leaves", "leaves_failing", "waits", "shows",
            "copies_and_waits")
    at_most(HALF, "tcp-echo-client", "sends", "sends_and_waits")


def test_udp_echo_clients():
    at_most(NOTHING, "udp-echo-client", "succeeds", "copies", "leaves_failing", "waits", "copies_and_waits")
    at_most(HALF, "udp-echo-client", "sends", "sends_and_waits")


def test_byte_order_clients():
    at_most(NOTHING, "byte-order-client", "succeeds", "fails", "copies", "leaves_failing", "waits", "sends",
            "sends_and_waits", "shows")


def test_http_clients():
    at_most(NOTHING, "http-client", "succeeds", "fails", "leaves_failing", "waits", "shows")
    at_most(HALF, "http-client", "requests", "requests_failing", "requests_and_waits")


def test_one_known_mistake_costs_its_cap_and_no_more():
    """Each fails the core of its assignment, and everything that waits for it."""
    for name in ("tcp-echo-server/S34-greeting", "http-server/H39-no-status-space", "byte-order-client/N08-htonl-on-16",
                 "udp-echo-server/U17-adds-newline"):
        with folder() as here:
            assignment = name.split("/")[0]
            place = mutant_alone(ROOT / "testcases" / "mutants" / f"{name}.patch", here / "hand-in")
            report, _ = grade("--only", f"{assignment}/*", place)
        part = next(a for a in report["assignments"] if a["id"] == assignment)
        classes = {s["class"] for s in scenarios(report).values() if s["verdict"] == "failed"}
        expect(share(part) >= 1 - 0.25 * len(classes) - 1e-6, f"{name}: {share(part)}, {classes}")
    part = graded("tcp-echo-server", "one_byte_less")
    core = next(s for s in part["scenarios"] if s["id"] == "echo-line")
    expect(core["class"] == "chops-last-byte", f"{core['class']}")
