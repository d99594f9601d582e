/* tests of sandbox/: the two hosts of a network, and what lies beyond them: nothing. */
#include "tests/sandbox_lab.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

#define PORT 5000

static struct lab lab;

static void open_lab(void)
{
    lab_open(&lab);
    lab_network(&lab);
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(network, .init = open_lab, .fini = close_lab, .timeout = 240);

struct place {
    struct sockaddr_storage address;
    socklen_t len;
};

static struct place place_of(const char *address, uint16_t port)
{
    struct place place = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&place.address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&place.address;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
    } else {
        cr_assert(inet_pton(AF_INET6, address, &v6->sin6_addr) == 1, "%s", address);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        place.len = sizeof *v6;
    }
    return place;
}

static int make_socket(struct network *network, enum net_host host, const char *address, int type)
{
    int domain = strchr(address, ':') ? AF_INET6 : AF_INET;
    int fd = network_socket(network, host, domain, type, 0, &lab.err);
    cr_assert(fd >= 0, "%s", lab.err.text);
    return fd;
}

/* Connects by TCP from that host; 0 or the errno. */
static int connect_from(struct network *network, enum net_host host, const char *address)
{
    struct place to = place_of(address, PORT);
    AUTO_CLOSE int fd = make_socket(network, host, address, SOCK_STREAM);
    if (connect(fd, (struct sockaddr *)&to.address, to.len) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    int result = 0;
    socklen_t len = sizeof result;
    cr_assert(io_poll(fd, POLLOUT, io_now_ns() + LAB_PATIENCE) > 0, "%s does not answer", address);
    cr_assert(getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &len) == 0);
    return result;
}

static int bind_to(struct network *network, enum net_host host, const char *address, int type,
                   int *ret_errno)
{
    struct place at = place_of(address, PORT);
    int fd = make_socket(network, host, address, type);
    *ret_errno = bind(fd, (struct sockaddr *)&at.address, at.len) == 0 ? 0 : errno;
    return fd;
}

static const char server[] = LAB_CODE({
    struct sockaddr_in v4 = {AF_INET, htons(5000)};
    struct sockaddr_in6 v6 = {AF_INET6, htons(5000)};
    bool is_v4 = inet_pton(AF_INET, argv[1], &v4.sin_addr) == 1;
    inet_pton(AF_INET6, argv[1], &v6.sin6_addr);
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    if (bind(fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof v4 : sizeof v6) != 0)
        return 1;
    listen(fd, 50);
    puts("r");
    fflush(stdout);
    for (;;)
        close(accept(fd, NULL, NULL));
});

static struct box *start_server(struct network *network, const char *address)
{
    const char *argv[] = {BOX_BIN_DIR "/server", address, NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .network = network, .argv = argv, .bin_dir = lab.bin_dir};
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    (void)close(lab_await_ready(box));
    return box;
}

/* "Bound to the loopback interface" is a mistake that only shows from another host. */
Test(network, the_peers_reach_what_is_bound_for_them)
{
    static const struct {
        const char *bound, *from_peers;
        int sys_errno;
    } cases[] = {
        {"127.0.0.1", NET_PROGRAM_ADDR, ECONNREFUSED},
        {"127.0.0.1", "127.0.0.1", ECONNREFUSED}, /* the peers' own */
        {"0.0.0.0", NET_PROGRAM_ADDR, 0},
        {"0.0.0.0", NET_PROGRAM_ADDR_2, 0},
        {NET_PROGRAM_ADDR, NET_PROGRAM_ADDR, 0},
        {NET_PROGRAM_ADDR, NET_PROGRAM_ADDR_2, ECONNREFUSED},
        {NET_PROGRAM_ADDR, NET_PROGRAM_ADDR6, ECONNREFUSED},
        {"::", NET_PROGRAM_ADDR, 0},
        {"::", NET_PROGRAM_ADDR6, 0},
        {"::1", NET_PROGRAM_ADDR6, ECONNREFUSED},
        {NET_PROGRAM_ADDR6, NET_PROGRAM_ADDR6, 0},
    };
    lab_program(&lab, "server", server);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct box *box = start_server(lab.network, cases[i].bound);
        const char *inside = strcmp(cases[i].bound, "0.0.0.0") == 0 ? "127.0.0.1"
                             : strcmp(cases[i].bound, "::") == 0    ? "::1"
                                                                    : cases[i].bound;
        int from_inside = connect_from(lab.network, NET_HOST_PROGRAM, inside);
        cr_expect(from_inside == 0, "%s: %s", cases[i].bound, strerror(from_inside));
        int from_peers = connect_from(lab.network, NET_HOST_PEERS, cases[i].from_peers);
        cr_expect(from_peers == cases[i].sys_errno, "bound to %s, asked at %s: %s", cases[i].bound,
                  cases[i].from_peers, strerror(from_peers));
        box_free(box, NULL);
        network_free(lab.network); /* the next one binds the same port: no TIME_WAIT */
        lab_network(&lab);
    }
}

