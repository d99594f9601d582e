/* The record of a run: bounded, complete, and nameable. */
#include "trace/trace.h"

#include <criterion/criterion.h>
#include <string.h>

Test(trace_record, keeps_events_up_to_their_limits)
{
    struct trace trace;
    uint8_t bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    trace_init(&trace);
    for (int i = 0; i < TRACE_MAX_EVENTS + 7; i++)
        trace_event(&trace, (uint64_t)i, TRACE_RECEIVE, "a#1024", 3, bytes, sizeof bytes, "text");
    cr_expect_eq(trace.n_events, TRACE_MAX_EVENTS);
    cr_expect_eq(trace.dropped_events, 7);
    const struct trace_event *event = trace_event_at(&trace, TRACE_MAX_EVENTS - 1);
    cr_expect_eq(event->t_us, TRACE_MAX_EVENTS + 6);
    cr_expect_eq(event->len, sizeof bytes);
    cr_expect(event->bytes[TRACE_MAX_BYTES - 1] == 'x');
    cr_expect_str_eq(event->actor, "a#1024");
    cr_expect_str_eq(event->text, "text");
    trace_done(&trace);
    cr_expect_eq(trace.n_events, 0);
}

/* How it began and how it ended are told; what was dropped lies between, however often the last half went round. */
Test(trace_record, keeps_the_first_and_the_last_events_in_order)
{
    for (unsigned more = 0; more < 2500; more += 499) {
        struct trace trace;
        trace_init(&trace);
        for (unsigned i = 0; i < TRACE_MAX_EVENTS + more; i++)
            trace_event(&trace, i, TRACE_NOTE, "a", -1, NULL, 0, "text");
        cr_assert_eq(trace.dropped_events, more);
        for (size_t i = 0; i < trace.n_events; i++)
            cr_assert_eq(trace_event_at(&trace, i)->t_us, i < TRACE_MAX_EVENTS / 2 ? i : i + more,
                         "%u more, event %zu", more, i);
        trace_done(&trace);
    }
}

Test(trace_record, takes_events_without_bytes_or_text)
{
    struct trace trace;
    trace_init(&trace);
    trace_event(&trace, 1, TRACE_FIN, NULL, -1, NULL, 0, NULL);
    trace_event(&trace, 2, TRACE_SEND, "a name that is far longer than the field for it", 0, "", 0,
                "");
    cr_expect(trace.events[0].bytes == NULL && trace.events[0].text == NULL);
    cr_expect_eq(strlen(trace.events[1].actor), sizeof trace.events[1].actor - 1);
    trace_done(&trace);
}

Test(trace_record, results_start_out_neutral)
{
    struct trace trace;
    trace_init(&trace);
    for (int i = 0; i < 100; i++) {
        struct step_result *result = trace_result(&trace);
        result->step = i;
        cr_expect(result->alternative == -1 && result->diff_at == UINT64_MAX);
        cr_expect(result->class_name == NULL && result->generic_class == NULL);
        for (int k = 0; k < 2000; k++)
            (void)buf_add_str(&result->observed, "0123456789");
        cr_expect_eq(result->observed.len, TRACE_MAX_RESULT_BYTES);
    }
    cr_expect_eq(trace.n_results, 100);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(trace.results[i].step, i);
    trace_done(&trace);
}

Test(trace_record, figures_and_variables_are_replaced_by_name)
{
    struct trace trace;
    trace_init(&trace);
    struct step_result *result = trace_result(&trace);
    trace_figure(result, "n", "%d", 5);
    trace_figure(result, "n", "%d", 6);
    cr_expect_eq(result->n_figures, 1);
    cr_expect_str_eq(result->figures[0].value, "6");
    for (int i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%d", i);
        trace_figure(result, name, "%d", i);
    }
    cr_expect_eq(result->n_figures, 6);
    trace_var(&trace, "port", "1");
    trace_var(&trace, "host", "h");
    trace_var(&trace, "port", "2");
    cr_expect_eq(trace.n_vars, 2);
    cr_expect_str_eq(trace.vars[0].value, "2");
    trace_done(&trace);
}

Test(trace_record, output_of_the_program_is_bounded)
{
    struct trace trace;
    trace_init(&trace);
    for (int i = 0; i < 100000; i++)
        (void)buf_add_str(&trace.out, "flood ");
    cr_expect_eq(trace.out.len, 16384);
    cr_expect(trace.out.dropped > 0);
    trace_done(&trace);
}

Test(trace_record, every_name_is_there_and_reads_back)
{
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = OUTCOME_COUNT;
        cr_expect(outcome_from_name(outcome_name((enum outcome)i), &outcome));
        cr_expect_eq((int)outcome, i);
    }
    enum outcome none = OUTCOME_OK;
    cr_expect_not(outcome_from_name("nothin", &none));
    for (int i = 0; i <= TRACE_NOTE; i++)
        cr_expect_str_neq(trace_kind_name((enum trace_kind)i), "?");
    for (int i = 0; i <= PROOF_DEADLINE; i++)
        cr_expect_str_neq(proof_name((enum proof)i), "?");
    cr_expect_str_eq(proof_name((enum proof)99), "?");
}
