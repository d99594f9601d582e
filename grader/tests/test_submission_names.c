/* submission: what names tell: the forms of learning management systems, patterns of a teacher, passing it on. */
#include "submission/names.h"
#include "submission/origin.h"

#include "base/mem.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

struct row {
    const char *entry, *id, *name, *file, *order;
    int late;
    bool is_text;
};

static void expect_rows(const struct name_pattern *pattern, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct name_parts parts;
        bool matched = name_pattern_match(pattern, row->entry, &parts);
        cr_assert_eq(matched, row->id || row->name, "%s", row->entry);
        cr_assert(same(parts.id, row->id), "%s: id %s", row->entry, parts.id);
        cr_assert(same(parts.name, row->name), "%s: name %s", row->entry, parts.name);
        cr_assert(same(parts.file, row->file), "%s: file %s", row->entry, parts.file);
        cr_assert(same(parts.order, row->order), "%s: order %s", row->entry, parts.order);
        cr_assert_eq(parts.is_text, row->is_text, "%s", row->entry);
        if (matched)
            cr_assert_eq(parts.late, row->late, "%s: late %d", row->entry, parts.late);
        name_parts_done(&parts);
    }
}

static void expect_form(enum name_form form, const struct row *rows, size_t count)
{
    struct name_pattern *pattern = name_form_pattern(form);
    expect_rows(pattern, rows, count);
    name_pattern_free(pattern);
}

Test(submission_names, canvas)
{
    static const struct row rows[] = {
        {"doejane_12345_67890_server.c", "12345", "doejane", "server.c", "67890", 0, false},
        {"doejane_LATE_12345_67890_hw_1_2.zip", "12345", "doejane", "hw_1_2.zip", "67890", 1,
         false},
        {"12345_67890_server.c", "12345", NULL, "server.c", "67890", 0, false},
        {"anon_x1y2z_67890_hw.zip", "anon_x1y2z", NULL, "hw.zip", "67890", 0, false},
        {"anon_x1y2z_LATE_12345_67890_hw.zip", "12345", "anon_x1y2z", "hw.zip", "67890", 1, false},
        {"doejane_12345_text.html", "12345", "doejane", NULL, NULL, 0, true},
        {"doejane_LATE_12345_link.html", "12345", "doejane", NULL, NULL, 1, true},
        {"m\xc3\xbcllerj\xc3\xb6rg_22222_33333_a b.tar.gz", "22222", "m\xc3\xbcllerj\xc3\xb6rg",
         "a b.tar.gz", "33333", 0, false},
        {"anna.zip", NULL, NULL, NULL, NULL, 0, false},
        {"tcp_echo_server", NULL, NULL, NULL, NULL, 0, false},
        {"hw_1_2.zip", NULL, NULL, NULL, NULL, 0, false},
    };
    expect_form(NAME_CANVAS, rows, ARRAY_SIZE(rows));
}

Test(submission_names, moodle)
{
    static const struct row rows[] = {
        {"Jane Doe_12345_assignsubmission_file_", "12345", "Jane Doe", NULL, NULL, -1, false},
        {"Jane Doe_12345_assignsubmission_file", "12345", "Jane Doe", NULL, NULL, -1, false},
        {"Jane Doe_12345_assignsubmission_file_server.c", "12345", "Jane Doe", "server.c", NULL, -1,
         false},
        {"Participant_77_assignsubmission_file_", "77", "Participant", NULL, NULL, -1, false},
        {"Group_A_9_assignsubmission_file_", "9", "Group_A", NULL, NULL, -1, false},
        {"Jane Doe_12345_assignsubmission_onlinetext_onlinetext.html", "12345", "Jane Doe",
         "onlinetext.html", NULL, -1, true},
        {"Jane Doe_assignsubmission_file_", NULL, NULL, NULL, NULL, -1, false},
    };
    expect_form(NAME_MOODLE, rows, ARRAY_SIZE(rows));
}

Test(submission_names, gradescope)
{
    static const struct row rows[] = {
        {"submission_123456", "123456", NULL, NULL, NULL, -1, false},
        {"submission_metadata.yml", NULL, NULL, NULL, NULL, -1, false},
        {"submission_123456.zip", NULL, NULL, NULL, NULL, -1, false},
    };
    expect_form(NAME_GRADESCOPE, rows, ARRAY_SIZE(rows));
}

Test(submission_names, a_pattern_of_the_teacher)
{
    static const struct row rows[] = {
        {"doe-jane@123-L-hw.zip", "123", "jane doe", "hw.zip", NULL, 1, false},
        {"doe-jane@123--hw.zip", "123", "jane doe", "hw.zip", NULL, 0, false},
        {"else", NULL, NULL, NULL, NULL, 0, false},
    };
    struct err err = {0};
    struct name_pattern *pattern = name_pattern_new(
        "^(?P<last_name>\\w+)-(?P<first_name>\\w+)@(?P<student_id>\\d+)-(?<late>L?)-"
        "(?<file_id>.*)$",
        &err);
    cr_assert_not_null(pattern, "%s", err.text);
    expect_rows(pattern, rows, ARRAY_SIZE(rows));
    name_pattern_free(pattern);
}

