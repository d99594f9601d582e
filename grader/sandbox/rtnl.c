/* sandbox/rtnl.c: see rtnl.h. Messages are put together by libmnl. */
#include "sandbox/rtnl.h"

#include "base/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#define MESSAGE_BYTES 1024
#define RECEIVE_BYTES 16384
#define RUNNING_NS    5000000000U

int address_parse(const char *text, struct address *ret)
{
    *ret = (struct address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    ret->len = ret->family == AF_INET ? 4 : 16;
    if (inet_pton(ret->family, text, ret->bytes) == 1)
        return 0;
    errno = EINVAL;
    return -1;
}

struct mnl_socket *rtnl_open(void)
{
    struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (sock && mnl_socket_bind(sock, RTMGRP_LINK, MNL_SOCKET_AUTOPID) != 0) {
        int saved = errno;
        (void)mnl_socket_close(sock);
        errno = saved;
        return NULL;
    }
    return sock;
}

/* Sends the request and waits for its acknowledgement; notices about links that arrive in between are passed over. */
static int talk(struct mnl_socket *sock, struct nlmsghdr *head)
{
    char reply[RECEIVE_BYTES];
    head->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    head->nlmsg_seq = 1;
    if (mnl_socket_sendto(sock, head, head->nlmsg_len) < 0)
        return -1;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(sock, reply, sizeof reply);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        const struct nlmsghdr *answer = (const struct nlmsghdr *)reply;
        if (answer->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *result = mnl_nlmsg_get_payload(answer);
            errno = -result->error;
            return result->error ? -1 : 0;
        }
    }
}

static struct nlmsghdr *begin(char *message, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *head = mnl_nlmsg_put_header(message);
    head->nlmsg_type = type;
    head->nlmsg_flags = flags;
    return head;
}

static void put_end(struct nlmsghdr *head, const struct veth_end *end)
{
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(head, sizeof *link);
    link->ifi_index = end->index;
    mnl_attr_put_strz(head, IFLA_IFNAME, end->name);
    mnl_attr_put(head, IFLA_ADDRESS, MAC_BYTES, end->mac);
}

