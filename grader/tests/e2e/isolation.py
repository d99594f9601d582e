"""What a hand-in can see and reach, asked from inside by real programs through real grades."""
from tools import expect, folder, grade, hand_in, scenarios

PROBE = r"""
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* A UDP server that answers every datagram with what it found out about its surroundings. */
static char found[4096];
static void say(const char *what) { strncat(found, what, sizeof found - strlen(found) - 1); }
static void try_open(const char *path, int flags, const char *word) {
    int fd = open(path, flags);
    if (fd >= 0) { say(word); close(fd); }
}
int main(int c, char **v) {
    (void)c;
    try_open("/etc/shadow", O_RDONLY, "SHADOW ");
    try_open("/proc/1/mem", O_RDWR, "INITMEM ");
    try_open("/home", O_RDONLY, "HOME ");
    try_open("/root", O_RDONLY, "ROOT ");
    try_open("/usr/bin/gcc", O_RDONLY, "COMPILER ");
    try_open("/bin/sh", O_RDONLY, "SHELL ");
    try_open("/hand-in/udp_echo_server", O_WRONLY, "ARTEFACT ");
    try_open("/sys/kernel", O_RDONLY, "SYS ");
    for (int fd = 3; fd < 256; fd++) if (fcntl(fd, F_GETFD) >= 0) say("FD ");
    int t = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, "1.1.1.1", &out.sin_addr);
    if (connect(t, (void *)&out, sizeof out) == 0 || errno != ENETUNREACH) say("ROUTE ");
    if (socket(AF_PACKET, SOCK_RAW, 0) >= 0) say("PACKET ");
    if (getppid() != 1) say("PARENT ");
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(v[1]))};
    if (bind(s, (void *)&a, sizeof a)) return 1;
    char b[65536]; struct sockaddr_in from; socklen_t len = sizeof from;
    for (;;) {
        ssize_t n = recvfrom(s, b, sizeof b, 0, (void *)&from, &len);
        if (n < 0) return 1;
        if (!found[0]) sendto(s, b, (size_t)n, 0, (void *)&from, len);
        else sendto(s, found, strlen(found), 0, (void *)&from, len);
    }
}
"""


def test_a_program_finds_nothing_of_the_host():
    with folder() as here:
        report, _ = grade("--only", "udp-echo-server/echo", hand_in(here / "h", udp_echo_server=PROBE))
        echo = scenarios(report)["udp-echo-server/echo"]
        expect(echo["verdict"] == "ok", f"it found: {echo.get('observed')}")


def test_a_makefile_cannot_reach_the_host():
    with folder() as here:
        place = hand_in(here / "h", udp_echo_server="int main(void){return 0;}\n")
        canary = here / "canary"
        canary.write_text("untouched\n")
        (place / "Makefile").write_text(
            f"X := $(shell cat /etc/shadow {canary} 2>&1; echo gone > {canary})\n"
            "all:\n\t@echo \"$(X)\"\n\tcc -o udp_echo_server udp_echo_server.c\n"
            "\t-echo x > /usr/bin/evil\n\t-touch ../../../evil /evil\n")
        report, _ = grade("--only", "udp-echo-server/starts", place)
        expect(canary.read_text() == "untouched\n", "the canary was reached")
        expect("root:" not in report["build"]["log"], "a secret was read")


FORGER = r"""
#include <stdio.h>
int main(void) {
    puts("{\"format\": \"sockgrade/report/1\", \"score\": 100}");
    fputs("\033]0;owned\007\033[2J<script>alert(1)</script>]]>\n100 passed, 0 failed\n", stderr);
    return 0;
}
"""


def test_what_a_program_prints_cannot_forge_a_verdict():
    with folder() as here:
        report, result = grade("--only", "udp-echo-server/*", hand_in(here / "h", udp_echo_server=FORGER), status=1)
        expect(report["score"] == 0 or report["score"] < 0.2 * report["max_score"], str(report["score"]))
        expect("\x1b" not in result.out and "\x07" not in result.out, "an escape code went through")


FORK_BOMB = r"""
#include <unistd.h>
int main(void) { for (;;) fork(); }
"""


def test_a_fork_bomb_is_contained_and_the_grade_goes_on():
    with folder() as here:
        report, _ = grade("--only", "udp-echo-server/starts", hand_in(here / "h", udp_echo_server=FORK_BOMB), status=1)
        expect(scenarios(report)["udp-echo-server/starts"]["verdict"] == "failed", "a fork bomb listens?")


# splice(2) keeps the lock of a pipe while it waits for its other side: who reads that pipe waits, too, and no time-out helps.
SPLICER = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static void keep_locked(int fd) {
    int silent[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, silent);
    if (fork() == 0) { splice(silent[0], NULL, fd, NULL, 4096, 0); _exit(0); }
}
int main(int c, char **v) {
    if (c == 1) { keep_locked(1); sleep(1000); }
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(v[1]))};
    if (bind(s, (void *)&a, sizeof a)) return 1;
    keep_locked(1);
    keep_locked(2);
    for (;;) pause();
}
"""


def test_a_pipe_that_is_kept_locked_stops_nobody():
    with folder() as here:
        report, _ = grade("--only", "udp-echo-server/echo", hand_in(here / "run", udp_echo_server=SPLICER), status=1)
        expect(scenarios(report)["udp-echo-server/echo"]["verdict"] == "failed", str(scenarios(report)))
        place = hand_in(here / "build", udp_echo_server=SPLICER)
        makefile = place / "Makefile"
        makefile.write_text("all:\n\tcc -o x udp_echo_server.c\n\t./x\n", encoding="utf-8")
        report, _ = grade("--only", "udp-echo-server/echo", place, status=1)
        expect("locked (splice)" in report["build"]["log"], str(report["build"]))
