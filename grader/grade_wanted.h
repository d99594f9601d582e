/* grade_wanted.h: which programs a suite needs from a hand-in's make, and the make that makes them. Part of the conductor. */
#ifndef GRADER_GRADE_WANTED_H
#define GRADER_GRADE_WANTED_H

#include "base/err.h"
#include "build/build.h"
#include "scenario/scenario.h"

#include <stddef.h>

struct wanted_programs {
    const char **names; /* each once; the texts belong to the suite */
    size_t count;
};

/* The assignments' own programs, and those that their selected scenarios start besides. */
void wanted_programs(const struct suite *suite, struct wanted_programs *ret);
/* What the selected scenarios need, and nothing else. */
void wanted_by_selected(const struct suite *suite, struct wanted_programs *ret);
/* Those of one scenario. */
void wanted_by_scenario(const struct assignment *assignment, const struct scenario *scenario,
                        struct wanted_programs *ret);
void wanted_programs_done(struct wanted_programs *wanted);

/* Makes all that a suite needs, on as many processors as there are; see build_run(). */
int wanted_build(struct sandbox *sandbox, const struct submission *submission,
                 const struct suite *suite, const char *work_dir, enum build_kind kind,
                 struct build **ret, struct err *err);
/* Makes what its selected scenarios need, by name where the Makefile knows these names, which is faster; else by its
 * default goal. */
int wanted_build_selected(struct sandbox *sandbox, const struct submission *submission,
                          const struct suite *suite, const char *work_dir, enum build_kind kind,
                          struct build **ret, struct err *err);

#endif
