/* tests of driver/: how steps end: by what is seen, by proof, by the clock; for every style of server. */
#include "tests/driver_lab.h"

#include <criterion/criterion.h>

static const char *const tcp_styles[] = {"block", "fork",  "prefork", "thread",  "pool", "select",
                                         "poll",  "epoll", "epollet", "threads", "pipe"};

/* Opens a connection, sends one command, and expects this. */
static struct played ask(const char *style, char command, const char *expectation)
{
    bool is_udp = strcmp(style, "udp") == 0;
    AUTO_FREE char *steps =
        xasprintf("{'open': 'a', '%s': '${host}:${port}'}, {'send': 'a', 'data': '%c'},"
                  "{'expect': 'a', %s}",
                  is_udp ? "udp" : "tcp", command, expectation);
    return play_steps(style, steps);
}

static void expect_end(const char *style, char command, const char *expectation,
                       enum outcome outcome, enum proof proof)
{
    struct played played = ask(style, command, expectation);
    const struct step_result *last = last_result(&played);
    cr_expect(last->outcome == outcome, "%s, %c: %s: %s", style, command,
              outcome_name(last->outcome), told(&played));
    cr_expect(last->proof == proof, "%s, %c: proof %s", style, command, proof_name(last->proof));
    cr_expect(played.trace.completed == (outcome == OUTCOME_OK));
    played_done(&played);
}

Test(driver_proofs, an_answer_is_seen)
{
    for (size_t i = 0; i < ARRAY_SIZE(tcp_styles); i++)
        expect_end(tcp_styles[i], 'i', "'data': 'r'", OUTCOME_OK, PROOF_SEEN);
    expect_end("udp", 'i', "'data': 'r'", OUTCOME_OK, PROOF_SEEN);
}

Test(driver_proofs, no_answer_is_proven)
{
    for (size_t i = 0; i < ARRAY_SIZE(tcp_styles); i++)
        expect_end(tcp_styles[i], 'n', "'data': 'r', 'within': 300", OUTCOME_NOTHING, PROOF_SILENT);
    expect_end("udp", 'n', "'data': 'r', 'within': 300", OUTCOME_NOTHING, PROOF_SILENT);
}

