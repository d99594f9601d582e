/* Suites: which scenarios run, and for how much; --only; the bug classes. */
#include "tests/scenario_help.h"

static const char first[] =
    "{\"assignment\": \"one\", \"program\": \"p\", \"scenarios\": [\n"
    " {\"id\": \"starts\", \"title\": \"t\", \"gate\": true, \"steps\": []},\n"
    " {\"id\": \"echo\", \"title\": \"t\", \"steps\": []},\n"
    " {\"id\": \"echo-big\", \"title\": \"t\", \"level\": \"load\", \"needs\": [\"echo\"], "
    "\"steps\": []},\n"
    " {\"id\": \"idle\", \"title\": \"t\", \"level\": \"robust\", \"hint\": \"busy\", \"steps\": "
    "[]}]}";
static const char second[] = "{\"assignment\": \"two\", \"program\": \"q\", \"scenarios\": "
                             "[{\"id\": \"x\", \"title\": \"t\", \"steps\": []}]}";

static char *testcases(const char *suite)
{
    char *folder = help_folder();
    AUTO_FREE char *suites = xasprintf("%s/suites", folder);
    cr_assert_eq(mkdir(suites, 0755), 0);
    help_write(folder, "one.json", first);
    help_write(folder, "two.json", second);
    help_write(folder, "classes.json",
               "{\"classes\": {\"busy\": {\"sentence\": \"It uses {cpu} s.\", \"read\": "
               "\"poll(2)\"}, \"a\": {\"sentence\": \"A\"}}}");
    help_write(suites, "course.json", suite);
    return folder;
}

static struct suite *load(const char *text, const char *const *only, size_t n_only)
{
    char *folder = testcases(text);
    struct suite *suite = NULL;
    struct err err = {0};
    const int rc = suite_load(folder, NULL, only, n_only, &suite, &err);
    help_remove(folder);
    cr_assert(rc == 0, "%s", err.text);
    return suite;
}

static void expect_error(const char *text, const char *only, const char *part)
{
    char *folder = testcases(text);
    struct suite *suite = NULL;
    struct err err = {0};
    cr_expect_eq(suite_load(folder, NULL, &only, only ? 1 : 0, &suite, &err), -1, "%s", text);
    cr_expect_eq(err.kind, ERR_USAGE);
    cr_expect(strstr(err.text, part) != NULL, "no \"%s\" in: %s", part, err.text);
    cr_expect_null(suite);
    help_remove(folder);
}

/* "1010": which scenarios of an entry are selected */
static void expect_selected(const struct suite_entry *entry, const char *wanted)
{
    for (size_t i = 0; i < entry->assignment->n_scenarios; i++)
        cr_expect_eq(entry->selected[i], wanted[i] == '1', "%s/%s", entry->assignment->id,
                     entry->assignment->scenarios[i].id);
}

static const char both[] =
    "{\"suite\": \"course\", \"title\": \"T\", \"assignments\": [{\"assignment\": \"one\", "
    "\"points\": 30}, {\"assignment\": \"two\"}]}";

Test(scenario_suite, takes_everything_when_nothing_is_said)
{
    struct suite *suite = load(both, NULL, 0);
    cr_expect_str_eq(suite->id, "course");
    cr_expect_str_eq(suite->title, "T");
    cr_expect_not(suite->obey_show);
    cr_assert_eq(suite->n_entries, 2);
    expect_selected(&suite->entries[0], "1111");
    cr_expect(suite->entries[0].points > 29.9 && suite->entries[1].points > 99.9);
    cr_expect(suite->entries[0].factors[3] > 0.9 && suite->entries[0].factors[3] < 1.1);
    cr_expect_str_eq(classes_find(suite->classes, "busy")->read, "poll(2)");
    cr_expect_null(classes_find(suite->classes, "bus"));
    cr_expect_null(classes_find(suite->classes, "a")->read);
    suite_free(suite);
}

