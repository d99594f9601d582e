/* verdict/verdict.h: pure: what a trace means. No I/O, no clock: a stored trace can be judged again. */
#ifndef GRADER_VERDICT_VERDICT_H
#define GRADER_VERDICT_VERDICT_H

#include "scenario/scenario.h"
#include "trace/trace.h"

/* A verdict on one scenario. Texts are owned by it; verdict_done() frees. */
struct verdict {
    enum verdict_kind kind;
    double share;           /* of the scenario's points: 1, 0.5 (non-strict), 0 */
    enum proof proof;       /* how the decisive step was established */
    const char *class_name; /* bug class, NULL for none; lives as long as the suite or is static */
    bool uncapped;          /* no cap limits what the class costs */
    char *sentence;         /* the class's sentence with its braces filled in */
    const char *read;       /* where to read on, or NULL */
    int result;             /* index into trace.results of the decisive step, -1: none */
    char *failed_step;      /* "expect a (scenarios[3].steps[2], line 41)" */
    char *expected;         /* one line */
    char *observed;         /* one line, then possibly a hex window on further lines */
    char *blocked_by;       /* SKIPPED: ids that did not pass, comma-separated */
};

/* Judges one run. Order of the evidence for the class (scenarios.md §3): a recognised wrong answer (`else`), what the
 * driver recognised, the step's hint for the outcome, the scenario's hint, the generic class of the outcome; a death by
 * SIGPIPE or SIGSEGV, where the outcome is nothing/eof/reset, is told as such when no hint is more specific. */
void verdict_judge(const struct assignment *assignment, const struct scenario *scenario,
                   const struct trace *trace, const struct classes *classes, struct verdict *ret);
/* A scenario that was not run since `blocked_by` did not pass. */
void verdict_skip(const struct assignment *assignment, const struct scenario *scenario,
                  const char *blocked_by, struct verdict *ret);
void verdict_done(struct verdict *verdict);
/* Points are lost, and that may be the machine's fault, which made the grader or the program wait for a processor: the
 * scenario is to be played again. runs: how often it has been. At most 5 runs, 3 where only the clock is in doubt. Not where
 * a limit of the box struck. */
bool verdict_is_doubtful(const struct verdict *verdict, const struct trace *trace, unsigned runs);
/* Ok, non-strict or info: what needs the scenario may run. */
bool verdict_passed(const struct verdict *verdict);

/* Appends a text of the trace, in which bytes are escaped already, as one line: whatever is left of controls is made visible.
 * At most max bytes of it. */
void verdict_line(struct buf *out, const char *text, size_t max);

/* Fills a class's sentence. Unfilled braces are replaced by "?". The caller frees. */
char *verdict_sentence(const struct classes *classes, const char *class_name,
                       const struct step_result *result, const struct trace *trace);

/* Points of one scenario after scaling and caps. */
struct points {
    double max; /* scaled to the assignment's points; 0 for optional and left-out ones */
    double score;
    bool capped; /* its loss was reduced since its class had already cost the cap */
    const char *
        class_name; /* of the mistake that its loss counts to: its own, or what it was skipped for; or NULL */
};
/* A skipped scenario loses its points. Is one of the scenarios it waits for a gate (or behind one), or does its class have
 * no cap, it loses them in full;
 * otherwise its loss counts to the class of what blocked it, under that class's cap: one mistake costs once. A program that
 * fails a core scenario by a class without cap has no caps at all: it has shown nothing that they could save.
 * Scales weights to suite points and applies the cap: verdicts with one class together cost at most cap x points, gates
 * and what they block excepted. verdicts[i] and ret[i] belong to scenario i; scenarios not selected have kind SKIPPED
 * and max 0. Returns the assignment's score, in *ret_max what could be had: the entry's points, or 0 where no selected
 * scenario has weight. *ret_withheld is set when any verdict is ERROR: the score must not count. */
double verdict_points(const struct suite_entry *entry, const struct verdict *verdicts,
                      struct points *ret, double *ret_max, bool *ret_withheld);

#endif
