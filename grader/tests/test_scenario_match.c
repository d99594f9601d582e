/* One expectation against what came: every outcome, on streams and datagrams. */
#include "scenario/match.h"
#include "scenario/vars.h"
#include "tests/scenario_help.h"

/* What came, in a few letters: "eof", "reset", "settled" in any combination. */
static struct arrival came(const char *bytes, size_t len, const char *state)
{
    return (struct arrival){.bytes = (const uint8_t *)bytes,
                            .len = len,
                            .eof = strstr(state, "eof") != NULL,
                            .reset = strstr(state, "reset") != NULL,
                            .settled = strstr(state, "settled") != NULL};
}

struct loaded {
    struct assignment *assignment;
    struct resolved resolved;
};

static struct loaded expectation(const char *keys, bool udp)
{
    AUTO_FREE char *steps =
        xasprintf("{\"open\": \"a\", \"%s\": \"${host}:${port}\"}, {\"expect\": \"a\", %s}",
                  udp ? "udp" : "tcp", keys);
    AUTO_FREE char *text = help_file(steps);
    struct loaded ret = {.assignment = help_load(text)};
    struct vars vars;
    struct err err = {0};
    vars_init(&vars, NULL);
    vars_set(&vars, "port", "7007");
    const struct data_context context = {
        .vars = &vars, .world = &ret.assignment->scenarios[0].world, .seed = 1};
    cr_assert_eq(expectation_resolve(&ret.assignment->scenarios[0].steps[2].expect, &context,
                                     &ret.resolved, &err),
                 0, "%s", err.text);
    vars_done(&vars);
    return ret;
}

static void unload(struct loaded *loaded)
{
    resolved_done(&loaded->resolved);
    assignment_free(loaded->assignment);
}

struct match_case {
    const char *keys, *bytes;
    size_t len; /* 0: strlen */
    const char *state;
    enum match_state wanted;
    enum outcome outcome; /* NO */
    size_t number;        /* YES: consumed; NO: diff_at, 0 where none */
};

#define NONE SIZE_MAX

static void run_cases(const struct match_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct match_case *c = &cases[i];
        struct loaded loaded = expectation(c->keys, false);
        const struct arrival arrival = came(c->bytes, c->len ? c->len : strlen(c->bytes), c->state);
        struct match_result result;
        match(&loaded.resolved, &arrival, &result);
        cr_expect_eq(result.state, c->wanted, "%zu: %s on \"%s\" %s: state %d", i, c->keys,
                     c->bytes, c->state, result.state);
        if (result.state == MATCH_YES)
            cr_expect_eq(result.consumed, c->number, "%zu: %s: consumed %zu", i, c->keys,
                         result.consumed);
        if (result.state == MATCH_NO) {
            cr_expect_eq(result.outcome, c->outcome, "%zu: %s on \"%s\" %s: %s", i, c->keys,
                         c->bytes, c->state, outcome_name(result.outcome));
            cr_expect_eq(result.diff_at, c->number, "%zu: %s: diff_at %zu", i, c->keys,
                         result.diff_at);
            cr_expect(result.expected[0] && result.observed[0], "%zu: %s", i, c->keys);
        }
        unload(&loaded);
    }
}

#define RUN(cases) run_cases(cases, ARRAY_SIZE(cases))

Test(scenario_match, bytes_exactly)
{
    static const struct match_case cases[] = {
        {"\"data\": \"hello\"", "", 0, "", MATCH_MORE, 0, 0},
        {"\"data\": \"hello\"", "hel", 0, "", MATCH_MORE, 0, 0},
        {"\"data\": \"hello\"", "hello", 0, "", MATCH_YES, 0, 5},
        {"\"data\": \"hello\"", "hello, you", 0, "", MATCH_YES, 0, 5},
        {"\"data\": \"hello\"", "hello", 0, "eof", MATCH_YES, 0, 5},
        {"\"data\": \"hello\"", "hello", 0, "reset", MATCH_YES, 0, 5},
        {"\"data\": \"hello\"", "help", 0, "", MATCH_NO, OUTCOME_DIFFERENT, 3},
        {"\"data\": \"hello\"", "jello", 0, "eof", MATCH_NO, OUTCOME_DIFFERENT, 0},
        {"\"data\": \"hello\"", "", 0, "settled", MATCH_NO, OUTCOME_NOTHING, NONE},
        {"\"data\": \"hello\"", "hel", 0, "settled", MATCH_NO, OUTCOME_SHORT, NONE},
        {"\"data\": \"hello\"", "", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"data\": \"hello\"", "hel", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"data\": \"hello\"", "hel", 0, "reset", MATCH_NO, OUTCOME_RESET, NONE},
        {"\"data\": \"\"", "", 0, "", MATCH_YES, 0, 0},
        {"\"data\": \"p=${port}\"", "p=7007", 0, "", MATCH_YES, 0, 6},
        {"\"data\": {\"hex\": \"41 ?? 43\"}", "AxC", 0, "", MATCH_YES, 0, 3},
        {"\"data\": {\"hex\": \"41 ?? 43\"}", "AxD", 0, "", MATCH_NO, OUTCOME_DIFFERENT, 2},
        {"\"data\": {\"hex\": \"41 00 43\"}", "A\0C", 3, "", MATCH_YES, 0, 3},
    };
    RUN(cases);
}

