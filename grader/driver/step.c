/* driver/step.c: what the verbs have in common, and the verbs that are small: start, wait. */
#include "base/io.h"
#include "base/own.h"
#include "driver/parts.h"

#include <stdarg.h>

/* ---- findings ---- */

void finding_ok(struct finding *finding)
{
    finding->done = true;
    finding->result.outcome = OUTCOME_OK;
}

void finding_fail(struct finding *finding, enum outcome outcome, const char *expected,
                  const char *format, ...)
{
    AUTO_BUF struct buf observed = {0};
    char line[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    (void)buf_add_str(&observed, line);
    finding->done = true;
    finding->result.outcome = outcome;
    finding->result.expected_text = xstrdup(expected);
    finding->result.observed_text = buf_take(&observed);
}

void finding_by_quiet(struct finding *finding, enum proof proof)
{
    finding->by_quiet = true;
    finding->quiet_proof = proof;
    finding->result.proof = proof;
}

void finding_add_where(struct run *run, struct finding *finding)
{
    AUTO_FREE char *where = explain_blocked(run);
    if (!*where)
        return;
    char *text = xasprintf("%s; %s", finding->result.observed_text, where);
    free(finding->result.observed_text);
    finding->result.observed_text = text;
}

/* ---- helpers ---- */

bool step_settled(struct run *run, struct lane *lane, const struct moment *moment,
                  enum proof *ret_proof)
{
    struct active *active = &lane->active;
    if (active->endpoint && sending_gated(active->endpoint)) {
        /* the rest of the question is still to be asked: the time for the answer begins then */
        limit_restart(run, &active->limit);
        *ret_proof = PROOF_DEADLINE;
        return io_now_ns() >= run->cap_ns;
    }
    bool reached = limit_reached(run, &active->limit); /* a span is over, quiet or not */
    bool quiet = moment->quiet && (moment->until_ns == UINT64_MAX ||
                                   moment->until_ns >= limit_not_before(run, &active->limit));
    *ret_proof = quiet ? moment->proof : PROOF_DEADLINE;
    return quiet || reached;
}

bool step_undated(const struct active *active)
{
    return active->limit.span && active->limit.due_ns;
}

int step_expand(const struct lane *lane, const char *text, char **ret, struct err *err)
{
    return vars_expand(lane_vars(lane), text, ret, err);
}

void step_context(const struct run *run, const struct lane *lane, struct data_context *ret)
{
    *ret = (struct data_context){
        .vars = lane_vars(lane), .world = &run->scenario->world, .seed = run->options->seed};
}

double step_within(const struct run *run, const struct step *step, double fallback)
{
    if (step->within_s >= 0)
        return step->within_s;
    return fallback > 0 ? fallback : run->assignment->within_s;
}

int step_endpoint(struct run *run, struct lane *lane, struct endpoint **ret, struct err *err)
{
    *ret = endpoint_find(run, lane, lane->active.name);
    if (!*ret)
        return err_set(err, ERR_USAGE, "%s: '%s' is not open", lane->active.path,
                       lane->active.name);
    return 0;
}

/* ---- start ---- */

/* A server that listens may still make its workers: what `check` compares with later is its state at rest. One that does
 * not come to rest is not waited for any longer than this, in seconds of its own time. */
#define SETTLE_S      0.1
#define FIRST_LOOK_NS 100000

static const char *ready_of(const struct run *run, const struct step *step)
{
    const char *ready = step->u.start.ready ? step->u.start.ready : run->assignment->ready;
    return ready && strcmp(ready, "none") != 0 ? ready : NULL;
}

static int begin_start(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    const char *ready = ready_of(run, active->step);
    AUTO_FREE char *refusal = NULL;
    if (program_start(run, lane, active->step, &active->endpoint, &refusal, err) != 0)
        return -1;
    limit_start(run, &active->limit, step_within(run, active->step, 0));
    if (refusal) {
        active->refused = true;
        active->text = TAKE_PTR(refusal);
        return 0;
    }
    active->program = active->endpoint->program;
    return ready ? step_expand(lane, ready, &active->text, err) : 0;
}

static void not_ready(struct run *run, const struct active *active, const struct server_look *look,
                      struct finding *finding)
{
    struct step_result *result = &finding->result;
    AUTO_FREE char *expected = xasprintf("a socket at %s", active->text);
    const char *name = look->protocol == IPPROTO_TCP ? "tcp" : "udp";
    const char *other = look->protocol == IPPROTO_TCP ? "udp" : "tcp";
    trace_figure(result, "port", "%u", (unsigned)look->port);
    switch (look->state) {
    case SERVER_SWAPPED:
    case SERVER_OTHER_PORT:
        finding_fail(finding, OUTCOME_OTHER, expected, "a socket at %s %u", name,
                     (unsigned)look->other);
        trace_figure(result, "other", "%u", (unsigned)look->other);
        result->class_name =
            xstrdup(look->state == SERVER_SWAPPED ? "missing-htons-port" : "wrong-port");
        break;
    case SERVER_OTHER_TYPE:
        finding_fail(finding, OUTCOME_OTHER, expected, "a socket at %s %u", other,
                     (unsigned)look->port);
        result->class_name = xstrdup("wrong-socket-type");
        break;
    case SERVER_NONE:
    case SERVER_THERE:
        finding_fail(finding, OUTCOME_NOTHING, expected, "no socket; %s",
                     active->program->end.ended ? "the program has ended" : "the program runs");
        result->generic_class = xstrdup("not-listening");
        finding_add_where(run, finding);
        break;
    }
}

static void ended_at_start(const struct active *active, struct finding *finding)
{
    AUTO_FREE char *end = program_end_text(&active->program->end);
    AUTO_FREE char *expected = xasprintf("a socket at %s", active->text);
    finding_fail(finding, OUTCOME_EOF, expected, "the program has ended: %s", end);
    finding->result.generic_class = xstrdup("exits-at-start");
}

static void note_ready(struct run *run, struct active *active, const struct server_look *look)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%s %s:%u", look->protocol == IPPROTO_TCP ? "tcp" : "udp",
                   look->address, (unsigned)look->other);
    (void)endpoint_now(run, active->endpoint, TRACE_READY, NULL, 0, text);
    active->is_ready = true;
    active->next_look_ns = 0;
    limit_start(run, &active->limit, SETTLE_S);
}

