/* driver/step_fetch.c: `fetch`: what a browser would get. */
#include "base/own.h"
#include "driver/fetch.h"

static int begin_fetch(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    const struct step *step = active->step;
    struct data_context context;
    AUTO_FREE char *url = NULL;
    step_context(run, lane, &context);
    limit_start(run, &active->limit, step_within(run, step, 0));
    if (step_expand(lane, step->u.fetch.url, &url, err) != 0 ||
        http_want_resolve(&step->u.fetch.want, &context, &active->want, err) != 0)
        return -1;
    run->inputs++;
    active->fetch = fetch_new(run, lane, url, err);
    return active->fetch ? 0 : -1;
}

static void end_fetch(struct run *run, struct lane *lane)
{
    (void)run;
    fetch_free(lane->active.fetch);
    lane->active.fetch = NULL;
    resolved_done(&lane->active.want);
}

/* A fault of libcurl, as an outcome. */
static enum outcome outcome_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return OUTCOME_REFUSED;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return OUTCOME_EOF;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return OUTCOME_RESET;
    default:
        return OUTCOME_OTHER;
    }
}

static void compare(const struct active *active, struct finding *finding)
{
    const struct fetch *fetch = active->fetch;
    struct match_result result;
    long status = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    const struct http_message message = {
        .status = (int)status,
        .header_lines = fetch->head.data ? fetch->head.data : "",
        .body = (const uint8_t *)(fetch->body.data ? fetch->body.data : ""),
        .body_len = fetch->body.len,
    };
    match_http_message(&active->want, &message, &result);
    if (result.state == MATCH_YES) {
        finding_ok(finding);
        return;
    }
    finding_fail(finding, result.outcome, result.expected, "%s", result.observed);
    if (result.class_name)
        finding->result.class_name = xstrdup(result.class_name);
    if (result.generic_class)
        finding->result.generic_class = xstrdup(result.generic_class);
    if (result.got[0])
        trace_figure(&finding->result, "got", "%s", result.got);
    if (result.want[0])
        trace_figure(&finding->result, "want", "%s", result.want);
}

static int poll_fetch(struct run *run, struct lane *lane, const struct moment *moment,
                      struct finding *finding, struct err *err)
{
    const struct active *active = &lane->active;
    const struct fetch *fetch = active->fetch;
    enum proof proof = PROOF_SEEN;
    const char *endless = fetch_endless(fetch);
    (void)err;
    if (endless) {
        finding_fail(finding, OUTCOME_OTHER, "an HTTP response", "%s", endless);
        finding->result.class_name = xstrdup(SCENARIO_CLASS_ENDLESS);
    } else if (fetch->done && fetch->result == CURLE_OK) {
        compare(active, finding);
    } else if (fetch->done) {
        finding_fail(finding, outcome_of(fetch->result), "an HTTP response", "%s",
                     fetch->error[0] ? fetch->error : curl_easy_strerror(fetch->result));
    } else if (step_settled(run, lane, moment, &proof)) {
        finding_fail(finding, fetch->head.len || fetch->body.len ? OUTCOME_SHORT : OUTCOME_NOTHING,
                     "an HTTP response", "%zu bytes of header and %zu of body, then nothing more",
                     fetch->head.len, fetch->body.len);
        finding->result.generic_class = xstrdup("http-no-answer");
        finding_add_where(run, finding);
        finding_by_quiet(finding, proof);
    }
    return 0;
}

const struct verb_ops verb_fetch = {begin_fetch, poll_fetch, end_fetch};
