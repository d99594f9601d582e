/*
 * tcp_echo_poll.c: lesson 4, many clients in one thread.
 *
 * poll() says which sockets have something to do, so that no call needs to wait. Each client has a buffer and is in
 * one of two states:
 *     the buffer is empty   wait until the client can be read
 *     bytes are pending     wait until the client can be written; read no more before they have gone
 * The second state is what keeps a client that never reads from filling our memory: its bytes stay with it (TCP's
 * window closes), and everybody else is served as before. The end (recv returns 0) can only be seen with an empty
 * buffer, so that nothing is left to send when the connection is closed.
 *
 * Out of descriptors, accept() fails and the listening socket stays readable: polling it again would spin. It is left
 * out of the next poll, which has a time limit for once.
 */
#include "echo/echo.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_CLIENTS = 1000,
    BUFFER_BYTES = 16384,
    RETRY_MS = 100,
};

struct client {
    size_t pending; /* bytes still to be sent ... */
    size_t sent;    /* ... and where they begin */
    char buffer[BUFFER_BYTES];
};

struct server {
    bool names;
    bool full;                             /* accept() has just found no room */
    unsigned clients;                      /* how many */
    nfds_t used;                           /* the slots in use are below this */
    struct pollfd polled[1 + MAX_CLIENTS]; /* 0: the listening socket; i: client i, or fd -1 */
    struct client client[1 + MAX_CLIENTS];
};

static void add_client(struct server *server, int fd)
{
    nfds_t slot = 1;
    while (slot < server->used && server->polled[slot].fd >= 0)
        slot++;
    if (slot == server->used)
        server->used++;
    server->polled[slot] = (struct pollfd){.fd = fd, .events = POLLIN};
    server->client[slot].pending = 0;
    server->clients++;
}

static void drop_client(struct server *server, nfds_t slot)
{
    close(server->polled[slot].fd);
    server->polled[slot].fd = -1; /* poll() passes over negative descriptors */
    server->clients--;
    while (server->used > 1 && server->polled[server->used - 1].fd < 0)
        server->used--;
}

static void accept_client(struct server *server)
{
    struct net_peer peer;
    int fd = net_accept(server->polled[0].fd, &peer);
    if (fd < 0) {
        server->full = net_out_of_room(errno);
        return; /* all other errors concern a client that has already gone */
    }
    if (net_nonblocking(fd) < 0) {
        close(fd);
        return;
    }
    echo_log(&peer, server->names);
    add_client(server, fd);
}

/* The call could not be done now, or was interrupted: poll() will say when to try again. */
static bool try_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Sends what is pending, as far as the client takes it. False: the client is gone. */
static bool send_pending(struct client *client, int fd)
{
    ssize_t sent = send(fd, client->buffer + client->sent, client->pending, 0);
    if (sent < 0)
        return try_later();
    client->sent += (size_t)sent;
    client->pending -= (size_t)sent;
    return true;
}

/* Reads once into the empty buffer. False: the client has finished, or is gone. */
static bool receive(struct client *client, int fd)
{
    ssize_t got = recv(fd, client->buffer, sizeof client->buffer, 0);
    if (got < 0)
        return try_later();
    if (got == 0)
        return false;
    client->sent = 0;
    client->pending = (size_t)got;
    return true;
}

/* One turn for one client, so that nobody can keep the others waiting. */
static void serve_client(struct server *server, nfds_t slot)
{
    struct pollfd *polled = &server->polled[slot];
    struct client *client = &server->client[slot];
    bool alive = true;
    if (client->pending == 0)
        alive = receive(client, polled->fd);
    if (alive && client->pending > 0) /* most often it can go out at once */
        alive = send_pending(client, polled->fd);
    if (!alive)
        drop_client(server, slot);
    else
        polled->events = client->pending > 0 ? POLLOUT : POLLIN;
}

static int wait_for_work(struct server *server)
{
    bool room = !server->full && server->clients < MAX_CLIENTS;
    server->polled[0].events = room ? POLLIN : 0;
    int timeout = server->full ? RETRY_MS : -1;
    server->full = false;
    int ready = poll(server->polled, server->used, timeout);
    return ready < 0 && errno == EINTR ? 0 : ready;
}

static int run(struct server *server)
{
    for (;;) {
        int ready = wait_for_work(server);
        if (ready < 0) {
            fprintf(stderr, "tcp_echo_server: poll: %s\n", strerror(errno));
            return 1;
        }
        nfds_t used = server->used; /* those who join now have no events yet */
        for (nfds_t slot = 1; ready > 0 && slot < used; slot++)
            if (server->polled[slot].fd >= 0 && server->polled[slot].revents != 0)
                serve_client(server, slot);
        if (ready > 0 && server->polled[0].revents != 0)
            accept_client(server);
    }
}

int main(int argc, char *argv[])
{
    struct echo_options options;
    int status = echo_parse(argc, argv, &options);
    if (status != 0)
        return status;
    net_server_signals();

    /* Buffers that nobody has used yet cost no memory: the system gives pages when they are touched. */
    struct server *server = calloc(1, sizeof *server);
    int listener = -1;
    status = 1;
    if (server == NULL) {
        fprintf(stderr, "tcp_echo_server: %s\n", strerror(errno));
        goto out;
    }
    listener = echo_listen(&options);
    if (listener < 0)
        goto out;
    /* A client may vanish between poll() and accept(); accept() must not wait for the next one then. */
    if (net_nonblocking(listener) < 0) {
        fprintf(stderr, "tcp_echo_server: listening socket: %s\n", strerror(errno));
        goto out;
    }
    server->names = options.names;
    server->polled[0].fd = listener;
    server->used = 1;
    status = run(server);
out:
    if (listener >= 0)
        close(listener);
    free(server);
    return status;
}
