/* scenario/match.c: one expectation against what has come so far.
 *
 * An expectation on a stream has a leading part (bytes exactly, a text that matches, a number of bytes, an HTTP message,
 * or nothing) and an ending (end of stream, reset, either, or nothing said: then what follows the leading part stays for
 * the next expectation). The leading part is looked at first. While it is incomplete, the end of the stream, a reset or
 * the certainty that nothing more comes decide; before, the answer is MORE.
 *
 * Datagrams have no ending: one datagram is the whole of what an expectation asks for. */
#include "scenario/match.h"

#include "base/own.h"
#include "base/text.h"
#include "scenario/match_parts.h"
#include "scenario/vars.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REGEX_BYTES ((size_t)64 << 10) /* of the answer: regexec(3) is not linear */

/* ---- resolving ---- */

static int resolve_http(const struct http_want *http, const struct data_context *context,
                        struct resolved *ret, struct err *err)
{
    ret->decoded = xcalloc(1, sizeof *ret->decoded);
    buf_init(ret->decoded, SCENARIO_MAX_DATA_BYTES);
    if (http->body && data_resolve(http->body, context, &ret->data, err) < 0)
        return -1;
    if (http->request_line &&
        vars_expand(context->vars, http->request_line, &ret->request_line, err) < 0)
        return -1;
    ret->headers = xcalloc(http->n_headers ? http->n_headers : 1, sizeof *ret->headers);
    for (; ret->n_headers < http->n_headers; ret->n_headers++) {
        const struct http_header_want *from = &http->headers[ret->n_headers];
        struct resolved_header *to = &ret->headers[ret->n_headers];
        if (from->pattern && vars_expand(context->vars, from->pattern, &to->pattern, err) < 0)
            return -1;
        to->name = xstrdup(from->name);
    }
    return 0;
}

int http_want_resolve(const struct http_want *want, const struct data_context *context,
                      struct resolved *ret, struct err *err)
{
    *ret = (struct resolved){.http = want};
    if (resolve_http(want, context, ret, err) == 0)
        return 0;
    resolved_done(ret);
    return -1;
}

int expectation_resolve(const struct expectation *expectation, const struct data_context *context,
                        struct resolved *ret, struct err *err)
{
    *ret = (struct resolved){.expectation = expectation, .http = expectation->http};
    if (expectation->data && data_resolve(expectation->data, context, &ret->data, err) < 0)
        return -1;
    if ((!expectation->matches ||
         vars_expand(context->vars, expectation->matches, &ret->matches, err) == 0) &&
        (!expectation->http || resolve_http(expectation->http, context, ret, err) == 0))
        return 0;
    resolved_done(ret);
    return -1;
}

void resolved_done(struct resolved *resolved)
{
    pattern_done(&resolved->data);
    free(resolved->matches);
    free(resolved->request_line);
    for (size_t i = 0; i < resolved->n_headers; i++) {
        free(resolved->headers[i].name);
        free(resolved->headers[i].pattern);
    }
    free(resolved->headers);
    if (resolved->decoded)
        buf_done(resolved->decoded);
    free(resolved->decoded);
    *resolved = (struct resolved){0};
}

/* ---- answers ---- */

static void more(struct match_result *ret)
{
    ret->state = MATCH_MORE;
}

void match_fail(struct match_result *ret, enum outcome outcome, size_t diff_at)
{
    ret->state = MATCH_NO;
    ret->outcome = outcome;
    ret->diff_at = diff_at;
}

/* The leading part is not complete: the stream's state decides. */
void match_incomplete(const struct resolved *resolved, const struct arrival *arrival,
                      struct match_result *ret)
{
    if (arrival->reset && resolved->expectation->reset) {
        ret->state = MATCH_YES; /* the reset came instead of the bytes, which "reset" allows */
        ret->consumed = arrival->len;
    } else if (arrival->reset) {
        match_fail(ret, OUTCOME_RESET, SIZE_MAX);
    } else if (arrival->eof) {
        match_fail(ret, OUTCOME_EOF, SIZE_MAX);
    } else if (arrival->settled) {
        match_fail(ret, arrival->len ? OUTCOME_SHORT : OUTCOME_NOTHING, SIZE_MAX);
    } else {
        more(ret);
    }
}