Test(scenario_match, bytes_and_then_the_end)
{
    static const struct match_case cases[] = {
        {"\"data\": \"hi\", \"eof\": true", "hi", 0, "", MATCH_MORE, 0, 0},
        {"\"data\": \"hi\", \"eof\": true", "hi", 0, "eof", MATCH_YES, 0, 2},
        {"\"data\": \"hi\", \"eof\": true", "hi", 0, "eof settled", MATCH_YES, 0, 2},
        {"\"data\": \"hi\", \"eof\": true", "hi", 0, "settled", MATCH_NO, OUTCOME_OPEN, NONE},
        {"\"data\": \"hi\", \"eof\": true", "hi", 0, "reset", MATCH_NO, OUTCOME_RESET, NONE},
        {"\"data\": \"hi\", \"eof\": true", "hi!", 0, "", MATCH_NO, OUTCOME_EXTRA, 2},
        {"\"data\": \"hi\", \"eof\": true", "hi!", 0, "eof", MATCH_NO, OUTCOME_EXTRA, 2},
        {"\"data\": \"hi\", \"eof\": true", "h", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"data\": \"hi\", \"reset\": true", "hi", 0, "reset", MATCH_YES, 0, 2},
        {"\"data\": \"hi\", \"reset\": true", "h", 0, "reset", MATCH_YES, 0, 1},
        {"\"data\": \"hi\", \"reset\": true", "hi", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"data\": \"hi\", \"reset\": true", "hi", 0, "settled", MATCH_NO, OUTCOME_OPEN, NONE},
        {"\"data\": \"hi\", \"reset\": true", "ho", 0, "reset", MATCH_NO, OUTCOME_DIFFERENT, 1},
        {"\"data\": \"hi\", \"closed\": true", "hi", 0, "eof", MATCH_YES, 0, 2},
        {"\"data\": \"hi\", \"closed\": true", "hi, more", 0, "reset", MATCH_YES, 0, 8},
        {"\"data\": \"hi\", \"closed\": true", "h", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"eof\": true", "", 0, "", MATCH_MORE, 0, 0},
        {"\"eof\": true", "", 0, "eof", MATCH_YES, 0, 0},
        {"\"eof\": true", "", 0, "reset", MATCH_NO, OUTCOME_RESET, NONE},
        {"\"eof\": true", "", 0, "settled", MATCH_NO, OUTCOME_OPEN, NONE},
        {"\"eof\": true", "x", 0, "", MATCH_NO, OUTCOME_EXTRA, 0},
        {"\"reset\": true", "", 0, "reset", MATCH_YES, 0, 0},
        {"\"reset\": true", "", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"closed\": true", "", 0, "", MATCH_MORE, 0, 0},
        {"\"closed\": true", "xyz", 0, "", MATCH_MORE, 0, 0},
        {"\"closed\": true", "xyz", 0, "eof", MATCH_YES, 0, 3},
        {"\"closed\": true", "", 0, "reset", MATCH_YES, 0, 0},
        {"\"closed\": true", "xyz", 0, "settled", MATCH_NO, OUTCOME_OPEN, NONE},
    };
    RUN(cases);
}

Test(scenario_match, silence)
{
    static const struct match_case cases[] = {
        {"\"silence\": 1", "", 0, "", MATCH_MORE, 0, 0},
        {"\"silence\": 1", "", 0, "settled", MATCH_YES, 0, 0},
        {"\"silence\": 1", "", 0, "eof", MATCH_YES, 0, 0},
        {"\"silence\": 1", "", 0, "reset", MATCH_NO, OUTCOME_RESET, NONE},
        {"\"silence\": 1", "x", 0, "", MATCH_NO, OUTCOME_EXTRA, 0},
        {"\"silence\": 1", "x", 0, "settled", MATCH_NO, OUTCOME_EXTRA, 0},
        {"\"silence\": 1, \"open\": true", "", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"silence\": 1, \"open\": true", "", 0, "settled", MATCH_YES, 0, 0},
        {"\"silence\": 1, \"any_bytes\": true", "", 0, "", MATCH_MORE, 0, 0},
        {"\"silence\": 1, \"any_bytes\": true", "log\n", 0, "", MATCH_MORE, 0, 0},
        {"\"silence\": 1, \"any_bytes\": true", "log\n", 0, "settled", MATCH_YES, 0, 4},
        {"\"silence\": 1, \"any_bytes\": true", "log\n", 0, "eof", MATCH_YES, 0, 4},
        {"\"silence\": 1, \"any_bytes\": true", "log\n", 0, "reset", MATCH_NO, OUTCOME_RESET, NONE},
    };
    RUN(cases);
}

