/* sandbox/line.c: see line.h.
 *
 * A packet is one frame, or all fragments of one IP packet: whoever loses or repeats a datagram of several fragments must do
 * that to all of them, in one piece, or the receiver's reassembly hides it. The host that fragments sends the parts one
 * right after the other; they are gathered here until the last has come, and then enter the line together. A part
 * whose beginning is missing, or that is not followed by its end soon, goes its way alone.
 *
 * Packets on the line are a list in the order of their arrival: the delay is the same for all, so each is later than the
 * one before it. Only a packet that is to be overtaken is kept aside, until its successor enters. */
#include "sandbox/line.h"

#include "base/mem.h"
#include "base/random.h"
#include "sandbox/frame.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_S     1e9
#define IPV6_LEAST   1280 /* MTU, RFC 8200 5 */
#define MAX_GATHERED 8    /* IP packets whose fragments are being gathered */
#define GATHER_NS    UINT64_C(20000000)
#define LENGTH_BYTES 2 /* in front of each frame of a packet */

struct packet {
    struct packet *next;
    uint64_t
        due_ns; /* on the line: its arrival. Being gathered: when it is not waited for any longer */
    uint64_t key; /* which IP packet's fragments these are */
    bool counts;
    bool twice;
    size_t n_frames;
    size_t len, cap;
    uint8_t *bytes; /* LENGTH_BYTES and the frame, n_frames times */
};

struct line {
    struct net_way way;
    unsigned mtu;
    uint64_t seed;
    struct net_counts counts;
    uint64_t free_ns; /* when the last packet that entered has been clocked out (way.rate) */
    struct packet *first, **last;
    struct packet *kept; /* to be overtaken by the next one */
    struct packet *gathered[MAX_GATHERED];
    size_t bytes, n_packets; /* all that are held */
    struct net_event events[LINE_MAX_EVENTS];
    size_t n_events, events_taken;
};

struct line *line_new(const struct net_way *way, unsigned mtu, uint64_t seed)
{
    struct line *line = xcalloc(1, sizeof *line);
    line->way = *way;
    line->mtu = mtu ? mtu : NET_MAX_MTU;
    line->seed = seed;
    line->last = &line->first;
    return line;
}

static void packet_free(struct line *line, struct packet *packet)
{
    if (!packet)
        return;
    line->bytes -= packet->len;
    line->n_packets--;
    free(packet->bytes);
    free(packet);
}

void line_free(struct line *line)
{
    if (!line)
        return;
    while (line->first) {
        struct packet *packet = line->first;
        line->first = packet->next;
        packet_free(line, packet);
    }
    packet_free(line, line->kept);
    for (size_t i = 0; i < MAX_GATHERED; i++)
        packet_free(line, line->gathered[i]);
    free(line);
}

static struct packet *packet_new(struct line *line, const struct frame_view *view)
{
    struct packet *packet = xcalloc(1, sizeof *packet);
    packet->key = view->packet;
    packet->counts = view->counts;
    line->n_packets++;
    return packet;
}

static void packet_add(struct line *line, struct packet *packet, const uint8_t *frame, size_t len)
{
    size_t need = packet->len + LENGTH_BYTES + len;
    if (need > packet->cap) {
        packet->cap = need + (packet->n_frames ? need : 0);
        packet->bytes = xrealloc(packet->bytes, packet->cap);
    }
    uint8_t *to = packet->bytes + packet->len;
    to[0] = (uint8_t)(len >> 8);
    to[1] = (uint8_t)len;
    memcpy(to + LENGTH_BYTES, frame, len);
    line->bytes += need - packet->len;
    packet->len = need;
    packet->n_frames++;
}

/* ---- fate ---- */

static size_t ip_bytes(const struct packet *packet)
{
    return packet->len - packet->n_frames * (LENGTH_BYTES + FRAME_HEADER);
}

