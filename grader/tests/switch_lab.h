/* tests/switch_lab.h: a sandbox with a network that has a switch, and sockets on both of its hosts; for test_sandbox_switch.c. */
#ifndef GRADER_TESTS_SWITCH_LAB_H
#define GRADER_TESTS_SWITCH_LAB_H

#include "tests/sandbox_lab.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define PORT 7007

static struct lab lab;

static void open_lab(void)
{
    lab_open(&lab);
}

static void close_lab(void)
{
    lab_close(&lab);
}

/* In place of the last one. */
static void make_network(const struct net_faults *faults)
{
    network_free(lab.network);
    lab.network = NULL;
    cr_assert(network_new_faulty(lab.sandbox, faults, &lab.network, &lab.err) == 0, "%s",
              lab.err.text);
}

static const char *address_of(enum net_host host, int family)
{
    static const char *const texts[2][2] = {{NET_PROGRAM_ADDR, NET_PEERS_ADDR},
                                            {NET_PROGRAM_ADDR6, NET_PEERS_ADDR6}};
    return texts[family == AF_INET6][host];
}

/* The address and port PORT of a host. */
static socklen_t end_of(enum net_host host, int family, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    *ret = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
    if (family == AF_INET6) {
        v6->sin6_port = htons(PORT);
        cr_assert(inet_pton(family, address_of(host, family), &v6->sin6_addr) == 1);
        return sizeof *v6;
    }
    v4->sin_port = htons(PORT);
    cr_assert(inet_pton(family, address_of(host, family), &v4->sin_addr) == 1);
    return sizeof *v4;
}

static int bound(enum net_host host, int family, int type)
{
    struct sockaddr_storage at;
    socklen_t len = end_of(host, family, &at);
    int fd = network_socket(lab.network, host, family, type, 0, &lab.err);
    cr_assert(fd >= 0, "%s", lab.err.text);
    cr_assert(bind(fd, (struct sockaddr *)&at, len) == 0, "%s", strerror(errno));
    return fd;
}

static void join(int fd, enum net_host host, int family)
{
    struct sockaddr_storage to;
    socklen_t len = end_of(host, family, &to);
    cr_assert(connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS, "%s",
              strerror(errno));
}

/* A UDP socket on each host, connected with each other. */
static void udp_pair(int family, int *ret_program, int *ret_peers)
{
    *ret_program = bound(NET_HOST_PROGRAM, family, SOCK_DGRAM);
    *ret_peers = bound(NET_HOST_PEERS, family, SOCK_DGRAM);
    join(*ret_program, NET_HOST_PEERS, family);
    join(*ret_peers, NET_HOST_PROGRAM, family);
}

/* Nothing is under way: the switch says so, and twice the same number of frames. */
static void await_rest(void)
{
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    uint64_t before = UINT64_MAX;
    uint64_t frames = 0;
    while (io_now_ns() < deadline) {
        if (network_rests(lab.network, &frames) && frames == before)
            return;
        before = frames;
        (void)poll(NULL, 0, 5);
    }
    cr_assert_fail("the switch does not come to rest");
}

#endif
