/* scenario/match_explain.c: what was asked for and what came, in one line each. */
#include "base/own.h"
#include "base/text.h"
#include "scenario/match_parts.h"

#include <string.h>

#define MAX_SHOWN 32 /* bytes of the answer in a line */

static void set_line(char *to, size_t size, const struct buf *text)
{
    (void)snprintf(to, size, "%s", text->data ? text->data : "");
}

static void explain_http_want(struct buf *out, const struct resolved *resolved)
{
    const struct http_want *http = resolved->http;
    if (http->is_request) {
        (void)buf_printf(out, "an HTTP request%s%s", resolved->request_line ? " " : "",
                         resolved->request_line ? resolved->request_line : "");
        return;
    }
    (void)buf_add_str(out, "an HTTP response");
    for (size_t i = 0; i < http->n_status; i++) {
        const int code = http->status[i];
        (void)buf_printf(out, "%s%d%s", i ? " or " : " with status ", code, code < 10 ? "xx" : "");
    }
}

static void explain_want(struct buf *out, const struct resolved *resolved,
                         const struct arrival *arrival)
{
    const struct expectation *want = resolved->expectation;
    const char *unit = arrival->datagrams ? "a datagram of " : "";
    if (want->silence_set) {
        (void)buf_add_str(out, want->open ? "nothing, and no end of stream" : "nothing");
    } else if (want->data) {
        AUTO_FREE char *data = pattern_describe(&resolved->data);
        (void)buf_printf(out, "%s%s", unit, data);
    } else if (want->matches) {
        (void)buf_add_str(out, "something that matches \"");
        text_escape(out, resolved->matches, strlen(resolved->matches), 120);
        (void)buf_add_char(out, '"');
    } else if (want->count_set) {
        (void)buf_printf(out, "%s%llu byte%s", unit, (unsigned long long)want->count,
                         want->count == 1 ? "" : "s");
    } else if (want->http) {
        explain_http_want(out, resolved);
    }
    const char *ending = want->eof      ? "end of stream"
                         : want->reset  ? "a reset"
                         : want->closed ? "the end of the connection"
                                        : NULL;
    if (ending)
        (void)buf_printf(out, "%s%s", out->len ? ", then " : "", ending);
}

static void add_bytes(struct buf *out, const uint8_t *bytes, size_t len)
{
    (void)buf_printf(out, "%zu byte%s \"", len, len == 1 ? "" : "s");
    text_escape(out, bytes, len, MAX_SHOWN);
    (void)buf_add_char(out, '"');
}

static const char *ended_by(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_EOF:
        return "end of stream";
    case OUTCOME_RESET:
        return "a reset";
    case OUTCOME_REFUSED:
        return "the port is closed (ICMP)";
    case OUTCOME_OPEN:
        return "no end: the stream stays open";
    default:
        return "nothing more";
    }
}

static void explain_wrong_byte(struct buf *out, const struct resolved *resolved,
                               const struct arrival *arrival, size_t at)
{
    AUTO_FREE char *field =
        resolved->expectation->data
            ? pattern_field_diff(&resolved->data, arrival->bytes, arrival->len, at)
            : NULL;
    if (field) {
        (void)buf_add_str(out, field);
        return;
    }
    (void)buf_printf(out, "byte %zu is wrong: ", at);
    add_bytes(out, arrival->bytes + at, arrival->len - at);
}

static void explain_more_bytes(struct buf *out, const struct arrival *arrival, size_t at)
{
    if (at)
        (void)buf_add_str(out, "the right bytes, then ");
    add_bytes(out, arrival->bytes + at, arrival->len - at);
    if (at)
        (void)buf_add_str(out, " more");
}

static void explain_end(struct buf *out, const struct arrival *arrival, enum outcome outcome)
{
    if (arrival->datagrams && arrival->n_datagrams) {
        (void)buf_add_str(out, "a datagram of ");
        add_bytes(out, arrival->bytes, arrival->len);
    } else if (arrival->len) {
        add_bytes(out, arrival->bytes, arrival->len);
        (void)buf_printf(out, ", then %s", ended_by(outcome));
    } else {
        (void)buf_add_str(out, outcome == OUTCOME_NOTHING ? "nothing" : ended_by(outcome));
    }
}

static void explain_came(struct buf *out, const struct resolved *resolved,
                         const struct arrival *arrival, const struct match_result *ret)
{
    const bool at_byte = ret->diff_at < arrival->len; /* SIZE_MAX: at none */
    if (at_byte && ret->outcome == OUTCOME_DIFFERENT)
        explain_wrong_byte(out, resolved, arrival, ret->diff_at);
    else if (at_byte && ret->outcome == OUTCOME_EXTRA)
        explain_more_bytes(out, arrival, ret->diff_at);
    else
        explain_end(out, arrival, ret->outcome);
}

void match_explain(const struct resolved *resolved, const struct arrival *arrival,
                   struct match_result *ret)
{
    AUTO_BUF struct buf want = {0};
    AUTO_BUF struct buf came = {0};
    if (!ret->expected[0]) {
        explain_want(&want, resolved, arrival);
        set_line(ret->expected, sizeof ret->expected, &want);
    }
    if (!ret->observed[0]) {
        explain_came(&came, resolved, arrival, ret);
        set_line(ret->observed, sizeof ret->observed, &came);
    }
}