static void tell(struct line *line, enum net_fate fate, uint64_t number, size_t bytes,
                 uint64_t now_ns)
{
    if (line->n_events < LINE_MAX_EVENTS)
        line->events[line->n_events++] =
            (struct net_event){.at_ns = now_ns, .fate = fate, .number = number, .bytes = bytes};
}

bool line_event(struct line *line, struct net_event *ret)
{
    if (line->events_taken == line->n_events)
        return false;
    *ret = line->events[line->events_taken++];
    if (line->events_taken == line->n_events) {
        line->events_taken = 0;
        line->n_events = 0;
    }
    return true;
}

/* One share for each packet and question: no draw depends on how many were made before it. */
static double draw(const struct line *line, uint64_t question)
{
    return random_share(line->seed, line->counts.packets * 4 + question);
}

/* Of the packet that was numbered last. */
static bool chosen(const struct line *line, const struct net_choice *choice, uint64_t question)
{
    uint64_t number = line->counts.packets;
    bool is = choice->every && number % choice->every == 0;
    for (size_t i = 0; i < choice->n_numbers; i++)
        is |= choice->numbers[i] == number;
    return is || (choice->share > 0 && draw(line, question) < choice->share);
}

static void append(struct line *line, struct packet *packet)
{
    packet->next = NULL;
    *line->last = packet;
    line->last = &packet->next;
}

/* The time at which it arrives; false when too much waits for the line already. */
static bool clock_out(struct line *line, const struct packet *packet, uint64_t now_ns,
                      uint64_t *ret_due)
{
    uint64_t start = line->free_ns > now_ns ? line->free_ns : now_ns;
    if (line->way.rate > 0) {
        if ((double)(start - now_ns) / NS_PER_S * line->way.rate > (double)LINE_QUEUE_BYTES)
            return false;
        start += (uint64_t)((double)ip_bytes(packet) / line->way.rate * NS_PER_S);
        line->free_ns = start;
    }
    *ret_due = start + (uint64_t)(line->way.delay_s * NS_PER_S);
    return true;
}

static void lose(struct line *line, struct packet *packet, enum net_fate fate, uint64_t now_ns)
{
    uint64_t *count = fate == NET_LOST ? &line->counts.lost : &line->counts.overflowed;
    (*count)++;
    tell(line, fate, packet->counts ? line->counts.packets : 0, ip_bytes(packet), now_ns);
    packet_free(line, packet);
}

/* A packet that has a number. */
static void decide(struct line *line, struct packet *packet, uint64_t now_ns)
{
    struct net_counts *counts = &line->counts;
    packet->twice = chosen(line, &line->way.duplicate, 1);
    if (packet->twice) {
        counts->duplicated++;
        tell(line, NET_DUPLICATED, counts->packets, ip_bytes(packet), now_ns);
    }
    if (line->kept) { /* this one overtakes it */
        line->kept->due_ns = packet->due_ns;
        append(line, packet);
        append(line, line->kept);
        line->kept = NULL;
    } else if (chosen(line, &line->way.reorder, 2)) {
        counts->reordered++;
        tell(line, NET_REORDERED, counts->packets, ip_bytes(packet), now_ns);
        packet->due_ns += NET_REORDER_NS;
        line->kept = packet;
    } else {
        append(line, packet);
    }
}

static void enter(struct line *line, struct packet *packet, uint64_t now_ns)
{
    line->counts.packets += packet->counts;
    if (packet->counts && chosen(line, &line->way.loss, 0))
        lose(line, packet, NET_LOST, now_ns);
    else if (!clock_out(line, packet, now_ns, &packet->due_ns))
        lose(line, packet, NET_OVERFLOWED, now_ns);
    else if (packet->counts)
        decide(line, packet, now_ns);
    else
        append(line, packet);
}

/* ---- fragments ---- */

