/* udp_echo_server.c: each datagram goes back to its sender. */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

const char *program = "udp_echo_server";

int main(int argc, char *argv[])
{
    static char buffer[65536];
    int port = argc == 2 ? parse_port(argv[1]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s PORT\n", program);
        return 2;
    }
    struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    self.sin_addr.s_addr = htonl(INADDR_ANY);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return fail("socket");
    if (bind(fd, (struct sockaddr *)&self, sizeof self) < 0)
        return fail("bind");
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
        if (n < 0) {
            fail("recvfrom");
            continue;
        }
        if (sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size) < 0)
            fail("sendto");
    }
}
