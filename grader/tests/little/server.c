/*
 * Servers that do almost nothing, and that as well as can be: arguments, usage, bind, many clients, signals are all right.
 * BEHAVIOUR says what one does with its clients: one of the functions below.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef BEHAVIOUR
#define BEHAVIOUR silent
#endif
#ifndef TYPE
#define TYPE SOCK_STREAM
#endif

#ifndef MOST
#define MOST 2 /* arguments, the name of the program included */
#endif

enum { CLIENTS = 1000 };

#define UNUSED __attribute__((unused))

static char buffer[70000];
static struct pollfd polled[1 + CLIENTS];
static nfds_t used = 1;

/* Each returns false to close the client. */
typedef bool behaviour(int fd, ssize_t got);

static bool say(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0;
}

#define HEADER(status)                                                                             \
    "HTTP/1.1 " status "\r\nDate: Mon, 04 Feb 2008 13:09:03 GMT\r\nContent-Type: text/plain\r\n"

UNUSED static bool never_accepts(int fd, ssize_t got)
{
    return fd == got;
}
UNUSED static bool silent(int fd, ssize_t got)
{
    return fd >= 0 && got > 0;
}
UNUSED static bool closing(int fd, ssize_t got)
{
    return fd < 0 && got < 0;
}
UNUSED static bool constant(int fd, ssize_t got)
{
    return got > 0 && say(fd, "hello\n");
}
UNUSED static bool constant_once(int fd, ssize_t got)
{
    return got > 0 && say(fd, "hello\n") && false;
}
UNUSED static bool echo(int fd, ssize_t got)
{
    return got > 0 && send(fd, buffer, (size_t)got, MSG_NOSIGNAL) == got;
}
UNUSED static bool one_byte_less(int fd, ssize_t got)
{
    return got > 0 && send(fd, buffer, (size_t)got - 1, MSG_NOSIGNAL) >= 0;
}
UNUSED static bool one_byte_more(int fd, ssize_t got)
{
    return got > 0 && send(fd, buffer, (size_t)got + 1, MSG_NOSIGNAL) >= 0;
}
UNUSED static bool always_200(int fd, ssize_t got)
{
    return got > 0 && say(fd, HEADER("200 OK") "Content-Length: 3\r\n\r\nhi\n");
}
UNUSED static bool always_200_close(int fd, ssize_t got)
{
    return got > 0 &&
           say(fd, HEADER("200 OK") "Connection: close\r\nContent-Length: 3\r\n\r\nhi\n") && false;
}
UNUSED static bool always_the_file(int fd, ssize_t got)
{
    return got > 0 && say(fd, HEADER("200 OK") "Content-Length: 12\r\n\r\nhello world\n");
}
UNUSED static bool always_404(int fd, ssize_t got)
{
    return got > 0 && say(fd, HEADER("404 Not Found") "Content-Length: 3\r\n\r\nno\n");
}
UNUSED static bool always_404_close(int fd, ssize_t got)
{
    return got > 0 &&
           say(fd, HEADER("404 Not Found") "Connection: close\r\nContent-Length: 3\r\n\r\nno\n") &&
           false;
}
UNUSED static bool always_400_close(int fd, ssize_t got)
{
    return got > 0 &&
           say(fd, HEADER("400 Bad Request") "Connection: close\r\nContent-Length: 0\r\n\r\n") &&
           false;
}
UNUSED static bool always_501_close(int fd, ssize_t got)
{
    return got > 0 &&
           say(fd,
               HEADER("501 Not Implemented") "Connection: close\r\nContent-Length: 0\r\n\r\n") &&
           false;
}
UNUSED static bool zero_reply(int fd, ssize_t got)
{
    return got > 0 && send(fd, "\0\2\0\0", 4, MSG_NOSIGNAL) >= 0;
}
UNUSED static bool refuses_all(int fd, ssize_t got)
{
    return got > 0 && send(fd, "\1", 1, MSG_NOSIGNAL) >= 0 &&
           send(fd, buffer + 1, 1, MSG_NOSIGNAL) >= 0 && false;
}

static behaviour *const with_client = BEHAVIOUR;

static void stream_turn(nfds_t slot)
{
    ssize_t got = recv(polled[slot].fd, buffer, sizeof buffer - 1, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (with_client(polled[slot].fd, got))
        return;
    /* In stages, as it should be: no reset although there may be unread input. */
    shutdown(polled[slot].fd, SHUT_WR);
    while (got > 0 && recv(polled[slot].fd, buffer, sizeof buffer, 0) > 0)
        ;
    close(polled[slot].fd);
    polled[slot].fd = -1;
}

static void stream_loop(void)
{
    polled[0].events = POLLIN;
    while (poll(polled, used, -1) >= 0) {
        for (nfds_t slot = 1; slot < used; slot++)
            if (polled[slot].fd >= 0 && polled[slot].revents != 0)
                stream_turn(slot);
        if (polled[0].revents == 0)
            continue;
        nfds_t slot = 1;
        while (slot < used && polled[slot].fd >= 0)
            slot++;
        polled[slot] = (struct pollfd){.fd = accept(polled[0].fd, NULL, NULL), .events = POLLIN};
        used = slot == used ? used + 1 : used;
    }
}

static void datagram_loop(void)
{
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        ssize_t got =
            recvfrom(polled[0].fd, buffer, sizeof buffer - 1, 0, (struct sockaddr *)&peer, &length);
        if (got < 0)
            continue;
        /* connect() and send(), so that one behaviour serves streams and datagrams. */
        connect(polled[0].fd, (struct sockaddr *)&peer, length);
        with_client(polled[0].fd, got > 0 ? got : 1);
        connect(polled[0].fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
    }
}

static void end(int number)
{
    (void)number;
    _exit(0);
}

int main(int argc, char *argv[])
{
    char *rest = "x";
    long port = argc >= 2 && argc <= MOST ? strtol(argv[1], &rest, 10) : 0;
    if (*rest != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "usage: server PORT\n");
        return 2;
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    polled[0].fd = socket(AF_INET, TYPE, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (TYPE == SOCK_STREAM)
        setsockopt(polled[0].fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(polled[0].fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        (TYPE == SOCK_STREAM && listen(polled[0].fd, 100) < 0)) {
        perror("server");
        return 1;
    }
    while (with_client == never_accepts)
        pause();
    if (TYPE == SOCK_STREAM)
        stream_loop();
    else
        datagram_loop();
    return 1;
}
