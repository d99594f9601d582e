/* report/report.h: a result becomes JSON (reports/report.schema.json, reports/README.md); every other form is made
 * from that JSON, so that all users see the same verdicts. */
#ifndef GRADER_REPORT_REPORT_H
#define GRADER_REPORT_REPORT_H

#include "base/err.h"
#include "base/mem.h"
#include "sanitize/sanitize.h"
#include "scenario/scenario.h"
#include "trace/trace.h"
#include "verdict/machines.h"
#include "verdict/verdict.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What a scenario came to on other machines. */
struct machines_answers {
    bool asked;
    enum machine_answer answers[MACHINES];
    const struct bug_class *meaning; /* NULL: the answers say nothing */
};
/* All that is known after a grade; filled by grade.c. Everything is borrowed. */
struct scenario_result {
    const struct scenario *scenario;
    bool run;                  /* false: skipped or not selected */
    const struct trace *trace; /* NULL unless run */
    const struct verdict *verdict;
    struct points points;
    const struct machines_answers *machines;
};
struct assignment_result {
    const struct suite_entry *entry;
    const char *program;
    const char *status;      /* "graded", "missing", "withheld" */
    const char *status_text; /* a sentence, or NULL */
    double score, max_score;
    struct scenario_result *scenarios; /* one for each scenario of the assignment */
};
/* The second build, with sanitizers. */
struct sanitizer_part { /* one for each assignment of the suite that the item counts */
    const char *assignment;
    const char *
        status; /* "clean", "findings", "blocked", "missing", "not-built", "not-instrumented", "withheld", "none" */
    const char *text;   /* a sentence, or NULL */
    size_t n_scenarios; /* that ran on the second build */
    double score, max_score;
};
struct sanitizer_told { /* one mistake, in however many scenarios */
    const struct sanitizer_finding *finding;
    const struct bug_class *class;      /* NULL: the test cases know none of that name */
    const struct bug_class *kind_class; /* that tells more about the kind, or NULL */
    char *source;                       /* the line of the student's source, or NULL */
    char **scenarios; /* "tcp-echo-server/binary", n_scenarios; those that may be named */
    size_t n_scenarios;
    /* what the program had been sent last before it was found; `actor` NULL: nothing that may be shown */
    const char *actor;
    const uint8_t *bytes;
    size_t n_bytes; /* kept */
    uint64_t len;   /* sent */
    double points_lost;
};
struct sanitizer_result {
    const char *status;       /* "tested", "untested", "off", "none" */
    char *text;               /* a sentence, or NULL */
    const char *build_status; /* of the second build; NULL: there was none */
    double build_seconds;
    const char *build_log; /* of one that failed, or NULL */
    double score, max_score;
    bool withheld; /* a fault of the machine: a part of it does not count */
    struct sanitizer_part *parts;
    size_t n_parts;
    struct sanitizer_told *findings;
    size_t n_findings;
};
/* The builds for other machines; informative throughout. */
struct machine_told {
    enum machine machine;
    const char *status;       /* "played", "lacking", "not-built", "fault" */
    char *text;               /* a sentence, or NULL */
    const char *build_status; /* of this build; NULL: there was none */
    double build_seconds;
    const char *build_log; /* of one that failed, or NULL */
    size_t n_scenarios;    /* that ran on it */
};
struct
    machines_finding { /* what is right here and wrong there, in however many scenarios of an assignment */
    const struct bug_class *meaning;
    const char *assignment;
    const char **scenarios; /* ids, n_scenarios; those that may be told of */
    size_t n_scenarios;
    enum machine machine; /* the evidence is of the first scenario, there */
    const struct verdict *there;
};
struct machines_result {
    const char *status; /* "played", "skipped", "off", "none" */
    const char *text;   /* a sentence, or NULL */
    struct machine_told machines[MACHINES];
    size_t n_machines; /* 0 where nothing was to be asked */
    struct machines_finding *findings;
    size_t n_findings;
};
struct grade_result {
    const char *version;
    const char *tier, *limits;
    const char *const *lacks; /* NULL-terminated */
    int cpus;
    const char *submission_name, *submission_path, *submission_digest;
    json_t *origin;              /* {student, download, late, attempt}; NULL: nothing is known */
    const char *submission_form; /* "folder", "zip", ...; NULL: not told */
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
    const struct sanitizer_result *sanitizer;
    const struct machines_result *machines;
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
