#include "common.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *program;

int parse_port(const char *text)
{
    int port = 0;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = 10 * port + (*text - '0');
        if (port > 65535)
            return -1;
    }
    return port > 0 ? port : -1;
}

void usage(const char *words)
{
    dprintf(STDERR_FILENO, "usage: %s %s\n", program, words);
    exit(2);
}

void fail(const char *what, const char *why)
{
    dprintf(STDERR_FILENO, "%s: %s: %s\n", program, what, why);
    exit(1);
}

int bound_socket(int type, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket", strerror(errno));
    int on = 1;
    if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        fail("SO_REUSEADDR", strerror(errno));
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("bind", strerror(errno));
    if (type == SOCK_STREAM && listen(fd, SOMAXCONN) != 0)
        fail("listen", strerror(errno));
    return fd;
}

int reach(const char *host, const char *port, int type)
{
    struct addrinfo hints = {.ai_socktype = type}, *list, *at;
    int error = getaddrinfo(host, port, &hints, &list), fd = -1;
    if (error != 0)
        fail(host, gai_strerror(error));
    for (at = list; at != NULL; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno;
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0)
        fail(host, strerror(error));
    return fd;
}
