/* grade_run.h: one scenario played and judged. Part of the conductor. */
#ifndef GRADER_GRADE_RUN_H
#define GRADER_GRADE_RUN_H

#include "grade_schedule.h"

struct one_run {
    struct schedule *schedule;
    size_t assignment, scenario;
    void (*rests)(void *self, bool begins); /* struct run_options */
    void *self;
};

/* All runs of the scenario (repeat_seed), each in a fresh box on a fresh network; the first that does not pass is the one
 * that counts. Fills its trace and verdict, which must be empty. */
void run_scenario(const struct one_run *run);

#endif
