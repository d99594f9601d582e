/* tcp_echo_server.c: RFC 862 with a child process for each client. */
#include "common.h"
#include "fork_server.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *program = "tcp_echo_server";
static int names;

static void echo(int fd, const struct sockaddr_in *client)
{
    char buffer[1024], host[NI_MAXHOST], service[NI_MAXSERV];
    int flags = NI_NUMERICSERV | (names ? 0 : NI_NUMERICHOST);
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        if (write_all(fd, buffer, (size_t)n) < 0)
            break;
    }
    /* One line for each client, when it has gone. */
    if (getnameinfo((const struct sockaddr *)client, sizeof *client, host, sizeof host, service,
                    sizeof service, flags) == 0)
        fprintf(stderr, "client %s %s\n", host, service);
    close(fd);
}

int main(int argc, char *argv[])
{
    names = argc == 3 && strcmp(argv[1], "-n") == 0;
    int port = argc == 2 + names ? parse_port(argv[argc - 1]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s [-n] PORT\n", program);
        return 2;
    }
    int listener = tcp_listen(port);
    if (listener < 0)
        return 1;
    serve_by_fork(listener, echo);
}
