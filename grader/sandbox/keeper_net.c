/* sandbox/keeper_net.c: pairs of hosts: two network namespaces joined by a veth pair, or by a switch (keeper_switch.c).
 *
 * How it works: the keeper makes a namespace by unshare(2) from its base namespace, in which the sizes of the socket
 * tables were set (they are read from the current namespace at that moment), keeps a descriptor of it and moves on by
 * setns(2). A box joins its host in the same way: the keeper enters it, clones, and leaves. Nothing runs in the keeper
 * besides, so the namespace it happens to be in matters to nobody.
 *
 * A pair is never used twice: ports in TIME_WAIT, route caches and abstract sockets would tell one run of another. */
#include "sandbox/box.h"
#include "sandbox/keeper_switch.h"
#include "sandbox/rtnl.h"

#include "base/io.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK       1
#define IPV6_LEAST_MTU 1280 /* RFC 8200 5 */
#define SUBNET_4       24
#define SUBNET_6       64

/* By enum net_host. */
static const unsigned char macs[2][MAC_BYTES] = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}};
static const char *const addresses[2][3] = {
    {NET_PROGRAM_ADDR, NET_PROGRAM_ADDR_2, NET_PROGRAM_ADDR6},
    {NET_PEERS_ADDR, NET_PEERS_ADDR_2, NET_PEERS_ADDR6}};

#define CONGESTION "/proc/sys/net/ipv4/tcp_congestion_control"

