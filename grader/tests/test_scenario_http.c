/* The strict HTTP/1.1 reader: what is broken, what is incomplete, what is not as wanted. */
#include "scenario/match.h"
#include "scenario/vars.h"
#include "tests/scenario_help.h"

struct http_case {
    const char *http; /* the expectation's object */
    const char *bytes, *state;
    enum match_state wanted;
    enum outcome outcome;
    const char *class_name; /* NULL: none */
    size_t number;          /* YES: consumed */
};

static struct resolved resolve(const char *http, struct assignment **ret_assignment)
{
    AUTO_FREE char *steps = xasprintf(
        "{\"open\": \"a\", \"tcp\": \"${host}:${port}\"}, {\"expect\": \"a\", \"http\": %s}", http);
    AUTO_FREE char *text = help_file(steps);
    struct vars vars;
    struct err err = {0};
    struct resolved resolved;
    *ret_assignment = help_load(text);
    vars_init(&vars, NULL);
    vars_set(&vars, "port", "7007");
    const struct data_context context = {
        .vars = &vars, .world = &(*ret_assignment)->scenarios[0].world, .seed = 1};
    cr_assert_eq(expectation_resolve(&(*ret_assignment)->scenarios[0].steps[2].expect, &context,
                                     &resolved, &err),
                 0, "%s", err.text);
    vars_done(&vars);
    return resolved;
}

static void run_case(size_t i, const struct http_case *c)
{
    struct assignment *assignment = NULL;
    struct resolved resolved = resolve(c->http, &assignment);
    const struct arrival arrival = {.bytes = (const uint8_t *)c->bytes,
                                    .len = strlen(c->bytes),
                                    .eof = strstr(c->state, "eof") != NULL,
                                    .reset = strstr(c->state, "reset") != NULL,
                                    .settled = strstr(c->state, "settled") != NULL};
    struct match_result result;
    match(&resolved, &arrival, &result);
    cr_expect_eq(result.state, c->wanted, "%zu: %s %s: state %d %s", i, c->http, c->state,
                 result.state, result.observed);
    if (result.state == MATCH_YES)
        cr_expect_eq(result.consumed, c->number, "%zu: consumed %zu", i, result.consumed);
    if (result.state == MATCH_NO) {
        const char *class_name = result.class_name ? result.class_name : result.generic_class;
        cr_expect_eq(result.outcome, c->outcome, "%zu: %s: %s", i, c->http,
                     outcome_name(result.outcome));
        cr_expect_str_eq(class_name ? class_name : "-", c->class_name ? c->class_name : "-",
                         "%zu: class %s", i, class_name ? class_name : "-");
        cr_expect(result.expected[0] && result.observed[0]);
    }
    resolved_done(&resolved);
    assignment_free(assignment);
}

#define RUN(cases)                                                                                 \
    for (size_t i_ = 0; i_ < ARRAY_SIZE(cases); i_++)                                              \
    run_case(i_, &(cases)[i_])

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n"

