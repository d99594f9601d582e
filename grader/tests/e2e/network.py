"""world.net from the outside: the seed decides, the report tells, and it needs no privileges."""
import json
import shutil

from tools import ROOT, as_user, expect, folder, grade, hand_in, scenarios

ECHO = r"""
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(int argc, char **argv)
{
    static char b[65536];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(s, (struct sockaddr *)&a, sizeof a))
        return 1;
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(s, b, sizeof b, 0, (struct sockaddr *)&from, &len);
        if (n >= 0)
            sendto(s, b, n, 0, (struct sockaddr *)&from, len);
    }
}
"""


def scenario(name, net, *steps):
    return {"id": name, "title": "t", "world": {"net": net},
            "steps": [{"open": "u", "udp": "${host}:${port}"}, *steps]}


CASES = {
    "assignment": "net", "program": "udp_echo_server", "args": ["${port}"], "ready": "udp ${port}",
    "setup": [{"start": "srv"}],
    "scenarios": [
        # half of twenty are lost: which, is the seed's affair
        scenario("drawn", {"to_program": {"loss": 0.5}},
                 *[{"send": "u", "data": f"{i}"} for i in range(20)],
                 {"expect": "u", "silence": 1, "else": [{"matches": ".", "verdict": "ok"}]}),
        # what is under way is not the program's own time
        scenario("late", {"delay": 0.5}, {"send": "u", "data": "x"}, {"expect": "u", "data": "x", "within": 0.1}),
        # a lost datagram stays lost, and that is proven
        scenario("lost", {"to_peers": {"loss": [1]}}, {"send": "u", "data": "x"}, {"expect": "u", "data": "x", "within": 60}),
    ],
}


def play(seed, **how):
    with folder() as here:
        cases = here / "cases"
        (cases / "suites").mkdir(parents=True)
        shutil.copy(ROOT / "testcases" / "classes.json", cases)
        (cases / "net.json").write_text(json.dumps(CASES))
        (cases / "suites" / "course.json").write_text('{"suite": "net", "assignments": [{"assignment": "net"}]}')
        report, _ = grade("-v", "--testcases", cases, "--seed", seed, hand_in(here / "hand-in", udp_echo_server=ECHO), status=1,
                          **how)
        return {name.split("/")[1]: s for name, s in scenarios(report).items()}


def notes(seen):
    return [e["text"] for e in seen["trace"] if e["actor"] == "network"]


def test_the_seed_decides_and_the_report_tells():
    first, again, other = play(1), play(1, prefix=as_user()), play(2)
    expect(notes(first["drawn"]) == notes(again["drawn"]), f"{notes(first['drawn'])}\n{notes(again['drawn'])}")
    expect(notes(first["drawn"]) != notes(other["drawn"]), f"{notes(first['drawn'])}")
    for seen in (first, again, other):
        expect(0 < len(notes(seen["drawn"])) < 20, f"{notes(seen['drawn'])}")
        expect(seen["late"]["verdict"] == "ok", f"{seen['late']}")
        expect(seen["lost"]["verdict"] == "failed" and seen["lost"]["proof"] == "silent", f"{seen['lost']}")
        expect(notes(seen["lost"]) == ["packet 1 to the test (29 bytes) was lost"], f"{notes(seen['lost'])}")
