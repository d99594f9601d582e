/* sandbox/keeper_switch.c: see keeper_switch.h. */
#include "sandbox/keeper_switch.h"

#include "base/own.h"
#include "sandbox/box.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (4 << 20) /* asked for; an ordinary user gets what net.core.rmem_max allows */

/* A socket that gets every frame of that link but its own, and nothing of any other: it is silent until it is bound. */
static int packet_socket(int index)
{
    int on = 1;
    int room = RECEIVE_BYTES;
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
    AUTO_CLOSE int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
        return -1;
    return TAKE_FD(fd);
}

int keeper_switch_cables(struct keeper_switch *between, const int ns[2],
                         const unsigned char macs[2][MAC_BYTES], struct err *err)
{
    static const unsigned char own[2][MAC_BYTES] = {{2, 0, 0, 0, 1, 2}, {2, 0, 0, 0, 1, 1}};
    static const char *const names[2] = {"program", "peers"};
    between->sock = rtnl_open();
    if (!between->sock)
        return err_sys(err, ERR_HOST, errno, "network: rtnetlink");
    for (int host = 0; host < 2; host++) {
        const struct veth_end here = {names[host], LINK + host, own[host]};
        const struct veth_end there = {LINK_NAME, LINK, macs[host]};
        if (rtnl_veth(between->sock, &here, &there, ns[host]) != 0)
            return err_sys(err, ERR_HOST, errno, "network: no veth in this kernel");
        if (rtnl_link_up(between->sock, here.index) != 0)
            return err_sys(err, ERR_HOST, errno, "network: a link of the switch");
        between->fds[host] = packet_socket(here.index);
        if (between->fds[host] < 0)
            return err_sys(err, ERR_HOST, errno, "network: a packet socket");
    }
    return 0;
}

int keeper_switch_host(struct err *err)
{
    static const unsigned commands[] = {ETHTOOL_STXCSUM, ETHTOOL_SGRO};
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        struct ethtool_value off = {.cmd = commands[i]};
        struct ifreq request = {.ifr_name = LINK_NAME};
        request.ifr_data = (void *)&off;
        if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) != 0)
            return err_sys(err, ERR_HOST, errno, "network: switching a host's offloads off");
    }
    return 0;
}

int keeper_switch_await(struct keeper_switch *between, struct err *err)
{
    for (int host = 0; host < 2; host++)
        if (rtnl_await_running(between->sock, LINK + host) != 0)
            return err_sys(err, ERR_HOST, errno, "network: waiting for a link of the switch");
    return 0;
}

int keeper_network_switched(struct keeper *keeper, unsigned mtu, uint64_t *ret_id, int *fds,
                            struct err *err)
{
    struct keeper_switch between = {.mtu = mtu, .fds = {-1, -1}};
    int result = keeper_network_new(keeper, &between, ret_id, err);
    if (between.sock)
        (void)mnl_socket_close(between.sock);
    for (int host = 0; host < 2; host++) {
        if (result == 0)
            fds[host] = between.fds[host];
        else
            own_close(&between.fds[host]);
    }
    return result;
}