/* ---- leading parts: true with *used when complete; false when ret holds the answer ---- */

static bool lead_data(const struct resolved *resolved, const struct arrival *arrival,
                      struct match_result *ret, size_t *used)
{
    const struct pattern *data = &resolved->data;
    const size_t n = arrival->len < data->len ? arrival->len : data->len;
    const size_t skip = arrival->agreed < n ? arrival->agreed : n;
    const struct pattern rest = {.bytes = data->bytes + skip,
                                 .mask = data->mask ? data->mask + skip : NULL,
                                 .len = data->len - skip};
    const size_t diff =
        n > skip ? pattern_mismatch(&rest, arrival->bytes + skip, n - skip) : SIZE_MAX;
    if (diff != SIZE_MAX) {
        match_fail(ret, OUTCOME_DIFFERENT, skip + diff);
        return false;
    }
    ret->agreed = n;
    *used = data->len;
    if (n == data->len)
        return true;
    match_incomplete(resolved, arrival, ret);
    return false;
}

static bool regex_find(const char *pattern, const uint8_t *bytes, size_t len, size_t *ret_end)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE) != 0)
        return false; /* the loader has refused broken ones; a variable's value may still break it */
    regmatch_t found = {.rm_so = 0,
                        .rm_eo = (regoff_t)(len < MAX_REGEX_BYTES ? len : MAX_REGEX_BYTES)};
    /* REG_STARTEND: the bytes may hold 00, and have no terminator */
    const char *text = bytes ? (const char *)bytes : "";
    const bool matched = regexec(&regex, text, 1, &found, REG_STARTEND) == 0;
    *ret_end = matched ? (size_t)found.rm_eo : 0;
    regfree(&regex);
    return matched;
}

static bool lead_matches(const struct resolved *resolved, const struct arrival *arrival,
                         struct match_result *ret, size_t *used)
{
    const struct expectation *want = resolved->expectation;
    if (regex_find(resolved->matches, arrival->bytes, arrival->len, used)) {
        if (want->eof || want->reset || want->closed)
            *used = arrival->len;
        return true;
    }
    if (arrival->len && !arrival->reset && (arrival->eof || arrival->settled))
        match_fail(ret, OUTCOME_DIFFERENT, SIZE_MAX);
    else
        match_incomplete(resolved, arrival, ret);
    return false;
}

static bool lead_count(const struct resolved *resolved, const struct arrival *arrival,
                       struct match_result *ret, size_t *used)
{
    *used = (size_t)resolved->expectation->count;
    if (arrival->len >= *used)
        return true;
    match_incomplete(resolved, arrival, ret);
    return false;
}

static bool lead(const struct resolved *resolved, const struct arrival *arrival,
                 struct match_result *ret, size_t *used)
{
    const struct expectation *want = resolved->expectation;
    *used = 0;
    if (want->data)
        return lead_data(resolved, arrival, ret, used);
    if (want->matches)
        return lead_matches(resolved, arrival, ret, used);
    if (want->count_set)
        return lead_count(resolved, arrival, ret, used);
    if (want->http)
        return match_http_stream(resolved, arrival, ret, used);
    return true;
}

/* ---- endings ---- */

static void accept(struct match_result *ret, size_t consumed)
{
    ret->state = MATCH_YES;
    ret->consumed = consumed;
}

static bool ended_as_wanted(const struct expectation *want, const struct arrival *arrival)
{
    return ((want->eof || want->closed) && arrival->eof) ||
           ((want->reset || want->closed) && arrival->reset);
}