static const char places_elsewhere[] = LAB_CODE({
    const char *hosts[] = {"192.0.2.1",       "8.8.8.8",       "172.17.0.1", "192.168.1.1",
                           "169.254.169.254", "10.0.1.1",      "224.0.0.1",  "2001:db8::1",
                           "fd00:1::1",       "::ffff:8.8.8.8"};
    const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    int failed = 0;
    for (int i = 0; i < 10; i++)
        for (int t = 0; t < 2; t++) {
            struct sockaddr_in v4 = {AF_INET, htons(53)};
            struct sockaddr_in6 v6 = {AF_INET6, htons(53)};
            bool is_v4 = inet_pton(AF_INET, hosts[i], &v4.sin_addr) == 1;
            inet_pton(AF_INET6, hosts[i], &v6.sin6_addr);
            int fd = socket(is_v4 ? AF_INET : AF_INET6, types[t], 0);
            if (connect(fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof v4 : sizeof v6) != -1)
                printf("%s: ok\n", hosts[i]);
            else if (errno != ENETUNREACH)
                say(hosts[i], -1);
            else
                failed++;
        }
    struct sockaddr_in peers = {AF_INET, htons(53), {inet_addr("10.0.0.1")}};
    printf("%d\n", failed);
    say("peers", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&peers, sizeof peers));
});

Test(network, no_route_leads_elsewhere)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, places_elsewhere);
    cr_expect_text(outcome, "20\npeers: ECONNREFUSED\n");
    cr_expect(connect_from(lab.network, NET_HOST_PEERS, "192.0.2.1") == ENETUNREACH);
    cr_expect(connect_from(lab.network, NET_HOST_PEERS, "2001:db8::1") == ENETUNREACH);
}

static const char reconfiguring[] = LAB_CODE({
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } down = {{sizeof down, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1}, {0, 0, 1, 0, IFF_UP}};
    struct {
        struct nlmsghdr head;
        struct ifaddrmsg address;
        struct rtattr attr;
        unsigned char bytes[4];
    } add = {{sizeof add, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 2},
             {AF_INET, 24, 0, 0, 100},
             {8, IFA_LOCAL},
             {10, 0, 0, 1}};
    const struct nlmsghdr *requests[] = {&down.head, &add.head};
    for (int i = 0; i < 2; i++) {
        char reply[4096];
        int route = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
        send(route, requests[i], requests[i]->nlmsg_len, 0);
        recv(route, reply, sizeof reply, 0);
        errno = -((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)reply))->error;
        say("netlink", errno ? -1 : 0);
    }
    struct ifreq request = {.ifr_name = "eth0"};
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    say("flags", ioctl(udp, SIOCGIFFLAGS, &request));
    request.ifr_flags |= IFF_PROMISC;
    say("promiscuous", ioctl(udp, SIOCSIFFLAGS, &request));
    struct sockaddr_in peers = {AF_INET, htons(5000), {inet_addr("10.0.0.1")}};
    say("squat", bind(udp, (void *)&peers, sizeof peers));
    struct sockaddr_in any = {AF_INET, htons(80)};
    say("port 80", bind(udp, (void *)&any, sizeof any));
    say("transparent", setsockopt(udp, IPPROTO_IP, IP_TRANSPARENT, &(int){1}, sizeof(int)));
    say("mark", setsockopt(udp, SOL_SOCKET, SO_MARK, &(int){1}, sizeof(int)));
    say("setting", open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY) < 0 ? -1 : 0);
});

Test(network, a_program_cannot_change_it)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, reconfiguring);
    cr_expect_text(outcome, "netlink: EPERM\nnetlink: EPERM\nflags: ok\npromiscuous: EPERM\n"
                            "squat: EADDRNOTAVAIL\nport 80: ok\ntransparent: EPERM\nmark: EPERM\n"
                            "setting: EACCES\n");
}

/* The carrier comes up late: a datagram that is sent before is lost, and nobody sends it again. More networks than are
 * made ahead, each used at once and left at once, as fast as it goes. */
