/* SO_RCVTIMEO for what is left of the second; recvmsg says whether it was cut. */
#include "common.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65507, TRIES = 3 };

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* 1: the echo came; 0: the second is over */
static int await(int fd, const char *line, size_t size)
{
    static char answer[MOST + 1];
    long long end = now_us() + 1000000;
    for (;;) {
        long long left = end - now_us();
        if (left <= 0)
            return 0;
        struct timeval wait = {left / 1000000, left % 1000000};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n >= 0 && (size_t)n == size && memcmp(answer, line, size) == 0)
            return 1;
    }
}

int main(int argc, char *argv[])
{
    program = "udp_echo_client";
    if (argc != 3 || parse_port(argv[2]) < 0)
        usage("HOST PORT");
    int fd = -1; /* who has nothing to say looks for nobody */
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            size--;
        if (size > MOST)
            fail("line", strerror(EMSGSIZE));
        if (fd < 0)
            fd = reach(argv[1], argv[2], SOCK_DGRAM);
        int tries = 0;
        do {
            if (tries++ == TRIES)
                fail(argv[1], strerror(ETIMEDOUT));
            (void)send(fd, line, (size_t)size, 0);
        } while (!await(fd, line, (size_t)size));
        fwrite(line, 1, (size_t)size, stdout);
        putchar('\n');
        if (fflush(stdout) != 0)
            fail("stdout", strerror(errno));
    }
    free(line);
    if (fd >= 0)
        close(fd);
    return 0;
}
