/*
 * udp_echo_server.c: lesson 5, datagrams.
 *
 * UDP keeps messages apart: one recvfrom() is one datagram, one sendto() sends one. There is no connection, so each
 * answer goes to the address that came with the question, from the socket that received it. There is no end either:
 * recvfrom() returning 0 is a datagram without data, and it is answered like any other.
 */
#include "net/net.h"

#include <stdio.h>

/* The largest datagram of IPv4 holds 65507 bytes. Of a longer one, recvfrom() would throw the rest away. */
enum { DATAGRAM_MAX = 65536 };

int main(int argc, char *argv[])
{
    static char datagram[DATAGRAM_MAX];
    char why[NET_WHY];
    int port = argc == 2 ? net_parse_port(argv[1]) : -1;
    if (port < 1) {
        fprintf(stderr, "usage: udp_echo_server PORT\n");
        return 2;
    }
    net_server_signals();
    int fd = net_bind_udp((uint16_t)port, why);
    if (fd < 0) {
        fprintf(stderr, "udp_echo_server: %s\n", why);
        return 1;
    }

    for (;;) {
        struct net_peer peer = {.length = sizeof peer.address}; /* in: room, out: used */
        ssize_t size = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&peer.address,
                                &peer.length);
        /* Interrupted, or news of an earlier client that is gone: neither ends the service. */
        if (size < 0)
            continue;
        /* An answer that cannot be sent is lost, as any datagram may be. */
        (void)sendto(fd, datagram, (size_t)size, 0, (const struct sockaddr *)&peer.address,
                     peer.length);
    }
}
