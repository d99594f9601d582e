/* tcp_echo_server.c: RFC 862 in one thread: epoll, edge-triggered, a buffer for each connection. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 32768, ROUNDS = 32 };

struct connection {
    int fd, ended;
    size_t from, to; /* what is still to be sent */
    char buffer[ROOM];
};

struct server {
    int epoll, listener, paused, names;
};

struct peer {
    struct sockaddr_storage address;
    socklen_t size;
    int flags;
};

/* An IPv4 client of an IPv6 socket is ::ffff:A.B.C.D, and nobody knows a name for that. */
static void unmap(struct peer *p)
{
    const struct sockaddr_in6 *six = (const void *)&p->address;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = six->sin6_port};
    if (six->sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return;
    memcpy(&four.sin_addr, &six->sin6_addr.s6_addr[12], sizeof four.sin_addr);
    memcpy(&p->address, &four, sizeof four);
    p->size = sizeof four;
}

/* A name may take the resolver a while: that is done in a thread of its own. */
static void *log_peer(void *argument)
{
    struct peer *p = argument;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    unmap(p);
    if (getnameinfo((struct sockaddr *)&p->address, p->size, host, sizeof host, port, sizeof port,
                    p->flags) == 0)
        fprintf(stderr, "client %s %s\n", host, port);
    free(p);
    return NULL;
}

static void log_client(const struct server *s, const struct sockaddr_storage *a, socklen_t size)
{
    pthread_t thread;
    struct peer *p = malloc(sizeof *p);
    if (p == NULL)
        return;
    *p = (struct peer){*a, size, NI_NUMERICSERV | (s->names ? 0 : NI_NUMERICHOST)};
    if (s->names && pthread_create(&thread, NULL, log_peer, p) == 0)
        pthread_detach(thread);
    else
        log_peer(p);
}

static void watch_listener(struct server *s, int paused)
{
    struct epoll_event event = {.events = paused ? 0 : EPOLLIN, .data.ptr = s};
    s->paused = paused;
    epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->listener, &event);
}

/* -1: the connection is over. 0: nothing to do until the next edge. 1: there is more. */
static int pump(struct connection *c)
{
    for (int round = 0; round < ROUNDS; round++) {
        if (c->from == c->to && !c->ended) {
            ssize_t n = recv(c->fd, c->buffer, ROOM, 0);
            if (n < 0)
                return errno == EAGAIN ? 0 : -1;
            c->ended = n == 0;
            c->from = 0;
            c->to = (size_t)n;
        }
        if (c->from == c->to && c->ended)
            return -1;
        ssize_t n = send(c->fd, c->buffer + c->from, c->to - c->from, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        c->from += (size_t)n;
    }
    return 1;
}

static void serve(struct server *s, struct connection *c)
{
    int rc = pump(c);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (rc > 0) /* the others' turn; this raises the edge again */
        epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &event);
    if (rc >= 0)
        return;
    close(c->fd);
    free(c);
    if (s->paused)
        watch_listener(s, 0);
}

static void take_clients(struct server *s)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd =
            accept4(s->listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0) {
            if (errno != EAGAIN) {
                warn_errno("accept");
                watch_listener(s, 1);
            }
            return;
        }
        struct connection *c = malloc(sizeof *c);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
        event.data.ptr = c;
        if (c == NULL || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
            free(c);
            close(fd);
            continue;
        }
        c->fd = fd;
        c->ended = 0;
        c->from = c->to = 0;
        log_client(s, &address, size);
    }
}

static void print_port(int listener)
{
    struct sockaddr_storage self;
    socklen_t size = sizeof self;
    char port[NI_MAXSERV];
    if (getsockname(listener, (struct sockaddr *)&self, &size) == 0 &&
        getnameinfo((struct sockaddr *)&self, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) ==
            0)
        printf("%s\n", port);
    fflush(stdout);
}

int main(int argc, char *argv[])
{
    struct server s = {.names = argc == 3 && strcmp(argv[1], "-n") == 0};
    int port = argc == 2 + s.names ? port_number(argv[argc - 1], 0) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s [-n] PORT\n", program_invocation_short_name);
        return 2;
    }
    int signals = end_signals();
    s.listener = serve_on(argv[argc - 1], SOCK_STREAM);
    s.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event end = {.events = EPOLLIN, .data.ptr = &signals};
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = &s};
    if (s.epoll < 0 || fcntl(s.listener, F_SETFL, O_NONBLOCK) < 0 ||
        epoll_ctl(s.epoll, EPOLL_CTL_ADD, signals, &end) < 0 ||
        epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.listener, &first) < 0)
        die("epoll", strerror(errno));
    if (port == 0)
        print_port(s.listener);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(s.epoll, events, 64, s.paused ? 200 : -1);
        if (n == 0)
            watch_listener(&s, 0);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &signals)
                return 0;
            if (events[i].data.ptr == &s)
                take_clients(&s);
            else
                serve(&s, events[i].data.ptr);
        }
    }
}
