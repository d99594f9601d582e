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
};

/* Runs every selected scenario on options->jobs threads (0: twice the processors: most of a run is waiting). A scenario
 * starts when all that it needs has passed, and is skipped when some of that did not. Verdicts do not depend on what
 * runs beside them (silence is proven, limits count student time), so nothing is run alone. */
void schedule_run(struct schedule *schedule);
/* How many threads that are. */
unsigned schedule_jobs(const struct grade_options *options);
void schedule_done(struct schedule *schedule);

#endif
