/* udp_echo_client.c: a connected socket (the kernel drops strangers' datagrams), a timerfd for each try. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int is_echo(int fd, const char *line, size_t size)
{
    static char buffer[65536];
    ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    return n >= 0 && (size_t)n == size && memcmp(buffer, line, size) == 0;
}

/* 1: the echo came within a second. An ICMP error is not the last word: a later try may reach the server. */
static int try_once(int fd, int timer, const char *line, size_t size)
{
    struct itimerspec second = {.it_value.tv_sec = 1};
    struct pollfd fds[] = {{fd, POLLIN, 0}, {timer, POLLIN, 0}};
    timerfd_settime(timer, 0, &second, NULL);
    if (send(fd, line, size, 0) < 0 && errno != ECONNREFUSED && errno != EINTR)
        die("send", strerror(errno));
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            die("poll", strerror(errno));
        if (fds[0].revents != 0 && is_echo(fd, line, size))
            return 1;
        if (fds[1].revents != 0)
            return 0;
    }
}

int main(int argc, char *argv[])
{
    if (argc != 3 || port_number(argv[2], 1) < 0) {
        fprintf(stderr, "usage: %s HOST PORT\n", program_invocation_short_name);
        return 2;
    }
    int fd = connect_to(argv[1], argv[2], SOCK_DGRAM);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0)
        die("timerfd", strerror(errno));
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getdelim(&line, &room, '\n', stdin)) >= 0) {
        size_t size = (size_t)n - (line[n - 1] == '\n');
        int tries = 0;
        while (!try_once(fd, timer, line, size)) {
            if (++tries == 3)
                die(argv[1], strerror(ETIMEDOUT));
        }
        if (fwrite(line, 1, size, stdout) != size || putchar('\n') < 0 || fflush(stdout) < 0)
            die("stdout", strerror(errno));
    }
    free(line);
    return ferror(stdin) ? 1 : 0;
}
