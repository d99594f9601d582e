/* tests/test_scenario_calls.c: the world's faulty system calls: what is read, and what is refused with which words. */
#include "tests/scenario_help.h"

#include <errno.h>

static char *file_with(const char *calls, const char *steps)
{
    return xasprintf("{\"assignment\": \"a\", \"program\": \"p\", \"world\": {\"calls\": %s},\n"
                     "\"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": [%s]}]}",
                     calls, steps);
}

Test(scenario_calls, each_wrong_word_has_its_line)
{
    static const struct {
        const char *calls, *want;
    } cases[] = {
        {"{\"recvfrom\": {\"max\": 1}}", "world.calls.recvfrom: say 'recv'"},
        {"{\"acept\": {\"errno\": \"EINTR\", \"nth\": 1}}", "did you mean 'accept'?"},
        {"{\"accept\": {\"errno\": \"EPIPE\", \"nth\": 1}}", "world.calls.accept.errno"},
        {"{\"connect\": {\"errno\": \"EINTR\", \"nth\": 1}}", "world.calls.connect.errno"},
        {"{\"accept\": {\"errno\": \"EINTR\"}}", "which calls fail?"},
        {"{\"accept\": {\"nth\": 1}}", "what happens to the call?"},
        {"{\"accept\": {\"max\": 1}}", "moves no bytes"},
        {"{\"recv\": {\"max\": 0}}", "world.calls.recv.max: must lie between"},
        {"{\"recv\": {\"errno\": \"EINTR\", \"every\": 1}}",
         "world.calls.recv.every: must lie between"},
        {"{\"recv\": {\"errno\": \"EINTR\", \"chance\": 1}}",
         "world.calls.recv.chance: must lie between"},
        {"{\"recv\": {\"errno\": \"EINTR\", \"nth\": 2, \"every\": 2}}", "exclude each other"},
        {"{\"recv\": {\"errno\": \"EINTR\", \"every\": 2, \"times\": 2}}",
         "'times' belongs to 'nth'"},
        {"{\"recv\": {\"max\": 1, \"time\": 2}}", "did you mean 'times'?"},
        {"{\"recv\": 1}", "world.calls.recv: must be an object"},
        {"1", "world.calls: must be an object"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *text = file_with(cases[i].calls, "");
        AUTO_FREE char *findings = help_lint_text(text);
        cr_expect(strstr(findings, cases[i].want) != NULL, "%s: wanted \"%s\", got \"%s\"",
                  cases[i].calls, cases[i].want, findings);
        cr_expect(strncmp(findings, "a.json:1:", 9) == 0, "%s", findings);
        cr_expect_eq(strchr(findings, '\n')[1], '\0', "one finding: %s", findings);
    }
}

Test(scenario_calls, a_program_that_is_traced_cannot_be_stopped)
{
    static const char *const steps =
        "{\"start\": \"srv\", \"ready\": \"none\"}, {\"close\": \"srv\", \"how\": \"STOP\"}";
    AUTO_FREE char *faulty = file_with("{\"send\": {\"max\": 1}}", steps);
    AUTO_FREE char *plain = file_with("{}", steps);
    AUTO_FREE char *findings = help_lint_text(faulty);
    AUTO_FREE char *none = help_lint_text(plain);
    cr_expect(strstr(findings, "steps[1]: 'STOP' and 'CONT' do not go together"), "%s", findings);
    cr_expect_str_empty(none);
}

Test(scenario_calls, the_scenario_s_calls_lie_on_the_file_s)
{
    struct assignment *a = help_load(
        "{\"assignment\": \"a\", \"world\": {\"calls\": {\"send\": {\"max\": 1}, "
        "\"recv\": {\"errno\": \"EINTR\", \"every\": 3, \"max\": 7}}},\n"
        "\"scenarios\": [{\"id\": \"a\", \"title\": \"t\", \"steps\": []},\n"
        "{\"id\": \"b\", \"title\": \"t\", \"steps\": [], \"world\": {\"calls\": {\"send\": "
        "{\"errno\": \"ENOBUFS\", \"chance\": 0.25}, \"accept\": {\"errno\": \"EMFILE\", \"nth\": "
        "2, "
        "\"times\": 5}}}}]}");
    const struct world *outer = &a->scenarios[0].world;
    const struct world *inner = &a->scenarios[1].world;
    cr_assert_eq(outer->n_calls, 2);
    cr_expect_eq(outer->calls[0].kind, WORLD_CALL_SEND);
    cr_expect_eq(outer->calls[0].max, 1);
    cr_expect_eq(outer->calls[0].sys_errno, 0);
    cr_assert_eq(inner->n_calls, 3);
    cr_expect_eq(inner->calls[0].kind, WORLD_CALL_RECV);
    cr_expect_eq(inner->calls[0].sys_errno, EINTR);
    cr_expect_eq(inner->calls[0].every, 3);
    cr_expect_eq(inner->calls[0].max, 7);
    cr_expect_eq(inner->calls[1].sys_errno, ENOBUFS);
    cr_expect_eq(inner->calls[1].max, 0);
    cr_expect_float_eq(inner->calls[1].chance, 0.25, 1e-9);
    cr_expect_eq(inner->calls[2].sys_errno, EMFILE);
    cr_expect_eq(inner->calls[2].nth, 2);
    cr_expect_eq(inner->calls[2].times, 5);
    assignment_free(a);
}
