/* base/io.c: descriptors: short transfers, interruptions, waiting, passing descriptors on. See io.h. */
#include "base/io.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

uint64_t io_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC,
                        &now); /* cannot fail: the clock exists, the address is ours */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

ssize_t io_read(int fd, void *bytes, size_t len)
{
    ssize_t n;
    do
        n = read(fd, bytes, len);
    while (n < 0 && errno == EINTR);
    return n;
}

ssize_t io_write(int fd, const void *bytes, size_t len)
{
    ssize_t n;
    do
        n = write(fd, bytes, len);
    while (n < 0 && errno == EINTR);
    return n;
}

ssize_t io_read_full(int fd, void *bytes, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = io_read(fd, (char *)bytes + got, len - got);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int io_write_full(int fd, const void *bytes, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = io_write(fd, (const char *)bytes + sent, len - sent);
        if (n < 0)
            return -1;
        sent += (size_t)n;
    }
    return 0;
}

int io_poll(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd watched = {.fd = fd, .events = events};
    for (;;) {
        struct timespec left = {0};
        if (deadline_ns != UINT64_MAX) {
            uint64_t now = io_now_ns();
            uint64_t ns = deadline_ns > now ? deadline_ns - now : 0;
            left.tv_sec = (time_t)(ns / NS_PER_S);
            left.tv_nsec = (long)(ns % NS_PER_S);
        }
        int n = ppoll(&watched, 1, deadline_ns == UINT64_MAX ? NULL : &left, NULL);
        if (n > 0)
            return watched.revents;
        if (n == 0)
            return 0;
        if (errno != EINTR)
            return -1;
    }
}

int io_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -1;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : fcntl(fd, F_SETFL, wanted);
}

/* Room for the control message, aligned as cmsg(3) asks. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(IO_MAX_FDS * sizeof(int))];
};

int io_send_fds(int sock, const void *bytes, size_t len, const int *fds, size_t n_fds)
{
    if (n_fds > IO_MAX_FDS || len == 0) { /* descriptors travel with at least one byte (unix(7)) */
        errno = EINVAL;
        return -1;
    }
    union control control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (n_fds) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(head), fds, n_fds * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(sock, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    /* A stream took a part (the descriptors with it): the rest follows without them. */
    size_t sent = (size_t)n;
    while (sent < len) {
        n = send(sock, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -1;
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Keeps the first max_fds descriptors of a control message and closes the others. */
static void take_fds(struct cmsghdr *head, int *fds, size_t max_fds, size_t *n_fds)
{
    size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
        if (*n_fds < max_fds)
            fds[(*n_fds)++] = fd;
        else
            (void)close(fd); /* nobody asked for it */
    }
}

ssize_t io_recv_fds(int sock, void *bytes, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds)
{
    *ret_n_fds = 0;
    union control control = {0};
    struct iovec part = {.iov_base = bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head))
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
            take_fds(head, fds, max_fds, ret_n_fds);
    return n;
}
