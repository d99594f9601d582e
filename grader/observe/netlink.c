/* observe/netlink.c: dumps over netlink(7) inside the hosts, and the one that tells of unresolved neighbours.
 *
 * A netlink socket speaks of the network namespace in which it was made, whoever holds it. */
#include "base/own.h"
#include "observe/internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define BLOCK_SIZE 32768

static int *netlink_place(struct observer *observer, enum observe_host host, int protocol)
{
    return &observer->netlink[host][protocol == NETLINK_SOCK_DIAG ? 0 : 1];
}

/* 1 at the end of the dump, 0 to go on, -1 with errno. */
static int read_block(int fd, uint32_t seq, obs_netlink_visit visit, void *self)
{
    union {
        char bytes[BLOCK_SIZE];
        struct nlmsghdr header;
    } block;
    ssize_t len = recv(fd, &block, sizeof block, 0);
    if (len <= 0)
        return -1;
    int left = (int)len;
    const struct nlmsghdr *header = &block.header;
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
        if (header->nlmsg_seq != seq)
            continue;
        if (header->nlmsg_type == NLMSG_DONE)
            return 1;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
            errno = -error->error;
            return -1;
        }
        visit(self, header);
    }
    return 0;
}

int obs_netlink_dump(struct observer *observer, enum observe_host host, int protocol,
                     struct nlmsghdr *header, obs_netlink_visit visit, void *self)
{
    int *fd = netlink_place(observer, host, protocol);
    int done = 0;
    if (*fd < 0)
        *fd = observer->ops.socket(observer->ops.self, host, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
                                   protocol, NULL);
    if (*fd < 0) {
        errno = EIO; /* the host could not make the socket */
        return -1;
    }
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = ++observer->netlink_seq;
    if (send(*fd, header, header->nlmsg_len, 0) < 0)
        done = -1;
    while (done == 0)
        done = read_block(*fd, header->nlmsg_seq, visit, self);
    if (done < 0) { /* a broken dump cannot be restarted on its socket */
        own_close(fd);
        *fd = -1;
        return -1;
    }
    return 0;
}

struct neighbour_scan {
    bool awaited, learned, permanent;
};

static void visit_neighbour(void *self, const struct nlmsghdr *header)
{
    const struct ndmsg *neighbour = mnl_nlmsg_get_payload(header);
    struct neighbour_scan *scan = self;
    scan->awaited |= (neighbour->ndm_state & NUD_INCOMPLETE) != 0;
    scan->learned |=
        (neighbour->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0;
    scan->permanent |= (neighbour->ndm_state & NUD_PERMANENT) != 0;
}

int obs_neighbours(struct observer *observer, enum observe_host host, struct neighbours *ret)
{
    union {
        char bytes[128];
        struct nlmsghdr header;
    } message;
    struct neighbour_scan scan = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(&message);
    header->nlmsg_type = RTM_GETNEIGH;
    struct ndmsg *request = mnl_nlmsg_put_extra_header(header, sizeof *request);
    *request = (struct ndmsg){.ndm_family = AF_UNSPEC};
    if (obs_netlink_dump(observer, host, NETLINK_ROUTE, header, visit_neighbour, &scan) < 0)
        return -1;
    *ret = (struct neighbours){scan.awaited, scan.learned || !scan.permanent};
    return 0;
}
