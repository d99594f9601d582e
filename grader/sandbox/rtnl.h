/* sandbox/rtnl.h: the few rtnetlink(7) requests that a pair of hosts needs. Each acts in the network namespace in which
 * the socket was opened; each returns 0 or -1 with errno. */
#ifndef GRADER_SANDBOX_RTNL_H
#define GRADER_SANDBOX_RTNL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct mnl_socket;

#define MAC_BYTES 6

struct address {
    int family; /* AF_INET, AF_INET6 */
    unsigned char bytes[16];
    unsigned len; /* of bytes: 4 or 16 */
};
/* From text ("10.0.0.2", "fd00::2"); -1 with EINVAL. */
int address_parse(const char *text, struct address *ret);

/* A socket that also hears of link changes. NULL with errno. Close with mnl_socket_close(). */
struct mnl_socket *rtnl_open(void);

struct veth_end {
    const char *name;
    int index;
    const unsigned char *mac;
};
/* A veth(4) pair: one end here, the other in the namespace there_ns. */
int rtnl_veth(struct mnl_socket *sock, const struct veth_end *here, const struct veth_end *there,
              int there_ns);
int rtnl_link_up(struct mnl_socket *sock, int index);
/* Waits until the link runs (IFF_RUNNING: the carrier is there and the queue accepts packets); ETIMEDOUT after 5 s. */
int rtnl_await_running(struct mnl_socket *sock, int index);
/* Without a route to the subnet, and for IPv6 without duplicate address detection. */
int rtnl_address(struct mnl_socket *sock, int index, const struct address *address,
                 unsigned prefix);
/* A route with quickack: the other side of a connection is acknowledged at once (tcp(7)); without it a proof of
 * silence would take 40 ms. local: of the local table, for packets to an address of our own; replaced if it exists.
 * mtu: bytes of the largest IP packet, 0 for the link's. */
int rtnl_route(struct mnl_socket *sock, int index, const struct address *to, unsigned prefix,
               const struct address *source, bool local, unsigned mtu);
int rtnl_neighbour(struct mnl_socket *sock, int index, const struct address *address,
                   const unsigned char *mac);

#endif
