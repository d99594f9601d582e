/* tests of sandbox/line.c and frame.c: what happens to which packet, and when. Times are made up, nothing is waited for. */
#include "base/mem.h"
#include "sandbox/frame.h"
#include "sandbox/line.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000000)

/* What has come out: the marks of the packets, in order; fragments are told apart by their case. */
struct arrivals {
    char marks[512];
    size_t n;
};

static void note(void *self, const uint8_t *frame, size_t len)
{
    struct arrivals *arrivals = self;
    cr_assert(arrivals->n + 1 < sizeof arrivals->marks);
    arrivals->marks[arrivals->n++] = len ? (char)frame[len - 1] : '-';
    arrivals->marks[arrivals->n] = '\0';
}

/* An IPv4 packet in its frame: size bytes of IP, the last one is the mark. place: the fragment field. */
static size_t make_v4(uint8_t *frame, uint8_t protocol, size_t size, unsigned place, char mark)
{
    memset(frame, 0, FRAME_HEADER + size);
    frame[12] = 0x08;
    uint8_t *ip = frame + FRAME_HEADER;
    ip[0] = 0x45;
    ip[2] = (uint8_t)(size >> 8);
    ip[3] = (uint8_t)size;
    ip[6] = (uint8_t)(place >> 8);
    ip[7] = (uint8_t)place;
    ip[9] = protocol;
    ip[20 + 12] = 5 << 4; /* of TCP: the header's length */
    ip[size - 1] = (uint8_t)mark;
    return FRAME_HEADER + size;
}

static void take_sized(struct line *line, size_t size, char mark, uint64_t now)
{
    uint8_t frame[2000];
    line_take(line, frame, make_v4(frame, IPPROTO_UDP, size, 0, mark), now);
}

static void take(struct line *line, char mark, uint64_t now)
{
    take_sized(line, 60, mark, now);
}

static struct arrivals give(struct line *line, uint64_t now)
{
    struct arrivals arrivals = {0};
    line_give(line, now, note, &arrivals);
    return arrivals;
}

/* Sends a, b, c, ... in one go and says what came out of it. */
static struct arrivals pass(const struct net_way *way, uint64_t seed, int n)
{
    struct line *line = line_new(way, 0, seed);
    for (int i = 0; i < n; i++)
        take(line, (char)('a' + i), (uint64_t)i);
    struct arrivals arrivals = give(line, MS);
    line_free(line);
    return arrivals;
}

Test(sandbox_line, without_faults_all_come_in_order_at_once)
{
    const struct net_way way = {0};
    cr_expect_str_eq(pass(&way, 1, 10).marks, "abcdefghij");
}

Test(sandbox_line, every_third_is_lost)
{
    const struct net_way way = {.loss = {.every = 3}};
    cr_expect_str_eq(pass(&way, 1, 10).marks, "abdeghj");
}

Test(sandbox_line, the_named_ones_are_lost)
{
    const struct net_way way = {.loss = {.numbers = {2, 5}, .n_numbers = 2}};
    cr_expect_str_eq(pass(&way, 1, 6).marks, "acdf");
}

Test(sandbox_line, a_repeated_one_comes_twice_in_a_row)
{
    const struct net_way way = {.duplicate = {.every = 4}};
    cr_expect_str_eq(pass(&way, 1, 9).marks, "abcddefghhi");
}

Test(sandbox_line, pairs_are_swapped)
{
    const struct net_way way = {.reorder = {.numbers = {1, 3, 5}, .n_numbers = 3}};
    cr_expect_str_eq(pass(&way, 1, 7).marks, "badcfeg");
}

Test(sandbox_line, what_nobody_overtakes_comes_late)
{
    const struct net_way way = {.reorder = {.numbers = {1}, .n_numbers = 1}};
    struct line *line = line_new(&way, 0, 1);
    take(line, 'a', 0);
    cr_expect_eq(line_next(line), NET_REORDER_NS);
    cr_expect_eq(give(line, NET_REORDER_NS - 1).n, 0);
    cr_expect_str_eq(give(line, NET_REORDER_NS).marks, "a");
    cr_expect_eq(line_next(line), UINT64_MAX);
    take(line, 'b', NET_REORDER_NS);
    cr_expect_str_eq(give(line, NET_REORDER_NS).marks, "b");
    cr_expect_eq(line_counts(line)->reordered, 1);
    line_free(line);
}

