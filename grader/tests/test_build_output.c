/* build: compiler messages read, floods cut to head and tail, everything printable. */
#include "build/output.h"

#include "base/own.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

static void add_text(struct output *output, const char *text)
{
    output_add(output, text, strlen(text));
}

/* The log of a build that printed these bytes in pieces of the given size. */
static struct build log_of(const char *bytes, size_t len, size_t piece)
{
    struct output output;
    struct build build = {0};
    output_init(&output);
    for (size_t at = 0; at < len; at += piece)
        output_add(&output, bytes + at, len - at < piece ? len - at : piece);
    output_finish(&output, &build);
    output_done(&output);
    return build;
}

static void build_done(struct build *build)
{
    buf_done(&build->log);
    for (size_t i = 0; i < build->n_warnings; i++) {
        free(build->warnings[i].file);
        free(build->warnings[i].text);
    }
    free(build->warnings);
}

Test(build_output, lines_of_gcc_and_clang_are_read)
{
    static const struct {
        const char *line, *file;
        int row, column;
        const char *text;
    } cases[] = {
        {"server.c:12:5: warning: unused variable 'x' [-Wunused-variable]", "server.c", 12, 5,
         "warning: unused variable 'x' [-Wunused-variable]"},
        {"src/a.c:1:1: error: expected ';'", "src/a.c", 1, 1, "error: expected ';'"},
        {"a.c:3:10: fatal error: net.h: No such file or directory", "a.c", 3, 10,
         "fatal error: net.h: No such file or directory"},
        {"odd:name.c:7:8: warning: w", "odd:name.c", 7, 8, "warning: w"},
        {"a.c:1:2:3:4: error: e", "a.c:1:2", 3, 4, "error: e"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct build_warning got = {0};
        cr_assert(output_parse_warning(cases[i].line, strlen(cases[i].line), &got), "%s",
                  cases[i].line);
        cr_assert_str_eq(got.file, cases[i].file);
        cr_assert_eq(got.line, cases[i].row);
        cr_assert_eq(got.column, cases[i].column);
        cr_assert_str_eq(got.text, cases[i].text);
        free(got.file);
        free(got.text);
    }
}

Test(build_output, other_lines_are_none)
{
    static const char *const lines[] = {
        "",
        ":",
        ":1:2: warning: no file",
        "cc -c a.c",
        "a.c: In function 'main':",
        "a.c:12: warning: no column",
        "a.c:1:2: note: declared here",
        "a.c:x:2: error: e",
        "a.c:1:2:error: no space",
        "a.c:99999999:2: error: too large a number",
        "a.c:1:2",
        "a.c:1:",
        "make: *** [Makefile:3: all] Error 1",
        "/usr/bin/ld: a.o: in function `main': undefined reference to `f'",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct build_warning got = {0};
        cr_assert_not(output_parse_warning(lines[i], strlen(lines[i]), &got), "%s", lines[i]);
    }
}

Test(build_output, messages_are_found_however_the_bytes_come)
{
    const char *text =
        "cc -c a.c\na.c:1:2: warning: one\n  code\na.c:3:4: error: two"; /* no newline at the end */
    for (size_t piece = 1; piece < 20; piece++) {
        struct build build = log_of(text, strlen(text), piece);
        cr_assert_eq(build.n_warnings, 2);
        cr_assert_str_eq(build.warnings[0].text, "warning: one");
        cr_assert_str_eq(build.warnings[1].text, "error: two");
        cr_assert_str_eq(build.log.data, text);
        build_done(&build);
    }
}

Test(build_output, hostile_messages_are_printable)
{
    const char *text = "\x1b]0;title\x07.c:1:2: warning: \x1b[31mred\xff\r\n";
    struct build build = log_of(text, strlen(text), 100);
    cr_assert_eq(build.n_warnings, 1);
    cr_assert_null(strchr(build.warnings[0].file, '\x1b'));
    cr_assert_null(strpbrk(build.warnings[0].text, "\x1b\xff\r"));
    cr_assert_null(strpbrk(build.log.data, "\x1b\xff\r\x07"));
    build_done(&build);
}

Test(build_output, there_are_at_most_a_hundred_messages)
{
    struct output output;
    struct build build = {0};
    output_init(&output);
    for (int i = 0; i < 500; i++)
        add_text(&output, "a.c:1:2: warning: w\n");
    output_finish(&output, &build);
    output_done(&output);
    cr_assert_eq(build.n_warnings, OUTPUT_MAX_WARNINGS);
    build_done(&build);
}

Test(build_output, a_flood_keeps_its_head_and_tail)
{
    struct output output;
    struct build build = {0};
    output_init(&output);
    add_text(&output, "the first line\n");
    for (int i = 0; i < 200000; i++)
        add_text(&output, "y\n");
    add_text(&output, "make: *** the last line\n");
    output_finish(&output, &build);
    cr_assert_eq(output.total, 15 + 400000 + 24);
    output_done(&output);
    cr_assert_leq(build.log.len, BUILD_MAX_LOG);
    cr_assert_eq(build.log.dropped, 0);
    cr_assert_eq(strncmp(build.log.data, "the first line\n", 15), 0);
    cr_assert_str_eq(build.log.data + build.log.len - 24, "make: *** the last line\n");
    cr_assert(strstr(build.log.data, "is left out"));
    build_done(&build);
}

Test(build_output, just_enough_is_not_cut)
{
    static const size_t sizes[] = {1, 24575, 24576, 24577, 40000, 49151, 49152};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        AUTO_FREE char *bytes = xmalloc(sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k % 70 == 69 ? '\n' : 'a' + k % 26);
        struct build build = log_of(bytes, sizes[i], 4093);
        cr_assert_eq(build.log.len, sizes[i], "%zu of %zu", build.log.len, sizes[i]);
        cr_assert_arr_eq(build.log.data, bytes, sizes[i]);
        build_done(&build);
    }
}

Test(build_output, a_flood_of_unprintable_bytes_stays_within_the_limit)
{
    static const char *const units[] = {"\x01", "\xff", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "a\xe2\x82\xac"};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        struct output output;
        struct build build = {0};
        output_init(&output);
        for (int k = 0; k < 60000; k++)
            add_text(&output, units[i]);
        output_finish(&output, &build);
        output_done(&output);
        cr_assert_leq(build.log.len, BUILD_MAX_LOG);
        cr_assert(text_is_utf8(build.log.data, build.log.len), "a character was cut: %zu", i);
        cr_assert(strstr(build.log.data, "is left out"));
        build_done(&build);
    }
}

Test(build_output, one_endless_line_does_not_grow)
{
    struct output output;
    struct build build = {0};
    output_init(&output);
    AUTO_FREE char *bytes = xcalloc(1, 1 << 20);
    memset(bytes, 'x', 1 << 20);
    for (int i = 0; i < 20; i++)
        output_add(&output, bytes, 1 << 20);
    cr_assert_leq(output.line.len, OUTPUT_MAX_LINE);
    cr_assert_leq(output.line.cap, 4 * OUTPUT_MAX_LINE);
    output_finish(&output, &build);
    output_done(&output);
    build_done(&build);
}

Test(build_output, silence_is_an_empty_log)
{
    struct build build = log_of("", 0, 1);
    cr_assert_eq(build.log.len, 0);
    cr_assert_eq(build.n_warnings, 0);
    build_done(&build);
}
