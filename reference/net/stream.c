/* stream.c: a TCP connection is a stream of bytes, and one call may move only some of them. */
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

/* How long net_close_in_stages waits for the peer's end. */
enum { LINGER_MS = 2000 };

int net_send_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, 0);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        at += sent;
        size -= (size_t)sent;
    }
    return 0;
}

ssize_t net_receive_all(int fd, void *data, size_t size)
{
    char *at = data;
    size_t have = 0;
    while (have < size) {
        ssize_t got = recv(fd, at + have, size - have, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0) /* the peer has ended: there will never be more */
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * close() on a socket with unread input sends a reset, and a reset makes the peer throw away what it has not yet read:
 * our last answer would be lost (RFC 9112, 9.6). So: say that we have finished, read what still comes, then close.
 */
void net_close_in_stages(int fd)
{
    char rest[4096];
    long deadline = now_ms() + LINGER_MS;
    shutdown(fd, SHUT_WR);
    for (;;) {
        long left = deadline - now_ms();
        struct pollfd input = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&input, 1, (int)left) <= 0)
            break;
        if (recv(fd, rest, sizeof rest, 0) <= 0)
            break;
    }
    close(fd);
}
