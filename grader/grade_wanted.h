/* grade_wanted.h: which programs a suite needs from a hand-in's make. Part of the conductor. */
#ifndef GRADER_GRADE_WANTED_H
#define GRADER_GRADE_WANTED_H

#include "scenario/scenario.h"

#include <stddef.h>

struct wanted_programs {
    const char **names; /* each once; the texts belong to the suite */
    size_t count;
};

/* The assignments' own programs, and those that their selected scenarios start besides. */
void wanted_programs(const struct suite *suite, struct wanted_programs *ret);
void wanted_programs_done(struct wanted_programs *wanted);

#endif
