/* grade_sanitize.h: the sanitizer column: the hand-in built a second time, with sanitizers, the same scenarios played on
 * that build, and what the sanitizers have to say about it. Part of the conductor.
 *
 * Its scenarios give no verdicts: the grade's own pass does. What counts is what was found, once for each mistake. */
#ifndef GRADER_GRADE_SANITIZE_H
#define GRADER_GRADE_SANITIZE_H

#include "build/build.h"
#include "grade_schedule.h"
#include "grade_wanted.h"
#include "report/report.h"

/* One report of a sanitizer, and what the program had last been sent. */
struct found {
    struct sanitizer_finding finding;
    char actor[32]; /* "": nothing had been sent */
    uint8_t bytes[TRACE_MAX_BYTES];
    size_t n_bytes;
    uint64_t len;
};

/* Those of one scenario. */
struct found_list {
    struct found *list;
    size_t count;
};

struct sanitize_pass {
    const struct grade_options *options;
    const struct suite *suite; /* the grade's */
    struct sandbox *sandbox;
    const struct submission *submission;
    const struct build *build; /* the first one: what is missing there is not tested */
    const char *work_dir;
    const struct ready_made_list *ready_made;
    bool asked; /* the pass below is to be run */
    struct schedule schedule;
    /* private */
    struct suite own_suite; /* the grade's, with other scenarios selected */
    struct suite_entry *entries;
    struct grade_place place;
    struct build *second;
    struct err build_error;    /* set: the machine could not build it, and `second` is NULL */
    struct found_list **found; /* [assignment][scenario] */
    struct sanitizer_result result;
};

/* Fills the pass in (options to work_dir are set by the caller) and decides whether there is anything to do (asked).
 * What must outlive it: all that the fields point to. */
void sanitize_open(struct sanitize_pass *pass, const struct vars *vars);
/* After schedule_run() of pass->schedule, or without it: the result, with the points of the item. `grade` is the grade's
 * own schedule, which tells what works at all. */
const struct sanitizer_result *sanitize_result(struct sanitize_pass *pass,
                                               const struct schedule *grade);
void sanitize_done(struct sanitize_pass *pass);

/* ---- grade_findings.c ---- */

/* Reads what one run has logged: findings that count, with what had been sent before. */
void findings_read(const struct run_logs *logs, const struct trace *trace, uint64_t began_ns,
                   struct found_list *ret);
void findings_done(struct found_list *list);
/* All scenarios' findings, each mistake once, in pass->result; and what they cost: result.parts have status, max_score and
 * their full score before, and their score after. */
void findings_tell(struct sanitize_pass *pass);

#endif
