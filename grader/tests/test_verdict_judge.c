/* tests/test_verdict_judge.c: hand-made runs, and what they must be judged to be. */
#include "base/own.h"
#include "verdict/verdict.h"

#include <criterion/criterion.h>
#include <signal.h>

/* Sorted by name, as classes_load() leaves them. */
static struct bug_class list[] = {
    {.name = "crashed", .sentence = "killed by {got}", .read = "signal(7)"},
    {.name = "killed-by-limit", .sentence = "limit on {got}", .read = NULL},
    {.name = "known", .sentence = "port {port}, not {other}; {nothing}", .read = NULL},
    {.name = "no-answer", .sentence = "nothing came", .read = NULL},
    {.name = "sigpipe", .sentence = "SIGPIPE", .read = NULL},
};
static struct classes classes = {.list = list, .count = ARRAY_SIZE(list)};

static struct verdict judge(struct step *step, enum outcome outcome, int alternative,
                            struct process_summary process)
{
    struct trace trace;
    struct verdict verdict;
    const struct assignment assignment = {0};
    const struct scenario scenario = {.id = "one", .hints = {.any = "from-scenario"}};
    trace_init(&trace);
    struct step_result *result = trace_result(&trace);
    result->source = step;
    result->outcome = outcome;
    result->alternative = alternative;
    trace_figure(result, "other", "%d", 24347);
    trace_var(&trace, "port", "7007");
    trace.completed = outcome == OUTCOME_OK;
    trace.process = process;
    verdict_judge(&assignment, &scenario, &trace, &classes, &verdict);
    trace_done(&trace);
    return verdict;
}

/* What a step expected is text of the trace: its quotes are not escaped a second time. */
Test(verdict, a_sentence_quotes_what_was_expected_as_it_is)
{
    struct bug_class wrong[] = {{.name = "wrong", .sentence = "not {want}"}};
    const struct classes known = {.list = wrong, .count = 1};
    struct step_result result = {.expected_text = (char *)"\"a\\n\"\n"};
    struct trace trace = {0};
    AUTO_FREE char *sentence = verdict_sentence(&known, "wrong", &result, &trace);
    cr_assert_str_eq(sentence, "not \"a\\n\"\\n");
}

Test(verdict, order_of_the_evidence)
{
    static const struct expectation alternatives[] = {
        {.hint = "known", .verdict = VERDICT_FAILED},
        {.hint = "known", .verdict = VERDICT_NON_STRICT}};
    struct step step = {
        .verb = VERB_EXPECT, .name = "a", .alternatives = alternatives, .n_alternatives = 2};
    const struct process_summary alive = {0};
    const struct process_summary crashed = {
        .started = true, .ended = true, .signaled = true, .code = SIGSEGV};

    struct verdict verdict = judge(&step, OUTCOME_DIFFERENT, 0, crashed);
    cr_assert_str_eq(verdict.class_name, "known");
    cr_assert_str_eq(verdict.sentence, "port 7007, not 24347; ?");
    verdict_done(&verdict);

    verdict = judge(&step, OUTCOME_DIFFERENT, 1, alive);
    cr_assert_eq(verdict.kind, VERDICT_NON_STRICT);
    cr_assert_float_eq(verdict.share, 0.5, 1e-9);
    verdict_done(&verdict);

    verdict = judge(&step, OUTCOME_EOF, -1, crashed);
    cr_assert_str_eq(verdict.sentence, "killed by SIGSEGV");
    cr_assert_str_eq(verdict.read, "signal(7)");
    verdict_done(&verdict);

    verdict = judge(&step, OUTCOME_NOTHING, -1, alive);
    cr_assert_str_eq(verdict.class_name, "from-scenario");
    verdict_done(&verdict);

    step.hints.any = "any";
    step.hints.by_outcome[OUTCOME_NOTHING] = "just-this";
    verdict = judge(&step, OUTCOME_NOTHING, -1, alive);
    cr_assert_str_eq(verdict.class_name, "just-this");
    verdict_done(&verdict);
    verdict = judge(&step, OUTCOME_SHORT, -1, alive);
    cr_assert_str_eq(verdict.class_name, "any");
    verdict_done(&verdict);
}