Test(sandbox_line, no_packet_arrives_before_its_time)
{
    const struct net_way way = {.delay_s = 0.02};
    struct line *line = line_new(&way, 0, 1);
    take(line, 'a', 5 * MS);
    take(line, 'b', 6 * MS);
    cr_expect_eq(line_next(line), 25 * MS);
    cr_expect_eq(give(line, 25 * MS - 1).n, 0);
    cr_expect_str_eq(give(line, 25 * MS).marks, "a");
    cr_expect_eq(give(line, 26 * MS - 1).n, 0);
    cr_expect_str_eq(give(line, 100 * MS).marks, "b");
    line_free(line);
}

/* 1000 bytes of IP at 100000 a second: 10 ms each, after one another; and then the delay. */
Test(sandbox_line, the_rate_is_kept)
{
    const struct net_way way = {.rate = 100000, .delay_s = 0.001};
    struct line *line = line_new(&way, 0, 1);
    for (int i = 0; i < 5; i++)
        take_sized(line, 1000, (char)('a' + i), 0);
    for (uint64_t i = 1; i <= 5; i++) {
        cr_expect_eq(line_next(line), i * 10 * MS + MS);
        cr_expect_eq(give(line, i * 10 * MS + MS).n, 1);
    }
    take_sized(line, 500, 'z', 1000 * MS); /* an idle line saves nothing up */
    cr_expect_eq(line_next(line), 1006 * MS);
    line_free(line);
}

/* Whoever sends faster than the line carries loses the rest: the queue has an end, and that is counted. */
Test(sandbox_line, the_queue_of_a_slow_line_is_bounded)
{
    const struct net_way way = {.rate = 100000};
    struct line *line = line_new(&way, 0, 1);
    for (int i = 0; i < 1000; i++)
        take_sized(line, 1000, 'x', 0);
    uint64_t held = 1000 - line_counts(line)->overflowed;
    cr_expect_geq(held * 1000, LINE_QUEUE_BYTES);
    cr_expect_leq(held * 1000, LINE_QUEUE_BYTES + 2000);
    line_free(line);
}

static uint64_t flood(size_t size, uint64_t n)
{
    const struct net_way way = {.delay_s = 1};
    struct line *line = line_new(&way, 0, 1);
    for (uint64_t i = 0; i < n; i++)
        take_sized(line, size, 'x', 0);
    uint64_t held = n - line_counts(line)->overflowed;
    cr_expect_eq(line_counts(line)->packets, held);
    line_free(line);
    return held;
}

Test(sandbox_line, a_flood_does_not_make_it_grow)
{
    cr_expect_eq(flood(60, 100000), LINE_MAX_PACKETS, "many");
    uint64_t large = flood(1500, 100000);
    cr_expect_leq(large * 1500, LINE_MAX_BYTES, "large");
    cr_expect_geq(large * 1600, LINE_MAX_BYTES, "large");
}

/* Which of 10000 are lost, as a sum that depends on each number. */
static uint64_t losses(double share, uint64_t seed, uint64_t *ret_lost)
{
    const struct net_way way = {.loss = {.share = share}};
    struct line *line = line_new(&way, 0, seed);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t before = line_counts(line)->lost;
        take(line, 'x', 0);
        sum = sum * 31 + (line_counts(line)->lost - before);
        struct arrivals one = give(line, 0);
        cr_assert_eq(one.n + line_counts(line)->lost - before, 1);
    }
    *ret_lost = line_counts(line)->lost;
    line_free(line);
    return sum;
}

Test(sandbox_line, the_seed_decides_which_are_lost_and_the_share_how_many)
{
    uint64_t lost = 0;
    uint64_t first = losses(0.1, 1, &lost);
    cr_expect(lost > 900 && lost < 1100, "%d", (int)lost);
    cr_expect_eq(losses(0.1, 1, &lost), first, "the same seed, the same packets");
    cr_expect_neq(losses(0.1, 2, &lost), first, "another seed, others");
    cr_expect(lost > 900 && lost < 1100, "%d", (int)lost);
    (void)losses(0.5, 1, &lost);
    cr_expect(lost > 4800 && lost < 5200, "%d", (int)lost);
}

