/* observe/sockets.c: the socket tables of both hosts (sock_diag(7)), and whether TCP has anything under way in them.
 *
 * TCP keeps every byte and FIN on the sender's side until the receiver has queued it (idiag_wqueue > 0), so two dumps, one
 * a host, show what no clock shows: that nothing is between the hosts. The dumps need not be taken at one moment: the
 * caller knows that no thread runs, so queues only shrink, and a handshake that the first dump came too early to see is
 * still a transition in the second or has woken the one who accepts (observe.c looks at the threads once more).
 *
 * Bytes may also rest because their receiver does not read: the sender then probes a closed window (timer 4) and the
 * receiver's queue holds bytes. Which side that is tells the caller who waits for whom. The probe timer alone says little:
 * TCP_CORK uses it too, and sends after 200 ms. Waiting connections, TIME_WAIT and unconnected sockets play no part and
 * are not asked for: the table of bound ports has 64k buckets to walk.
 *
 * A packet to an address that nobody has waits seconds for its neighbour and ends in an error that wakes the sender: an
 * unresolved neighbour counts as traffic. */
#include "base/own.h"
#include "observe/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#define ANY_STATE      0x1fffU /* up to SYN_RECV of requests; without BOUND_INACTIVE */
#define STATE(name)    (1U << (name))
#define MAX_RESTING    512 /* sockets with bytes that do not move; with more: under way */
#define TIMER_PROBE    4   /* idiag_timer: zero-window probe */
#define MAX_SOCKETS    65536
#define CONNECTED_ONLY (ANY_STATE & ~(STATE(TCP_LISTEN) | STATE(TCP_TIME_WAIT)))

struct diag_dump {
    obs_diag_visit visit;
    void *self;
};

static void diag_message(void *self, const struct nlmsghdr *header)
{
    const struct diag_dump *dump = self;
    dump->visit(dump->self, mnl_nlmsg_get_payload(header));
}

int obs_sockets_dump(struct observer *observer, enum observe_host host, int family, int protocol,
                     unsigned states, obs_diag_visit visit, void *self)
{
    union {
        char bytes[128];
        struct nlmsghdr header;
    } message;
    struct diag_dump dump = {visit, self};
    struct nlmsghdr *header = mnl_nlmsg_put_header(&message);
    header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    struct inet_diag_req_v2 *request = mnl_nlmsg_put_extra_header(header, sizeof *request);
    *request = (struct inet_diag_req_v2){.sdiag_family = (uint8_t)family,
                                         .sdiag_protocol = (uint8_t)protocol,
                                         .idiag_states = states};
    return obs_netlink_dump(observer, host, NETLINK_SOCK_DIAG, header, diag_message, &dump);
}

/* ---- is anything under way ---- */

struct end {
    struct in6_addr
        address; /* IPv4 as ::ffff:a.b.c.d, so that a dual-stack socket meets its peer */
    uint16_t port;
};

struct resting {
    struct end from, to;
    enum observe_host host;
};

struct traffic_scan {
    enum observe_host host;
    bool under_way;
    struct resting held[MAX_RESTING];   /* senders behind a closed window */
    struct resting unread[MAX_RESTING]; /* receivers with bytes in their queue */
    size_t n_held, n_unread;
};

static struct end end_of(int family, const uint32_t address[4], uint16_t port)
{
    struct end end = {.port = port};
    if (family == AF_INET) {
        end.address.s6_addr32[2] = htonl(0xffff);
        end.address.s6_addr32[3] = address[0];
    } else {
        memcpy(&end.address, address, sizeof end.address);
    }
    return end;
}

