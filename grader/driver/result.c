/* driver/result.c: see result.h. */
#include "driver/result.h"
#include "base/own.h"
#include "base/text.h"

void finding_init(struct finding *finding)
{
    *finding = (struct finding){0};
    trace_result_init(&finding->result);
}

void finding_done(struct finding *finding)
{
    trace_result_done(&finding->result);
}

/* Does the timeline end here? What is only a SHOULD, or was recognised as harmless, lets it go on. */
static bool is_fatal(const struct step *step, const struct step_result *result)
{
    if (result->outcome == OUTCOME_OK || step->force != FORCE_MUST)
        return false;
    return result->alternative < 0 ||
           step->alternatives[result->alternative].verdict == VERDICT_FAILED;
}

/* {arg} of the sentences: the value that a loop over bad arguments had just then. */
static void add_arg(const struct lane *lane, struct step_result *result)
{
    const char *arg = vars_get(lane_vars(lane), "arg");
    if (!arg)
        return;
    AUTO_BUF struct buf text = {0};
    text_escape(&text, arg, strlen(arg), 30);
    trace_figure(result, "arg", "%s", text.data ? text.data : "");
}

static void note_where(struct run *run, const struct lane *lane, const struct step_result *result)
{
    if (result->outcome == OUTCOME_OK || result->proof == PROOF_SEEN || !run->first)
        return;
    AUTO_FREE char *where = observe_where(run->observer, run->first->init);
    char head[64];
    (void)snprintf(head, sizeof head, "%s: ", proof_name(result->proof));
    AUTO_FREE char *text = xasprintf("%s%s", head, where);
    trace_event(run->trace, run_us(run), TRACE_NOTE, "srv", lane->active.number, NULL, 0, text);
}

int finding_accept(struct run *run, struct lane *lane, struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    struct step_result *result = &finding->result;
    const struct step *step = active->step;
    (void)err;
    result->step = active->number;
    result->source = step;
    (void)snprintf(result->path, sizeof result->path, "%s", active->path);
    (void)snprintf(result->actor, sizeof result->actor, "%.31s",
                   active->endpoint ? active->endpoint->actor : active->name);
    result->from_us = active->began_us;
    result->to_us = run_us(run);
    if (finding->consume && active->endpoint)
        endpoint_consume(run, active->endpoint, finding->consume);
    if (active->endpoint && step->verb == VERB_EXPECT) {
        active->endpoint->unsent = NULL; /* who reads on would have seen it */
        if (endpoint_rewatch(run, active->endpoint) != 0)
            return err_set(err, run->err.kind, "%s", run->err.text);
    }
    if (result->outcome != OUTCOME_OK) {
        add_arg(lane, result);
        faults_explain(run, result);
        note_where(run, lane, result);
    }
    run->over |= is_fatal(step, result);
    trace_result_add(run->trace, result);
    return 0;
}

static void add_unsent(struct run *run, const struct endpoint *endpoint)
{
    struct step_result *result = trace_result(run->trace);
    const struct step *step = endpoint->unsent;
    result->step = run->n_steps++;
    result->source = step;
    (void)snprintf(result->path, sizeof result->path, "%s", endpoint->unsent_path);
    (void)snprintf(result->actor, sizeof result->actor, "%.31s", endpoint->actor);
    result->outcome = endpoint->connect_errno ? OUTCOME_REFUSED
                      : endpoint->reset       ? OUTCOME_RESET
                                              : OUTCOME_EOF;
    result->expected_text = xstrdup("a peer that takes what is sent");
    result->observed_text = xstrdup("it had closed the connection");
    result->from_us = result->to_us = run_us(run);
    run->over |= is_fatal(step, result);
}

void results_unsent(struct run *run, const struct lane *lane)
{
    for (size_t i = 0; i < run->n_endpoints && !run->over; i++) {
        const struct endpoint *endpoint = run->endpoints[i];
        if (endpoint->lane == lane && endpoint->unsent)
            add_unsent(run, endpoint);
    }
}
