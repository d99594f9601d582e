/* tests of driver/: the verbs, in every way in which a step can end, against real servers. */
#include "tests/driver_lab.h"

#include <criterion/criterion.h>

#define OPEN_A "{'open': 'a', 'tcp': '${host}:${port}'},"

static void expect_ok(struct played played)
{
    cr_expect(played.result == 0 && played.trace.completed, "%s", told(&played));
    played_done(&played);
}

static void expect_failed(struct played played, enum outcome outcome, const char *observed)
{
    const struct step_result *last = last_result(&played);
    cr_expect(played.result == 0 && !played.trace.completed, "it passed");
    cr_expect(last->outcome == outcome, "%s: %s", outcome_name(last->outcome), told(&played));
    cr_expect(strstr(told(&played), observed), "'%s' is not in: %s", observed, told(&played));
    played_done(&played);
}

/* The scenario is at fault, not the program. */
static void expect_fault(struct played played, const char *text)
{
    cr_expect(played.result == -1 && played.trace.scenario_error && played.err.kind == ERR_USAGE);
    cr_expect(strstr(played.err.text, text), "'%s' is not in: %s", text, played.err.text);
    played_done(&played);
}

static size_t count_events(const struct played *played, enum trace_kind kind, const char *actor)
{
    size_t n = 0;
    for (size_t i = 0; i < played->trace.n_events; i++)
        n += played->trace.events[i].kind == kind &&
             strcmp(played->trace.events[i].actor, actor) == 0;
    return n;
}

Test(driver_start, a_program_that_cannot_run_is_the_students)
{
    struct played played = play_steps("refused", "{'wait': 0}");
    cr_expect(played.result == 0 && last_result(&played)->outcome == OUTCOME_OTHER);
    cr_expect_str_eq(last_result(&played)->generic_class, "missing-program");
    played_done(&played);
}