static int started(struct run *run, const struct active *active, struct finding *finding,
                   struct err *err)
{
    finding_ok(finding);
    return program_look(run, active->program, &active->program->baseline, err);
}

/* Looks for the socket, and for the end of the program. */
static int look_for_socket(struct run *run, struct active *active, struct server_look *look,
                           bool *ret_alive, struct err *err)
{
    struct process_stats stats = {.alive = true};
    active->pause_ns = active->pause_ns ? active->pause_ns * 3 / 2 : FIRST_LOOK_NS;
    active->next_look_ns = io_now_ns() + active->pause_ns;
    if (program_poll(run, active->endpoint, err) != 0 ||
        program_server(run, active->program, active->text, look, err) != 0)
        return -1;
    if (active->program->end.ended && program_look(run, active->program, &stats, err) != 0)
        return -1;
    *ret_alive = stats.alive; /* a daemon that forks away lives on */
    return 0;
}

static bool look_is_due(const struct active *active, bool settled)
{
    return settled || active->program->end.ended || io_now_ns() >= active->next_look_ns;
}

static int poll_start(struct run *run, struct lane *lane, const struct moment *moment,
                      struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    struct server_look look;
    bool alive = true;
    enum proof proof = PROOF_SEEN;
    if (active->refused) {
        finding_fail(finding, OUTCOME_OTHER, "a program that can be run", "%s", active->text);
        finding->result.generic_class = xstrdup("missing-program");
        return 0;
    }
    bool settled = step_settled(run, lane, moment, &proof);
    if (!active->text || (active->is_ready && (moment->quiet || settled)))
        return started(run, active, finding, err);
    if (active->is_ready || !look_is_due(active, settled))
        return 0;
    if (look_for_socket(run, active, &look, &alive, err) != 0)
        return -1;
    if (look.state == SERVER_THERE) {
        note_ready(run, active, &look);
        /* at rest, with the socket there, and no timer that may have gone off meanwhile: no need to ask again */
        if (moment->quiet && moment->until_ns == UINT64_MAX)
            return started(run, active, finding, err);
    } else if (!alive) {
        ended_at_start(active, finding);
    } else if (settled) {
        not_ready(run, active, &look, finding);
        finding_by_quiet(finding, proof);
        if (look.state != SERVER_NONE)
            finding->result.proof = PROOF_SEEN; /* the wrong socket stands in the table */
    }
    return 0;
}

const struct verb_ops verb_start = {begin_start, poll_start, NULL};

/* ---- wait ---- */

static int begin_wait(struct run *run, struct lane *lane, struct err *err)
{
    (void)err;
    limit_start(run, &lane->active.limit, lane->active.step->u.wait_s);
    run->cap_ns += seconds_to_ns(lane->active.step->u.wait_s); /* asked for by the scenario */
    return 0;
}

/* A real pause: wall time, whatever the program does. */
static int poll_wait(struct run *run, struct lane *lane, const struct moment *moment,
                     struct finding *finding, struct err *err)
{
    const struct limit *limit = &lane->active.limit;
    (void)run;
    (void)moment;
    (void)err;
    if (io_now_ns() >= limit->wall_ns + seconds_to_ns(limit->seconds))
        finding_ok(finding);
    return 0;
}

const struct verb_ops verb_wait = {begin_wait, poll_wait, NULL};