/* Each costs as much as the address of a link, twice a network: only what makes a difference. */
static const struct setting {
    const char *path, *text;
} host_settings[] =
    {
        {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
        {"/proc/sys/net/mptcp/enabled", "0"},
        /* No link-local address: none that would look for a router or for its double (RFC 4861, RFC 4862). On the wire is
         * what programs sent, and the kernel's reports of IPv6 groups, which nothing switches off. */
        {"/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1"},
        /* the last one: bbr would pace by timers. Most machines have cubic anyway, and a fresh host takes what they have */
        {CONGESTION, "cubic"},
},
  switch_settings[] =
      {
          /* nothing of its own on the wires */
          {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
          {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
},
  base_settings[] = {
      {"/proc/sys/net/ipv4/tcp_child_ehash_entries", "128"},
      {"/proc/sys/net/ipv4/udp_child_hash_entries", "128"},
};

/* Some are absent on some kernels, and all are read-only in some containers: then the hosts are as the kernel makes them. */
static void apply(const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)write_text(AT_FDCWD, settings[i].path, settings[i].text);
}

/* How many of host_settings a fresh host of this machine needs; asked in one. */
static size_t needed_settings(void)
{
    char text[32] = "";
    AUTO_CLOSE int fd = open(CONGESTION, O_RDONLY | O_CLOEXEC);
    bool has_cubic =
        fd >= 0 && io_read(fd, text, sizeof text - 1) > 0 && strcmp(text, "cubic\n") == 0;
    return ARRAY_SIZE(host_settings) - has_cubic;
}

static int enter(int ns, struct err *err)
{
    return setns(ns, CLONE_NEWNET) == 0 ? 0 : err_sys(err, ERR_HOST, errno, "network: setns");
}

static int open_own_namespace(struct err *err)
{
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : err_sys(err, ERR_HOST, errno, "network: opening a namespace");
}

static void close_pair(struct host_pair *pair)
{
    for (int host = 0; host < 2; host++)
        if (pair->ns[host] >= 0)
            (void)close(pair->ns[host]);
    *pair = (struct host_pair){.ns = {-1, -1}};
}

/* A fresh namespace, entered. */
static int make_host(struct keeper *keeper, const struct setting *settings, size_t count,
                     int *ret_ns, struct err *err)
{
    if (enter(keeper->base_net, err) != 0)
        return -1;
    if (unshare(CLONE_NEWNET) != 0)
        return err_sys(err, ERR_HOST, errno,
                       "network: making a host (ENOSPC: user.max_net_namespaces is too small)");
    *ret_ns = open_own_namespace(err);
    if (*ret_ns < 0)
        return -1;
    apply(settings, count);
    return 0;
}

/* One address with everything that belongs to it on its own host. mtu: of the way to the other host, 0 the link's. */
static int add_own_address(struct mnl_socket *sock, int link, const char *text, bool with_subnet,
                           unsigned mtu)
{
    struct address address;
    struct address subnet;
    if (address_parse(text, &address) != 0)
        return -1;
    bool v4 = address.family == AF_INET;
    unsigned prefix = v4 ? SUBNET_4 : SUBNET_6;
    if (rtnl_address(sock, link, &address, prefix) != 0 ||
        rtnl_route(sock, link, &address, address.len * 8, v4 ? &address : NULL, true, 0) != 0)
        return -1;
    subnet = address;
    memset(subnet.bytes + prefix / 8, 0, subnet.len - prefix / 8);
    if (mtu && !v4 && mtu < IPV6_LEAST_MTU)
        mtu = IPV6_LEAST_MTU;
    return with_subnet ? rtnl_route(sock, link, &subnet, prefix, v4 ? &address : NULL, false, mtu)
                       : 0;
}

static int add_neighbour(struct mnl_socket *sock, const char *text, enum net_host host)
{
    struct address address;
    return address_parse(text, &address) == 0 ? rtnl_neighbour(sock, LINK, &address, macs[host])
                                              : -1;
}

static int loopback_routes(struct mnl_socket *sock)
{
    static const struct {
        const char *to;
        unsigned prefix;
    } routes[] = {{"127.0.0.1", 32}, {"127.0.0.0", 8}, {"::1", 128}};
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        struct address to;
        struct address source;
        if (address_parse(routes[i].to, &to) != 0 || address_parse("127.0.0.1", &source) != 0 ||
            rtnl_route(sock, LOOPBACK, &to, routes[i].prefix, to.family == AF_INET ? &source : NULL,
                       true, 0) != 0)
            return -1;
    }
    return 0;
}

/* Links up and addresses, of the host that the keeper is in; waits for nothing. */
static int configure(struct mnl_socket *sock, enum net_host host, unsigned mtu)
{
    enum net_host other = host == NET_HOST_PROGRAM ? NET_HOST_PEERS : NET_HOST_PROGRAM;
    if (rtnl_link_up(sock, LOOPBACK) != 0 || rtnl_link_up(sock, LINK) != 0 ||
        loopback_routes(sock) != 0)
        return -1;
    for (size_t i = 0; i < ARRAY_SIZE(addresses[host]); i++) {
        bool first_of_subnet = i == 0 || strchr(addresses[host][i], ':');
        if (add_own_address(sock, LINK, addresses[host][i], first_of_subnet, mtu) != 0 ||
            add_neighbour(sock, addresses[other][i], other) != 0)
            return -1;
    }
    return 0;
}

static int cable(const struct host_pair *pair, struct mnl_socket *sock)
{
    struct veth_end ends[2];
    for (int host = 0; host < 2; host++)
        ends[host] = (struct veth_end){LINK_NAME, LINK, macs[host]};
    return rtnl_veth(sock, &ends[NET_HOST_PEERS], &ends[NET_HOST_PROGRAM],
                     pair->ns[NET_HOST_PROGRAM]);
}

/* Joins and configures both hosts; the sockets stay in the namespace in which they were opened. */
static int join(const struct host_pair *pair, const struct keeper_switch *between,
                struct mnl_socket **socks, struct err *err)
{
    unsigned mtu = between ? between->mtu : 0;
    for (int host = 0; host < 2; host++) {
        if (enter(pair->ns[host], err) != 0)
            return -1;
        socks[host] = rtnl_open();
        if (!socks[host])
            return err_sys(err, ERR_HOST, errno, "network: rtnetlink");
        if (between && keeper_switch_host(err) != 0)
            return -1;
    }
    if (!between && cable(pair, socks[NET_HOST_PEERS]) != 0)
        return err_sys(err, ERR_HOST, errno, "network: no veth in this kernel");
    if (configure(socks[NET_HOST_PROGRAM], NET_HOST_PROGRAM, mtu) != 0 ||
        configure(socks[NET_HOST_PEERS], NET_HOST_PEERS, mtu) != 0)
        return err_sys(err, ERR_HOST, errno, "network: configuring a host");
    /* the carrier comes from a work queue, up to 5 ms later; packets sent before are lost, and TCP waits a second */
    for (int host = 0; host < 2; host++)
        if (rtnl_await_running(socks[host], LINK) != 0)
            return err_sys(err, ERR_HOST, errno, "network: waiting for a link");
    return 0;
}

/* The namespace lives as long as the switch's sockets. */
static int make_switch(struct keeper *keeper, const struct host_pair *pair,
                       struct keeper_switch *between, struct err *err)
{
    AUTO_CLOSE int ns = -1;
    if (make_host(keeper, switch_settings, ARRAY_SIZE(switch_settings), &ns, err) != 0)
        return -1;
    return keeper_switch_cables(between, pair->ns, macs, err);
}

/* Both hosts in one namespace, with all addresses on its loopback interface: where there is no veth. */
static int make_one_host(struct keeper *keeper, struct host_pair *pair, struct err *err)
{
    if (make_host(keeper, host_settings, keeper->n_settings, &pair->ns[0], err) != 0)
        return -1;
    pair->ns[1] = fcntl(pair->ns[0], F_DUPFD_CLOEXEC, 0);
    struct mnl_socket *sock = rtnl_open();
    int result = sock && pair->ns[1] >= 0 ? rtnl_link_up(sock, LOOPBACK) : -1;
    if (result == 0)
        result = loopback_routes(sock);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(addresses[0]) && result == 0; i++)
        result = add_own_address(sock, LOOPBACK, addresses[i % 2][i / 2], false, 0);
    if (result != 0)
        (void)err_sys(err, ERR_HOST, errno, "network: configuring a host");
    if (sock)
        (void)mnl_socket_close(sock);
    return result;
}

