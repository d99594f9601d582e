/* verdict/verdict.c: the courtroom: from the results of a run's steps to one verdict. Pure: no I/O, no clock.
 *
 * Each step that did not end as demanded is a charge. Its weight is that of the alternative that was recognised
 * (`else`), lessened by the step's force: what is only a SHOULD costs half, what is only information costs nothing.
 * The heaviest charge decides, the first of several. Its class is looked for from the most to the least certain
 * evidence: a recognised wrong answer, what the driver saw, the end of the process (limit, SIGPIPE, crash) where the peer
 * was lost, the step's hints, the scenario's (where its faults had met a call, if it makes any), the end of the process,
 * and last the plain name of the outcome. */
#include "verdict/verdict.h"

#include "base/own.h"
#include "base/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 1200 /* bytes of a line of the report */

static const double shares[] = {
    [VERDICT_OK] = 1,     [VERDICT_NON_STRICT] = 0.5, [VERDICT_INFO] = 1,
    [VERDICT_FAILED] = 0, [VERDICT_SKIPPED] = 0,      [VERDICT_ERROR] = 0,
};

static const int weights[] = {
    [VERDICT_OK] = 0,     [VERDICT_INFO] = 1,  [VERDICT_NON_STRICT] = 2,
    [VERDICT_FAILED] = 3, [VERDICT_ERROR] = 4,
};

static const char *const verbs[] = {
    [VERB_START] = "start",       [VERB_OPEN] = "open",   [VERB_SEND] = "send",
    [VERB_EXPECT] = "expect",     [VERB_CLOSE] = "close", [VERB_CHECK] = "check",
    [VERB_FETCH] = "fetch",       [VERB_WAIT] = "wait",   [VERB_REPEAT] = "repeat",
    [VERB_PARALLEL] = "parallel", [VERB_DO] = "do",       [VERB_MEET] = "meet",
};

static const char *const generic_classes[OUTCOME_COUNT] = {
    [OUTCOME_NOTHING] = "no-answer",     [OUTCOME_SHORT] = "cut-short",
    [OUTCOME_EOF] = "ended-early",       [OUTCOME_RESET] = "reset-not-eof",
    [OUTCOME_OPEN] = "never-closes",     [OUTCOME_EXTRA] = "extra-bytes",
    [OUTCOME_DIFFERENT] = "wrong-bytes", [OUTCOME_REFUSED] = "not-reachable",
    [OUTCOME_OTHER] = "wrong-state",
};

static const struct expectation *recognised(const struct step_result *result)
{
    const struct step *step = result->source;
    if (!step || result->alternative < 0 || (size_t)result->alternative >= step->n_alternatives)
        return NULL;
    return &step->alternatives[result->alternative];
}

static enum verdict_kind charge(const struct step_result *result)
{
    const struct step *step = result->source;
    const struct expectation *alternative = recognised(result);
    if (!alternative && result->outcome == OUTCOME_OK)
        return VERDICT_OK;
    enum verdict_kind kind = alternative ? alternative->verdict : VERDICT_FAILED;
    enum verdict_kind most = VERDICT_FAILED;
    if (step && step->force == FORCE_SHOULD)
        most = VERDICT_NON_STRICT;
    if (step && step->force == FORCE_INFO)
        most = VERDICT_INFO;
    return weights[kind] > weights[most] ? most : kind;
}

static const char *hinted(const struct hints *hints, enum outcome outcome)
{
    return hints->by_outcome[outcome] ? hints->by_outcome[outcome] : hints->any;
}

/* A name that the trace owns, as one that lives as long as the suite. */
static const char *known_name(const struct classes *classes, const char *name)
{
    const struct bug_class *found = name && classes ? classes_find(classes, name) : NULL;
    return found ? found->name : NULL;
}

/* How the process ended, where that explains the outcome by itself. */
static const char *death(const struct process_summary *process)
{
    static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    if (process->limit_hit)
        return "killed-by-limit";
    if (!process->ended || !process->signaled)
        return NULL;
    if (process->code == SIGPIPE)
        return "sigpipe";
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        if (process->code == crashes[i])
            return "crashed";
    return NULL;
}

/* The peer is not there any more: if it has died, that is the reason, whatever the step guesses. */
static bool lost_contact(enum outcome outcome)
{
    return outcome == OUTCOME_NOTHING || outcome == OUTCOME_SHORT || outcome == OUTCOME_EOF ||
           outcome == OUTCOME_RESET || outcome == OUTCOME_REFUSED;
}

/* What a scenario that makes system calls fail says of its subject concerns only a program whose calls did fail before, and
 * that then fell silent or ended. A failed call adds no bytes, and changes none; one that moved less than was asked for may
 * leave a hole. */
static bool about_its_faults(const struct world *world, const struct trace *trace,
                             const struct step_result *result)
{
    bool met = false;
    bool shortened = false;
    for (size_t i = 0; i < trace->n_events && !met; i++)
        met = trace->events[i].kind == TRACE_FAULT && trace->events[i].t_us <= result->to_us;
    for (size_t i = 0; i < world->n_calls; i++)
        shortened |= world->calls[i].max > 0;
    return met && result->outcome != OUTCOME_EXTRA &&
           (shortened || result->outcome != OUTCOME_DIFFERENT);
}

static const char *find_class(const struct scenario *scenario, const struct trace *trace,
                              const struct classes *classes, const struct step_result *result)
{
    const struct step *step = result->source;
    const struct expectation *alternative = recognised(result);
    const char *name = alternative ? alternative->hint : NULL;
    if (!name)
        name = known_name(classes, result->class_name);
    if (!name && (trace->process.limit_hit || lost_contact(result->outcome)))
        name = death(&trace->process);
    if (!name && step)
        name = hinted(&step->hints, result->outcome);
    if (!name && (!scenario->world.n_calls || about_its_faults(&scenario->world, trace, result)))
        name = hinted(&scenario->hints, result->outcome);
    if (!name)
        name = death(&trace->process);
    if (!name)
        name = known_name(classes, result->generic_class);
    return name ? name : generic_classes[result->outcome];
}