Test(scenario_suite, levels_and_weights)
{
    struct suite *suite = load("{\"suite\": \"s\", \"show\": true, \"levels\": [\"basic\"], "
                               "\"assignments\": [{\"assignment\": \"one\", "
                               "\"weights\": {\"*\": 2, \"echo*\": 0, \"echo-big\": 0.5}}]}",
                               NULL, 0);
    const struct suite_entry *entry = &suite->entries[0];
    cr_expect(suite->obey_show);
    /* echo is worth nothing and still runs: echo-big needs it */
    expect_selected(entry, "1111");
    cr_expect(entry->factors[0] > 1.9 && entry->factors[1] < 0.1);
    cr_expect(entry->factors[2] > 0.4 && entry->factors[2] < 0.6);
    suite_free(suite);
    suite = load("{\"suite\": \"s\", \"levels\": [\"robust\"], \"assignments\": [{\"assignment\": "
                 "\"one\"}]}",
                 NULL, 0);
    expect_selected(&suite->entries[0], "1001");
    cr_expect(suite->entries[0].factors[0] < 0.1);
    suite_free(suite);
}

Test(scenario_suite, only_selects_and_brings_what_is_needed)
{
    const char *const exact[] = {"one/echo-big"};
    struct suite *suite = load(both, exact, 1);
    expect_selected(&suite->entries[0], "1110");
    expect_selected(&suite->entries[1], "0");
    suite_free(suite);
    const char *const globs[] = {"one/i*", "tw?"};
    suite = load(both, globs, 2);
    expect_selected(&suite->entries[0], "1001");
    expect_selected(&suite->entries[1], "1");
    suite_free(suite);
    expect_error(both, "one/nothing", "no scenario of suite 'course' matches");
    expect_error(both, "one/ecko", "(did you mean 'one/echo'?)");
    expect_error(both, "three", "--only three");
}

Test(scenario_suite, mistakes_are_told)
{
    expect_error("[]", NULL, "must be an object");
    expect_error("{\"suite\": \"s\"}", NULL, "needs 'assignments'");
    expect_error("{\"suite\": \"s\", \"assignments\": []}", NULL, "must hold 1 to");
    expect_error("{\"suite\": \"s\", \"assignments\": [{}]}", NULL, "needs 'assignment'");
    expect_error("{\"suite\": \"s\", \"assignments\": [{\"assignment\": \"on\"}]}", NULL,
                 "there is no ");
    expect_error("{\"suite\": \"s\", \"assignments\": [{\"assignment\": \"../one\"}]}", NULL,
                 "no name of an assignment");
    expect_error("{\"suite\": \"s\", \"assignments\": [{\"assignment\": \"one\"}, {\"assignment\": "
                 "\"one\"}]}",
                 NULL, "stands here twice");
    expect_error("{\"suite\": \"s\", \"assignments\": [{\"assignment\": \"one\", \"weights\": "
                 "{\"x*\": 1}}]}",
                 NULL, "matches no scenario");
    expect_error("{\"suite\": \"s\", \"levels\": [\"basick\"], \"assignments\": [{\"assignment\": "
                 "\"one\"}]}",
                 NULL, "did you mean 'basic'?");
    expect_error("{\"suite\": \"s\", \"levels\": [], \"assignments\": [{\"assignment\": \"one\"}]}",
                 NULL, "nothing to grade");
    expect_error("{\"suite\": \"s\", \"asignments\": [{\"assignment\": \"one\"}]}", NULL,
                 "needs 'assignments' (and 1 more");
}

Test(scenario_suite, mistakes_of_what_it_names_are_told_too)
{
    char *folder = testcases(both);
    struct suite *suite = NULL;
    struct err err = {0};
    help_write(folder, "two.json",
               "{\"assignment\": \"two\", \"program\": \"q\", \"scenarios\": [\n{\"id\": \"x\"}]}");
    cr_expect_eq(suite_load(folder, NULL, NULL, 0, &suite, &err), -1);
    cr_expect(strstr(err.text, "two.json:2:1: scenarios[0]: needs 'steps'") != NULL ||
                  strstr(err.text, "two.json:2:1: scenarios[0]: needs 'title'") != NULL,
              "%s", err.text);
    struct err classes = {0};
    help_write(folder, "classes.json", "{\"classes\": {\"a\": {\"sentence\": \"x {prt}\"}}}");
    cr_expect_eq(suite_load(folder, NULL, NULL, 0, &suite, &classes), -1);
    cr_expect(strstr(classes.text, "unknown figure {prt} (did you mean 'port'?)") != NULL, "%s",
              classes.text);
    struct err missing = {0};
    cr_expect_eq(suite_load("/nonexistent", NULL, NULL, 0, &suite, &missing), -1);
    cr_expect_eq(missing.kind, ERR_USAGE);
    help_remove(folder);
}