/* "You did not call again after EINTR" is said only of programs that met an EINTR and then fell silent or ended. */
Test(verdict, a_fault_is_blamed_only_where_it_met_a_call)
{
    static const struct {
        bool shortens;
        uint64_t met_us; /* 0: never */
        enum outcome outcome;
        const char *class_name;
    } cases[] = {
        {false, 5, OUTCOME_NOTHING, "subject"},   {false, 5, OUTCOME_EOF, "subject"},
        {false, 5, OUTCOME_OTHER, "subject"},     {false, 0, OUTCOME_NOTHING, "no-answer"},
        {false, 50, OUTCOME_EOF, "ended-early"},  {false, 5, OUTCOME_DIFFERENT, "wrong-bytes"},
        {false, 5, OUTCOME_EXTRA, "extra-bytes"}, {true, 5, OUTCOME_DIFFERENT, "subject"},
        {true, 5, OUTCOME_SHORT, "subject"},      {true, 5, OUTCOME_EXTRA, "extra-bytes"},
    };
    struct step step = {.verb = VERB_EXPECT, .name = "a"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct world_call call = {.kind = WORLD_CALL_RECV, .max = cases[i].shortens};
        const struct scenario scenario = {
            .hints = {.any = "subject"},
            .world = {.calls = &call, .n_calls = 1},
        };
        const struct assignment assignment = {0};
        struct trace trace;
        struct verdict verdict;
        trace_init(&trace);
        if (cases[i].met_us)
            trace_event(&trace, cases[i].met_us, TRACE_FAULT, "srv", -1, NULL, 0, "recv call 2");
        struct step_result *result = trace_result(&trace);
        *result = (struct step_result){
            .source = &step, .outcome = cases[i].outcome, .alternative = -1, .to_us = 20};
        verdict_judge(&assignment, &scenario, &trace, &classes, &verdict);
        cr_expect_str_eq(verdict.class_name, cases[i].class_name, "%zu: %s", i, verdict.class_name);
        verdict_done(&verdict);
        trace_done(&trace);
    }
}

Test(verdict, force_and_faults)
{
    struct step step = {.verb = VERB_CHECK, .name = "server", .force = FORCE_SHOULD};
    const struct process_summary limit = {.started = true, .limit_hit = "memory"};
    struct verdict verdict = judge(&step, OUTCOME_OTHER, -1, limit);
    cr_assert_eq(verdict.kind, VERDICT_NON_STRICT);
    cr_assert_str_eq(verdict.sentence, "limit on memory");
    verdict_done(&verdict);

    step.force = FORCE_INFO;
    verdict = judge(&step, OUTCOME_OTHER, -1, limit);
    cr_assert_eq(verdict.kind, VERDICT_INFO);
    cr_assert_float_eq(verdict.share, 1, 1e-9);
    verdict_done(&verdict);

    verdict = judge(&step, OUTCOME_OK, -1, limit);
    cr_assert_eq(verdict.kind, VERDICT_OK);
    verdict_done(&verdict);

    struct trace trace;
    trace_init(&trace);
    const struct assignment assignment = {0};
    const struct scenario scenario = {0};
    verdict_judge(&assignment, &scenario, &trace, &classes, &verdict);
    cr_assert_eq(verdict.kind, VERDICT_ERROR, "a run without any result is no student's fault");
    verdict_done(&verdict);
    trace_done(&trace);
}

