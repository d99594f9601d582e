/* batch: a Gradescope download and its list of submitters: whose the numbered folders are; and lists that are damaged, or
 * written to do harm. */
#include "roster_lab.h"

TestSuite(batch_gradescope, .init = lab_begin, .fini = end, .timeout = 120);

static void make_of(const char *list)
{
    pack("zip");
    pack_file(&packer, "assignment_9_export/submission_101/Makefile", "all:\n");
    pack_file(&packer, "assignment_9_export/submission_102/Makefile", "all:\n\t:\n");
    pack_file(&packer, "assignment_9_export/submission_metadata.yml", list);
    pack_file(&packer, "assignment_9_export/submission_103/Makefile", "all:\n\ttrue\n");
    put();
    make_good(lab.path, NULL);
    cr_assert(strstr(said.data, "form gradescope"), "%s", said.data);
}

static const struct origin *named(const char *name)
{
    for (size_t i = 0; i < roster.count; i++)
        if (roster.entries[i].origin.name && strcmp(roster.entries[i].origin.name, name) == 0)
            return &roster.entries[i].origin;
    cr_assert_fail("nobody is called '%s'", name);
    return NULL;
}

static bool is_there(const char *id)
{
    for (size_t i = 0; i < roster.count; i++)
        if (roster.entries[i].origin.id && strcmp(roster.entries[i].origin.id, id) == 0)
            return true;
    return false;
}

static const char whole[] = "---\n"
                            "submission_101:\n"
                            "  :submitters:\n"
                            "  - :name: Jane \"J\" Doe\n"
                            "    :sid: '007'\n"
                            "    :email: jane@example.edu\n"
                            "  :created_at: 2026-10-01 05:00:00.000000000 Z\n"
                            "  :score: 10.0\n"
                            "  :lateness: '00:00:00'\n"
                            "  :results:\n    :tests: [{name: x, output: \"submission_102: {}\"}]\n"
                            "  :history:\n"
                            "  - :submitters:\n"
                            "    - :name: Nobody\n"
                            "? [no, text]\n"
                            ": neither\n"
                            "submission_102:\n"
                            "  :submitters:\n"
                            "  - {\":name\": Ann, \":sid\": '8', \":email\": ann@example.edu}\n"
                            "  - :name: Bob\n"
                            "    :sid: 9\n"
                            "    :email: ''\n"
                            "  :lateness: '01:30:00'\n"
                            "submission_103:\n"
                            "  :submitters:\n"
                            "  - :name: 'Carl'\n"
                            "    :sid:\n"
                            "submission_999:\n"
                            "  :submitters: []\n";

Test(batch_gradescope, submitters_give_the_numbers_their_names)
{
    make_of(whole);
    cr_assert_eq(roster.count, 3);
    cr_assert_null(strstr(said.data, "submission_metadata.yml:"), "%s", said.data);
    const struct origin *jane = named("Jane \"J\" Doe");
    cr_expect_str_eq(jane->id, "007");
    cr_expect_str_eq(jane->email, "jane@example.edu");
    cr_expect_eq(jane->late, 0);
    cr_expect_str_eq(jane->label, "Jane \"J\" Doe_007");
    const struct origin *both = named("Ann, Bob");
    cr_expect_str_eq(both->id, "8, 9");
    cr_expect_str_eq(both->email, "ann@example.edu");
    cr_expect_eq(both->late, 1);
    const struct origin *carl = named("Carl"); /* without a number of the university's */
    cr_expect_str_eq(carl->id, "103");
    cr_expect_eq(carl->late, -1);
}

Test(batch_gradescope, the_same_as_a_folder)
{
    AUTO_FREE char *folder = xasprintf("%s/export", lab.dir);
    AUTO_FREE char *list = xasprintf("%s/submission_metadata.yml", folder);
    cr_assert_eq(mkdir(folder, 0755), 0);
    for (int i = 101; i <= 103; i++) {
        AUTO_FREE char *one = xasprintf("%s/submission_%d", folder, i);
        AUTO_FREE char *makefile = xasprintf("%s/Makefile", one);
        cr_assert_eq(mkdir(one, 0755), 0);
        cr_assert_eq(io_write_file_atomic(makefile, "all:\n", 5, NULL), 0);
    }
    cr_assert_eq(io_write_file_atomic(list, whole, strlen(whole), NULL), 0);
    make_good(folder, NULL);
    cr_expect_eq(named("Ann, Bob")->late, 1);
    cr_expect_str_eq(named("Jane \"J\" Doe")->id, "007");
    /* and one that is a link is not followed */
    cr_assert_eq(unlink(list), 0);
    cr_assert_eq(symlink("/dev/zero", list), 0);
    make_good(folder, NULL);
    cr_expect(is_there("101"));
    cr_expect(strstr(said.data, "could not be taken out"), "%s", said.data);
}

Test(batch_gradescope, a_damaged_list_costs_what_comes_after_the_damage)
{
    static const struct {
        const char *list, *problem;
    } rows[] = {
        {"submission_101:\n  :submitters:\n  - :name: Jane\n    :sid: '007'\n\tx: {\n", "line 5"},
        {"", "none of these hand-ins"},
        {"- a\n- b\n", "none of these hand-ins"},
        {"submission_101: &a\n  :submitters: *b\n  ? *a\n  : *a\n", NULL},
        {"submission_101: [[[[[[[[\n", "line 2"},
        {"\xff: x\n", "line 1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make_of(rows[i].list);
        cr_expect_eq(roster.count, 3, "%zu: %s", i, rows[i].list);
        cr_expect(rows[i].problem ? strstr(said.data, rows[i].problem) != NULL
                                  : strstr(said.data, "submission_metadata.yml:") == NULL,
                  "%zu: %s", i, said.data);
        cr_expect(is_there("102"), "%zu", i);
        cr_expect(is_there("101") != (i == 0), "%zu", i); /* of the first, Jane had been read */
    }
}

/* libyaml takes hours for a million brackets: it is asked no further than sense goes. */
Test(batch_gradescope, a_list_that_is_nested_for_ever_is_left_at_once)
{
    AUTO_BUF struct buf list = {0};
    (void)buf_add_str(
        &list, "submission_103:\n  :submitters:\n  - :name: Carl\nsubmission_101:\n  :results: ");
    for (int i = 0; i < 1000000; i++)
        (void)buf_add_char(&list, '[');
    make_of(list.data);
    cr_expect_eq(roster.count, 3);
    cr_expect(strstr(said.data, "line 5: it is nested too deep"), "%s", said.data);
    cr_expect_str_eq(named("Carl")->id, "103");
}

Test(batch_gradescope, what_a_student_is_called_stays_on_one_line)
{
    make_of("submission_101:\n  :submitters:\n  - :name: \"=cmd\\n\\e[31m\\0x\"\n    :sid: "
            "\"a\\nb\"\n");
    cr_assert(!is_there("101"));
    for (size_t i = 0; i < roster.count; i++) {
        const struct origin *origin = &roster.entries[i].origin;
        const char *texts[] = {origin->id, origin->name, origin->label};
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            for (const char *at = texts[k]; at && *at; at++)
                cr_expect((unsigned char)*at >= ' ' && *at != 0x7f, "%s", texts[k]);
    }
}
