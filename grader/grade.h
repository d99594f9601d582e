/* grade.h: the conductor: a hand-in goes in, a report comes out (design §1). The only file with its .c companions that
 * knows every stage; it fills in the ops structs through which a stage reaches what it may not include. */
#ifndef GRADER_GRADE_H
#define GRADER_GRADE_H

#include "base/err.h"
#include "sandbox/sandbox.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grade_setting {
    const char *name, *value; /* --var NAME=VALUE, --program NAME=COMMAND */
};

/* What happens while a grade runs, for the live line. `total` scenarios are selected, `done` have a verdict. */
struct grade_progress {
    const char *stage; /* "build", "grade", "other machines" */
    const char *assignment, *scenario;
    size_t done, total, failed;
};

/* Which scenarios are played again on other machines (grade_machines.h). */
enum grade_machines {
    MACHINES_FAILED, /* those about byte order and ports that failed */
    MACHINES_ALL,    /* those of the byte-order assignments that passed, too */
    MACHINES_OFF,
};

struct grade_options {
    const char *submission; /* folder or archive; NULL when every program is given by --program */
    const char *origin; /* batch: whose it is, as origin_to_text() says it; NULL: its path tells */
    const char *testcases_dir; /* NULL: found as cli/options.h says */
    const char *suite_file;    /* NULL: suites/course.json of the test cases */
    const char *const *only;
    size_t n_only;
    const struct grade_setting *vars;
    size_t n_vars;
    const struct grade_setting *programs;
    size_t n_programs;
    uint64_t seed;
    unsigned jobs; /* scenarios side by side; 0: twice the processors */
    unsigned slot; /* who grades at the same time has another: batch numbers its workers */
    bool verbose;
    bool no_sanitizer; /* no second build */
    enum grade_machines other_machines;
    void (*progress)(void *self,
                     const struct grade_progress *progress); /* may be NULL; one call at a time */
    void *progress_self;
};

/* Grades and returns the report (new reference) with the exit status of `grade` in *ret_status: 0 full marks, 1 marks
 * lost, 3 when a host fault withheld a score. -1 when there is no report at all: ERR_USAGE (exit 2: nothing was graded)
 * or ERR_HOST (exit 3). */
int grade_run(const struct grade_options *options, json_t **ret_report, int *ret_status,
              struct err *err);

/* SHA-256 (hex, 65 bytes) over everything but the hand-in that a report depends on: sockgrade's version, the test
 * cases, the suite, the selection, variables and seed. The caller frees; NULL with err. */
char *grade_digest(const struct grade_options *options, struct err *err);

#endif
