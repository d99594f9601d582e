/* udp_echo_server.c: recvmsg, sendmsg, and a signalfd beside them. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void exchange(int fd)
{
    static char buffer[65536];
    struct sockaddr_storage peer;
    struct iovec part = {.iov_base = buffer, .iov_len = sizeof buffer};
    struct msghdr message = {
        .msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            warn_errno("recvmsg");
        return;
    }
    part.iov_len = (size_t)n;
    message.msg_flags = 0;
    if (sendmsg(fd, &message, 0) < 0)
        warn_errno("sendmsg");
}

int main(int argc, char *argv[])
{
    if (argc != 2 || port_number(argv[1], 1) < 0) {
        fprintf(stderr, "usage: %s PORT\n", program_invocation_short_name);
        return 2;
    }
    int signals = end_signals();
    struct pollfd fds[] = {{serve_on(argv[1], SOCK_DGRAM), POLLIN, 0}, {signals, POLLIN, 0}};
    while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
        if (fds[1].revents != 0)
            return 0;
        if (fds[0].revents != 0)
            exchange(fds[0].fd);
    }
    die("poll", strerror(errno));
}