static int make_two_hosts(struct keeper *keeper, struct keeper_switch *between,
                          struct host_pair *pair, struct err *err)
{
    struct mnl_socket *socks[2] = {NULL, NULL};
    int result = 0;
    for (int host = 0; host < 2 && result == 0; host++)
        result = make_host(keeper, host_settings, keeper->n_settings, &pair->ns[host], err);
    if (result == 0 && between)
        result = make_switch(keeper, pair, between, err);
    if (result == 0)
        result = join(pair, between, socks, err);
    if (result == 0 && between)
        result = keeper_switch_await(between, err);
    for (int host = 0; host < 2; host++)
        if (socks[host])
            (void)mnl_socket_close(socks[host]);
    return result;
}

int keeper_pair_make(struct keeper *keeper, struct keeper_switch *between, struct host_pair *ret,
                     struct err *err)
{
    struct host_pair pair = {.ns = {-1, -1}};
    int result = -1;
    if (keeper->one_host && between)
        (void)err_set(err, ERR_HOST,
                      "network: this kernel has no veth, and faults happen between two hosts");
    else if (keeper->one_host)
        result = make_one_host(keeper, &pair, err);
    else
        result = make_two_hosts(keeper, between, &pair, err);
    if (enter(keeper->base_net, err) != 0)
        result = -1;
    if (result == 0)
        *ret = pair;
    else
        close_pair(&pair);
    return result;
}

static bool can_set(const struct host_pair *pair)
{
    return enter(pair->ns[NET_HOST_PROGRAM], NULL) == 0 &&
           write_text(AT_FDCWD, host_settings[0].path, host_settings[0].text) == 0;
}

