/* udp_echo_server.c: each datagram goes back to its sender, by a child process of its own: in any order. */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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
    signal(SIGCHLD, SIG_IGN); /* nobody waits for the children, and none becomes a zombie */
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
        if (n < 0) {
            fail("recvfrom");
            continue;
        }
        pid_t child = fork();
        if (child > 0)
            continue;
        /* Without a process to spare the parent answers itself. */
        if (sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size) < 0)
            fail("sendto");
        if (child == 0)
            _exit(0);
    }
}
