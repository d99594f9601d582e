/* scenario/match_http.c: an HTTP message against what was wanted.
 *
 * First the message has to be one: broken syntax is told by its class, whatever was wanted. Then come status, headers,
 * framing and body, in this order. Interim responses (1xx) are passed over unless the expectation names them. Bytes
 * behind a complete message that do not begin another one belong to it: the body is longer than it says. */
#include "base/own.h"
#include "base/text.h"
#include "scenario/http_read.h"
#include "scenario/match_parts.h"

#include <regex.h>
#include <stdarg.h>
#include <string.h>

struct message {
    int status; /* 0: a request */
    const uint8_t *fields;
    size_t fields_len;
    const uint8_t *body;
    size_t body_len;
    enum http_framing framing; /* ANY: not known (fetch) */
};

__attribute__((format(printf, 4, 5))) static void fail(struct match_result *ret,
                                                       enum outcome outcome, const char *expected,
                                                       const char *format, ...)
{
    va_list list;
    match_fail(ret, outcome, SIZE_MAX);
    (void)snprintf(ret->expected, sizeof ret->expected, "%s", expected);
    va_start(list, format);
    (void)vsnprintf(ret->observed, sizeof ret->observed, format, list);
    va_end(list);
}

/* ---- content: true when it is as wanted ---- */

static bool status_is_wanted(const struct http_want *want, int status)
{
    for (size_t i = 0; i < want->n_status; i++)
        if (want->status[i] == (want->status[i] < 10 ? status / 100 : status))
            return true;
    return want->n_status == 0;
}

static bool match_status(const struct http_want *want, int status, struct match_result *ret)
{
    if (!status || status_is_wanted(want, status))
        return true;
    AUTO_BUF struct buf text = {0};
    for (size_t i = 0; i < want->n_status; i++)
        (void)buf_printf(&text, "%s%d%s", i ? " or " : "", want->status[i],
                         want->status[i] < 10 ? "xx" : "");
    AUTO_FREE char *expected = xasprintf("status %s", text.data ? text.data : "");
    fail(ret, OUTCOME_OTHER, expected, "status %d", status);
    (void)snprintf(ret->got, sizeof ret->got, "%d", status);
    (void)snprintf(ret->want, sizeof ret->want, "%s", text.data ? text.data : "");
    ret->generic_class = "status-code";
    return false;
}

