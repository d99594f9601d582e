/*
 * udp_echo_client.c: lesson 9, what UDP leaves to us.
 *
 * A datagram may be lost, doubled, late, or from somebody else. The socket is connected, so the system passes on only
 * what comes from the server; what is no echo of this line is ignored; and without an echo within a second the line is
 * sent again, three times in all.
 */
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 3, WAIT_MS = 1000, DATAGRAM_MAX = 65507 };

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "udp_echo_client: %s: %s\n", what, why);
    return 1;
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1: the echo has come; 0: it has not, in time; -1: the server's host says that nobody listens there. */
static int await_echo(int fd, const char *line, size_t size)
{
    static char answer[DATAGRAM_MAX + 1];
    long deadline = now_ms() + WAIT_MS;
    for (;;) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        long left = deadline - now_ms();
        if (left <= 0)
            return 0;
        if (poll(&polled, 1, (int)left) <= 0)
            continue;
        ssize_t got = recv(fd, answer, sizeof answer, 0);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == (ssize_t)size && memcmp(answer, line, size) == 0)
            return 1;
    }
}

/* One line, as often as necessary. The exit status. */
static int exchange(int fd, const char *line, size_t size)
{
    for (int i = 0; i < TRIES; i++) {
        if (send(fd, line, size, 0) < 0)
            return fail("send", strerror(errno));
        int echo = await_echo(fd, line, size);
        if (echo < 0)
            return fail("receive", strerror(errno));
        if (echo == 0)
            continue;
        fwrite(line, 1, size, stdout);
        putchar('\n');
        return fflush(stdout) == 0 ? 0 : fail("stdout", strerror(errno));
    }
    return fail("server", "no answer");
}

static int run(int fd)
{
    char *line = NULL; /* getline() makes it as long as the line is, 00 bytes included */
    size_t room = 0;
    int status = 0;
    while (status == 0) {
        ssize_t size = getline(&line, &room, stdin);
        if (size < 0)
            break;
        if (line[size - 1] == '\n')
            size--;
        status = size > DATAGRAM_MAX ? fail("stdin", "a line is longer than a datagram")
                                     : exchange(fd, line, (size_t)size);
    }
    if (status == 0 && ferror(stdin))
        status = fail("stdin", strerror(errno));
    free(line);
    return status;
}

int main(int argc, char *argv[])
{
    char why[NET_WHY];
    if (argc != 3 || net_parse_port(argv[2]) < 1) {
        fprintf(stderr, "usage: udp_echo_client HOST PORT\n");
        return 2;
    }
    int fd = net_connect(argv[1], argv[2], SOCK_DGRAM, why);
    if (fd < 0) {
        fprintf(stderr, "udp_echo_client: %s\n", why);
        return 1;
    }
    int status = run(fd);
    close(fd);
    return status;
}
