/* grade_schedule.h: which scenario runs when, on how many threads. Part of the conductor. */
#ifndef GRADER_GRADE_SCHEDULE_H
#define GRADER_GRADE_SCHEDULE_H

#include "grade.h"
#include "grade_target.h"
#include "scenario/scenario.h"
#include "scenario/vars.h"
#include "trace/trace.h"
#include "verdict/verdict.h"

/* The results of one assignment, filled by schedule_run(). Arrays have one element a scenario. */
struct schedule_assignment {
    const struct suite_entry *entry;
    const char
        *blocked_by; /* not NULL: nothing of it can run ("build"); its scenarios are skipped */
    struct verdict *verdicts;
    struct trace *traces; /* of those that ran */
    bool *ran;
};

struct schedule {
    const struct suite *suite;
    struct schedule_assignment *assignments; /* suite->n_entries of them */
    const struct grade_place *place;
    const struct vars *fixed_vars;
    const struct grade_options *options;
    const char *stage; /* of the first pass, for the live line; NULL: "grade" */
    /* A pass that is not the grade itself (all NULL and 0 in that one). */
    void *self;
    /* What has to be there before anything of it can run (a build), called once, first of all, on a worker's thread. It sets
     * blocked_by of what cannot run. */
    void (*prepare)(void *self);
    /* After each run, several at a time: what its programs have logged. began_ns: CLOCK_REALTIME of the trace's zero. */
    void (*ran)(void *self, size_t assignment, size_t scenario, const struct run_logs *logs,
                const struct trace *trace, uint64_t began_ns);
    /* A scenario that ran does not count after all; what was said of it is to be forgotten. */
    void (*dropped)(void *self, size_t assignment, size_t scenario);
    double settle_s; /* struct run_options; and of repeat_seed only the first turn is played */
};

/* Runs every selected scenario of these schedules (SCHEDULE_MAX_PASSES at most; options are those of the first),
 * options->jobs at a time (0: twice the processors: most of a run is waiting); more than one are joined by others while their
 * programs sleep. What an earlier one has ready goes first, so that a later one fills the time in which the earlier ones
 * wait. A scenario counts when all that it needs has passed, and is skipped when some of that did not. Verdicts do not depend on what runs beside them (silence is proven, limits count
 * student time), so nothing is run alone. */
#define SCHEDULE_MAX_PASSES 3
void schedule_run(struct schedule *const *passes, size_t count);
/* How many at a time that are. */
unsigned schedule_jobs(const struct grade_options *options);
void schedule_done(struct schedule *schedule);

#endif
