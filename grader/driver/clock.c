/* driver/clock.c: patience. A limit counts student time, which stands still while the program waits for a processor; the
 * wall clock is only the cap behind it (design §6). */
#include "base/io.h"
#include "driver/parts.h"

#define WALL_FACTOR 20 /* a program that gets a twentieth of what it wants is still waited for */

uint64_t seconds_to_ns(double seconds)
{
    return seconds <= 0 ? 0 : (uint64_t)(seconds * (double)NS_PER_S + 0.5);
}

uint64_t run_us(const struct run *run)
{
    return (io_now_ns() - run->began_ns) / 1000;
}

uint64_t student_ns(struct run *run)
{
    if (!run->student_now_ns)
        run->student_now_ns = observe_student_ns(run->observer);
    return run->student_now_ns;
}

void limit_start(struct run *run, struct limit *limit, double seconds)
{
    *limit = (struct limit){io_now_ns(), student_ns(run), seconds};
}

static uint64_t wall_end(const struct run *run, const struct limit *limit)
{
    uint64_t end = limit->wall_ns + (seconds_to_ns(limit->seconds) + NS_PER_S) * WALL_FACTOR;
    return end < run->cap_ns ? end : run->cap_ns;
}

bool limit_reached(struct run *run, const struct limit *limit)
{
    uint64_t now = io_now_ns();
    uint64_t span = seconds_to_ns(limit->seconds);
    if (now >= wall_end(run, limit))
        return true;
    return now - limit->wall_ns >= span && student_ns(run) - limit->student_ns >= span;
}

uint64_t limit_not_before(struct run *run, const struct limit *limit)
{
    uint64_t span = seconds_to_ns(limit->seconds);
    uint64_t now = io_now_ns();
    uint64_t end = limit->wall_ns + span;
    if (now >= end) { /* the wall's part is over: what is left is the program's own time */
        uint64_t had = student_ns(run) - limit->student_ns;
        end = had >= span ? now : now + (span - had);
    }
    return end < run->cap_ns ? end : run->cap_ns;
}