Test(submission_names, attempts_and_orders)
{
    struct err err = {0};
    struct name_pattern *pattern = name_pattern_new("^(?<id>\\w+)-(?<attempt>\\d+)\\.", &err);
    struct name_parts parts;
    cr_assert(name_pattern_match(pattern, "anna-12.zip", &parts));
    cr_assert_eq(parts.attempt, 12);
    name_parts_done(&parts);
    cr_assert(name_pattern_match(pattern, "anna-99999999999999999999.zip", &parts));
    cr_assert_eq(parts.attempt, 0, "no attempt is that late");
    name_parts_done(&parts);
    name_pattern_free(pattern);
    cr_assert(names_later("10", "9"));
    cr_assert(names_later("2026-02-01", "2026-01-31"));
    cr_assert(names_later("1", NULL));
    cr_assert_not(names_later(NULL, "1"));
    cr_assert_not(names_later("5", "5"));
}

Test(submission_names, a_wrong_pattern_is_an_error_that_says_where)
{
    static const struct {
        const char *regex, *part;
    } rows[] = {
        {"(?<id>\\d+", "character 10"},
        {"(?<nam>.*)", "did you mean 'name'"},
        {"^(.*)$", "no group tells who it is"},
        {"(?<late>L)", "no group tells who it is"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct err err = {0};
        cr_assert_null(name_pattern_new(rows[i].regex, &err));
        cr_assert_eq(err.kind, ERR_USAGE);
        cr_assert(strstr(err.text, rows[i].part), "%s: %s", rows[i].regex, err.text);
    }
}

Test(submission_names, a_pattern_that_explodes_does_not_match, .timeout = 60)
{
    struct err err = {0};
    struct name_pattern *pattern = name_pattern_new("^(?<id>(?:a+)+)$", &err);
    struct name_parts parts;
    char name[60];
    memset(name, 'a', sizeof name - 2);
    name[sizeof name - 2] = '!';
    name[sizeof name - 1] = '\0';
    cr_assert_not(name_pattern_match(pattern, name, &parts));
    name_pattern_free(pattern);
}

Test(submission_names, evil_bytes_are_one_printable_line)
{
    struct name_pattern *pattern = name_form_pattern(NAME_CANVAS);
    struct name_parts parts;
    cr_assert(name_pattern_match(pattern, "do\ne\x1b[31m\xff_12345_67890_a\nb.c", &parts));
    cr_assert_str_eq(parts.name, "do\\ne\\x1b[31m\\xff");
    cr_assert_str_eq(parts.file, "a\nb.c", "the file keeps its name");
    name_parts_done(&parts);
    name_pattern_free(pattern);
}

/* ---- origins ---- */

Test(submission_names, an_origin_survives_being_passed_on)
{
    struct origin origin = {.download = xstrdup("canvas"),
                            .id = xstrdup("1\"2"),
                            .name = xstrdup("J\xc3\xb6rg"),
                            .late = 1,
                            .attempt = 3,
                            .label = xstrdup("x_1"),
                            .path = xstrdup("a.zip/b.zip")};
    struct origin back;
    struct err err = {0};
    origin_notice(&origin, xstrdup("one"));
    origin_notice(&origin, xstrdup("two"));
    AUTO_FREE char *text = origin_to_text(&origin);
    cr_assert_eq(origin_from_text(text, &back, &err), 0, "%s", err.text);
    AUTO_FREE char *again = origin_to_text(&back);
    cr_assert_str_eq(text, again);
    cr_assert_str_eq(back.notices[1], "two");
    cr_assert_null(back.email);
    cr_assert_eq(back.late, 1);
    origin_done(&origin);
    origin_done(&back);
    cr_assert_eq(origin_from_text("{}", &back, &err), -1);
    cr_assert_eq(err.kind, ERR_USAGE);
}

Test(submission_names, a_path_tells_whose_it_is)
{
    struct origin origin;
    origin_of_path("hand-ins/anna.tar.gz", &origin);
    cr_assert_str_eq(origin.id, "anna");
    cr_assert_null(origin.download);
    cr_assert_eq(origin.late, -1);
    origin_done(&origin);
    origin_of_path("x/doejane_LATE_12345_67890_hw.zip", &origin);
    cr_assert_str_eq(origin.id, "12345");
    cr_assert_str_eq(origin.download, "canvas");
    cr_assert_eq(origin.late, 1);
    origin_done(&origin);
}
