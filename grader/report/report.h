/* report/report.h: a result becomes JSON (reports/report.schema.json, reports/README.md); every other form is made
 * from that JSON, so that all users see the same verdicts. */
#ifndef GRADER_REPORT_REPORT_H
#define GRADER_REPORT_REPORT_H

#include "base/err.h"
#include "base/mem.h"
#include "scenario/scenario.h"
#include "trace/trace.h"
#include "verdict/verdict.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* All that is known after a grade; filled by grade.c. Everything is borrowed. */
struct scenario_result {
    const struct scenario *scenario;
    bool run;                  /* false: skipped or not selected */
    const struct trace *trace; /* NULL unless run */
    const struct verdict *verdict;
    struct points points;
};
struct assignment_result {
    const struct suite_entry *entry;
    const char *program;
    const char *status;      /* "graded", "missing", "withheld" */
    const char *status_text; /* a sentence, or NULL */
    double score, max_score;
    struct scenario_result *scenarios; /* one for each scenario of the assignment */
};
struct grade_result {
    const char *version;
    const char *tier, *limits;
    const char *const *lacks; /* NULL-terminated */
    int cpus;
    const char *submission_name, *submission_path, *submission_digest;
    const char *submission_form;        /* "folder", "zip", ...; NULL: not told */
    const char *refusal, *refusal_kind; /* NULL unless refused */
    char *const *notices;               /* NULL-terminated or NULL */
    const struct suite *suite;
    const char
        *grading_digest; /* digest of suite, test cases, options and version: for batch's resume */
    uint64_t seed;
    double seconds;
    const char *build_status;
    int build_exit;
    double build_seconds;
    const char *build_log; /* sanitized UTF-8 */
    struct {
        const char *file;
        int line, column;
        const char *text;
    } * warnings;
    size_t n_warnings;
    struct assignment_result *assignments;
    size_t n_assignments;
    bool full_marks;
    bool verbose;      /* traces of passed scenarios are kept, too */
    const char *error; /* host fault that ended the grading early; NULL */
};

/* The report as JSON (new reference). Honours suite->obey_show. All strings are valid UTF-8 whatever came in. */
json_t *report_to_json(const struct grade_result *result);

struct report_style {
    bool colour;    /* ANSI colours (a terminal, NO_COLOR not set) */
    bool verbose;   /* wire logs and passed scenarios, too */
    unsigned width; /* columns, 80 when 0 */
};
/* Readable text for a terminal or a log. */
void report_text(const json_t *report, const struct report_style *style, struct buf *out);
/* JUnit XML (one testsuite an assignment). */
void report_junit(const json_t *report, struct buf *out);
/* Pretty JSON with a newline at its end, sorted as built; the reals with at most 6 digits. */
int report_json_text(const json_t *report, struct buf *out, struct err *err);
/* Reads a report back and checks its format key. ERR_USAGE with file and line. */
int report_load(const char *path, json_t **ret, struct err *err);

#endif