/* Each thing that happens is told once, with the packet's number; of a flood only the first ones. */
Test(sandbox_line, what_happens_is_told)
{
    const struct net_way way = {.delay_s = 1,
                                .loss = {.numbers = {1}, .n_numbers = 1},
                                .duplicate = {.numbers = {2}, .n_numbers = 1},
                                .reorder = {.numbers = {3}, .n_numbers = 1}};
    static const enum net_fate fates[] = {NET_LOST, NET_DUPLICATED, NET_REORDERED};
    struct line *line = line_new(&way, 0, 1);
    struct net_event event;
    for (uint64_t i = 0; i < 4; i++)
        take(line, 'x', i);
    for (uint64_t i = 0; i < 3; i++) {
        cr_assert(line_event(line, &event));
        cr_expect_eq(event.fate, fates[i]);
        cr_expect_eq(event.number, i + 1);
        cr_expect_eq(event.at_ns, i);
        cr_expect_eq(event.bytes, 60);
    }
    cr_expect_not(line_event(line, &event));
    for (int i = 0; i < 3 * LINE_MAX_PACKETS; i++)
        take(line, 'x', 9);
    size_t told = 0;
    for (; line_event(line, &event); told++)
        cr_expect_eq(event.fate, NET_OVERFLOWED);
    cr_expect_eq(told, LINE_MAX_EVENTS);
    line_free(line);
}

/* One fault's draws do not move when another fault is added. */
Test(sandbox_line, each_fault_is_drawn_by_itself)
{
    const struct net_way both = {.loss = {.share = 0.3}, .duplicate = {.share = 0.3}};
    const struct net_way one = {.loss = {.share = 0.3}};
    char once[64] = "";
    struct arrivals doubled = pass(&both, 7, 26);
    for (size_t i = 0; i < doubled.n; i++)
        if (i == 0 || doubled.marks[i] != doubled.marks[i - 1])
            (void)snprintf(once + strlen(once), 2, "%c", doubled.marks[i]);
    cr_expect_str_eq(once, pass(&one, 7, 26).marks);
    cr_expect_gt(doubled.n, strlen(once));
}

/* ---- what is numbered ---- */

static bool counts(uint8_t protocol, uint8_t flags, size_t payload)
{
    uint8_t frame[200];
    struct frame_view view;
    size_t len = make_v4(frame, protocol, 20 + 20 + payload, 0, 0);
    frame[FRAME_HEADER + 20 + 12] = 5 << 4;
    frame[FRAME_HEADER + 20 + 13] = flags;
    frame_look(frame, len, &view);
    return view.counts;
}

Test(sandbox_line, what_carries_something_counts)
{
    cr_expect(counts(IPPROTO_UDP, 0, 1));
    cr_expect(counts(IPPROTO_TCP, 0x02, 0), "SYN");
    cr_expect(counts(IPPROTO_TCP, 0x12, 0), "SYN, ACK");
    cr_expect(counts(IPPROTO_TCP, 0x11, 0), "FIN, ACK");
    cr_expect(counts(IPPROTO_TCP, 0x18, 1), "data");
    cr_expect_not(counts(IPPROTO_TCP, 0x10, 0), "a bare ACK");
    cr_expect_not(counts(IPPROTO_TCP, 0x14, 0), "RST");
    cr_expect_not(counts(IPPROTO_ICMP, 0, 8));
}

Test(sandbox_line, acknowledgements_are_neither_numbered_nor_lost)
{
    const struct net_way way = {.loss = {.every = 1}};
    uint8_t frame[200];
    struct line *line = line_new(&way, 0, 1);
    line_take(line, frame, make_v4(frame, IPPROTO_TCP, 40, 0, 'a'), 0);
    cr_expect_eq(give(line, 0).n, 1);
    cr_expect_eq(line_counts(line)->packets, 0);
    line_free(line);
}

/* IPv6 as well: UDP at once behind the header, or behind a fragment header. */
Test(sandbox_line, ipv6_is_understood)
{
    uint8_t frame[FRAME_HEADER + 40 + 16] = {[12] = 0x86, [13] = 0xdd};
    struct frame_view view;
    uint8_t *ip = frame + FRAME_HEADER;
    ip[0] = 0x60;
    ip[5] = 16;
    ip[6] = IPPROTO_UDP;
    frame_look(frame, sizeof frame, &view);
    cr_expect(view.counts && view.v6 && !view.fragment);
    ip[6] = IPPROTO_FRAGMENT;
    ip[40] = IPPROTO_UDP;
    ip[43] = 1; /* more follow */
    frame_look(frame, sizeof frame, &view);
    cr_expect(view.counts && view.fragment && view.first && !view.last);
    ip[43] = 8; /* the last one */
    frame_look(frame, sizeof frame, &view);
    cr_expect(view.fragment && !view.first && view.last);
}

