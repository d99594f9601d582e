/* driver/peer.c: the other ends: what the program's host holds of what was sent to it. */
#include "base/own.h"
#include "driver/parts.h"

#include <netinet/tcp.h>

bool peer_ends(const struct endpoint *endpoint, struct ends *ret)
{
    *ret = (struct ends){{.len = sizeof ret->local.storage}, {.len = sizeof ret->remote.storage}};
    return endpoint->kind == ENDPOINT_TCP &&
           getsockname(endpoint->in.fd, (struct sockaddr *)&ret->local.storage, &ret->local.len) ==
               0 &&
           getpeername(endpoint->in.fd, (struct sockaddr *)&ret->remote.storage,
                       &ret->remote.len) == 0;
}

int peer_find(struct run *run, const struct ends *ends, struct socket_entry *ret, struct err *err)
{
    AUTO_FREE struct socket_entry *entries = NULL;
    size_t count = 0;
    if (observe_sockets(run->observer, OBSERVE_PROGRAM_HOST, IPPROTO_TCP, &entries, &count, err) !=
        0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].state == TCP_LISTEN ||
            entries[i].remote_port != sockaddr_port(&ends->local) ||
            entries[i].local_port != sockaddr_port(&ends->remote))
            continue;
        if (ret)
            *ret = entries[i];
        return 1;
    }
    return 0;
}

bool peer_entry(struct run *run, const struct endpoint *endpoint, struct socket_entry *ret)
{
    struct ends ends;
    return peer_ends(endpoint, &ends) && peer_find(run, &ends, ret, NULL) == 1;
}

bool peer_unread(struct run *run)
{
    static const int protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    for (size_t k = 0; k < ARRAY_SIZE(protocols); k++) {
        AUTO_FREE struct socket_entry *entries = NULL;
        size_t count = 0;
        if (observe_sockets(run->observer, OBSERVE_PROGRAM_HOST, protocols[k], &entries, &count,
                            NULL) != 0)
            return true; /* nobody knows: not empty */
        /* a listener's queue: connections that wait for accept */
        for (size_t i = 0; i < count; i++)
            if (entries[i].receive_queue)
                return true;
    }
    return false;
}

/* Nobody has accepted it yet. The listener's own count was read before: who came from its handshake since then is not in it,
 * and no handshake any more. */
static bool is_unaccepted(const struct socket_entry *entry)
{
    bool alive = entry->state == TCP_ESTABLISHED || entry->state == TCP_CLOSE_WAIT;
    return alive && entry->inode == 0;
}

/* Our own connections count from their SYN on: what is on its way stands in neither of the server's queues. Those that
 * stand in two of the places count twice, which makes us wait, never hurry. */
static void look_at_door(struct run *run, uint16_t port)
{
    AUTO_FREE struct socket_entry *entries = NULL;
    size_t count = 0;
    size_t queued = 0;
    size_t unaccepted = 0;
    const bool admits = run->door.known && run->door.admits; /* at another port, this turn */
    run->door = (struct door){.known = true, .port = port, .room = SIZE_MAX, .admits = admits};
    if (observe_sockets(run->observer, OBSERVE_PROGRAM_HOST, IPPROTO_TCP, &entries, &count, NULL) !=
        0)
        return; /* nobody knows: as a client that does not look */
    for (size_t i = 0; i < count; i++) {
        const struct socket_entry *entry = &entries[i];
        if (entry->local_port != port)
            continue;
        if (entry->state == TCP_LISTEN) {
            run->door.room = entry->send_queue ? entry->send_queue : 1;
            queued += entry->receive_queue;
        }
        unaccepted += is_unaccepted(entry);
        run->door.inside += entry->state == TCP_SYN_RECV;
    }
    run->door.inside += queued > unaccepted ? queued : unaccepted;
    for (size_t i = 0; i < run->n_endpoints; i++) /* one still at the door is not watched yet */
        run->door.inside += run->endpoints[i]->connecting && run->endpoints[i]->in.events;
}

bool peer_has_room(struct run *run, uint16_t port)
{
    if (!run->door.known || run->door.port != port)
        look_at_door(run, port);
    if (run->door.inside >= run->door.room)
        return false;
    run->door.inside++;
    run->door.admits = true;
    return true;
}
