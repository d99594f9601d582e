/* fuzz/fuzz_line.c: the frames that a program puts on a faulty network's line, and what the line does to them. First six bytes:
 * the line's faults. Then frames: two bytes of length (the lower first), one of the milliseconds that pass before it, the
 * bytes. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "base/own.h"
#include "sandbox/frame.h"
#include "sandbox/line.h"

#include <string.h>

#define MAX_INPUT_BYTES ((size_t)64 << 10)
#define NS_PER_MS       UINT64_C(1000000)
#define MAX_TURNS       10000

struct seen {
    uint64_t frames, bytes;
    size_t largest;
};

static void see(void *self, const uint8_t *frame, size_t len)
{
    struct seen *seen = self;
    AUTO_FREE uint8_t *copy = xmalloc(len ? len : 1);
    memcpy(copy, frame, len); /* all are there to be read */
    seen->frames++;
    seen->bytes += len;
    seen->largest = len > seen->largest ? len : seen->largest;
}

static void look_at(const uint8_t *frame, size_t len)
{
    struct frame_view view;
    frame_look(frame, len, &view);
    FUZZ_HOLDS(view.fragment == (!view.first || !view.last));
}

/* What happened is told in order and only of what came. */
static uint64_t take_events(struct line *line)
{
    struct net_event event;
    uint64_t count = 0;
    while (line_event(line, &event)) {
        FUZZ_HOLDS(event.fate <= NET_OVERFLOWED && event.bytes <= LINE_MAX_BYTES);
        FUZZ_HOLDS(event.number <= line_counts(line)->packets);
        count++;
    }
    FUZZ_HOLDS(count <= LINE_MAX_EVENTS);
    return count;
}

/* Until everything has left: it must, in a bounded number of steps, each later than the one before. */
static void drain(struct line *line, uint64_t now, struct seen *seen)
{
    uint64_t next;
    for (int turn = 0; (next = line_next(line)) != UINT64_MAX; turn++) {
        FUZZ_HOLDS(turn < MAX_TURNS);
        now = next > now ? next : now;
        line_give(line, now, see, seen);
        FUZZ_HOLDS(line_next(line) > now);
    }
}

static struct net_choice choice_of(uint8_t byte)
{
    struct net_choice choice = {.every = byte & 3, .share = (byte >> 2 & 3) / 4.0};
    if (byte & 16)
        choice.numbers[choice.n_numbers++] = (uint32_t)(byte >> 5);
    return choice;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > MAX_INPUT_BYTES)
        return -1;
    struct net_way way = {.loss = choice_of(fuzz_take(&bytes, &len))};
    way.duplicate = choice_of(fuzz_take(&bytes, &len));
    way.reorder = choice_of(fuzz_take(&bytes, &len));
    way.delay_s = fuzz_take(&bytes, &len) / 100.0;
    way.rate = fuzz_take(&bytes, &len) * 1000.0;
    const uint8_t size = fuzz_take(&bytes, &len);
    struct line *line = line_new(&way, size ? NET_MIN_MTU + size * 5U : 0, 1);
    struct seen seen = {0};
    uint64_t now = 1, came = 0, came_bytes = 0;
    while (len) {
        size_t n = fuzz_take(&bytes, &len);
        n |= (size_t)fuzz_take(&bytes, &len) << 8;
        now += fuzz_take(&bytes, &len) * NS_PER_MS;
        n = n < len ? n : len;
        AUTO_FREE uint8_t *frame = xmalloc(n ? n : 1); /* a look beyond its end is seen */
        memcpy(frame, bytes, n);
        look_at(frame, n);
        line_take(line, frame, n, now);
        line_give(line, now, see, &seen);
        (void)take_events(line);
        came += n >= FRAME_HEADER; /* shorter ones are none */
        came_bytes += n;
        bytes += n;
        len -= n;
    }
    drain(line, now, &seen);
    FUZZ_HOLDS(seen.frames <= 2 * came && seen.bytes <= 2 * came_bytes);
    FUZZ_HOLDS(seen.largest <= FRAME_HEADER + NET_MAX_MTU);
    const struct net_counts *counts = line_counts(line);
    FUZZ_HOLDS(counts->packets <= came && counts->lost + counts->overflowed <= came);
    /* what came in whole goes out: frames are lost, kept or repeated, never made up */
    FUZZ_HOLDS(seen.frames || counts->lost || counts->overflowed || !came);
    line_free(line);
    return 0;
}
