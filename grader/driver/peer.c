/* driver/peer.c: the other ends: what the program's host holds of what was sent to it. */
#include "base/own.h"
#include "driver/parts.h"

#include <netinet/tcp.h>

bool peer_entry(struct run *run, const struct endpoint *endpoint, struct socket_entry *ret)
{
    AUTO_FREE struct socket_entry *entries = NULL;
    size_t count = 0;
    struct address local = {.len = sizeof local.storage};
    struct address remote = {.len = sizeof remote.storage};
    if (endpoint->kind != ENDPOINT_TCP ||
        getsockname(endpoint->in.fd, (struct sockaddr *)&local.storage, &local.len) != 0 ||
        getpeername(endpoint->in.fd, (struct sockaddr *)&remote.storage, &remote.len) != 0 ||
        observe_sockets(run->observer, OBSERVE_PROGRAM_HOST, IPPROTO_TCP, &entries, &count, NULL) !=
            0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].state == TCP_LISTEN || entries[i].remote_port != sockaddr_port(&local) ||
            entries[i].local_port != sockaddr_port(&remote))
            continue;
        *ret = entries[i];
        return true;
    }
    return false;
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
        for (size_t i = 0; i < count;
             i++) /* a listener's queue: connections that wait for accept */
            if (entries[i].receive_queue)
                return true;
    }
    return false;
}