int keeper_network_init(struct keeper *keeper, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->pairs); i++)
        keeper->pairs[i] = (struct host_pair){.ns = {-1, -1}};
    keeper->base_net = open_own_namespace(err);
    if (keeper->base_net < 0)
        return -1;
    apply(base_settings, ARRAY_SIZE(base_settings));
    keeper->n_settings = needed_settings();
    /* one to see that it can be done; where two hosts cannot be joined, there is one */
    struct host_pair first = {.ns = {-1, -1}};
    struct err no_veth = {0};
    if (keeper_pair_make(keeper, NULL, &first, &no_veth) != 0) {
        keeper->one_host = true;
        if (keeper_pair_make(keeper, NULL, &first, err) != 0)
            return -1;
        keeper_lacks(keeper, "%.120s; client and server share one host", no_veth.text);
    }
    if (!can_set(&first))
        keeper_lacks(keeper,
                     "network: %s cannot be written; programs may not use ports below 1024. "
                     "Container: add --security-opt systempaths=unconfined",
                     host_settings[0].path);
    close_pair(&first);
    return enter(keeper->base_net, err);
}

int keeper_network_new(struct keeper *keeper, struct keeper_switch *between, uint64_t *ret_id,
                       struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->pairs); i++) {
        struct host_pair *pair = &keeper->pairs[i];
        if (pair->id)
            continue;
        if ((between ? keeper_pair_make(keeper, between, pair, err)
                     : keeper_pool_take(keeper, pair, err)) != 0)
            return -1;
        pair->id = ++keeper->next_id;
        *ret_id = pair->id;
        return 0;
    }
    return err_set(err, ERR_HOST, "network: more than %d at a time", MAX_BOXES);
}

static struct host_pair *find(struct keeper *keeper, uint64_t id, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->pairs); i++)
        if (id && keeper->pairs[i].id == id)
            return &keeper->pairs[i];
    (void)err_set(err, ERR_HOST, "network: there is none of that number");
    return NULL;
}

void keeper_network_free(struct keeper *keeper, uint64_t id)
{
    struct host_pair *pair = find(keeper, id, NULL);
    if (pair)
        close_pair(pair);
}

int keeper_network_address(struct keeper *keeper, const struct keeper_request *request,
                           struct err *err)
{
    const struct host_pair *pair = find(keeper, request->id, err);
    if (!pair)
        return -1;
    int result = 0;
    int link = keeper->one_host ? LOOPBACK : LINK;
    for (int host = 0; host < 2 && result == 0; host++) {
        if (keeper->one_host && host != (int)request->host)
            continue;
        if (enter(pair->ns[host], err) != 0)
            return -1;
        struct mnl_socket *sock = rtnl_open();
        if (!sock)
            result = err_sys(err, ERR_HOST, errno, "network: rtnetlink");
        else if ((host == (int)request->host
                      ? add_own_address(sock, link, request->address, false, 0)
                      : add_neighbour(sock, request->address, request->host)) != 0)
            result =
                err_sys(err, ERR_HOST, errno, "network: adding the address %s", request->address);
        if (sock)
            (void)mnl_socket_close(sock);
    }
    return enter(keeper->base_net, err) != 0 ? -1 : result;
}

int keeper_network_socket(struct keeper *keeper, const struct keeper_request *request,
                          struct err *err)
{
    const struct host_pair *pair = find(keeper, request->id, err);
    if (!pair ||
        enter(pair->ns[request->host == NET_HOST_PROGRAM ? NET_HOST_PROGRAM : NET_HOST_PEERS],
              err) != 0)
        return -1;
    AUTO_CLOSE int fd =
        socket(request->domain, request->type | SOCK_CLOEXEC | SOCK_NONBLOCK, request->protocol);
    if (fd < 0)
        (void)err_sys(err, ERR_HOST, errno, "network: socket");
    if (enter(keeper->base_net, err) != 0)
        return -1;
    return TAKE_FD(fd);
}

int keeper_network_enter(struct keeper *keeper, uint64_t id, struct err *err)
{
    const struct host_pair *pair = find(keeper, id, err);
    return pair ? enter(pair->ns[NET_HOST_PROGRAM], err) : -1;
}

int keeper_network_leave(struct keeper *keeper, struct err *err)
{
    return enter(keeper->base_net, err);
}