Test(scenario_match, patterns_and_counts)
{
    static const struct match_case cases[] = {
        {"\"matches\": \"^client [0-9]+$\"", "clie", 0, "", MATCH_MORE, 0, 0},
        {"\"matches\": \"^client [0-9]+$\"", "hello\nclient 12\nmore", 0, "", MATCH_YES, 0, 15},
        {"\"matches\": \"usage\"", "nothing of it", 0, "settled", MATCH_NO, OUTCOME_DIFFERENT,
         NONE},
        {"\"matches\": \"usage\"", "nothing of it", 0, "eof", MATCH_NO, OUTCOME_DIFFERENT, NONE},
        {"\"matches\": \"usage\"", "", 0, "settled", MATCH_NO, OUTCOME_NOTHING, NONE},
        {"\"matches\": \"usage\"", "", 0, "eof", MATCH_NO, OUTCOME_EOF, NONE},
        {"\"matches\": \"usage\"", "us", 0, "reset", MATCH_NO, OUTCOME_RESET, NONE},
        {"\"matches\": \"b\"", "a\0b\0b", 5, "", MATCH_YES, 0, 3},
        {"\"matches\": \"${port}\\n\"", "x 7007\n", 0, "", MATCH_YES, 0, 7},
        {"\"matches\": \"usage\", \"eof\": true", "usage: x", 0, "", MATCH_MORE, 0, 0},
        {"\"matches\": \"usage\", \"eof\": true", "usage: x", 0, "eof", MATCH_YES, 0, 8},
        {"\"matches\": \"usage\", \"eof\": true", "usage: x", 0, "settled", MATCH_NO, OUTCOME_OPEN,
         NONE},
        {"\"count\": 3", "ab", 0, "", MATCH_MORE, 0, 0},
        {"\"count\": 3", "abcd", 0, "", MATCH_YES, 0, 3},
        {"\"count\": 3", "ab", 0, "settled", MATCH_NO, OUTCOME_SHORT, NONE},
        {"\"count\": 3, \"eof\": true", "abcd", 0, "", MATCH_NO, OUTCOME_EXTRA, 3},
        {"\"count\": 0, \"eof\": true", "", 0, "eof", MATCH_YES, 0, 0},
    };
    RUN(cases);
}

/* Once nothing more can come, no expectation may leave the driver waiting. */
Test(scenario_match, a_settled_arrival_is_always_decided)
{
    static const char *const keys[] = {"\"data\": \"ab\"",
                                       "\"data\": \"ab\", \"eof\": true",
                                       "\"data\": \"ab\", \"reset\": true",
                                       "\"data\": \"ab\", \"closed\": true",
                                       "\"eof\": true",
                                       "\"reset\": true",
                                       "\"closed\": true",
                                       "\"silence\": 1",
                                       "\"silence\": 0, \"open\": true",
                                       "\"silence\": 0, \"any_bytes\": true",
                                       "\"matches\": \"b\"",
                                       "\"matches\": \"b\", \"eof\": true",
                                       "\"count\": 2",
                                       "\"count\": 2, \"eof\": true",
                                       "\"http\": {}",
                                       "\"http\": {\"request\": true}",
                                       "\"http\": {\"status\": 200}, \"eof\": true"};
    static const char *const bytes[] = {
        "",
        "a",
        "ab",
        "abc",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"};
    static const char *const states[] = {"settled", "settled eof", "settled reset"};
    for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
        struct loaded loaded = expectation(keys[k], false);
        for (size_t b = 0; b < ARRAY_SIZE(bytes); b++)
            for (size_t s = 0; s < ARRAY_SIZE(states); s++) {
                const struct arrival arrival = came(bytes[b], strlen(bytes[b]), states[s]);
                struct match_result result;
                match(&loaded.resolved, &arrival, &result);
                cr_expect_neq(result.state, MATCH_MORE, "%s on \"%s\" %s", keys[k], bytes[b],
                              states[s]);
                cr_expect(result.state != MATCH_YES || result.consumed <= arrival.len);
                cr_expect(result.diff_at == SIZE_MAX || result.diff_at <= arrival.len);
            }
        unload(&loaded);
    }
}