Test(scenario_suite, lint_tells_the_kinds_of_files_apart)
{
    char *folder = testcases(both);
    AUTO_FREE char *suite = help_lint(folder, "suites/course.json");
    AUTO_FREE char *classes = help_lint(folder, "classes.json");
    AUTO_FREE char *assignment = help_lint(folder, "one.json");
    cr_expect_str_eq(suite, "");
    cr_expect_str_eq(classes, "");
    cr_expect_str_eq(assignment, "");
    help_write(folder, "classes.json", "{\"classes\": {\"a\": {\"sentense\": \"x\"}, \"b\": 5}}");
    AUTO_FREE char *wrong = help_lint(folder, "classes.json");
    cr_expect(strstr(wrong, "(did you mean 'sentence'?)") != NULL &&
                  strstr(wrong, "needs 'sentence'") != NULL &&
                  strstr(wrong, "classes.b: must be an object, not a number") != NULL,
              "%s", wrong);
    help_remove(folder);
}

/* Everything that is delivered is free of findings, and the course's suite selects something of every assignment. */
Test(scenario_suite, the_delivered_test_cases_are_sound)
{
    struct suite *suite = NULL;
    struct err err = {0};
    cr_assert_eq(suite_load("testcases", NULL, NULL, 0, &suite, &err), 0, "%s", err.text);
    for (size_t i = 0; i < suite->n_entries; i++) {
        size_t n = 0;
        for (size_t k = 0; k < suite->entries[i].assignment->n_scenarios; k++)
            n += suite->entries[i].selected[k];
        cr_expect(n > 0, "%s", suite->entries[i].assignment->id);
    }
    suite_free(suite);
}

Test(scenario_suite, what_is_about_byte_order)
{
    char *folder = help_folder();
    AUTO_FREE char *path = xasprintf("%s/classes.json", folder);
    struct classes *classes = NULL;
    struct err err = {0};
    help_write(folder, "classes.json",
               "{\"classes\": {\"a\": {\"sentence\": \"A\", \"byte_order\": \"missing\"},"
               " \"b\": {\"sentence\": \"B\", \"byte_order\": \"wrong\"},"
               " \"c\": {\"sentence\": \"C\"}}}");
    cr_assert_eq(classes_load(path, &classes, &err), 0, "%s", err.text);
    cr_expect_eq(classes_find(classes, "a")->byte_order, BYTE_ORDER_MISSING);
    cr_expect_eq(classes_find(classes, "b")->byte_order, BYTE_ORDER_WRONG);
    cr_expect_eq(classes_find(classes, "c")->byte_order, BYTE_ORDER_NOT);
    classes_free(classes);
    help_remove(folder);
    AUTO_FREE char *wrong =
        help_lint_text("{\"classes\": {\"a\": {\"sentence\": \"A\", \"byte_order\": \"mising\"}}}");
    cr_expect(strstr(wrong, "byte_order") && strstr(wrong, "missing"), "%s", wrong);
    AUTO_FREE char *number = help_lint_text(
        "{\"assignment\": \"a\", \"program\": \"p\", \"byte_order\": 1, \"scenarios\": []}");
    cr_expect(strstr(number, "byte_order"), "%s", number);
    struct assignment *assignment = help_load(
        "{\"assignment\": \"a\", \"program\": \"p\", \"byte_order\": true, \"scenarios\": "
        "[{\"id\": \"s\", \"title\": \"t\", \"steps\": []}]}");
    cr_expect(assignment->byte_order);
    assignment_free(assignment);
}