static bool value_matches(const char *pattern, const char *value)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        return false;
    const bool matches = regexec(&regex, value, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static bool match_field(const struct resolved_header *want, const struct message *message,
                        struct match_result *ret)
{
    AUTO_BUF struct buf value = {0};
    AUTO_BUF struct buf shown = {0};
    const bool there = http_field(message->fields, message->fields_len, want->name, &value);
    const char *text = value.data ? value.data : "";
    if (there == (want->pattern != NULL) && (!there || value_matches(want->pattern, text)))
        return true;
    text_escape(&shown, text, value.len, 100);
    AUTO_FREE char *expected =
        want->pattern ? xasprintf("header %.40s that matches \"%.120s\"", want->name, want->pattern)
                      : xasprintf("no header %.40s", want->name);
    if (!there)
        fail(ret, OUTCOME_OTHER, expected, "no header %.40s", want->name);
    else
        fail(ret, want->pattern ? OUTCOME_DIFFERENT : OUTCOME_EXTRA, expected, "%.40s: %s",
             want->name, shown.data ? shown.data : "");
    (void)snprintf(ret->got, sizeof ret->got, "%s", shown.data ? shown.data : "");
    return false;
}

static bool match_framing(const struct http_want *want, const struct message *message,
                          struct match_result *ret)
{
    static const char *const names[] = {
        [HTTP_FRAMING_ANY] = "any",
        [HTTP_FRAMING_LENGTH] = "a body of a length that is said (Content-Length)",
        [HTTP_FRAMING_CHUNKED] = "a chunked body",
        [HTTP_FRAMING_CLOSE] = "a body that ends with the connection",
    };
    if (want->framing == HTTP_FRAMING_ANY || message->framing == HTTP_FRAMING_ANY ||
        want->framing == message->framing)
        return true;
    fail(ret, OUTCOME_OTHER, names[want->framing], "%s", names[message->framing]);
    return false;
}

static bool match_body(const struct resolved *resolved, const struct message *message,
                       struct match_result *ret)
{
    const struct pattern *want = &resolved->data;
    if (!resolved->http->body)
        return true;
    const size_t diff = pattern_mismatch(want, message->body, message->body_len);
    if (diff == SIZE_MAX && message->body_len == want->len)
        return true;
    AUTO_FREE char *data = pattern_describe(want);
    AUTO_FREE char *expected = xasprintf("body: %s", data);
    const enum outcome outcome = diff != SIZE_MAX                ? OUTCOME_DIFFERENT
                                 : message->body_len < want->len ? OUTCOME_SHORT
                                                                 : OUTCOME_EXTRA;
    AUTO_BUF struct buf shown = {0};
    const size_t from = diff == SIZE_MAX ? 0 : diff;
    if (message->body) /* there may be none at all */
        text_escape(&shown, message->body + from, message->body_len - from, 32);
    AUTO_FREE char *where = diff == SIZE_MAX ? NULL : xasprintf(", wrong from byte %zu on", diff);
    fail(ret, outcome, expected, "a body of %zu byte%s%s: \"%s\"", message->body_len,
         message->body_len == 1 ? "" : "s", where ? where : "", shown.data ? shown.data : "");
    ret->diff_at = outcome == OUTCOME_EXTRA ? want->len : diff;
    ret->difference.bytes = message->body;
    ret->difference.len = message->body_len;
    return false;
}

static bool match_message(const struct resolved *resolved, const struct message *message,
                          struct match_result *ret)
{
    if (!match_status(resolved->http, message->status, ret))
        return false;
    for (size_t i = 0; i < resolved->n_headers; i++)
        if (!match_field(&resolved->headers[i], message, ret))
            return false;
    return match_framing(resolved->http, message, ret) && match_body(resolved, message, ret);
}

void match_http_message(const struct resolved *resolved, const struct http_message *message,
                        struct match_result *ret)
{
    const char *fields = message->header_lines ? message->header_lines : "";
    const struct message view = {.status = message->status,
                                 .fields = (const uint8_t *)fields,
                                 .fields_len = strlen(fields),
                                 .body = message->body,
                                 .body_len = message->body_len,
                                 .framing = HTTP_FRAMING_ANY};
    *ret = (struct match_result){.diff_at = SIZE_MAX};
    if (match_message(resolved, &view, ret))
        ret->state = MATCH_YES;
}

/* ---- a message on a stream ---- */

static bool match_request_line(const struct resolved *resolved, const uint8_t *line, size_t len,
                               struct match_result *ret)
{
    const char *want = resolved->request_line;
    if (!want || (strlen(want) == len && memcmp(want, line, len) == 0))
        return true;
    AUTO_BUF struct buf shown = {0};
    text_escape(&shown, line, len, 100);
    AUTO_FREE char *expected = xasprintf("request line \"%.200s\"", want);
    fail(ret, OUTCOME_DIFFERENT, expected, "request line \"%s\"", shown.data ? shown.data : "");
    size_t at = 0;
    while (at < len && want[at] && (uint8_t)want[at] == line[at])
        at++;
    ret->diff_at = at;
    return false;
}

/* The class of a message that stops where `reading` stands: certain ones in class_name, guesses in generic_class. */
static void name_incomplete(const struct arrival *arrival, const struct http_reading *reading,
                            bool is_request, struct match_result *ret)
{
    if (reading->part == HTTP_IN_START_LINE) {
        if (arrival->len == 0 && ret->outcome != OUTCOME_NOTHING && !is_request)
            ret->generic_class = "http-closed";
    } else if (ret->outcome == OUTCOME_RESET) {
        return; /* the reset is to blame, not the message */
    } else if (reading->part == HTTP_IN_HEADER && !reading->line_is_field) {
        ret->class_name = is_request ? "no-header-end" : "missing-blank-line";
    } else if (reading->part == HTTP_IN_BODY) {
        ret->generic_class = "content-length-too-big";
    } else if (reading->part == HTTP_UNTIL_CLOSE) {
        ret->outcome = OUTCOME_OPEN;
        ret->class_name = "no-framing";
    }
}

/* Nothing more comes and the message is not complete. */
static void incomplete(const struct resolved *resolved, const struct arrival *arrival,
                       const struct http_reading *reading, struct match_result *ret)
{
    static const char *const texts[] = {
        [HTTP_IN_HEADER] = "a header without the empty line at its end",
        [HTTP_IN_CHUNKS] = "a chunked body without its last chunk",
        [HTTP_UNTIL_CLOSE] = "neither Content-Length nor chunks, and the connection stays open",
    };
    match_incomplete(resolved, arrival, ret);
    if (ret->state != MATCH_NO)
        return;
    name_incomplete(arrival, reading, resolved->http->is_request, ret);
    if (reading->part == HTTP_IN_BODY)
        (void)snprintf(ret->observed, sizeof ret->observed,
                       "Content-Length %llu, but %zu byte%s of body",
                       (unsigned long long)reading->content_length, reading->body_len,
                       reading->body_len == 1 ? "" : "s");
    else if (reading->part < ARRAY_SIZE(texts) && texts[reading->part] &&
             ret->outcome != OUTCOME_RESET)
        (void)snprintf(ret->observed, sizeof ret->observed, "%s", texts[reading->part]);
}

/* True when bytes behind the message are none of its own. */
static bool nothing_behind(const struct resolved *resolved, const uint8_t *bytes, size_t len,
                           const struct http_reading *reading, struct match_result *ret)
{
    const size_t rest = len - reading->total;
    const size_t n = rest < 5 ? rest : 5;
    if (rest == 0 || resolved->http->is_request || memcmp(bytes + reading->total, "HTTP/", n) == 0)
        return true;
    AUTO_BUF struct buf shown = {0};
    text_escape(&shown, bytes + reading->total, rest, 32);
    fail(ret, OUTCOME_EXTRA,
         reading->no_body ? "a response without a body" : "nothing after the response",
         "%zu byte%s after its end: \"%s\"", rest, rest == 1 ? "" : "s",
         shown.data ? shown.data : "");
    ret->diff_at = reading->total;
    const char *method = resolved->http->method;
    if (reading->no_body && method && strcmp(method, "HEAD") == 0)
        ret->class_name = "head-has-body";
    else if (!reading->no_body && reading->framing == HTTP_FRAMING_LENGTH)
        ret->class_name = "content-length-too-small";
    return false;
}

static bool is_interim(const struct http_want *want, const struct http_reading *reading)
{
    if (want->is_request || reading->status / 100 != 1 || reading->status == 101)
        return false;
    return want->n_status == 0 || !status_is_wanted(want, reading->status);
}

static bool match_complete(const struct resolved *resolved, const uint8_t *bytes, size_t len,
                           const struct http_reading *reading, const struct buf *decoded,
                           struct match_result *ret)
{
    const bool chunked = reading->framing == HTTP_FRAMING_CHUNKED && !reading->no_body;
    const struct message view = {.status = reading->status,
                                 .fields = bytes + reading->fields_at,
                                 .fields_len = reading->head_len - reading->fields_at,
                                 .body = chunked ? (const uint8_t *)decoded->data
                                                 : bytes + reading->body_at,
                                 .body_len = chunked ? decoded->len : reading->body_len,
                                 .framing = reading->framing};
    return (!resolved->http->is_request ||
            match_request_line(resolved, bytes, reading->line_len, ret)) &&
           nothing_behind(resolved, bytes, len, reading, ret) &&
           match_message(resolved, &view, ret);
}

bool match_http_stream(const struct resolved *resolved, const struct arrival *arrival,
                       struct match_result *ret, size_t *used)
{
    const struct http_want *want = resolved->http;
    const bool head = want->method && strcmp(want->method, "HEAD") == 0;
    const uint8_t *bytes = arrival->bytes ? arrival->bytes : (const uint8_t *)"";
    struct http_reading reading;
    size_t from = 0;
    for (unsigned interim = 0;; from += reading.total, interim++) {
        if (interim > SCENARIO_MAX_INTERIM) {
            fail(ret, OUTCOME_OTHER, "an HTTP response",
                 "more than %d interim responses (1xx) and no final one", SCENARIO_MAX_INTERIM);
            ret->diff_at = from;
            ret->class_name = SCENARIO_CLASS_ENDLESS;
            return false;
        }
        buf_reset(resolved->decoded);
        http_read(bytes + from, arrival->len - from, want->is_request, head, arrival->eof,
                  resolved->decoded, &reading);
        if (reading.state != HTTP_COMPLETE || !is_interim(want, &reading))
            break;
    }
    if (reading.state == HTTP_MORE) {
        incomplete(resolved, arrival, &reading, ret);
        return false;
    }
    if (reading.state == HTTP_BROKEN) {
        fail(ret, OUTCOME_DIFFERENT, want->is_request ? "an HTTP request" : "an HTTP response",
             "%s", reading.what);
        ret->diff_at = from + reading.at;
        ret->class_name = reading.class_name;
        return false;
    }
    *used = from + reading.total;
    if (match_complete(resolved, bytes + from, arrival->len - from, &reading, resolved->decoded,
                       ret))
        return true;
    if (!ret->difference.bytes && ret->diff_at != SIZE_MAX)
        ret->diff_at += from;
    return false;
}
