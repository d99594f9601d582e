/* echo.c: arguments, log and the echo itself. */
#include "echo/echo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int echo_parse(int argc, char *argv[], struct echo_options *options)
{
    options->names = argc > 1 && strcmp(argv[1], "-n") == 0;
    int first = options->names ? 2 : 1;
    int port = argc == first + 1 ? net_parse_port(argv[first]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: tcp_echo_server [-n] PORT\n");
        return 2;
    }
    options->port = (uint16_t)port;
    return 0;
}

int echo_listen(const struct echo_options *options)
{
    char why[NET_WHY];
    int listener = net_listen(options->port, why);
    if (listener < 0) {
        fprintf(stderr, "tcp_echo_server: %s\n", why);
        return -1;
    }
    if (options->port == 0) {
        printf("%d\n", net_local_port(listener));
        fflush(stdout); /* stdout may be a pipe, and then a line waits in the buffer */
    }
    return listener;
}

void echo_log(const struct net_peer *peer, bool names)
{
    char text[NET_PEER_TEXT];
    net_peer_text(peer, names, text);
    fprintf(stderr, "client %s\n", text);
}

void echo_serve(int fd)
{
    char buffer[16384];
    for (;;) {
        ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) /* 0: the client has finished sending; below 0: it is gone */
            return;
        /* Exactly as many bytes as arrived: the network has no terminators, and the rest of the buffer is old. */
        if (net_send_all(fd, buffer, (size_t)got) < 0)
            return;
    }
}