static struct match_result datagram(const char *keys, const char *bytes, size_t len, size_t count,
                                    const char *state)
{
    struct loaded loaded = expectation(keys, true);
    struct arrival arrival = came(bytes, len, state);
    struct match_result result;
    arrival.datagrams = true;
    arrival.n_datagrams = count;
    match(&loaded.resolved, &arrival, &result);
    unload(&loaded);
    return result;
}

Test(scenario_match, a_datagram_is_the_whole_answer)
{
    struct match_result result = datagram("\"data\": \"hello\"", "hello", 5, 2, "");
    cr_expect(result.state == MATCH_YES && result.consumed == 1);
    result = datagram("\"data\": \"hello\"", "hel", 3, 1, "");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_SHORT);
    result = datagram("\"data\": \"hello\"", "hello\0\0", 7, 1, "");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_EXTRA && result.diff_at == 5);
    result = datagram("\"data\": \"hello\"", "hullo", 5, 1, "");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_DIFFERENT &&
              result.diff_at == 1);
    result = datagram("\"data\": \"hello\"", "", 0, 1, "");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_SHORT);
    result = datagram("\"data\": \"hello\"", "", 0, 0, "");
    cr_expect(result.state == MATCH_MORE);
    result = datagram("\"data\": \"hello\"", "", 0, 0, "settled");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_NOTHING);
    result = datagram("\"data\": \"hello\"", "", 0, 0, "reset");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_REFUSED);
    result = datagram("\"data\": \"\"", "", 0, 1, "");
    cr_expect(result.state == MATCH_YES && result.consumed == 1);
    result = datagram("\"data\": \"\"", "", 0, 0, "settled");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_NOTHING);
    result = datagram("\"count\": 3", "abc", 3, 1, "");
    cr_expect(result.state == MATCH_YES);
    result = datagram("\"count\": 3", "abcd", 4, 1, "");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_EXTRA);
    result = datagram("\"matches\": \"^a+$\"", "aaa", 3, 1, "");
    cr_expect(result.state == MATCH_YES);
    result = datagram("\"silence\": 1", "", 0, 1, "");
    cr_expect(result.state == MATCH_NO && result.outcome == OUTCOME_EXTRA);
    result = datagram("\"silence\": 1", "", 0, 0, "settled");
    cr_expect(result.state == MATCH_YES);
}

Test(scenario_match, agreed_bytes_are_not_compared_again)
{
    struct loaded loaded = expectation("\"data\": {\"gen\": \"zero\", \"size\": 1000000}", false);
    uint8_t *bytes = xcalloc(1, 1000001);
    struct arrival arrival = {.bytes = bytes};
    struct match_result result;
    for (arrival.len = 10; arrival.len < 1000000; arrival.len += 10) {
        match(&loaded.resolved, &arrival, &result);
        cr_assert(result.state == MATCH_MORE && result.agreed == arrival.len);
        arrival.agreed = result.agreed;
    }
    bytes[999999] = 1;
    match(&loaded.resolved, &arrival, &result);
    cr_expect(result.state == MATCH_NO && result.diff_at == 999999);
    free(bytes);
    unload(&loaded);
}

Test(scenario_match, lines_for_people)
{
    struct loaded loaded = expectation("\"data\": \"hello\\n\", \"eof\": true", false);
    struct arrival arrival = came("hello\nyou", 9, "");
    struct match_result result;
    match(&loaded.resolved, &arrival, &result);
    cr_expect_str_eq(result.expected, "6 bytes \"hello\\n\", then end of stream");
    cr_expect_str_eq(result.observed, "the right bytes, then 3 bytes \"you\" more");
    arrival = came("hel", 3, "settled");
    match(&loaded.resolved, &arrival, &result);
    cr_expect_str_eq(result.observed, "3 bytes \"hel\", then nothing more");
    arrival = came("", 0, "settled");
    match(&loaded.resolved, &arrival, &result);
    cr_expect_str_eq(result.observed, "nothing");
    arrival = came("hello\n", 6, "settled");
    match(&loaded.resolved, &arrival, &result);
    cr_expect_str_eq(result.observed, "6 bytes \"hello\\n\", then no end: the stream stays open");
    unload(&loaded);
    loaded = expectation("\"data\": {\"pack\": \"u8 u16\", \"of\": [0, 258]}", false);
    arrival = came("\0\2\1", 3, "");
    match(&loaded.resolved, &arrival, &result);
    cr_expect_str_eq(result.observed, "field 2 (u16): 258 expected, 513 came");
    unload(&loaded);
}