int rtnl_veth(struct mnl_socket *sock, const struct veth_end *here, const struct veth_end *there,
              int there_ns)
{
    char message[MESSAGE_BYTES] __attribute__((aligned(8)));
    struct nlmsghdr *head = begin(message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    put_end(head, here);
    struct nlattr *info = mnl_attr_nest_start(head, IFLA_LINKINFO);
    mnl_attr_put_strz(head, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(head, IFLA_INFO_DATA);
    struct nlattr *peer = mnl_attr_nest_start(head, VETH_INFO_PEER);
    put_end(head, there);
    mnl_attr_put_u32(head, IFLA_NET_NS_FD, (uint32_t)there_ns);
    mnl_attr_nest_end(head, peer);
    mnl_attr_nest_end(head, data);
    mnl_attr_nest_end(head, info);
    return talk(sock, head);
}

int rtnl_link_up(struct mnl_socket *sock, int index)
{
    char message[MESSAGE_BYTES] __attribute__((aligned(8)));
    struct nlmsghdr *head = begin(message, RTM_NEWLINK, 0);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(head, sizeof *link);
    link->ifi_index = index;
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    return talk(sock, head);
}

/* Whether a message says that the link runs. */
static bool says_running(const struct nlmsghdr *head, int index)
{
    if (head->nlmsg_type != RTM_NEWLINK)
        return false;
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(head);
    return link->ifi_index == index && (link->ifi_flags & IFF_RUNNING) != 0;
}

int rtnl_await_running(struct mnl_socket *sock, int index)
{
    char message[MESSAGE_BYTES] __attribute__((aligned(8)));
    char reply[RECEIVE_BYTES];
    /* The state as it is now; a change after that comes as a notice, for the socket is in the group of link changes. */
    struct nlmsghdr *head = begin(message, RTM_GETLINK, NLM_F_REQUEST);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(head, sizeof *link);
    link->ifi_index = index;
    if (mnl_socket_sendto(sock, head, head->nlmsg_len) < 0)
        return -1;
    uint64_t deadline = io_now_ns() + RUNNING_NS;
    for (;;) {
        int ready = io_poll(mnl_socket_get_fd(sock), POLLIN, deadline);
        if (ready <= 0) {
            errno = ready == 0 ? ETIMEDOUT : errno;
            return -1;
        }
        ssize_t n = mnl_socket_recvfrom(sock, reply, sizeof reply);
        if (n < 0 && errno != EINTR && errno != ENOBUFS)
            return -1;
        if (n > 0 && says_running((const struct nlmsghdr *)reply, index))
            return 0;
    }
}

int rtnl_address(struct mnl_socket *sock, int index, const struct address *address, unsigned prefix)
{
    char message[MESSAGE_BYTES] __attribute__((aligned(8)));
    struct nlmsghdr *head = begin(message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *body = mnl_nlmsg_put_extra_header(head, sizeof *body);
    body->ifa_family = (unsigned char)address->family;
    body->ifa_prefixlen = (unsigned char)prefix;
    body->ifa_index = (unsigned)index;
    mnl_attr_put(head, IFA_LOCAL, address->len, address->bytes);
    mnl_attr_put(head, IFA_ADDRESS, address->len, address->bytes);
    mnl_attr_put_u32(head, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
    return talk(sock, head);
}

static int change_route(struct mnl_socket *sock, uint16_t type, int index, const struct address *to,
                        unsigned prefix, const struct address *source, bool local, unsigned mtu)
{
    char message[MESSAGE_BYTES] __attribute__((aligned(8)));
    uint16_t flags = type == RTM_DELROUTE ? 0 : NLM_F_CREATE | NLM_F_REPLACE;
    struct nlmsghdr *head = begin(message, type, flags);
    struct rtmsg *body = mnl_nlmsg_put_extra_header(head, sizeof *body);
    bool host_scope = local && to->family == AF_INET;
    *body = (struct rtmsg){
        .rtm_family = (unsigned char)to->family,
        .rtm_dst_len = (unsigned char)prefix,
        .rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
        .rtm_protocol = RTPROT_KERNEL,
        .rtm_scope = host_scope              ? RT_SCOPE_HOST
                     : to->family == AF_INET ? RT_SCOPE_LINK
                                             : RT_SCOPE_UNIVERSE,
        .rtm_type = local ? RTN_LOCAL : RTN_UNICAST,
    };
    mnl_attr_put(head, RTA_DST, to->len, to->bytes);
    if (type == RTM_NEWROUTE && source)
        mnl_attr_put(head, RTA_PREFSRC, source->len, source->bytes);
    mnl_attr_put_u32(head, RTA_OIF, (uint32_t)index);
    if (type == RTM_NEWROUTE) {
        struct nlattr *metrics = mnl_attr_nest_start(head, RTA_METRICS);
        mnl_attr_put_u32(head, RTAX_QUICKACK, 1);
        if (mtu)
            mnl_attr_put_u32(head, RTAX_MTU, mtu);
        mnl_attr_nest_end(head, metrics);
    }
    return talk(sock, head);
}

int rtnl_route(struct mnl_socket *sock, int index, const struct address *to, unsigned prefix,
               const struct address *source, bool local, unsigned mtu)
{
    /* The kernel's own IPv6 routes of the local table have metric 0, which no request can name: replacing one would add
     * a second, worse one. */
    if (local && to->family == AF_INET6)
        (void)change_route(sock, RTM_DELROUTE, index, to, prefix, NULL, true, 0);
    return change_route(sock, RTM_NEWROUTE, index, to, prefix, source, local, mtu);
}

int rtnl_neighbour(struct mnl_socket *sock, int index, const struct address *address,
                   const unsigned char *mac)
{
    char message[MESSAGE_BYTES] __attribute__((aligned(8)));
    struct nlmsghdr *head = begin(message, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
    struct ndmsg *body = mnl_nlmsg_put_extra_header(head, sizeof *body);
    body->ndm_family = (unsigned char)address->family;
    body->ndm_ifindex = index;
    body->ndm_state = NUD_PERMANENT;
    mnl_attr_put(head, NDA_DST, address->len, address->bytes);
    mnl_attr_put(head, NDA_LLADDR, MAC_BYTES, mac);
    return talk(sock, head);
}
