/* fuzz/fuzz_match.c: the matcher: a student's bytes against expectations of every form.
 *
 * Input: a byte that picks the expectation, one of flags (end, reset, settled, datagrams), one that says where the bytes
 * are cut in two, the bytes. What must hold: a settled arrival is decided, no more is consumed than came, a refusal says
 * what was expected and what came as text for people, and a second look that skips what was compared before
 * (arrival.agreed) finds what a fresh look finds. */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "scenario/match.h"
#include "scenario/vars.h"

#define MAX_INPUT_BYTES ((size_t)16 << 10)

static const char *const expectations[] = {
    "\"data\": \"hello\\n\"",
    "\"data\": {\"hex\": \"00 ?? ff ?? 0d0a\"}",
    "\"data\": {\"pack\": \"u16 i32 u64\", \"of\": [258, -2, \"18446744073709551615\"]}",
    "\"data\": [{\"gen\": \"lines\", \"size\": 300}, \"end\"], \"eof\": true",
    "\"reset\": true",
    "\"eof\": true",
    "\"closed\": true",
    "\"silence\": 0.2",
    "\"silence\": 0.5, \"open\": true",
    "\"count\": 17",
    "\"count\": 3, \"closed\": true",
    "\"matches\": \"^[0-9]+ (ok|no)\\r?$\"",
    "\"matches\": \"(a|b)*c\", \"eof\": true",
    "\"http\": {\"status\": 200}",
    "\"http\": {\"status\": [\"2xx\", 404], \"headers\": {\"a\": \"t.*|p\", \"x\": null}}",
    "\"http\": {\"status\": [200], \"headers\": {\"content-type\": \"^text/\"}, \"body\": \"hi\"}",
    "\"http\": {\"status\": 200, \"framing\": \"chunked\", \"body\": {\"hex\": \"68??\"}}",
    "\"http\": {\"status\": 200, \"framing\": \"close\", \"body\": \"hi\"}, \"eof\": true",
    "\"http\": {\"status\": 200, \"method\": \"HEAD\", \"framing\": \"length\"}",
    "\"http\": {\"request\": \"GET /${port} HTTP/1.1\", \"headers\": {\"host\": \".+\"}}",
    "\"http\": {\"request\": true, \"body\": \"a=b\"}",
};

static struct assignment *load(const char *expectation)
{
    AUTO_FREE char *text =
        xasprintf("{\"assignment\": \"a\", \"program\": \"p\", \"scenarios\": [{\"id\": \"s\", "
                  "\"title\": \"t\", \"steps\": [{\"start\": \"p\"}, {\"open\": \"a\", \"tcp\": "
                  "\"${host}:${port}\"}, {\"expect\": \"a\", %s}]}]}",
                  expectation);
    char path[FUZZ_PATH_SIZE];
    AUTO_CLOSE int fd = fuzz_file(text, strlen(text), path);
    struct assignment *assignment = NULL;
    struct err err = {0};
    if (assignment_load(path, &assignment, &err) != 0)
        (void)fprintf(stderr, "%s\n", err.text);
    FUZZ_HOLDS(assignment);
    return assignment;
}

static void check_result(const struct arrival *arrival, const struct match_result *result)
{
    const size_t most = arrival->datagrams ? arrival->n_datagrams : arrival->len;
    FUZZ_HOLDS(!arrival->settled || result->state != MATCH_MORE);
    FUZZ_HOLDS(result->state != MATCH_YES || result->consumed <= most);
    FUZZ_HOLDS(result->agreed <= arrival->len);
    if (result->state != MATCH_NO)
        return;
    FUZZ_HOLDS(result->outcome != OUTCOME_OK && result->expected[0] && result->observed[0]);
    fuzz_check_line(result->expected);
    fuzz_check_line(result->observed);
    fuzz_check_line(result->got);
    fuzz_check_line(result->want);
}

static bool same(const struct match_result *a, const struct match_result *b)
{
    return a->state == b->state && a->consumed == b->consumed && a->diff_at == b->diff_at &&
           (a->state != MATCH_NO || a->outcome == b->outcome);
}

/* The bytes come in two pieces, and the second look is told what the first has compared. */
static void match_in_two(const struct resolved *resolved, const struct arrival *whole, size_t cut,
                         const struct match_result *wanted)
{
    AUTO_FREE uint8_t *copy = xmalloc(cut ? cut : 1); /* a look beyond the cut is seen */
    if (cut)
        memcpy(copy, whole->bytes, cut);
    struct arrival first = {.bytes = copy, .len = cut};
    struct arrival second = *whole;
    struct match_result part;
    struct match_result result;
    match(resolved, &first, &part);
    check_result(&first, &part);
    second.agreed = part.agreed;
    match(resolved, &second, &result);
    FUZZ_HOLDS(same(&result, wanted));
}

/* What libcurl has taken apart: header lines, then after an empty line the body. */
static void match_message(const struct resolved *resolved, const uint8_t *bytes, size_t len)
{
    const uint8_t *gap = memmem(bytes, len, "\r\n\r\n", 4);
    const size_t head = gap ? (size_t)(gap - bytes) + 2 : len;
    AUTO_FREE char *lines = xstrndup((const char *)bytes, head);
    const struct http_message message = {.status = len ? 100 + bytes[0] * 2 : 200,
                                         .header_lines = lines,
                                         .body = gap ? gap + 4 : NULL,
                                         .body_len = gap ? len - head - 2 : 0};
    struct match_result result;
    match_http_message(resolved, &message, &result);
    FUZZ_HOLDS(result.state != MATCH_MORE);
    fuzz_check_line(result.expected);
    fuzz_check_line(result.observed);
}

static void look(const struct resolved *resolved, uint8_t flags, size_t cut, const uint8_t *bytes,
                 size_t len)
{
    struct match_result result;
    const struct arrival arrival = {.bytes = bytes,
                                    .len = len,
                                    .eof = flags & 1,
                                    .reset = flags & 2,
                                    .settled = flags & 4,
                                    .datagrams = flags & 8,
                                    .n_datagrams = flags & 8 ? 1 : 0};
    match(resolved, &arrival, &result);
    check_result(&arrival, &result);
    if (!arrival.datagrams)
        match_in_two(resolved, &arrival, cut < len ? cut : len, &result);
    if (resolved->http && !resolved->http->is_request)
        match_message(resolved, bytes, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 3 || len > MAX_INPUT_BYTES)
        return -1;
    const size_t which = fuzz_take(&bytes, &len) % ARRAY_SIZE(expectations);
    const uint8_t flags = fuzz_take(&bytes, &len);
    const size_t cut = fuzz_take(&bytes, &len);
    struct assignment *assignment = load(expectations[which]);
    const struct scenario *scenario = &assignment->scenarios[0];
    struct vars vars;
    struct resolved resolved;
    struct err err = {0};
    vars_init(&vars, NULL);
    vars_set(&vars, "port", "7007");
    const struct data_context context = {.vars = &vars, .world = &scenario->world, .seed = 1};
    FUZZ_HOLDS(expectation_resolve(&scenario->steps[2].expect, &context, &resolved, &err) == 0);
    look(&resolved, flags, cut, bytes, len);
    resolved_done(&resolved);
    vars_done(&vars);
    assignment_free(assignment);
    return 0;
}