/* It has ended otherwise, or not at all. */
static void not_ended(const struct arrival *arrival, struct match_result *ret)
{
    if (arrival->reset)
        match_fail(ret, OUTCOME_RESET, SIZE_MAX);
    else if (arrival->eof)
        match_fail(ret, OUTCOME_EOF, SIZE_MAX);
    else if (arrival->settled)
        match_fail(ret, OUTCOME_OPEN, SIZE_MAX);
    else
        more(ret);
}

static void ending(const struct expectation *want, const struct arrival *arrival, size_t used,
                   struct match_result *ret)
{
    const bool asked = want->eof || want->reset || want->closed;
    if (asked && !want->closed && arrival->len > used)
        match_fail(ret, OUTCOME_EXTRA, used);
    else if (asked && !ended_as_wanted(want, arrival))
        not_ended(arrival, ret);
    else
        accept(ret,
               want->closed ? arrival->len : used); /* "closed": bytes before it do not matter */
}

static void match_silence(const struct expectation *want, const struct arrival *arrival,
                          struct match_result *ret)
{
    const size_t there = arrival->datagrams ? arrival->n_datagrams : arrival->len;
    if (there && !want->any_bytes)
        match_fail(ret, OUTCOME_EXTRA, 0);
    else if (arrival->reset)
        match_fail(ret, arrival->datagrams ? OUTCOME_REFUSED : OUTCOME_RESET, SIZE_MAX);
    else if (arrival->eof && want->open)
        match_fail(ret, OUTCOME_EOF, SIZE_MAX);
    else if (arrival->eof || arrival->settled)
        accept(ret, there);
    else
        more(ret);
}

/* ---- datagrams ---- */

static enum outcome datagram_outcome(const struct resolved *resolved, const struct arrival *arrival,
                                     size_t *diff_at)
{
    const struct expectation *want = resolved->expectation;
    const size_t wanted = want->data ? resolved->data.len : (size_t)want->count;
    *diff_at = SIZE_MAX;
    if (want->matches) {
        size_t end = 0;
        return regex_find(resolved->matches, arrival->bytes, arrival->len, &end)
                   ? OUTCOME_OK
                   : OUTCOME_DIFFERENT;
    }
    if (!want->data && !want->count_set)
        return OUTCOME_OK;
    if (want->data)
        *diff_at = pattern_mismatch(&resolved->data, arrival->bytes, arrival->len);
    if (*diff_at != SIZE_MAX)
        return OUTCOME_DIFFERENT;
    if (arrival->len > wanted)
        *diff_at = wanted;
    return arrival->len == wanted ? OUTCOME_OK
                                  : (arrival->len < wanted ? OUTCOME_SHORT : OUTCOME_EXTRA);
}

static void match_datagram(const struct resolved *resolved, const struct arrival *arrival,
                           struct match_result *ret)
{
    if (arrival->n_datagrams) {
        size_t diff_at = SIZE_MAX;
        const enum outcome outcome = datagram_outcome(resolved, arrival, &diff_at);
        if (outcome == OUTCOME_OK)
            accept(ret, 1);
        else if (resolved->expectation->any_order && !arrival->settled && !arrival->eof)
            more(ret); /* it may still be on its way behind others */
        else
            match_fail(ret, outcome, diff_at);
    } else if (arrival->reset) {
        match_fail(ret, OUTCOME_REFUSED, SIZE_MAX); /* ICMP port unreachable */
    } else if (arrival->settled || arrival->eof) {
        match_fail(ret, OUTCOME_NOTHING, SIZE_MAX);
    } else {
        more(ret);
    }
}

void match(const struct resolved *resolved, const struct arrival *arrival, struct match_result *ret)
{
    const struct expectation *want = resolved->expectation;
    *ret = (struct match_result){.diff_at = SIZE_MAX};
    if (want->silence_set) {
        match_silence(want, arrival, ret);
    } else if (arrival->datagrams) {
        match_datagram(resolved, arrival, ret);
    } else {
        size_t used = 0;
        if (lead(resolved, arrival, ret, &used))
            ending(want, arrival, used, ret);
    }
    if (ret->state == MATCH_NO)
        match_explain(resolved, arrival, ret);
}
