/* driver/step_expect.c: `expect`: what an endpoint has brought against what was asked for, and against the recognised wrong
 * answers. */
#include "base/own.h"
#include "driver/parts.h"

#include <string.h>

#define MAX_BEFORE                                                                                 \
    ((size_t)16 << 10) /* bytes before the first wrong one, for regular expressions */

static int resolve_alternatives(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    struct data_context context;
    size_t count = active->step->n_alternatives;
    step_context(run, lane, &context);
    active->alternatives = xcalloc(count ? count : 1, sizeof *active->alternatives);
    for (size_t i = 0; i < count; i++)
        if (expectation_resolve(&active->step->alternatives[i], &context, &active->alternatives[i],
                                err) != 0)
            return -1;
    return 0;
}

static int begin_expect(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    const struct expectation *expect = &active->step->expect;
    struct data_context context;
    if (step_endpoint(run, lane, &active->endpoint, err) != 0)
        return -1;
    if (active->endpoint->kind == ENDPOINT_LISTENER)
        return err_set(err, ERR_USAGE, "%s: '%s' listens: 'accept' its connections", active->path,
                       active->name);
    if (active->endpoint->no_read) { /* the author reads now: from here on it is drained */
        active->endpoint->no_read = false;
        run->inputs++;
        if (endpoint_rewatch(run, active->endpoint) != 0)
            return err_set(err, run->err.kind, "%s", run->err.text);
    }
    active->changes = UINT64_MAX;
    if (expect->silence_set)
        span_start(run, &active->limit, expect->silence_s);
    else
        limit_start(run, &active->limit, step_within(run, active->step, 0));
    step_context(run, lane, &context);
    return expectation_resolve(expect, &context, &active->want, err) == 0
               ? resolve_alternatives(run, lane, err)
               : -1;
}

static void end_expect(struct run *run, struct lane *lane)
{
    struct active *active = &lane->active;
    (void)run;
    resolved_done(&active->want);
    for (size_t i = 0; active->alternatives && i < active->step->n_alternatives; i++)
        resolved_done(&active->alternatives[i]);
    free(active->alternatives);
}

/* Of the bytes that the report shows, the first: the trace keeps a window around the difference, or around the end of what
 * came, in whole lines of 16. */
static size_t window_from(size_t wanted, size_t came, size_t diff_at)
{
    const size_t half = TRACE_MAX_RESULT_BYTES / 2;
    const size_t shorter = wanted < came ? wanted : came;
    const size_t point = diff_at == SIZE_MAX ? shorter : diff_at;
    if ((wanted <= 2 * half && came <= 2 * half) || point <= half)
        return 0;
    return (point - half) / 16 * 16;
}

static void keep_from(struct buf *to, const uint8_t *bytes, size_t len, size_t from)
{
    if (from < len)
        (void)buf_add(to, bytes + from, len - from);
}

static void keep_bytes(const struct active *active, const struct arrival *arrival,
                       const struct match_result *match, struct step_result *result)
{
    const struct pattern *want = &active->want.data;
    const uint8_t *bytes = match->difference.bytes ? match->difference.bytes : arrival->bytes;
    size_t len = match->difference.bytes ? match->difference.len : arrival->len;
    result->diff_at = match->diff_at == SIZE_MAX ? UINT64_MAX : match->diff_at;
    bool comparable = !active->want.http || match->difference.bytes;
    if (!want->len || !comparable)
        return;
    size_t from = window_from(want->len, len, match->diff_at);
    result->kept_from = from;
    keep_from(&result->expected, want->bytes, want->len, from);
    keep_from(&result->observed, bytes, len, from);
}

static void fail_by(const struct active *active, const struct arrival *arrival,
                    const struct match_result *match, struct finding *finding)
{
    struct step_result *result = &finding->result;
    finding_fail(finding, match->outcome, match->expected, "%s", match->observed);
    if (match->class_name)
        result->class_name = xstrdup(match->class_name);
    if (match->generic_class)
        result->generic_class = xstrdup(match->generic_class);
    if (match->got[0])
        trace_figure(result, "got", "%s", match->got);
    if (match->want[0])
        trace_figure(result, "want", "%s", match->want);
    keep_bytes(active, arrival, match, result);
}

/* Of a long answer a regular expression sees the part in which the first wrong byte is, from the beginning of a line: what
 * was right before it says nothing of the mistake. With an ending it is tried on everything. Returns how much is left out
 * in front. */