static bool same_end(const struct end *a, const struct end *b)
{
    return a->port == b->port && memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

static void rest(struct traffic_scan *scan, struct resting *list, size_t *count,
                 const struct inet_diag_msg *entry)
{
    if (*count == MAX_RESTING) {
        scan->under_way = true;
        return;
    }
    const struct inet_diag_sockid *id = &entry->id;
    list[(*count)++] = (struct resting){
        end_of(entry->idiag_family, id->idiag_src, id->idiag_sport),
        end_of(entry->idiag_family, id->idiag_dst, id->idiag_dport),
        scan->host,
    };
}

static void scan_entry(void *self, const struct inet_diag_msg *entry)
{
    struct traffic_scan *scan = self;
    bool settled = entry->idiag_state == TCP_ESTABLISHED || entry->idiag_state == TCP_CLOSE_WAIT ||
                   entry->idiag_state == TCP_FIN_WAIT2 || entry->idiag_state == TCP_CLOSE;
    bool handshake = entry->idiag_state == TCP_SYN_SENT || entry->idiag_state == TCP_SYN_RECV;
    if (entry->idiag_rqueue && !handshake)
        rest(scan, scan->unread, &scan->n_unread, entry);
    if (entry->idiag_wqueue && entry->idiag_timer == TIMER_PROBE)
        rest(scan, scan->held, &scan->n_held, entry);
    else if (entry->idiag_wqueue || !settled)
        scan->under_way = true;
}

static enum traffic held_by(const struct traffic_scan *scan, const struct resting *held)
{
    for (size_t i = 0; i < scan->n_unread; i++) {
        const struct resting *reader = &scan->unread[i];
        if (same_end(&reader->from, &held->to) && same_end(&reader->to, &held->from))
            return reader->host == OBSERVE_PEERS_HOST ? TRAFFIC_UNREAD_OUTPUT
                                                      : TRAFFIC_UNREAD_INPUT;
    }
    return TRAFFIC_UNDER_WAY;
}

enum traffic obs_sockets_traffic(struct observer *observer)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct traffic_scan scan = {0};
    struct neighbours neighbours;
    observer->learned_neighbours = false;
    for (int host = OBSERVE_PROGRAM_HOST; host <= OBSERVE_PEERS_HOST; host++) {
        scan.host = (enum observe_host)host;
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
            if (obs_sockets_dump(observer, scan.host, families[i], IPPROTO_TCP, CONNECTED_ONLY,
                                 scan_entry, &scan) < 0)
                return TRAFFIC_FAILED;
        if (scan.under_way)
            return TRAFFIC_UNDER_WAY;
        if (obs_neighbours(observer, scan.host, &neighbours) < 0)
            return TRAFFIC_FAILED;
        if (neighbours.awaited)
            return TRAFFIC_UNDER_WAY;
        observer->learned_neighbours |= neighbours.learned;
    }
    enum traffic worst = TRAFFIC_NONE;
    for (size_t i = 0; i < scan.n_held; i++) {
        enum traffic one = held_by(&scan, &scan.held[i]);
        if (one == TRAFFIC_UNDER_WAY)
            return one;
        if (worst != TRAFFIC_UNREAD_OUTPUT)
            worst = one;
    }
    return worst;
}

/* ---- the table as the caller sees it ---- */

void obs_socket_entry(const struct inet_diag_msg *from, int protocol, struct socket_entry *ret)
{
    *ret = (struct socket_entry){
        .family = from->idiag_family,
        .protocol = protocol,
        .state = from->idiag_state,
        .local_port = ntohs(from->id.idiag_sport),
        .remote_port = ntohs(from->id.idiag_dport),
        .receive_queue = from->idiag_rqueue,
        .send_queue = from->idiag_wqueue,
        .inode = from->idiag_inode,
    };
    inet_ntop(ret->family, from->id.idiag_src, ret->local, sizeof ret->local);
    inet_ntop(ret->family, from->id.idiag_dst, ret->remote, sizeof ret->remote);
}

struct collection {
    struct socket_entry *entries;
    size_t count, cap;
    int protocol;
};

static void collect_entry(void *self, const struct inet_diag_msg *entry)
{
    struct collection *all = self;
    if (all->count == MAX_SOCKETS)
        return;
    if (all->count == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 32;
        all->entries = xreallocarray(all->entries, all->cap, sizeof *all->entries);
    }
    obs_socket_entry(entry, all->protocol, &all->entries[all->count++]);
}

int observe_sockets(struct observer *observer, enum observe_host host, int protocol,
                    struct socket_entry **ret, size_t *ret_count, struct err *err)
{
    static const int families[] = {AF_INET, AF_INET6};
    struct collection all = {.protocol = protocol};
    *ret = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        if (obs_sockets_dump(observer, host, families[i], protocol,
                             ANY_STATE & ~STATE(TCP_TIME_WAIT), collect_entry, &all) < 0) {
            free(all.entries);
            return err_sys(err, ERR_HOST, errno, "cannot read the socket table of the %s host",
                           host == OBSERVE_PROGRAM_HOST ? "program's" : "peers'");
        }
    }
    *ret = all.entries;
    *ret_count = all.count;
    return 0;
}
