/* driver/limit.h: how long a step may take (clock.c). Patience is counted in the program's own time. Private to the driver. */
#ifndef GRADER_DRIVER_LIMIT_H
#define GRADER_DRIVER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct run;

struct limit {
    uint64_t wall_ns, student_ns; /* when it began */
    uint64_t network_ns;          /* run->network_ns at that time */
    double seconds;
    bool counts_network; /* a connect: what is under way is just what is waited for */
    unsigned overdue;    /* turns in which it was reached while there was still something to read */
    bool span;           /* not patience: a time in which something must stay as it is */
    bool exact;          /* see span_exact() */
    uint64_t exact_ns;   /* when it began, by that clock */
    uint64_t due_ns;     /* when it was first found reached; 0: it is not */
    bool in_line;        /* but a thread has been waiting for a processor... */
    uint64_t line_due_ns; /* ... since before this */
    bool waited;          /* one did at the last look */
    unsigned hops;        /* how often that was another one */
};

/* seconds: of the program's own time; a connection's network time counts only with counts_network, set afterwards. */
void limit_start(struct run *run, struct limit *limit, double seconds);
/* A time in which something must stay as it is (`for`, `silence`, `never`). The program's own timers go on while the grader
 * is kept from working, so nothing is excused; and what is first seen when the span is over has happened nobody knows when:
 * whoever asks limit_reached() first gives the program the benefit of the doubt. */
void span_start(struct run *run, struct limit *limit, double seconds);
/* Of a span just begun: it is over only when the program has had that time by the clock that goes back, nothing excused. For
 * processor time used in it: a wait for a processor that is not known yet is no time in which nothing was used. */
void span_exact(struct run *run, struct limit *limit);
/* From now on, as it was meant. */
void limit_restart(struct run *run, struct limit *limit);
/* How often the span's length the program has had by now; at least 1. */
double span_stretch(struct run *run, const struct limit *limit);
/* The program has had that much time of its own, or the wall's hard cap is reached. */
bool limit_reached(struct run *run, struct limit *limit);
/* A time (io_now_ns() clock) before which the limit cannot be reached. */
uint64_t limit_not_before(struct run *run, const struct limit *limit);

uint64_t run_us(const struct run *run); /* since the run began, wall clock */
uint64_t student_ns(struct run *run);   /* read at most once an iteration of the timeline */
uint64_t seconds_to_ns(double seconds);

#endif