/* Ten points, cap 30 %: the first is a gate, the third the core, the last waits for the one before it. */
Test(verdict, points_scale_and_cap)
{
    static const size_t gate[] = {0}, both[] = {0, 3};
    static const struct scenario scenarios[] = {
        {.id = "gate", .points = 1, .gate = true},
        {.id = "b", .points = 1, .needs = gate, .n_needs = 1},
        {.id = "c", .points = 1, .core = true, .needs = gate, .n_needs = 1},
        {.id = "d", .points = 1, .needs = gate, .n_needs = 1},
        {.id = "e", .points = 1, .needs = both, .n_needs = 2},
    };
    const struct assignment assignment = {.cap = 0.3, .scenarios = scenarios, .n_scenarios = 5};
    const struct suite_entry entry = {.assignment = &assignment, .points = 10};
    struct verdict verdicts[5] = {
        {.kind = VERDICT_OK, .share = 1},
        {.kind = VERDICT_FAILED, .class_name = "known"},
        {.kind = VERDICT_NON_STRICT, .share = 0.5, .class_name = "other"},
        {.kind = VERDICT_FAILED, .class_name = "known"},
        {.kind = VERDICT_SKIPPED},
    };
    struct points points[5];
    double max = 0;
    bool withheld = true;
    cr_assert_float_eq(verdict_points(&entry, verdicts, points, &max, &withheld), 10 - 3 - 1, 1e-9);
    cr_assert_not(withheld);
    cr_assert_float_eq(max, 10, 1e-9);
    cr_assert_float_eq(points[3].score, 1, 1e-9);
    cr_assert(points[3].capped);
    cr_assert_float_eq(points[4].score, 2, 1e-9, "what a class blocks costs under its cap");

    verdicts[1].uncapped = verdicts[3].uncapped = true;
    cr_assert_float_eq(verdict_points(&entry, verdicts, points, &max, &withheld), 3, 1e-9,
                       "a program that does not work at all has no cap to help it");

    verdicts[1].uncapped = verdicts[3].uncapped = false;
    verdicts[2] = (struct verdict){.kind = VERDICT_FAILED, .class_name = "other"};
    cr_assert_float_eq(verdict_points(&entry, verdicts, points, &max, &withheld), 10 - 3 - 2, 1e-9,
                       "what a program is for may be wrong in one known way");
    verdicts[2].uncapped = true;
    cr_assert_float_eq(verdict_points(&entry, verdicts, points, &max, &withheld), 2, 1e-9,
                       "what fails in its core has no caps");

    verdicts[0] = (struct verdict){.kind = VERDICT_FAILED, .class_name = "known"};
    for (size_t i = 1; i < 5; i++)
        verdicts[i] = (struct verdict){.kind = VERDICT_SKIPPED};
    cr_assert_float_eq(verdict_points(&entry, verdicts, points, &max, &withheld), 0, 1e-9,
                       "a gate costs all");

    verdicts[1].kind = VERDICT_ERROR;
    (void)verdict_points(&entry, verdicts, points, &max, &withheld);
    cr_assert(withheld);

    const bool none[5] = {false};
    const struct suite_entry unasked = {.assignment = &assignment, .points = 10, .selected = none};
    cr_assert_float_eq(verdict_points(&unasked, verdicts, points, &max, &withheld), 0, 1e-9);
    cr_assert_float_eq(max, 0, 1e-9, "what nobody asked for is worth nothing");
}

/* Whoever waited for a processor is asked again, but not for ever; a proof is not, and neither is what cost nothing, nor who
 * has used up what it may have. */
Test(verdict, what_a_busy_machine_may_have_done_is_doubtful)
{
    static const struct {
        enum verdict_kind kind;
        enum proof proof;
        uint64_t starved_us, busy_us;
        double seconds;
        unsigned runs; /* so many in all */
        const char *limit;
    } rows[] = {
        {VERDICT_FAILED, PROOF_DEADLINE, 0, 0, 6, 1, NULL},
        {VERDICT_FAILED, PROOF_DEADLINE, 0, 300000, 6, 1, NULL},
        {VERDICT_FAILED, PROOF_DEADLINE, 0, 2000000, 6, 3, NULL},
        {VERDICT_NON_STRICT, PROOF_DEADLINE, 0, 2000000, 6, 3, NULL},
        {VERDICT_FAILED, PROOF_SILENT, 0, 2000000, 6, 1, NULL},
        {VERDICT_FAILED, PROOF_DEADLINE, 0, 200000000, 300, 1, NULL},
        {VERDICT_FAILED, PROOF_SILENT, 300000, 0, 6, 5, NULL},
        {VERDICT_FAILED, PROOF_DEADLINE, 300000, 2000000, 6, 5, NULL},
        {VERDICT_OK, PROOF_DEADLINE, 300000, 2000000, 6, 1, NULL},
        {VERDICT_INFO, PROOF_DEADLINE, 300000, 2000000, 6, 1, NULL},
        {VERDICT_FAILED, PROOF_DEADLINE, 300000, 2000000, 6, 1, "processes"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct verdict verdict = {.kind = rows[i].kind, .proof = rows[i].proof};
        struct trace trace = {.starved_us = rows[i].starved_us,
                              .busy_us = rows[i].busy_us,
                              .seconds = rows[i].seconds,
                              .process.limit_hit = rows[i].limit};
        unsigned runs = 1;
        while (runs < 10 && verdict_is_doubtful(&verdict, &trace, runs))
            runs++;
        cr_expect_eq(runs, rows[i].runs, "row %zu: %u runs", i, runs);
    }
}
