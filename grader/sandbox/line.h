/* sandbox/line.h: one direction of a faulty network: what enters it, when it leaves, and what never does. Knows frames and
 * times, no sockets and no clock. Private to sandbox/. */
#ifndef GRADER_SANDBOX_LINE_H
#define GRADER_SANDBOX_LINE_H

#include "sandbox/net_faults.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_BYTES   ((size_t)1 << 20)   /* on the way at a time ... */
#define LINE_MAX_PACKETS 2048                /* ... and no more than these */
#define LINE_QUEUE_BYTES ((size_t)128 << 10) /* of these, so many may wait for a line with a rate */

struct line;

/* The same seed, the same fate for the same packet numbers. mtu: as in struct net_faults. */
struct line *line_new(const struct net_way *way, unsigned mtu, uint64_t seed);
void line_free(struct line *line); /* NULL is fine */

/* A frame enters. Times are nanoseconds of any clock that does not go back. */
void line_take(struct line *line, const uint8_t *frame, size_t len, uint64_t now_ns);
/* Sends every frame that has arrived by now, in the order of their arrival; none leaves before its time. */
typedef void (*line_send)(void *self, const uint8_t *frame, size_t len);
void line_give(struct line *line, uint64_t now_ns, line_send send, void *self);
/* When the next one arrives; UINT64_MAX: none is under way. */
uint64_t line_next(const struct line *line);
/* The oldest thing that happened and was not taken yet; false: none. At most LINE_MAX_EVENTS are kept, later ones are only
 * counted. `to` is left alone. */
#define LINE_MAX_EVENTS 64
bool line_event(struct line *line, struct net_event *ret);
const struct net_counts *line_counts(const struct line *line);

#endif
