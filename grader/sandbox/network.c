/* sandbox/network.c: the caller's side of networks; the keeper makes them (keeper_net.c). */
#include "sandbox/box.h"

#include "base/mem.h"
#include "base/own.h"
#include "sandbox/switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct network {
    struct sandbox *sandbox;
    uint64_t id;
    struct net_switch *between; /* NULL: a cable */
};

uint64_t network_id(const struct network *network)
{
    return network ? network->id : 0;
}

int network_new(struct sandbox *sandbox, struct network **ret, struct err *err)
{
    struct keeper_request request = {.op = KEEPER_NETWORK_NEW};
    struct keeper_reply reply;
    if (keeper_ask(sandbox, &request, -1, &reply, NULL, NULL, err) != 0)
        return -1;
    *ret = xmalloc(sizeof **ret);
    **ret = (struct network){.sandbox = sandbox, .id = reply.id};
    return 0;
}

int network_new_faulty(struct sandbox *sandbox, const struct net_faults *faults,
                       struct network **ret, struct err *err)
{
    struct keeper_request request = {.op = KEEPER_NETWORK_SWITCHED, .mtu = faults->mtu};
    struct keeper_reply reply;
    int fds[BOX_FD_MAX];
    size_t n_fds = 0;
    struct net_switch *between = NULL;
    if (keeper_ask(sandbox, &request, -1, &reply, fds, &n_fds, err) != 0)
        return -1;
    struct network *network = xcalloc(1, sizeof *network);
    *network = (struct network){.sandbox = sandbox, .id = reply.id};
    if (n_fds != 2) { /* this process is at its own limit */
        for (size_t i = 0; i < n_fds; i++)
            own_close(&fds[i]);
        (void)err_set(err, ERR_HOST, "sandbox: no descriptors left for a switch");
    } else {
        (void)switch_new(fds, faults, &between, err);
    }
    network->between = between;
    if (!between) {
        network_free(network);
        return -1;
    }
    *ret = network;
    return 0;
}

bool network_rests(struct network *network, uint64_t *ret_frames)
{
    *ret_frames = 0;
    return !network->between || switch_rests(network->between, ret_frames);
}

bool network_event(struct network *network, struct net_event *ret)
{
    return network->between && switch_event(network->between, ret);
}

void network_counts(struct network *network, struct net_counts ret[2])
{
    ret[0] = (struct net_counts){0};
    ret[1] = ret[0];
    if (network->between)
        switch_counts(network->between, ret);
}

void network_free(struct network *network)
{
    if (!network)
        return;
    switch_free(network->between);
    struct keeper_request request = {.op = KEEPER_NETWORK_FREE, .id = network->id};
    struct keeper_reply reply;
    (void)keeper_ask(network->sandbox, &request, -1, &reply, NULL, NULL, NULL);
    free(network);
}

int network_add_address(struct network *network, enum net_host host, const char *address,
                        struct err *err)
{
    struct keeper_request request = {.op = KEEPER_NETWORK_ADDRESS, .id = network->id, .host = host};
    struct keeper_reply reply;
    if (strlen(address) >= sizeof request.address)
        return err_set(err, ERR_HOST, "'%.80s' is not an address", address);
    memcpy(request.address, address, strlen(address) + 1);
    return keeper_ask(network->sandbox, &request, -1, &reply, NULL, NULL, err);
}

int network_socket(struct network *network, enum net_host host, int domain, int type, int protocol,
                   struct err *err)
{
    struct keeper_request request = {.op = KEEPER_SOCKET,
                                     .id = network->id,
                                     .host = host,
                                     .domain = domain,
                                     .type = type,
                                     .protocol = protocol};
    struct keeper_reply reply;
    int fds[BOX_FD_MAX];
    size_t n_fds = 0;
    if (keeper_ask(network->sandbox, &request, -1, &reply, fds, &n_fds, err) != 0)
        return -1;
    if (n_fds != 1) /* the descriptor was lost on its way: this process is at its own limit */
        return err_set(err, ERR_HOST, "sandbox: no descriptor left for a socket");
    return fds[0];
}
