/* driver/clock.c: patience. A limit counts student time, which stands still while the program waits for a processor, while
 * this process does (it may have been stopped, too), and while the network has something under way; the wall clock is only
 * the cap behind it (design §6). */
#include "base/io.h"
#include "driver/parts.h"

#define WALL_FACTOR     20 /* a program that gets a twentieth of what it wants is still waited for */
#define MOST_NETWORK_NS (10 * NS_PER_S) /* of one limit: retransmissions after 1, 3 and 7 seconds */
#define MOST_OVERDUE    20
#define IN_LINE_NS      2000000 /* until the next look at whoever waits for a processor */

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
        run->student_now_ns = observe_student_ns(run->observer, run->excused_ns);
    return run->student_now_ns;
}

static uint64_t limit_clock(struct run *run, const struct limit *limit)
{
    return limit->span ? observe_program_ns(run->observer) : student_ns(run);
}

static void start(struct run *run, struct limit *limit, double seconds, bool span)
{
    run->student_now_ns = 0; /* what led here may have taken its time */
    *limit = (struct limit){
        .wall_ns = io_now_ns(), .network_ns = run->network_ns, .seconds = seconds, .span = span};
    limit->student_ns = limit_clock(run, limit);
}

void limit_start(struct run *run, struct limit *limit, double seconds)
{
    start(run, limit, seconds, false);
}

void span_start(struct run *run, struct limit *limit, double seconds)
{
    start(run, limit, seconds, true);
    run->glance = true;
}

void limit_restart(struct run *run, struct limit *limit)
{
    bool counts_network = limit->counts_network;
    start(run, limit, limit->seconds, limit->span);
    limit->counts_network = counts_network;
}

double span_stretch(struct run *run, const struct limit *limit)
{
    uint64_t span = seconds_to_ns(limit->seconds);
    uint64_t had = limit_clock(run, limit) - limit->student_ns;
    return span && had > span ? (double)had / (double)span : 1;
}

static uint64_t wall_end(const struct run *run, const struct limit *limit)
{
    uint64_t end = limit->wall_ns + (seconds_to_ns(limit->seconds) + NS_PER_S) * WALL_FACTOR;
    return end < run->cap_ns ? end : run->cap_ns;
}

/* The program's own time since the limit began. */
static uint64_t spent(struct run *run, const struct limit *limit)
{
    bool all_counts = limit->counts_network || limit->span;
    uint64_t network = all_counts ? 0 : run->network_ns - limit->network_ns;
    uint64_t all = limit_clock(run, limit) - limit->student_ns;
    network = network < MOST_NETWORK_NS ? network : MOST_NETWORK_NS;
    return all > network ? all - network : 0;
}

/* A thread has been waiting for a processor since the last look, and may be about to do what is waited for. */
static bool stands_in_line(struct run *run, struct limit *limit)
{
    bool ready = false;
    uint64_t progress = observe_progress(run->observer, &ready);
    bool moved = limit->in_line && progress != limit->progress;
    limit->in_line = ready && !moved;
    limit->progress = progress;
    return limit->in_line;
}

bool limit_reached(struct run *run, struct limit *limit)
{
    uint64_t now = io_now_ns();
    uint64_t span = seconds_to_ns(limit->seconds);
    if (now >= wall_end(run, limit))
        return true;
    if (now - limit->wall_ns < span || spent(run, limit) < span || stands_in_line(run, limit))
        return false;
    if (limit->span)
        return true;
    /* what has come is looked at first; but whoever sends without end is not waited for without end */
    return run->last_events == 0 || ++limit->overdue > MOST_OVERDUE;
}

uint64_t limit_not_before(struct run *run, const struct limit *limit)
{
    uint64_t span = seconds_to_ns(limit->seconds);
    uint64_t now = io_now_ns();
    uint64_t end = limit->wall_ns + span;
    if (now >= end) { /* the wall's part is over: what is left is the program's own time */
        uint64_t had = spent(run, limit);
        end = had >= span ? now + (limit->in_line ? IN_LINE_NS : 0) : now + (span - had);
    }
    return end < run->cap_ns ? end : run->cap_ns;
}