Test(network, the_first_datagram_arrives)
{
    for (int i = 0; i < 60; i++) {
        struct network *network = NULL;
        int sys_errno = 0;
        char byte = 'x';
        const char *at = i % 2 ? NET_PROGRAM_ADDR : NET_PROGRAM_ADDR6;
        struct place to = place_of(at, PORT);
        cr_assert(network_new(lab.sandbox, &network, &lab.err) == 0, "%s", lab.err.text);
        AUTO_CLOSE int in = bind_to(network, NET_HOST_PROGRAM, at, SOCK_DGRAM, &sys_errno);
        AUTO_CLOSE int out = make_socket(network, NET_HOST_PEERS, at, SOCK_DGRAM);
        cr_assert(sys_errno == 0, "%s: %s", at, strerror(sys_errno));
        cr_assert(sendto(out, &byte, 1, 0, (struct sockaddr *)&to.address, to.len) == 1);
        cr_assert(io_poll(in, POLLIN, io_now_ns() + LAB_PATIENCE) > 0, "lost in network %d", i);
        network_free(network);
    }
}

/* A capture is to show what programs did: no question for an address, no search for a router. Reports of IPv6 groups, which
 * have an extension header (0), come whenever the kernel likes; they cannot be switched off. */
Test(network, only_programs_are_on_the_wire)
{
    static const char *const ends[][2] = {{NET_PROGRAM_ADDR, NET_PEERS_ADDR_2},
                                          {NET_PROGRAM_ADDR6, NET_PEERS_ADDR6},
                                          {"10.0.0.9", NET_PEERS_ADDR},
                                          {"fd00::9", NET_PEERS_ADDR6}};
    AUTO_CLOSE int wire = network_socket(lab.network, NET_HOST_PEERS, AF_PACKET, SOCK_DGRAM,
                                         htons(ETH_P_ALL), &lab.err);
    cr_assert(wire >= 0, "%s", lab.err.text);
    size_t expected = 0;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        int errnos[2];
        char byte = 'x';
        if (strchr(ends[i][0], '9'))
            cr_assert(network_add_address(lab.network, NET_HOST_PROGRAM, ends[i][0], &lab.err) ==
                      0);
        AUTO_CLOSE int a =
            bind_to(lab.network, NET_HOST_PROGRAM, ends[i][0], SOCK_DGRAM, &errnos[0]);
        AUTO_CLOSE int b = bind_to(lab.network, NET_HOST_PEERS, ends[i][1], SOCK_DGRAM, &errnos[1]);
        struct place to[2] = {place_of(ends[i][1], PORT), place_of(ends[i][0], PORT)};
        cr_assert(errnos[0] == 0 && errnos[1] == 0);
        cr_assert(sendto(a, &byte, 1, 0, (struct sockaddr *)&to[0].address, to[0].len) == 1);
        cr_assert(io_poll(b, POLLIN, io_now_ns() + LAB_PATIENCE) > 0);
        cr_assert(sendto(b, &byte, 1, 0, (struct sockaddr *)&to[1].address, to[1].len) == 1);
        cr_assert(io_poll(a, POLLIN, io_now_ns() + LAB_PATIENCE) > 0);
        expected += 2;
    }
    unsigned char frame[2048];
    size_t seen = 0;
    struct sockaddr_ll from;
    socklen_t len = sizeof from;
    while (recvfrom(wire, frame, sizeof frame, 0, (struct sockaddr *)&from, &len) > 0) {
        bool is_6 = frame[0] >> 4 == 6;
        int protocol = is_6 ? frame[6] : frame[9];
        if (is_6 && protocol == 0)
            continue;
        cr_expect(protocol == IPPROTO_UDP, "%04x: %d", ntohs(from.sll_protocol), protocol);
        seen++;
    }
    cr_expect(seen == expected, "%zu frames", seen);
}

/* All networks have the same addresses. */
Test(network, networks_are_apart)
{
    struct network *other = NULL;
    lab_program(&lab, "server", server);
    cr_assert(network_new(lab.sandbox, &other, &lab.err) == 0, "%s", lab.err.text);
    struct box *box = start_server(other, "0.0.0.0");
    cr_expect(connect_from(other, NET_HOST_PEERS, NET_PROGRAM_ADDR) == 0);
    cr_expect(connect_from(lab.network, NET_HOST_PEERS, NET_PROGRAM_ADDR) == ECONNREFUSED);
    box_free(box, NULL);
    network_free(other);
}