static size_t in_front_of(const struct expectation *want, const struct arrival *arrival,
                          size_t diff_at)
{
    if (!want->matches || want->eof || want->reset || want->closed)
        return 0;
    if (diff_at == SIZE_MAX || diff_at < MAX_BEFORE || diff_at > arrival->len)
        return 0;
    const uint8_t *line = memrchr(arrival->bytes, '\n', diff_at - MAX_BEFORE);
    return line ? (size_t)(line + 1 - arrival->bytes) : diff_at - MAX_BEFORE;
}

/* The first alternative that holds: its index, -1 when none does, -2 while one is undecided. */
static int recognise(const struct active *active, const struct arrival *arrival, size_t diff_at,
                     size_t *ret_consumed)
{
    for (size_t i = 0; i < active->step->n_alternatives; i++) {
        struct arrival plain = *arrival;
        struct match_result match_result;
        size_t skip = in_front_of(&active->step->alternatives[i], arrival, diff_at);
        plain.agreed = 0;
        plain.bytes += skip;
        plain.len -= skip;
        match(&active->alternatives[i], &plain, &match_result);
        if (match_result.state == MATCH_MORE)
            return -2;
        if (match_result.state == MATCH_YES) {
            *ret_consumed = skip + match_result.consumed;
            return (int)i;
        }
    }
    return -1;
}

static void explain_end(struct run *run, const struct lane *lane, const struct moment *moment,
                        struct finding *finding)
{
    struct step_result *result = &finding->result;
    if (result->outcome != OUTCOME_NOTHING && result->outcome != OUTCOME_SHORT &&
        result->outcome != OUTCOME_OPEN)
        return;
    if (!result->class_name && explain_unread(run, lane->active.endpoint, moment, result))
        result->class_name = xstrdup("edge-triggered-once");
    const char *class_name = explain_hang(run, lane, moment, result->outcome, result);
    if (class_name && !result->generic_class)
        result->generic_class = xstrdup(class_name);
    finding_add_where(run, finding);
}

/* What was seen is certain; but which mistake it is may rest on no more coming. */
static void rest_on_quiet(const struct active *active, bool by_quiet, bool no_match_at_the_end,
                          enum proof proof, struct finding *finding)
{
    if (by_quiet) {
        finding_by_quiet(finding, proof);
    } else if (no_match_at_the_end && active->step->n_alternatives) {
        finding->by_quiet = true;
        finding->quiet_proof = proof;
    }
}

static int poll_expect(struct run *run, struct lane *lane, const struct moment *moment,
                       struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    struct arrival arrival;
    struct match_result result;
    enum proof proof = PROOF_SEEN;
    (void)err;
    bool settled = step_settled(run, lane, moment, &proof);
    if (!settled && active->changes == active->endpoint->changes)
        return 0;
    bool first = active->changes == UINT64_MAX; /* all that is there came before the step */
    if (!first && step_undated(active)) {
        finding_ok(finding);
        finding_by_quiet(finding, proof);
        return 0;
    }
    active->changes = active->endpoint->changes;
    if (active->step->expect.any_order)
        endpoint_prefer(active->endpoint, &active->want.data);
    endpoint_arrival(active->endpoint, &arrival);
    arrival.agreed = active->agreed;
    match(&active->want, &arrival, &result);
    bool by_quiet = result.state == MATCH_MORE;
    active->agreed = result.agreed;
    if (by_quiet && settled) {
        arrival.settled = true;
        match(&active->want, &arrival, &result);
    }
    if (result.state == MATCH_MORE)
        return 0;
    if (result.state == MATCH_YES) {
        finding_ok(finding);
        finding->consume = result.consumed;
    } else {
        arrival.settled = settled;
        int alternative = recognise(active, &arrival, result.diff_at, &finding->consume);
        if (alternative == -2) /* more bytes may make it a recognised mistake */
            return 0;
        fail_by(active, &arrival, &result, finding);
        finding->result.alternative = alternative;
        if (by_quiet && alternative < 0)
            explain_end(run, lane, moment, finding);
    }
    rest_on_quiet(active, by_quiet, result.state == MATCH_NO && settled, proof, finding);
    return 0;
}

const struct verb_ops verb_expect = {begin_expect, poll_expect, end_expect};