Test(scenario_http, complete_messages)
{
    static const struct http_case cases[] = {
        {"{}", GOOD, "", MATCH_YES, 0, NULL, sizeof GOOD - 1},
        {"{\"status\": 200, \"body\": {\"file\": \"www/a.txt\"}}", GOOD, "", MATCH_YES, 0, NULL,
         sizeof GOOD - 1},
        {"{\"status\": [404, \"2xx\"]}", GOOD, "", MATCH_YES, 0, NULL, sizeof GOOD - 1},
        {"{\"status\": 200}", GOOD "HTTP/1.1 404 x\r\n", "", MATCH_YES, 0, NULL, sizeof GOOD - 1},
        {"{\"status\": 200}", GOOD "HT", "", MATCH_YES, 0, NULL, sizeof GOOD - 1},
        {"{\"framing\": \"length\"}", GOOD, "", MATCH_YES, 0, NULL, sizeof GOOD - 1},
        {"{\"body\": \"hi\"}", "HTTP/1.0 200 \r\n\r\nhi", "eof", MATCH_YES, 0, NULL, 19},
        {"{\"framing\": \"close\"}", "HTTP/1.1 200 OK\r\n\r\nhi", "eof", MATCH_YES, 0, NULL, 21},
        {"{\"body\": \"hello\"}",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: "
         "u\r\n\r\n",
         "", MATCH_YES, 0, NULL, 77},
        {"{\"method\": \"HEAD\"}", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", "", MATCH_YES,
         0, NULL, 39},
        {"{\"status\": 304}", "HTTP/1.1 304 Not Modified\r\n\r\n", "", MATCH_YES, 0, NULL, 29},
        {"{\"status\": 200}", "HTTP/1.1 100 Continue\r\n\r\n" GOOD, "", MATCH_YES, 0, NULL,
         25 + sizeof GOOD - 1},
        {"{\"status\": [100, \"4xx\"]}", "HTTP/1.1 100 Continue\r\n\r\n" GOOD, "", MATCH_YES, 0,
         NULL, 25},
        {"{\"headers\": {\"Content-Length\": \"^12$\", \"x-none\": null}}", GOOD, "", MATCH_YES, 0,
         NULL, sizeof GOOD - 1},
        {"{\"headers\": {\"connection\": \"close\"}}",
         "HTTP/1.1 204 x\r\nConnection:\t Foo , CLOSE \r\n\r\n", "", MATCH_YES, 0, NULL, 45},
    };
    RUN(cases);
}

