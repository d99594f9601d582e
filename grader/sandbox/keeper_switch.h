/* sandbox/keeper_switch.h: the keeper's part of a network with a switch: a third namespace between the hosts, with a link
 * to each and a packet socket on each link. The namespace lives as long as those sockets. Private to sandbox/. */
#ifndef GRADER_SANDBOX_KEEPER_SWITCH_H
#define GRADER_SANDBOX_KEEPER_SWITCH_H

#include "base/err.h"
#include "sandbox/rtnl.h"

#define LINK                                                                                       \
    100 /* index of a host's eth0; small ones may be taken by tunnels that some kernels make everywhere */
#define LINK_NAME "eth0"

struct keeper_switch {
    unsigned mtu;            /* of the hosts' way to each other; 0: the link's */
    int fds[2];              /* by enum net_host: the sockets, -1 until they are there */
    struct mnl_socket *sock; /* rtnetlink in its namespace */
};

/* In the switch's namespace: links to both hosts, up, and a socket on each. macs: of the hosts' ends. */
int keeper_switch_cables(struct keeper_switch *between, const int ns[2],
                         const unsigned char macs[2][MAC_BYTES], struct err *err);
/* In a host's namespace: its packets leave as they would go over a wire: in segments, with their checksums. */
int keeper_switch_host(struct err *err);
/* Anywhere: waits until the switch's links run. */
int keeper_switch_await(struct keeper_switch *between, struct err *err);

#endif