/* Nothing is read beyond a frame's end, whatever it says: the sanitizers look on. */
Test(sandbox_line, broken_frames_pass_as_they_are)
{
    const struct net_way way = {.loss = {.every = 1}};
    struct line *line = line_new(&way, 0, 1);
    uint32_t state = 1;
    for (size_t i = 0; i < 20000; i++) {
        size_t len = i % 80;
        uint8_t *frame = xmalloc(len ? len : 1);
        for (size_t k = 0; k < len; k++) {
            state = state * 1664525 + 1013904223;
            frame[k] = (uint8_t)(state >> 24);
        }
        if (len > 14) {
            frame[12] = i & 1 ? 0x08 : 0x86;
            frame[13] = i & 1 ? 0 : 0xdd;
        }
        line_take(line, frame, len, i * MS);
        free(frame);
        (void)give(line, i * MS);
    }
    line_free(line);
}

/* ---- fragments ---- */

#define MORE 0x2000

static void take_part(struct line *line, char mark, unsigned place, uint8_t id, uint64_t now)
{
    uint8_t frame[200];
    size_t len = make_v4(frame, IPPROTO_UDP, 60, place, mark);
    frame[FRAME_HEADER + 5] = id;
    line_take(line, frame, len, now);
}

static void take_three_parts(struct line *line, const char *marks, uint8_t id)
{
    take_part(line, marks[0], MORE, id, 0);
    take_part(line, marks[1], MORE | 5, id, 0);
    take_part(line, marks[2], 10, id, 0);
}

Test(sandbox_line, the_fragments_of_a_datagram_share_its_fate)
{
    const struct net_way way = {.loss = {.numbers = {1}, .n_numbers = 1},
                                .duplicate = {.numbers = {2}, .n_numbers = 1},
                                .reorder = {.numbers = {3}, .n_numbers = 1}};
    struct line *line = line_new(&way, 0, 1);
    take_three_parts(line, "abc", 1);
    take_three_parts(line, "def", 2);
    take_three_parts(line, "ghi", 3);
    take_three_parts(line, "jkl", 4);
    cr_expect_str_eq(give(line, 0).marks, "defdefjklghi");
    cr_expect_eq(line_counts(line)->packets, 4);
    line_free(line);
}

Test(sandbox_line, fragments_of_several_datagrams_are_told_apart)
{
    const struct net_way way = {0};
    struct line *line = line_new(&way, 0, 1);
    take_part(line, 'a', MORE, 1, 0);
    take_part(line, 'd', MORE, 2, 0);
    take_part(line, 'e', 5, 2, 0);
    take_part(line, 'b', 5, 1, 0);
    cr_expect_str_eq(give(line, 0).marks, "deab");
    line_free(line);
}

/* A part whose fellows do not come is neither kept for ever nor numbered. */
Test(sandbox_line, lone_fragments_go_their_way)
{
    const struct net_way way = {.loss = {.every = 1}};
    struct line *line = line_new(&way, 0, 1);
    take_part(line, 'b', 5, 1, 0);
    cr_expect_str_eq(give(line, 0).marks, "b");
    take_part(line, 'a', MORE, 2, 0);
    cr_expect_eq(give(line, 0).n, 0);
    uint64_t due = line_next(line);
    cr_expect_neq(due, UINT64_MAX);
    cr_expect_str_eq(give(line, due).marks, "a");
    for (uint8_t id = 0; id < 50; id++)
        take_part(line, 'x', MORE, id, due);
    cr_expect_geq(give(line, due).n, 40, "no more than a few are gathered at a time");
    cr_expect_eq(give(line, due + 1000 * MS).n + 40, 48);
    cr_expect_eq(line_counts(line)->packets, 0);
    line_free(line);
}

Test(sandbox_line, what_is_larger_than_the_mtu_does_not_fit)
{
    const struct net_way way = {0};
    struct line *line = line_new(&way, 576, 1);
    take_sized(line, 576, 'a', 0);
    take_sized(line, 577, 'b', 0);
    cr_expect_str_eq(give(line, 0).marks, "a");
    cr_expect_eq(line_counts(line)->overflowed, 1);
    line_free(line);
}
