/* driver/clock.c: patience. A limit counts student time, which stands still while the program waits for a processor, while
 * this process does (it may have been stopped, too), and while the network has something under way; the wall clock is only
 * the cap behind it (design §6). */
#include "base/io.h"
#include "driver/parts.h"

#define WALL_FACTOR     20 /* a program that gets a twentieth of what it wants is still waited for */
#define MOST_NETWORK_NS (10 * NS_PER_S) /* of one limit: retransmissions after 1, 3 and 7 seconds */
#define MOST_OVERDUE    20
/* Whoever stands in line for longer is kept from the processor by its siblings, and that is the program's own doing. */
#define MOST_IN_LINE_NS (10 * NS_PER_S)
#define MOST_HOPS       8       /* from one that was waited for to the next */
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
    if (run->student_now_ns)
        return run->student_now_ns;
    run->student_now_ns = observe_student_ns(run->observer, run->excused_ns);
    uint64_t passed = io_now_ns() - run->began_ns;
    bool starved =
        passed > run->student_now_ns && !observe_works_hard(run->observer, run->student_now_ns);
    run->busy_ns = starved ? passed - run->student_now_ns : 0;
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
    /* What led here was done in this turn, and we may have been stopped since: the program has had that time. */
    uint64_t since = limit->wall_ns - run->turn_ns;
    if (!run->turn_ns || since > limit->student_ns)
        return;
    limit->wall_ns -= since;
    limit->student_ns -= since;
}

void span_exact(struct run *run, struct limit *limit)
{
    limit->exact = true;
    limit->exact_ns = observe_student_ns(run->observer, 0);
}

void limit_restart(struct run *run, struct limit *limit)
{
    const struct limit before = *limit;
    start(run, limit, before.seconds, before.span);
    limit->counts_network = before.counts_network;
    if (before.exact)
        span_exact(run, limit);
}

/* The program's time since then, by the clock that fits. */
static uint64_t had_since(struct run *run, const struct limit *limit)
{
    uint64_t now = limit->exact ? observe_student_ns(run->observer, 0) : limit_clock(run, limit);
    uint64_t began = limit->exact ? limit->exact_ns : limit->student_ns;
    return now > began ? now - began : 0;
}

double span_stretch(struct run *run, const struct limit *limit)
{
    uint64_t span = seconds_to_ns(limit->seconds);
    uint64_t had = had_since(run, limit);
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
    uint64_t now = limit_clock(run, limit);
    uint64_t all = now > limit->student_ns ? now - limit->student_ns : 0;
    network = network < MOST_NETWORK_NS ? network : MOST_NETWORK_NS;
    return all > network ? all - network : 0;
}

/* A thread has been waiting for a processor since before the time was up, and may be about to do what is waited for. What
 * it does may wake another one, which is waited for, too: so nobody stands in line only when two looks have said so. */
static bool stands_in_line(struct run *run, struct limit *limit)
{
    if (!limit->due_ns) {
        limit->due_ns = io_now_ns();
        limit->line_due_ns = limit->due_ns;
        limit->waited = true;
        limit->hops = 0;
    }
    if (!run->line_known)
        run->line_ns = observe_in_line_since(run->observer);
    run->line_known = true;
    uint64_t now = io_now_ns();
    bool waits = run->line_ns <= limit->line_due_ns && now < limit->due_ns + MOST_IN_LINE_NS;
    limit->in_line = waits || (limit->waited && limit->hops < MOST_HOPS);
    if (!waits && limit->in_line) {
        limit->hops++;
        limit->line_due_ns = now;
    }
    limit->waited = waits;
    return limit->in_line;
}

bool limit_reached(struct run *run, struct limit *limit)
{
    uint64_t now = io_now_ns();
    uint64_t span = seconds_to_ns(limit->seconds);
    if (now >= wall_end(run, limit)) {
        limit->due_ns = now;
        return true;
    }
    if (now - limit->wall_ns < span || spent(run, limit) < span) {
        limit->due_ns = 0;
        return false;
    }
    if (limit->exact && had_since(run, limit) < span / 10 * 9) {
        limit->in_line = true; /* it had to wait: what it would have used is not known yet */
        return false;
    }
    if (stands_in_line(run, limit))
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