Test(network, addresses_can_be_added)
{
    static const char *const more[] = {"10.0.0.9", "fd00::9"};
    static const enum net_host hosts[] = {NET_HOST_PROGRAM, NET_HOST_PEERS};
    for (size_t i = 0; i < 4; i++) {
        const char *address = more[i % 2];
        enum net_host host = hosts[i / 2];
        enum net_host other = hosts[1 - i / 2];
        int sys_errno = 0;
        network_free(lab.network);
        lab_network(&lab);
        (void)close(bind_to(lab.network, host, address, SOCK_STREAM, &sys_errno));
        cr_expect(sys_errno == EADDRNOTAVAIL, "%s is there before", address);
        cr_assert(network_add_address(lab.network, host, address, &lab.err) == 0, "%s",
                  lab.err.text);
        AUTO_CLOSE int fd = bind_to(lab.network, host, address, SOCK_STREAM, &sys_errno);
        cr_assert(sys_errno == 0 && listen(fd, 5) == 0, "%s: %s", address, strerror(sys_errno));
        sys_errno = connect_from(lab.network, other, address);
        cr_expect(sys_errno == 0, "%s: %s", address, strerror(sys_errno));
    }
    cr_expect(network_add_address(lab.network, NET_HOST_PEERS, "10.0.0", &lab.err) == -1);
}

Test(network, sockets_are_of_the_host_that_was_named)
{
    static const struct {
        enum net_host host;
        const char *own, *foreign;
    } cases[] = {{NET_HOST_PROGRAM, NET_PROGRAM_ADDR, NET_PEERS_ADDR},
                 {NET_HOST_PEERS, NET_PEERS_ADDR, NET_PROGRAM_ADDR},
                 {NET_HOST_PEERS, NET_PEERS_ADDR6, NET_PROGRAM_ADDR6}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int own = 0;
        int foreign = 0;
        AUTO_CLOSE int a = bind_to(lab.network, cases[i].host, cases[i].own, SOCK_STREAM, &own);
        AUTO_CLOSE int b =
            bind_to(lab.network, cases[i].host, cases[i].foreign, SOCK_STREAM, &foreign);
        cr_expect(own == 0 && foreign == EADDRNOTAVAIL, "%s: %d %d", cases[i].own, own, foreign);
        cr_expect((fcntl(a, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(b, F_GETFD) & FD_CLOEXEC) != 0);
    }
}

/* Whoever closes first keeps the port for a minute: the next run must not find it so. */
Test(network, no_port_is_left_from_before)
{
    for (int i = 0; i < 3; i++) {
        int sys_errno = 0;
        int listener =
            bind_to(lab.network, NET_HOST_PROGRAM, NET_PROGRAM_ADDR, SOCK_STREAM, &sys_errno);
        cr_assert(sys_errno == 0 && listen(listener, 5) == 0, "%s", strerror(sys_errno));
        struct place to = place_of(NET_PROGRAM_ADDR, PORT);
        int peer = make_socket(lab.network, NET_HOST_PEERS, NET_PROGRAM_ADDR, SOCK_STREAM);
        (void)connect(peer, (struct sockaddr *)&to.address, to.len);
        cr_assert(io_poll(listener, POLLIN, io_now_ns() + LAB_PATIENCE) > 0);
        (void)close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
        cr_assert(io_poll(peer, POLLIN, io_now_ns() + LAB_PATIENCE) > 0);
        (void)close(peer);
        (void)close(listener);
        (void)close(
            bind_to(lab.network, NET_HOST_PROGRAM, NET_PROGRAM_ADDR, SOCK_STREAM, &sys_errno));
        cr_expect(sys_errno == EADDRINUSE, "the test leaves nothing: %s", strerror(sys_errno));
        network_free(lab.network);
        lab_network(&lab);
    }
}

Test(network, too_many_are_refused_and_then_there_are_some_again)
{
    struct network *all[100];
    size_t count = 0;
    while (count < ARRAY_SIZE(all) && network_new(lab.sandbox, &all[count], &lab.err) == 0)
        count++;
    cr_expect(count >= 32 && count < ARRAY_SIZE(all), "%zu", count);
    cr_expect(lab.err.kind == ERR_HOST && strstr(lab.err.text, "at a time"), "%s", lab.err.text);
    for (size_t i = 0; i < count; i++)
        network_free(all[i]);
    struct err err = {0};
    struct network *network = NULL;
    cr_expect(network_new(lab.sandbox, &network, &err) == 0, "%s", err.text);
    network_free(network);
}
