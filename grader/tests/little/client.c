/*
 * Clients that do almost nothing, and that as well as can be: usage and exit statuses are right. BEHAVIOUR says what one does
 * with its connection: one of the functions below. ARGUMENTS is 1 for a URL, 2 for a host and a port.
 */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef BEHAVIOUR
#define BEHAVIOUR leaves
#endif
#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

#define UNUSED __attribute__((unused))

static char buffer[65536];
static char target[1000] = "/";
static char authority[1000];

static void copy_stdin(int to)
{
    ssize_t got;
    while ((got = read(0, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, (size_t)got) < 0)
            return;
}

static ssize_t answer_to_stdout(int fd)
{
    ssize_t got, all = 0;
    while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0) {
        fwrite(buffer, 1, (size_t)got, stdout);
        fflush(stdout);
        all += got;
    }
    return got < 0 ? got : all;
}

static void request(int fd)
{
    int length =
        snprintf(buffer, sizeof buffer, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                 target, authority);
    send(fd, buffer, (size_t)length, MSG_NOSIGNAL);
}

static int fail(const char *what)
{
    fprintf(stderr, "client: %s: it does not work\n", what);
    return 1;
}

/* Without a connection. */
UNUSED static int succeeds(int fd)
{
    return fd >= 0;
}
UNUSED static int fails(int fd)
{
    return fd >= 0 ? 0 : fail("connect");
}
UNUSED static int copies(int fd)
{
    return copy_stdin(1), fd >= 0;
}
/* With one. */
UNUSED static int leaves(int fd)
{
    return close(fd);
}
UNUSED static int leaves_failing(int fd)
{
    return close(fd), fail("recv");
}
UNUSED static int waits(int fd)
{
    return recv(fd, buffer, sizeof buffer, 0) <= 0 ? fail("recv") : 0;
}
UNUSED static int sends(int fd)
{
    return copy_stdin(fd), shutdown(fd, SHUT_WR), 0;
}
UNUSED static int sends_and_waits(int fd)
{
    copy_stdin(fd);
    shutdown(fd, SHUT_WR);
    while (recv(fd, buffer, sizeof buffer, 0) > 0)
        ;
    return fail("recv");
}
UNUSED static int copies_and_waits(int fd)
{
    copy_stdin(1);
    shutdown(fd, SHUT_WR);
    return recv(fd, buffer, sizeof buffer, 0) < 0;
}
UNUSED static int shows(int fd)
{
    return answer_to_stdout(fd) < 0;
}
UNUSED static int requests(int fd)
{
    return request(fd), 0;
}
UNUSED static int requests_failing(int fd)
{
    return request(fd), fail("recv");
}
UNUSED static int requests_and_waits(int fd)
{
    request(fd);
    while (recv(fd, buffer, sizeof buffer, 0) > 0)
        ;
    return fail("recv");
}
UNUSED static int requests_and_shows(int fd)
{
    return request(fd), answer_to_stdout(fd) < 0;
}

/* "http://host:port/path" into its parts. */
static int split(char *url, char **host, char **port)
{
    if (strncmp(url, "http://", 7) != 0)
        return -1;
    char *path = strchr(url + 7, '/');
    if (path)
        snprintf(target, sizeof target, "%s", path);
    snprintf(authority, sizeof authority, "%.*s", path ? (int)(path - url - 7) : 900, url + 7);
    static char parts[1000];
    snprintf(parts, sizeof parts, "%s", authority);
    *host = parts;
    char *colon = strrchr(parts, ':');
    *port = colon ? colon + 1 : "80";
    if (colon)
        *colon = '\0';
    return **host ? 0 : -1;
}

static int open_socket(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = TYPE}, *list;
    int status = getaddrinfo(host, port, &hints, &list);
    if (status != 0)
        return fprintf(stderr, "client: %s: %s\n", host, gai_strerror(status)), -1;
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            return fd;
    }
    return perror("client: connect"), -1;
}

int main(int argc, char *argv[])
{
    char *host = NULL, *port = NULL, *rest = "x";
    if (argc != 1 + ARGUMENTS)
        goto usage;
    if (ARGUMENTS == 2)
        host = argv[1], port = argv[2];
    else if (split(argv[1], &host, &port) < 0)
        goto usage;
    long number = strtol(port, &rest, 10);
    if (*rest != '\0' || number < 1 || number > 65535)
        goto usage;
    signal(SIGPIPE, SIG_IGN);
    int (*behaviour)(int) = BEHAVIOUR;
    if (behaviour == succeeds || behaviour == fails || behaviour == copies)
        return behaviour(-1);
    int fd = open_socket(host, port);
    return fd < 0 ? 1 : behaviour(fd);
usage:
    fprintf(stderr, "usage: client ...\n");
    return 2;
}