Test(scenario_http, broken_syntax_has_its_class)
{
    static const struct http_case cases[] = {
        {"{}", "hello", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line", 0},
        {"{}", "http/1.1 200 OK\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line", 0},
        {"{}", "HTTP/2.0 200 OK\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line", 0},
        {"{}", "HTTP/1.1 20 OK\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line", 0},
        {"{}", "HTTP/1.1  200 OK\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line", 0},
        {"{}", "HTTP/1.1 2000 OK\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line", 0},
        {"{}", "HTTP/1.1 200\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, "status-line-space", 0},
        {"{}", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "", MATCH_NO, OUTCOME_DIFFERENT, "lf-only",
         0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n", "", MATCH_NO, OUTCOME_DIFFERENT,
         "lf-only", 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n", "", MATCH_NO, OUTCOME_DIFFERENT,
         "lf-only", 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nhello world\n", "", MATCH_NO,
         OUTCOME_DIFFERENT, "missing-blank-line", 0},
        {"{}", "HTTP/1.1 200 OK\r\n<a href=\"http://x\">\n", "", MATCH_NO, OUTCOME_DIFFERENT,
         "missing-blank-line", 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", "", MATCH_NO, OUTCOME_DIFFERENT,
         NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "", MATCH_NO,
         OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello", "",
         MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "",
         MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "",
         MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "", MATCH_NO, OUTCOME_DIFFERENT,
         NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "", MATCH_NO,
         OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", "", MATCH_NO,
         OUTCOME_DIFFERENT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n", "", MATCH_NO,
         OUTCOME_DIFFERENT, "lf-only", 0},
        {"{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", "",
         MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
    };
    RUN(cases);
}

Test(scenario_http, a_body_longer_than_it_says)
{
    static const struct http_case cases[] = {
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world\n", "", MATCH_NO,
         OUTCOME_EXTRA, "content-length-too-small", 0},
        {"{\"body\": {\"file\": \"www/a.txt\"}}",
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nhello world\n", "", MATCH_NO, OUTCOME_EXTRA,
         "content-length-too-small", 0},
        {"{\"method\": \"HEAD\"}", GOOD, "", MATCH_NO, OUTCOME_EXTRA, "head-has-body", 0},
        {"{}", "HTTP/1.1 204 x\r\n\r\nhello", "", MATCH_NO, OUTCOME_EXTRA, NULL, 0},
        {"{\"method\": \"HEAD\"}", "HTTP/1.1 200 OK\r\n\r\n" GOOD, "", MATCH_YES, 0, NULL, 19},
    };
    RUN(cases);
}

/* A head, a line again and again, and an end: what has no end is named before the end of patience, what has one is read. */
static void run_repeated(const char *head, const char *line, size_t times, const char *end,
                         enum match_state wanted)
{
    AUTO_BUF struct buf bytes;
    buf_init(&bytes, (size_t)80 << 20);
    (void)buf_add_str(&bytes, head);
    for (size_t i = 0; i < times; i++)
        (void)buf_add_str(&bytes, line);
    (void)buf_add_str(&bytes, end);
    const struct http_case c = {"{\"status\": 200}", bytes.data,       "",       wanted,
                                OUTCOME_OTHER,       "endless-answer", bytes.len};
    struct http_case broken = c;
    broken.outcome = OUTCOME_DIFFERENT; /* of a message that is read, of messages without end */
    run_case(times, wanted == MATCH_NO && *head ? &broken : &c);
}

Test(scenario_http, an_answer_without_end_is_named)
{
    static const char interim[] = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n";
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char last[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    static const char header[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    run_repeated("", interim, 64, GOOD, MATCH_YES);
    run_repeated("", interim, 66, "", MATCH_NO);
    run_repeated(chunked, "1;x=y\r\na\r\n", 100000, "0\r\n\r\n", MATCH_YES);
    run_repeated(chunked, "1;x=y\r\na\r\n", 120000, "", MATCH_NO);
    run_repeated(last, "X: y\r\n", 40000, "\r\n", MATCH_YES);
    run_repeated(last, "X: y\r\n", 50000, "", MATCH_NO);
    run_repeated(header, "X: y\r\n", 40000, "\r\n", MATCH_YES);
    run_repeated(header, "X: y\r\n", 50000, "", MATCH_NO);
    static const char closes[] = "HTTP/1.1 200 OK\r\n\r\n";
    static const char counted[] = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
    AUTO_FREE char *line = xmalloc(4097);
    memset(line, 'a', 4096);
    line[4096] = '\0';
    run_repeated(closes, line, 16384, "", MATCH_MORE);
    run_repeated(closes, line, 16384, "a", MATCH_NO);
    run_repeated(counted, line, 16384, "a", MATCH_NO);
}

Test(scenario_http, incomplete_messages)
{
    static const char closes[] = "HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello";
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello world\n";
    static const struct http_case cases[] = {
        {"{}", "", "", MATCH_MORE, 0, NULL, 0},
        {"{}", "", "settled", MATCH_NO, OUTCOME_NOTHING, NULL, 0},
        {"{}", "", "eof", MATCH_NO, OUTCOME_EOF, "http-closed", 0},
        {"{}", "", "reset", MATCH_NO, OUTCOME_RESET, "http-closed", 0},
        {"{}", "HTTP", "", MATCH_MORE, 0, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r", "settled", MATCH_NO, OUTCOME_SHORT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\n", "", MATCH_MORE, 0, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n", "settled", MATCH_NO, OUTCOME_SHORT,
         "missing-blank-line", 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nhello world", "eof", MATCH_NO, OUTCOME_EOF,
         "missing-blank-line", 0},
        {"{}", "HTTP/1.1 200 OK\r\nContent-Le", "eof", MATCH_NO, OUTCOME_EOF, NULL, 0},
        {"{}", half, "", MATCH_MORE, 0, NULL, 0},
        {"{}", half, "settled", MATCH_NO, OUTCOME_SHORT, "content-length-too-big", 0},
        {"{}", half, "eof", MATCH_NO, OUTCOME_EOF, "content-length-too-big", 0},
        {"{}", half, "reset", MATCH_NO, OUTCOME_RESET, NULL, 0},
        {"{}", closes, "", MATCH_MORE, 0, NULL, 0},
        {"{}", closes, "settled", MATCH_NO, OUTCOME_OPEN, "no-framing", 0},
        {"{}", closes, "reset", MATCH_NO, OUTCOME_RESET, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", "settled",
         MATCH_NO, OUTCOME_SHORT, NULL, 0},
        {"{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r", "eof", MATCH_NO,
         OUTCOME_EOF, NULL, 0},
    };
    RUN(cases);
}

Test(scenario_http, not_as_wanted)
{
    static const struct http_case cases[] = {
        {"{\"status\": 404}", GOOD, "", MATCH_NO, OUTCOME_OTHER, "status-code", 0},
        {"{\"status\": [\"4xx\", 500]}", GOOD, "", MATCH_NO, OUTCOME_OTHER, "status-code", 0},
        {"{\"headers\": {\"date\": \"GMT$\"}}", GOOD, "", MATCH_NO, OUTCOME_OTHER, NULL, 0},
        {"{\"headers\": {\"content-length\": \"^13$\"}}", GOOD, "", MATCH_NO, OUTCOME_DIFFERENT,
         NULL, 0},
        {"{\"headers\": {\"content-length\": null}}", GOOD, "", MATCH_NO, OUTCOME_EXTRA, NULL, 0},
        {"{\"framing\": \"chunked\"}", GOOD, "", MATCH_NO, OUTCOME_OTHER, NULL, 0},
        {"{\"body\": \"hello WORLD\\n\"}", GOOD, "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{\"body\": \"hello world\\n!\"}", GOOD, "", MATCH_NO, OUTCOME_SHORT, NULL, 0},
        {"{\"body\": \"hello\"}", GOOD, "", MATCH_NO, OUTCOME_EXTRA, NULL, 0},
        {"{\"body\": \"hello\"}",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlO\r\n0\r\n\r\n",
         "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
    };
    RUN(cases);
}

Test(scenario_http, requests)
{
    static const struct http_case cases[] = {
        {"{\"request\": \"GET /x HTTP/1.1\", \"headers\": {\"host\": \":${port}$\"}}",
         "GET /x HTTP/1.1\r\nHost: h:7007\r\n\r\n", "", MATCH_YES, 0, NULL, 33},
        {"{\"request\": true}", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi and more", "",
         MATCH_YES, 0, NULL, 40},
        {"{\"request\": \"GET /x HTTP/1.1\"}", "GET /y HTTP/1.1\r\n\r\n", "", MATCH_NO,
         OUTCOME_DIFFERENT, NULL, 0},
        {"{\"request\": true}", "GET / HTTP/1.1\n", "", MATCH_NO, OUTCOME_DIFFERENT, "lf-only", 0},
        {"{\"request\": true}", "GET  HTTP/1.1\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{\"request\": true}", "GET /a b HTTP/1.1\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{\"request\": true}", "GET /\r\n", "", MATCH_NO, OUTCOME_DIFFERENT, NULL, 0},
        {"{\"request\": true}", "GET / HTTP/1.1\r\nHost: x\r\n", "settled", MATCH_NO, OUTCOME_SHORT,
         "no-header-end", 0},
        {"{\"request\": true}", "", "eof", MATCH_NO, OUTCOME_EOF, NULL, 0},
    };
    RUN(cases);
}

Test(scenario_http, what_differs_is_shown)
{
    struct assignment *assignment = NULL;
    struct resolved resolved =
        resolve("{\"status\": 200, \"body\": {\"file\": \"www/a.txt\"}}", &assignment);
    static const char bytes[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "6\r\nhello \r\n6\r\nWorld\n\r\n0\r\n\r\n";
    struct arrival arrival = {.bytes = (const uint8_t *)bytes, .len = sizeof bytes - 1};
    struct match_result result;
    match(&resolved, &arrival, &result);
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_DIFFERENT);
    cr_expect_eq(result.diff_at, 6);
    cr_assert_eq(result.difference.len, 12);
    cr_expect(memcmp(result.difference.bytes, "hello World\n", 12) == 0);
    cr_expect_str_eq(result.expected, "body: 12 bytes \"hello world\\n\"");
    static const char missing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    arrival = (struct arrival){.bytes = (const uint8_t *)missing, .len = sizeof missing - 1};
    match(&resolved, &arrival, &result);
    cr_expect_str_eq(result.got, "404");
    cr_expect_str_eq(result.want, "200");
    cr_expect_str_eq(result.expected, "status 200");
    cr_expect_str_eq(result.observed, "status 404");
    resolved_done(&resolved);
    assignment_free(assignment);
}

Test(scenario_http, the_result_of_a_fetch)
{
    struct assignment *assignment = NULL;
    struct resolved resolved =
        resolve("{\"status\": 200, \"headers\": {\"content-type\": \"^text/\"}, \"body\": \"hi\"}",
                &assignment);
    struct http_message message = {.status = 200,
                                   .header_lines = "Content-Type: text/plain\r\nX: y\r\n",
                                   .body = (const uint8_t *)"hi",
                                   .body_len = 2};
    struct match_result result;
    match_http_message(&resolved, &message, &result);
    cr_expect_eq(result.state, MATCH_YES);
    message.body_len = 1;
    match_http_message(&resolved, &message, &result);
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_SHORT);
    message.header_lines = NULL;
    match_http_message(&resolved, &message, &result);
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_OTHER);
    message = (struct http_message){.status = 500};
    match_http_message(&resolved, &message, &result);
    cr_expect_str_eq(result.generic_class, "status-code");
    resolved_done(&resolved);
    assignment_free(assignment);
}

/* However a message is cut, the pieces lead to the same answer as the whole; and no prefix of a good one is refused. */
Test(scenario_http, every_prefix_waits)
{
    static const char *const messages[] = {
        GOOD,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;q=\"x\"\r\nhel\r\n9\r\nlo "
        "world\n\r\n0\r\nT: "
        "u\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" GOOD};
    struct assignment *assignment = NULL;
    struct resolved resolved =
        resolve("{\"status\": 200, \"body\": {\"file\": \"www/a.txt\"}}", &assignment);
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        const size_t len = strlen(messages[i]);
        for (size_t n = 0; n <= len; n++) {
            AUTO_FREE uint8_t *bytes =
                xmalloc(n); /* exactly so long: a sanitizer sees any step beyond */
            memcpy(bytes, messages[i], n);
            const struct arrival arrival = {.bytes = bytes, .len = n};
            struct match_result result;
            match(&resolved, &arrival, &result);
            cr_expect_eq(result.state, n < len ? MATCH_MORE : MATCH_YES, "%zu of %s: %s", n,
                         messages[i], result.observed);
        }
    }
    resolved_done(&resolved);
    assignment_free(assignment);
}

/* Bytes that a student's program could send: every one-byte change of a good message. */
Test(scenario_http, any_garbage_is_survived)
{
    static const char good[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                               "5\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    struct assignment *assignment = NULL;
    struct resolved resolved = resolve("{\"status\": 200}", &assignment);
    struct assignment *other = NULL;
    struct resolved request = resolve("{\"request\": true}", &other);
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (int c = 0; c < 256; c += 5) {
            AUTO_FREE uint8_t *bytes = xmalloc(sizeof good - 1);
            memcpy(bytes, good, sizeof good - 1);
            bytes[at] = (uint8_t)c;
            const struct arrival arrival = {
                .bytes = bytes, .len = sizeof good - 1, .settled = true};
            struct match_result result;
            match(&resolved, &arrival, &result);
            cr_expect_neq(result.state, MATCH_MORE);
            match(&request, &arrival, &result);
            cr_expect_eq(result.state, MATCH_NO);
        }
    }
    resolved_done(&resolved);
    assignment_free(assignment);
    resolved_done(&request);
    assignment_free(other);
}