/* The packet that this one belongs to: a new one for a first part; NULL when its beginning is missing. */
static struct packet **gathering(struct line *line, const struct frame_view *view, uint64_t now_ns)
{
    struct packet **oldest = &line->gathered[0];
    struct packet **empty = NULL;
    for (size_t i = 0; i < MAX_GATHERED; i++) {
        struct packet **place = &line->gathered[i];
        if (!*place)
            empty = place;
        else if ((*place)->key == view->packet && !view->first)
            return place;
        else if (*oldest && (*place)->due_ns < (*oldest)->due_ns)
            oldest = place;
    }
    if (!view->first)
        return NULL;
    if (!empty) {
        (*oldest)->counts = false;
        enter(line, *oldest, now_ns);
        empty = oldest;
    }
    *empty = packet_new(line, view);
    (*empty)->due_ns = now_ns + GATHER_NS;
    return empty;
}

static void give_up_gathering(struct line *line, uint64_t now_ns)
{
    for (size_t i = 0; i < MAX_GATHERED; i++) {
        struct packet *packet = line->gathered[i];
        if (!packet || packet->due_ns > now_ns)
            continue;
        line->gathered[i] = NULL;
        packet->counts = false;
        enter(line, packet, now_ns);
    }
}

void line_take(struct line *line, const uint8_t *frame, size_t len, uint64_t now_ns)
{
    struct frame_view view;
    if (len < FRAME_HEADER) /* no Ethernet: no interface sends such a thing */
        return;
    frame_look(frame, len, &view);
    unsigned mtu = view.v6 && line->mtu < IPV6_LEAST ? IPV6_LEAST : line->mtu;
    if (len > FRAME_HEADER + mtu || line->bytes + LENGTH_BYTES + len > LINE_MAX_BYTES ||
        line->n_packets == LINE_MAX_PACKETS) {
        line->counts.overflowed++;
        tell(line, NET_OVERFLOWED, 0, len - FRAME_HEADER, now_ns);
        return;
    }
    struct packet **place = view.fragment ? gathering(line, &view, now_ns) : NULL;
    if (!place) {
        view.counts &= !view.fragment;
        struct packet *alone = packet_new(line, &view);
        packet_add(line, alone, frame, len);
        enter(line, alone, now_ns);
        return;
    }
    struct packet *whole = *place;
    packet_add(line, whole, frame, len);
    if (view.last) {
        *place = NULL;
        enter(line, whole, now_ns);
    }
}

/* ---- the other end ---- */

static void arrive(struct line *line, struct packet *packet, line_send send, void *self)
{
    for (int turn = 0; turn < (packet->twice ? 2 : 1); turn++)
        for (size_t at = 0; at < packet->len;) {
            const uint8_t *head = packet->bytes + at;
            size_t len = (size_t)head[0] << 8 | head[1];
            send(self, head + LENGTH_BYTES, len);
            at += LENGTH_BYTES + len;
        }
    packet_free(line, packet);
}

void line_give(struct line *line, uint64_t now_ns, line_send send, void *self)
{
    give_up_gathering(line, now_ns);
    while (line->first && line->first->due_ns <= now_ns) {
        struct packet *packet = line->first;
        line->first = packet->next;
        if (!line->first)
            line->last = &line->first;
        arrive(line, packet, send, self);
    }
    if (line->kept && line->kept->due_ns <= now_ns) {
        struct packet *packet = line->kept;
        line->kept = NULL;
        arrive(line, packet, send, self);
    }
}

uint64_t line_next(const struct line *line)
{
    uint64_t next = line->first ? line->first->due_ns : UINT64_MAX;
    if (line->kept && line->kept->due_ns < next)
        next = line->kept->due_ns;
    for (size_t i = 0; i < MAX_GATHERED; i++)
        if (line->gathered[i] && line->gathered[i]->due_ns < next)
            next = line->gathered[i]->due_ns;
    return next;
}

const struct net_counts *line_counts(const struct line *line)
{
    return &line->counts;
}
