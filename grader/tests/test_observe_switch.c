/* tests of observe/: silence where user space carries the packets (N of observe/probe.c): never said while one is under way or
 * will be sent again, and said when one is lost for good. Those marked * fail at once with N switched off. */
#include "tests/observe_lab.h"

#include <criterion/criterion.h>

#define TRIES 150

static const struct net_way late = {.delay_s = 0.2};

static void begin(struct lab *lab, const char *style, const struct net_faults *faults,
                  bool (*rests)(void *self, uint64_t *ret_frames))
{
    cr_assert_eq(lab_open(lab), 0, "%s", lab->err.text);
    lab_drop_network(lab);
    lab->faults = faults;
    lab->rests = rests;
    cr_assert_eq(lab_fresh_network(lab), 0, "%s", lab->err.text);
    cr_assert_eq(lab_start(lab, 0, style), 0, "%s", lab->err.text);
    cr_assert_eq(lab_settle(lab), ACTIVITY_SILENT, "start: %s", lab->report.why);
}

static int join(struct lab *lab, int type)
{
    int fd = lab_connect(lab, type);
    cr_assert_geq(fd, 0, "%s", lab->err.text);
    return fd;
}

static void expect_answers(const struct net_faults *faults, const char *style, int type, int tries)
{
    struct lab lab;
    begin(&lab, style, faults, NULL);
    int fd = join(&lab, type);
    for (int i = 0; i < tries; i++)
        cr_assert_eq(lab_ask_eagerly(&lab, fd, 'i'), LAB_ANSWERED, "%s, try %d: %s", style, i,
                     lab.report.why);
    close(fd);
    lab_close(&lab);
}

/* * A datagram that is kept on its way to the program, or on its way back. */
Test(observe_switch, late_datagrams)
{
    const struct net_faults there = {.ways = {[NET_HOST_PROGRAM] = late}};
    const struct net_faults back = {.ways = {[NET_HOST_PEERS] = late}};
    expect_answers(&there, "udp", SOCK_DGRAM, 3);
    expect_answers(&back, "udp", SOCK_DGRAM, 3);
}

Test(observe_switch, late_segments)
{
    const struct net_faults both = {.ways = {late, late}};
    expect_answers(&both, "block", SOCK_STREAM, 2);
}

/* The packet before it has gone: this one is kept back to be overtaken, and comes late. */
Test(observe_switch, overtaken_datagrams)
{
    struct net_faults faults = {0};
    faults.ways[NET_HOST_PEERS].reorder.every = 2;
    expect_answers(&faults, "udp", SOCK_DGRAM, 3);
}

/* Lost SYNs, data and FINs: what TCP will send again is still to come. */
Test(observe_switch, lost_segments)
{
    struct net_faults faults = {0};
    faults.ways[NET_HOST_PROGRAM].loss = (struct net_choice){.numbers = {1, 3}, .n_numbers = 2};
    faults.ways[NET_HOST_PEERS].loss = (struct net_choice){.numbers = {1, 3, 5}, .n_numbers = 3};
    expect_answers(&faults, "block", SOCK_STREAM, 4);
}

/* Frames that go through at once: each moment between a socket's queue, the switch's hands and a host. The second look is
 * for what was on its way from the switch at the first. */
Test(observe_switch, prompt_frames)
{
    const struct net_faults none = {0};
    expect_answers(&none, "udp", SOCK_DGRAM, TRIES);
    expect_answers(&none, "block", SOCK_STREAM, TRIES);
}

/* A lost datagram is lost: nobody will act any more, and that is known without a clock. */
Test(observe_switch, a_lost_datagram_is_silence)
{
    struct lab lab;
    struct net_faults faults = {0};
    faults.ways[NET_HOST_PROGRAM].loss = (struct net_choice){.numbers = {2}, .n_numbers = 1};
    begin(&lab, "udp", &faults, NULL);
    int fd = join(&lab, SOCK_DGRAM);
    cr_expect_eq(lab_ask(&lab, fd, 'i'), LAB_ANSWERED);
    cr_expect_eq(lab_ask(&lab, fd, 'i'), LAB_SILENT, "%s", lab.report.why);
    cr_expect_eq(lab_ask(&lab, fd, 'i'), LAB_ANSWERED, "%s", lab.report.why);
    close(fd);
    lab_close(&lab);
}

static bool always_rests(void *self, uint64_t *ret_frames)
{
    (void)self;
    *ret_frames = 0;
    return true;
}

/* The opposite: without N the late datagram is not seen. */
Test(observe_switch, without_asking_the_switch_the_proof_is_none)
{
    struct lab lab;
    const struct net_faults faults = {.ways = {[NET_HOST_PROGRAM] = {.delay_s = 5}}};
    begin(&lab, "udp", &faults, always_rests);
    int fd = join(&lab, SOCK_DGRAM);
    cr_expect_eq(lab_ask_eagerly(&lab, fd, 'i'), LAB_SILENT);
    close(fd);
    lab_close(&lab);
}