static char *one_line(const char *text)
{
    struct buf out = {0};
    if (text)
        verdict_line(&out, text, MAX_LINE);
    return buf_take(&out);
}

static char *place_of(const struct step_result *result)
{
    const struct step *step = result->source;
    if (!step)
        return one_line(result->path);
    return xasprintf("%s%s%s (%s, line %d)", verbs[step->verb], step->name ? " " : "",
                     step->name ? step->name : "", result->path[0] ? result->path : step->path,
                     step->where.line);
}

/* Where to look in the bytes that were kept: at the first wrong one; where none is wrong, at the end of the shorter. */
static size_t point_of(const struct step_result *result)
{
    const size_t wanted = result->expected.len, came = result->observed.len;
    if (result->diff_at != UINT64_MAX)
        return (size_t)(result->diff_at - result->kept_from);
    return wanted == came ? SIZE_MAX : (wanted < came ? wanted : came);
}

static char *describe_observed(const struct step_result *result)
{
    struct buf out = {0};
    if (result->observed_text)
        verdict_line(&out, result->observed_text, MAX_LINE);
    else
        (void)buf_add_str(&out, outcome_name(result->outcome));
    if (result->outcome == OUTCOME_OK || result->observed.len == 0 || result->expected.len == 0)
        return buf_take(&out);
    size_t at = point_of(result);
    (void)buf_add_str(&out, "\nexpected bytes\n");
    text_hex_window(&out, result->expected.data, result->expected.len, at, result->kept_from);
    (void)buf_add_str(&out, "observed bytes\n");
    text_hex_window(&out, result->observed.data, result->observed.len, at, result->kept_from);
    return buf_take(&out);
}

static void explain(const struct scenario *scenario, const struct trace *trace,
                    const struct classes *classes, struct verdict *ret)
{
    const struct step_result *result = &trace->results[ret->result];
    ret->class_name = find_class(scenario, trace, classes, result);
    ret->sentence = verdict_sentence(classes, ret->class_name, result, trace);
    const struct bug_class *found = classes ? classes_find(classes, ret->class_name) : NULL;
    ret->read = found ? found->read : NULL;
    ret->uncapped = found && found->uncapped;
    ret->failed_step = place_of(result);
    ret->expected = one_line(result->expected_text);
    ret->observed = describe_observed(result);
}

static void fault(const struct trace *trace, struct verdict *ret)
{
    ret->kind = VERDICT_ERROR;
    ret->observed =
        one_line(trace->error_text ? trace->error_text : "the run ended without a result");
}

void verdict_judge(const struct assignment *assignment, const struct scenario *scenario,
                   const struct trace *trace, const struct classes *classes, struct verdict *ret)
{
    (void)assignment;
    *ret = (struct verdict){.kind = VERDICT_OK, .result = -1, .proof = PROOF_SEEN};
    for (size_t i = 0; i < trace->n_results; i++) {
        enum verdict_kind kind = charge(&trace->results[i]);
        if (weights[kind] > weights[ret->kind]) {
            ret->kind = kind;
            ret->result = (int)i;
            ret->proof = trace->results[i].proof;
        }
    }
    bool unexplained = !trace->completed && ret->result < 0;
    if (trace->scenario_error || trace->host_error || unexplained)
        fault(trace, ret);
    else if (ret->result >= 0)
        explain(scenario, trace, classes, ret);
    ret->share = shares[ret->kind];
}

void verdict_skip(const struct assignment *assignment, const struct scenario *scenario,
                  const char *blocked_by, struct verdict *ret)
{
    (void)assignment;
    (void)scenario;
    *ret =
        (struct verdict){.kind = VERDICT_SKIPPED, .result = -1, .blocked_by = xstrdup(blocked_by)};
}

/* Programs have timers of their own, and these go on while the grader is kept from working: for longer than that, and what
 * failed may have failed by it. Half of the shortest time of the sheets' programs, 500 ms. */
#define MOST_STARVED_US  250000
#define MAX_RUNS         5
/* What rests on a clock alone is asked again where this clock had to be corrected by a good part of the time; not what took
 * so long that it has no end. */
#define MAX_CLOCKED_RUNS 3
#define BUSY_SHARE       0.25
#define MAX_CLOCKED_S    100

bool verdict_is_doubtful(const struct verdict *verdict, const struct trace *trace, unsigned runs)
{
    bool costs = verdict->kind == VERDICT_FAILED || verdict->kind == VERDICT_NON_STRICT;
    bool starved = trace->starved_us > MOST_STARVED_US && runs < MAX_RUNS;
    double busy_s = (double)trace->busy_us / 1e6;
    bool clocked = verdict->proof == PROOF_DEADLINE && trace->busy_us > MOST_STARVED_US &&
                   busy_s > trace->seconds * BUSY_SHARE && trace->seconds < MAX_CLOCKED_S &&
                   runs < MAX_CLOCKED_RUNS;
    /* one that has used up what it may have keeps the machine busy itself */
    return costs && !trace->process.limit_hit && (starved || clocked);
}

bool verdict_passed(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_OK || verdict->kind == VERDICT_NON_STRICT ||
           verdict->kind == VERDICT_INFO;
}

void verdict_done(struct verdict *verdict)
{
    free(verdict->sentence);
    free(verdict->failed_step);
    free(verdict->expected);
    free(verdict->observed);
    free(verdict->blocked_by);
    *verdict = (struct verdict){.result = -1};
}
