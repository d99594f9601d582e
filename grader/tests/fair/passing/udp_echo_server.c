/* Sixteen datagrams at a time: recvmmsg(2), sendmmsg(2). */
#define _GNU_SOURCE
#include "common.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { BATCH = 16, SIZE = 65536 };

static char bytes[BATCH][SIZE];
static struct sockaddr_in peers[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

int main(int argc, char *argv[])
{
    program = "udp_echo_server";
    int port = argc == 2 ? parse_port(argv[1]) : -1;
    if (port < 0)
        usage("PORT");
    int fd = bound_socket(SOCK_DGRAM, port);
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){bytes[i], SIZE};
            messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                                  .msg_namelen = sizeof peers[i],
                                                  .msg_iov = &parts[i],
                                                  .msg_iovlen = 1};
        }
        int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++)
            parts[i].iov_len = messages[i].msg_len;
        for (int at = 0; at < count;) {
            int sent = sendmmsg(fd, messages + at, (unsigned)(count - at), 0);
            if (sent < 0 && errno == EINTR)
                continue;
            at += sent > 0 ? sent : 1; /* one that cannot be sent is lost, as datagrams are */
        }
    }
}