/* The work of another thread, child, timer or nap is waited for, whoever does it. */
Test(driver_proofs, a_late_answer_is_no_silence)
{
    static const struct {
        const char *style;
        const char *commands;
    } cases[] = {
        {"block", "CSfgvak"}, {"thread", "CSf"}, {"epoll", "ySC"}, {"threads", "t"}, {"udp", "SC"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (const char *command = cases[i].commands; *command; command++)
            expect_end(cases[i].style, *command, "'data': 'r', 'within': 20", OUTCOME_OK,
                       PROOF_SEEN);
}

Test(driver_proofs, an_end_is_seen)
{
    expect_end("block", 'q', "'eof': true, 'within': 20", OUTCOME_OK, PROOF_SEEN);
    expect_end("block", 'l', "'eof': true, 'within': 20", OUTCOME_OK, PROOF_SEEN);
    expect_end("fork", 'q', "'data': 'r', 'within': 20", OUTCOME_EOF, PROOF_SEEN);
    expect_end("block", 'd', "'closed': true, 'within': 20", OUTCOME_OK, PROOF_SEEN);
    expect_end("block", 'i', "'data': 'r', 'eof': true, 'within': 300", OUTCOME_OPEN, PROOF_SILENT);
}

/* Asleep beyond the limit: nothing can come before it, which is known at once. */
Test(driver_proofs, a_sleeper_beyond_the_limit_is_silent_until_then)
{
    expect_end("block", 'S', "'data': 'r', 'within': 0.1", OUTCOME_NOTHING, PROOF_SILENT);
    expect_end("block", 'S', "'silence': 0.1", OUTCOME_OK, PROOF_SILENT);
}

Test(driver_proofs, a_busy_program_has_its_own_time_and_no_more)
{
    struct played played = ask("block", 'b', "'data': 'r', 'within': 0.3");
    const struct step_result *last = last_result(&played);
    cr_expect(last->outcome == OUTCOME_NOTHING && last->proof == PROOF_DEADLINE, "%s",
              told(&played));
    cr_expect_str_eq(last->generic_class, "busy-loop");
    played_done(&played);
}

/* Looks every 50 ms: nothing extra comes, by the rule of the idle ticks; but nothing fails by it. */
Test(driver_proofs, a_program_on_a_tick)
{
    struct played played =
        play_steps("tick", "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'i'},"
                           "{'expect': 'a', 'data': 'r', 'within': 20},"
                           "{'expect': 'a', 'silence': 60}");
    cr_expect(played.trace.completed, "%s", told(&played));
    cr_expect(last_result(&played)->proof == PROOF_IDLE_TICKS, "%s",
              proof_name(last_result(&played)->proof));
    played_done(&played);
    expect_end("tick", 'i', "'data': 'rr', 'within': 1", OUTCOME_SHORT, PROOF_DEADLINE);
}

Test(driver_proofs, silence_ends_at_once_and_a_byte_breaks_it)
{
    expect_end("poll", 'n', "'silence': 300", OUTCOME_OK, PROOF_SILENT);
    expect_end("poll", 'w', "'silence': 300", OUTCOME_EXTRA, PROOF_SEEN);
}

static void expect_class(struct played played, const char *class_name)
{
    const struct step_result *last = last_result(&played);
    cr_expect(last->generic_class && strcmp(last->generic_class, class_name) == 0, "%s, not %s: %s",
              last->generic_class ? last->generic_class : "none", class_name, told(&played));
    cr_expect(last->observed_text && strstr(last->observed_text, "blocked:"), "%s", told(&played));
    played_done(&played);
}

Test(driver_proofs, a_hang_tells_where_and_why)
{
    expect_class(ask("block", 'n', "'data': 'r'"), "waits-for-more-input");
    expect_class(play_steps("block",
                            "{'open': 'first', 'tcp': '${host}:${port}'},"
                            "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'i'},"
                            "{'expect': 'a', 'data': 'r'}"),
                 "never-accepts");
    expect_class(
        play_steps("block",
                   "{'open': 's', 'tcp': '${host}:${port}', 'read': false, 'rcvbuf': 4096},"
                   "{'send': 's', 'data': 'O', 'stall': 1},"
                   "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'i'},"
                   "{'expect': 'a', 'data': 'r'}"),
        "blocked-on-send");
}

/* Asleep, or in a queue of its own: it may be anything, but it does not wait for more input. */
Test(driver_proofs, who_does_not_read_does_not_wait_for_input)
{
    struct played played = ask("block", 'S', "'data': 'r', 'within': 0.1");
    cr_expect(!last_result(&played)->generic_class, "%s", last_result(&played)->generic_class);
    played_done(&played);
    played = ask("deaf", 'i', "'data': 'r'");
    cr_expect(!last_result(&played)->generic_class, "%s", last_result(&played)->generic_class);
    played_done(&played);
}

/* What waits at a socket that the scenario does not read is no event: it neither keeps the driver busy nor from a proof. */
Test(driver_proofs, what_nobody_reads_is_no_news)
{
    struct played played =
        play_steps("udp", "{'open': 'a', 'udp': '${host}:${port}', 'read': false},"
                          "{'send': 'a', 'data': 'i'}, {'expect': 'srv', 'silence': 1},"
                          "{'expect': 'a', 'data': 'r'}");
    cr_expect(played.trace.completed, "%s", told(&played));
    cr_expect(played.trace.n_results > 1);
    cr_expect(last_result(&played)[-1].proof == PROOF_SILENT, "%s",
              proof_name(last_result(&played)[-1].proof));
    played_done(&played);
}

/* The order of the segments is certain: each is read by itself, sixty-four in a row. */
Test(driver_proofs, each_segment_is_read_before_the_next_is_sent)
{
    struct played played =
        play_steps("block", "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': '#'},"
                            "{'expect': 'a', 'count': 1},"
                            "{'send': 'a', 'data': {'times': 64, 'of': 'n'}, 'cut': 1, 'gap': 60},"
                            "{'expect': 'a', 'silence': 60},"
                            "{'send': 'a', 'data': '#'}, {'expect': 'a', 'data': {'hex': '41'}}");
    cr_expect(played.trace.completed, "%s", told(&played));
    played_done(&played);
}

/* Others may have the processor while a program sleeps, or a step waits for its time; not while the program works. */
Test(driver_proofs, a_run_that_waits_for_time_says_so)
{
    struct played played = ask("block", 'S', "'data': 'r', 'within': 20");
    cr_expect(played.trace.completed, "%s", told(&played));
    cr_expect_gt(played.rest.begun, 0, "asleep for 300 ms");
    played_done(&played);
    played = play_steps("block", "{'wait': 0.3}, {'check': 'srv', 'alive': true}");
    cr_expect(played.trace.completed, "%s", told(&played));
    cr_expect_gt(played.rest.begun, 0, "a wait of 300 ms");
    played_done(&played);
    played =
        play_steps("block", "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'b'},"
                            "{'check': 'srv', 'alive': true, 'for': 0.5}");
    cr_expect(played.trace.completed, "%s", told(&played));
    cr_expect_lt((double)played.rest.all_ns, played.trace.seconds * 1e9 / 2, "it spins");
    played_done(&played);
}
