/* sandbox/net_faults.h: what a faulty network does to the packets between the two hosts. Plain data.
 *
 * Faults happen to packets that carry something of the programs': a UDP datagram (all its fragments together), a TCP
 * segment with data, SYN or FIN. They are numbered from 1, each direction by itself, a repetition by TCP is a packet of
 * its own. Everything else (bare acknowledgements, resets, ICMP, ARP) takes the same time and the same line, but is
 * neither numbered nor lost: otherwise the numbers would depend on the kernels' timing, and a reset would be lost for
 * ever. */
#ifndef GRADER_SANDBOX_NET_FAULTS_H
#define GRADER_SANDBOX_NET_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#define NET_MAX_NUMBERS 64
#define NET_MIN_MTU     128  /* below, TCP's smallest segments with their options do not fit */
#define NET_MAX_MTU     1500 /* of Ethernet */

/* Which packets: any of the three. All zero: none. */
struct net_choice {
    double share;   /* 0 to 1: of all, drawn from the seed by the packet's number */
    uint32_t every; /* every nth */
    uint32_t numbers[NET_MAX_NUMBERS];
    size_t n_numbers;
};

/* One direction. */
struct net_way {
    double delay_s; /* that each packet is under way */
    double rate;    /* bytes of IP packets a second; 0: no limit */
    struct net_choice loss;
    struct net_choice duplicate; /* comes twice, one right after the other */
    struct net_choice
        reorder; /* comes right after its successor; where none comes, NET_REORDER_NS later than it should */
};
#define NET_REORDER_NS UINT64_C(200000000)

struct net_faults {
    unsigned
        mtu; /* bytes of the largest IP packet; 0: NET_MAX_MTU. IPv6 keeps its minimum of 1280 (RFC 8200 5) */
    uint64_t seed;
    struct net_way ways[2]; /* by enum net_host: of the packets that go to it */
};

/* What has become of the packets of one direction. */
struct net_counts {
    uint64_t packets; /* numbered ones that came */
    uint64_t lost, duplicated, reordered;
    uint64_t overflowed; /* packets of any kind for which there was no room on the way */
};

/* One thing that happened to one packet. */
enum net_fate { NET_LOST, NET_DUPLICATED, NET_REORDERED, NET_OVERFLOWED };
struct net_event {
    uint64_t at_ns; /* io_now_ns() clock: when the packet came to the switch */
    unsigned to;    /* enum net_host */
    enum net_fate fate;
    uint64_t number; /* 0: a packet without one */
    size_t bytes;    /* of IP */
};

#endif