/* The style's port is 7007; what is asked for is its twin, or another one, or the other protocol. */
Test(driver_start, sockets_elsewhere_are_recognised)
{
    static const struct {
        const char *ready, *class_name;
    } cases[] = {{"tcp ${swap}", "missing-htons-port"},
                 {"tcp 5", "wrong-port"},
                 {"udp 7007", "wrong-socket-type"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *steps = xasprintf("{'close': 'srv', 'how': 'KILL'},"
                                          "{'start': 'again', 'ready': '%s', 'within': 300}",
                                          cases[i].ready);
        struct played played = play_steps("block", steps);
        cr_expect(last_result(&played)->class_name &&
                      strcmp(last_result(&played)->class_name, cases[i].class_name) == 0,
                  "%s: %s", cases[i].ready, told(&played));
        played_done(&played);
    }
}

Test(driver_start, an_end_before_the_socket_is_told)
{
    /* the port is taken by the first one */
    struct played played = play_steps("block", "{'start': 'second', 'within': 300}");
    cr_expect(last_result(&played)->outcome == OUTCOME_EOF, "%s", told(&played));
    cr_expect_str_eq(last_result(&played)->generic_class, "exits-at-start");
    cr_expect(strstr(told(&played), "exit 2"), "%s", told(&played));
    played_done(&played);
    expect_ok(play_steps("block", "{'start': 'srv'}, {'check': 'srv', 'alive': true}"));
}

Test(driver_open, connections_refused_and_wanted_so)
{
    expect_ok(play_steps("block", "{'open': 'a', 'tcp': '${host}:${port2}', 'refused': true}"));
    expect_failed(play_steps("block", "{'open': 'a', 'tcp': '${host}:${port2}'}"), OUTCOME_REFUSED,
                  "refused");
    expect_failed(play_steps("block", "{'open': 'a', 'tcp': '${host}:${port}', 'refused': true}"),
                  OUTCOME_OTHER, "connected");
    expect_fault(play_steps("block", "{'open': 'a', 'tcp': '${host}:70000'}"), "70000");
}

Test(driver_open, listeners_and_whoever_comes)
{
    expect_ok(play_steps("block", "{'open': 'l', 'listen': '${peer}:${port2}'},"
                                  "{'open': 'out', 'tcp': '${peer}:${port2}', 'from': '${peer2}'},"
                                  "{'open': 'c', 'accept': 'l'}, {'send': 'out', 'data': 'x'},"
                                  "{'expect': 'c', 'data': 'x'},"
                                  "{'open': 'd', 'accept': 'l', 'never': true, 'within': 300}"));
    expect_failed(play_steps("block", "{'open': 'l', 'listen': '${peer}:${port2}'},"
                                      "{'open': 'c', 'accept': 'l', 'within': 300}"),
                  OUTCOME_NOTHING, "none came");
    expect_fault(play_steps("block", "{'open': 'l', 'listen': '${host}:${port2}'}"), "bind");
}

Test(driver_send, datagrams_to_the_last_peer)
{
    expect_ok(play_steps(
        "block", "{'open': 'u', 'bind': '${peer}:${port2}'},"
                 "{'open': 'v', 'udp': '${peer}:${port2}'}, {'send': 'v', 'data': ''},"
                 "{'expect': 'u', 'data': ''}, {'send': 'u', 'data': 'back'},"
                 "{'expect': 'v', 'data': 'back'},"
                 "{'open': 'evil', 'bind': '${peer}:${port3}'},"
                 "{'send': 'evil', 'to': 'u', 'data': 'other'}, {'expect': 'v', 'data': 'other'}"));
    expect_failed(
        play_steps("block",
                   "{'open': 'u', 'bind': '${peer}:${port2}'}, {'send': 'u', 'data': 'x'}"),
        OUTCOME_NOTHING, "nobody has");
    expect_failed(play_steps("block", "{'open': 'u', 'udp': '${host}:${port2}', 'connected': true},"
                                      "{'send': 'u', 'data': 'x'}, {'expect': 'u', 'data': 'y'}"),
                  OUTCOME_REFUSED, "closed");
}

/* A server that answers each datagram in a process of its own: none is lost, joined or doubled. */
Test(driver_expect, datagrams_in_any_order)
{
    static const char *const steps =
        "{'open': 'u', 'bind': '${peer}:${port2}'}, {'open': 'v', 'udp': '${peer}:${port2}'},"
        "{'send': 'v', 'data': 'one'}, {'expect': 'u', 'data': 'one'},"
        "{'send': 'u', 'data': 'c'}, {'send': 'u', 'data': 'a'}, {'send': 'u', 'data': 'b'},"
        "{'expect': 'v', 'data': 'a', 'any_order': true},"
        "{'expect': 'v', 'data': 'b', 'any_order': true}, %s";
    static const struct {
        const char *last;
        enum outcome outcome;
    } cases[] = {
        {"{'expect': 'v', 'data': 'c', 'any_order': true}, {'expect': 'v', 'silence': 60},"
         "{'send': 'u', 'data': 'd'}, {'expect': 'v', 'data': 'd'}",
         OUTCOME_OK},
        {"{'expect': 'v', 'data': 'c'}", OUTCOME_OK},
        {"{'expect': 'v', 'data': 'a', 'any_order': true, 'within': 60}", OUTCOME_DIFFERENT},
        {"{'expect': 'v', 'data': 'cb', 'any_order': true, 'within': 60}", OUTCOME_SHORT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *all = xasprintf(steps, cases[i].last);
        if (cases[i].outcome == OUTCOME_OK)
            expect_ok(play_steps("block", all));
        else
            expect_failed(play_steps("block", all), cases[i].outcome, "");
    }
    expect_failed(play_steps("block", "{'open': 'u', 'udp': '${host}:${port2}', 'connected': true},"
                                      "{'send': 'u', 'data': 'x'},"
                                      "{'expect': 'u', 'data': 'y', 'any_order': true}"),
                  OUTCOME_REFUSED, "closed");
}

/* What comes early does not end the step; what comes late is passed over as well, and the silence behind it is certain. */
Test(driver_expect, silence_behind_whatever_comes)
{
    expect_ok(play_steps("block",
                         OPEN_A "{'send': 'a', 'data': 'iC'},"
                                "{'expect': 'a', 'silence': 300, 'any_bytes': true},"
                                "{'expect': 'a', 'silence': 60, 'open': true},"
                                "{'send': 'a', 'data': 'i'}, {'expect': 'a', 'data': 'r'}"));
    expect_failed(play_steps("block", OPEN_A "{'send': 'a', 'data': 'i'},"
                                             "{'expect': 'a', 'silence': 300}"),
                  OUTCOME_EXTRA, "1 byte");
}

/* Of something long the bytes around the mistake are kept, or around the place where it ended; of both the same part. */
Test(driver_expect, the_part_that_is_shown)
{
    static const char *const steps =
        "{'open': 'l', 'listen': '${peer}:${port2}'}, {'open': 'out', 'tcp': '${peer}:${port2}'},"
        "{'open': 'c', 'accept': 'l'}, {'send': 'out', 'data': [{'times': 10000, 'of': 'z'}, "
        "'%s']},"
        "{'close': 'out'}, {'expect': 'c', 'data': [{'times': 10000, 'of': 'z'}, 'xyz']}";
    static const struct {
        const char *came;
        uint64_t diff_at;
    } cases[] = {{"y", 10000}, {"xy", UINT64_MAX}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *all = xasprintf(steps, cases[i].came);
        struct played played = play_steps("block", all);
        const struct step_result *result = last_result(&played);
        const size_t came = strlen(cases[i].came);
        cr_expect_eq(result->diff_at, cases[i].diff_at);
        cr_expect_eq(result->kept_from, 7952 /* (10000 - 2048), a multiple of 16 */);
        cr_expect_eq(result->observed.len, 10000 + came - result->kept_from);
        cr_expect_eq(result->expected.len, 10003 - result->kept_from);
        cr_expect_eq(result->observed.data[result->observed.len - 1], 'y');
        played_done(&played);
    }
}

/* Found out at the end, when nobody has looked since: whether the RST came before the send or after it must not matter. */
Test(driver_send, what_did_not_get_through)
{
    static const char *const steps =
        OPEN_A "{'send': 'a', 'data': 'q'}, {'expect': 'srv', 'silence': 60},"
               "{'send': 'a', 'data': 'x'%s}, {'expect': 'srv', 'silence': 60},"
               "{'send': 'a', 'data': 'y'%s}, {'expect': 'srv', 'silence': 60}";
    AUTO_FREE char *must = xasprintf(steps, "", "");
    AUTO_FREE char *may = xasprintf(steps, ", 'may_fail': true", ", 'may_fail': true");
    struct played played = play_steps("block", must);
    cr_expect(!played.trace.completed && last_result(&played)->outcome != OUTCOME_OK, "it passed");
    played_done(&played);
    expect_ok(play_steps("block", may));
}

/* A mistake behind the first 64 KiB is recognised all the same, and a line begins where it began. */
Test(driver_expect, a_mistake_is_recognised_far_behind_the_beginning)
{
    struct played played = play_steps(
        "block", "{'open': 'l', 'listen': '${peer}:${port2}'},"
                 "{'open': 'a', 'tcp': '${peer}:${port2}'}, {'open': 'b', 'accept': 'l'},"
                 "{'send': 'a', 'data': [{'times': 40000, 'of': 'line a\\n'}, 'line b\\n',"
                 " {'times': 40000, 'of': 'line a\\n'}]},"
                 "{'expect': 'b', 'data': {'times': 80000, 'of': 'line a\\n'}, 'else': ["
                 "{'matches': '^(ine|ne|e) ', 'hint': 'no-echo'},"
                 "{'matches': '^line b$', 'hint': 'shared-buffer'}]}");
    const struct step_result *last = last_result(&played);
    cr_expect_eq(last->outcome, OUTCOME_DIFFERENT);
    cr_expect_eq(last->diff_at, 40000 * 7 + 5);
    cr_expect_eq(last->alternative, 1, "alternative %d", last->alternative);
    played_done(&played);
}

Test(driver_expect, alternatives_are_tried_on_the_same_bytes)
{
    struct played played = play_steps(
        "block", OPEN_A
        "{'send': 'a', 'data': 'i'},"
        "{'expect': 'a', 'data': 'x', 'else': [{'data': 'y', 'hint': 'no-echo'},"
        "{'data': 'r', 'verdict': 'ok'}]},"
        "{'send': 'a', 'data': 'w'},"
        "{'expect': 'a', 'data': 'x', 'else': [{'data': 'rx', 'hint': 'no-echo'}, {'data': 'rr', "
        "'hint': 'sends-twice'}]}");
    cr_assert(played.trace.n_results >= 2);
    cr_expect(last_result(&played)->alternative == 1, "%d", last_result(&played)->alternative);
    cr_expect(last_result(&played)->outcome == OUTCOME_DIFFERENT);
    cr_expect(!played.trace.completed);
    played_done(&played);
}

Test(driver_expect, a_should_that_fails_lets_the_timeline_go_on)
{
    struct played played =
        play_steps("block", OPEN_A "{'send': 'a', 'data': 'i'},"
                                   "{'expect': 'a', 'data': 'x', 'force': 'should'},"
                                   "{'expect': 'a', 'data': 'r'}");
    cr_expect(played.trace.completed, "%s", told(&played));
    cr_expect(last_result(&played)->outcome == OUTCOME_OK);
    played_done(&played);
}

Test(driver_close, every_way_takes_effect)
{
    expect_ok(play_steps("fork", OPEN_A "{'send': 'a', 'data': 'i'}, {'expect': 'a', 'data': 'r'},"
                                        "{'close': 'a', 'how': 'reset'},"
                                        "{'check': 'srv', 'children': 0, 'within': 20}"));
    expect_ok(
        play_steps("block", OPEN_A "{'close': 'a', 'how': 'write'}, {'expect': 'a', 'eof': true}"));
    expect_ok(play_steps("block",
                         OPEN_A "{'close': 'srv', 'how': 'STOP'}, {'send': 'a', 'data': 'i'},"
                                "{'expect': 'a', 'silence': 60}, {'close': 'srv', 'how': 'CONT'},"
                                "{'expect': 'a', 'data': 'r', 'within': 20}"));
    expect_ok(play_steps("prefork",
                         OPEN_A "{'close': 'srv', 'how': 'KILL'}, {'expect': 'a', 'closed': true},"
                                "{'check': 'srv', 'alive': false},"
                                "{'open': 'b', 'tcp': '${host}:${port}', 'refused': true}"));
}

Test(driver_check, states_of_processes)
{
    expect_ok(
        play_steps("fork", OPEN_A
                   "{'check': 'srv', 'alive': true, 'children': '+1', 'listening': 'tcp ${port}',"
                   "'fds': '+2', 'rss': '+64MiB', 'threads': 1},"
                   "{'check': 'srv', 'cpu': '<=0.1', 'for': 60}"));
    expect_failed(play_steps("block", "{'check': 'srv', 'exit': 0, 'within': 300}"), OUTCOME_OTHER,
                  "still running");
    expect_failed(
        play_steps("block",
                   OPEN_A "{'send': 'a', 'data': 'd'}, {'check': 'srv', 'exit': 7, 'within': 300}"),
        OUTCOME_OTHER, "exit");
    expect_failed(
        play_steps("block",
                   OPEN_A "{'send': 'a', 'data': 'b'}, {'check': 'srv', 'cpu': '<=0.1', 'for': 1}"),
        OUTCOME_OTHER, "processor time");
    expect_failed(play_steps("block", "{'check': 'srv', 'listening': false, 'within': 300}"),
                  OUTCOME_OTHER, "1 of them");
}

Test(driver_loops, turns_values_and_definitions)
{
    struct played played = play_steps(
        "block",
        OPEN_A "{'repeat': 3, 'as': 'k', 'steps': [{'send': 'a', 'data': 'i'}, {'expect': 'a', "
               "'data': 'r'}]},"
               "{'repeat': ['i', 'w'], 'as': 'word', 'steps': [{'send': 'a', 'data': '${word}'},"
               "{'expect': 'a', 'data': 'rr', 'within': 20}]}");
    cr_expect(strstr(last_result(&played)->path, "@1"), "%s", last_result(&played)->path);
    cr_expect(last_result(&played)->outcome == OUTCOME_SHORT, "%s", told(&played));
    cr_expect(count_events(&played, TRACE_SEND, "a") == 4);
    played_done(&played);
}

Test(driver_lanes, side_by_side_with_a_barrier)
{
    struct played played = play_steps("thread", "{'parallel': 20, 'as': 'k', 'steps': [" OPEN_A
                                                "{'meet': 'all'}, {'send': 'a', 'data': 'i'},"
                                                "{'expect': 'a', 'data': 'r', 'within': 20}]},"
                                                "{'check': 'srv', 'fds': '+0', 'within': 20}");
    cr_expect(played.trace.completed, "%s", told(&played));
    uint64_t last_open = 0;
    uint64_t first_send = UINT64_MAX;
    for (size_t i = 0; i < played.trace.n_events; i++) {
        const struct trace_event *event = &played.trace.events[i];
        if (event->kind == TRACE_OPEN)
            last_open = event->t_us;
        if (event->kind == TRACE_SEND && event->t_us < first_send)
            first_send = event->t_us;
    }
    cr_expect(count_events(&played, TRACE_OPEN, "a#20") == 1);
    cr_expect(last_open <= first_send, "a lane did not wait at the barrier");
    played_done(&played);
}

Test(driver_lanes, a_silent_lane_does_not_hold_up_the_others)
{
    expect_ok(play_steps(
        "thread", "{'parallel': [[{'open': 's', 'tcp': '${host}:${port}'}, {'meet': 'm'},"
                  "{'expect': 's', 'silence': 60}], [{'meet': 'm'}, " OPEN_A
                  "{'send': 'a', 'data': 'S'}, {'expect': 'a', 'data': 'r', 'within': 20}]]}"));
}

Test(driver_lanes, faults_of_the_scenario)
{
    expect_fault(play_steps("block", "{'parallel': [[{'meet': 'x'}], [{'meet': 'y'}]]}"), "'x'");
    expect_fault(play_steps("thread",
                            OPEN_A "{'parallel': [[{'expect': 'a', 'data': 'r', 'within': 60}],"
                                   "[{'wait': 0.01}, {'close': 'a'}]]}"),
                 "another lane");
}

/* Both bytes of a port leave room for its swapped twin; the same seed draws the same ports. */
Test(driver_variables, ports_have_free_twins)
{
    struct played played = play_steps("block", "{'wait': 0}");
    const char *port2 = NULL;
    const char *swap2 = NULL;
    for (size_t i = 0; i < played.trace.n_vars; i++) {
        const struct trace_var *var = &played.trace.vars[i];
        if (strcmp(var->name, "port2") == 0)
            port2 = var->value;
        if (strcmp(var->name, "swap2") == 0)
            swap2 = var->value;
        if (strcmp(var->name, "swap") == 0)
            cr_expect_str_eq(var->value, "24347", "the twin of the fixed port 7007");
    }
    cr_assert(port2 && swap2);
    unsigned port = (unsigned)strtoul(port2, NULL, 10);
    unsigned swap = (unsigned)strtoul(swap2, NULL, 10);
    cr_expect(port >= 1024 && swap >= 1024 && port != swap);
    cr_expect(port == ((swap & 255) << 8 | swap >> 8));
    played_done(&played);
}

/* ---- what was wrong once ---- */

Test(driver_open, a_connection_may_take_its_listeners_name)
{
    expect_ok(play_steps("block", "{'open': 'l', 'listen': '${peer}:${port2}'},"
                                  "{'open': 'out', 'tcp': '${peer}:${port2}'},"
                                  "{'open': 'l', 'accept': 'l'}, {'send': 'out', 'data': 'x'},"
                                  "{'expect': 'l', 'data': 'x'}"));
}

Test(driver_open, names_have_a_length)
{
    expect_fault(
        play_steps(
            "block",
            "{'repeat': ['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],"
            "'as': 'x', 'steps': [{'open': 'n${x}', 'tcp': '${host}:${port}'}]}"),
        "letters");
}

/* The server answers with a reset, since it closes with unread bytes; a send that meets it must not swallow it. */
Test(driver_send, a_reset_is_kept_whoever_meets_it)
{
    expect_ok(play_steps(
        "block", OPEN_A "{'send': 'a', 'data': ['q', {'times': 600, 'of': 'z'}], 'may_fail': true},"
                        "{'send': 'a', 'data': {'gen': 'zero', 'size': 3000000}, 'may_fail': true},"
                        "{'expect': 'a', 'reset': true, 'within': 20}"));
}

/* What the kernel took got through, whatever becomes of the connection later. */
Test(driver_send, what_was_taken_is_not_lost)
{
    expect_ok(play_steps("block",
                         OPEN_A "{'send': 'a', 'data': 'qzz'}, {'expect': 'srv', 'silence': 60}"));
}

Test(driver_send, a_datagram_has_a_largest_size)
{
    expect_fault(play_steps("udp", "{'open': 'u', 'udp': '${host}:${port}'},"
                                   "{'send': 'u', 'data': {'gen': 'zero', 'size': 65508}}"),
                 "65507");
}

/* "udp" talks to one address, whoever else writes to it. */
Test(driver_send, a_stranger_does_not_become_the_peer)
{
    expect_ok(play_steps("udp",
                         "{'open': 'u', 'udp': '${host}:${port}', 'from': '${peer}:${port2}'},"
                         "{'open': 'v', 'udp': '${peer}:${port2}'}, {'send': 'v', 'data': 'x'},"
                         "{'expect': 'u', 'data': 'x'}, {'send': 'u', 'data': 'i'},"
                         "{'expect': 'u', 'data': 'r', 'within': 20}"));
}

/* An end that never comes of a stream that never ends: read, forgotten, and told by the clock. */
Test(driver_expect, a_flood_is_read_and_forgotten)
{
    expect_failed(
        play_steps("block", OPEN_A
                   "{'send': 'a', 'data': 'O'}, {'expect': 'a', 'closed': true, 'within': 0.5}"),
        OUTCOME_OPEN, "open");
}
