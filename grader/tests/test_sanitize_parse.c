/* tests/test_sanitize_parse.c: what gcc's sanitizers really write (grader/tests/sanitizer/, made by gcc 12 on small programs in
 * /build), cut off, garbled and forged. */
#include "base/io.h"
#include "base/own.h"
#include "sanitize/sanitize.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ROOT "/build/"

static void read_log(const char *name, struct buf *ret)
{
    struct err err = {0};
    AUTO_FREE char *path = xasprintf("grader/tests/sanitizer/%s.log", name);
    cr_assert_eq(io_read_file(path, 1 << 20, ret, ERR_HOST, &err), 0, "%s", err.text);
}

static const struct expected {
    const char *log;
    size_t count; /* findings; the first of them: */
    enum sanitizer_class class;
    const char *kind, *file;
    int line;
    const char *function, *in_excerpt;
} logs[] = {
    /* the frame of the runtime that reads is not the student's; the line that calls it is */
    {"stack-read-in-puts", 1, SANITIZER_MEMORY_ERROR, "stack-buffer-overflow", "a.c", 11, "main",
     "'buf' (line 9) <== Memory access"},
    {"heap-write", 1, SANITIZER_MEMORY_ERROR, "heap-buffer-overflow", "a.c", 12, "main",
     "1 bytes to the right of 10-byte region"},
    {"null-pointer", 2, SANITIZER_UNDEFINED, "null-pointer-use", "a.c", 18, "main",
     "load of null pointer"},
    {"overflow-then-heap-write", 2, SANITIZER_UNDEFINED, "signed-integer-overflow", "a.c", 22,
     "main", "cannot be represented in type 'int'"},
    /* what hangs on a lost block is not told */
    {"leaks", 1, SANITIZER_LEAK, "direct-leak", "a.c", 29, "main", "Direct leak of 16 byte(s)"},
    {"use-after-return", 1, SANITIZER_MEMORY_ERROR, "stack-use-after-scope", "b.c", 12, "main",
     "READ of size 4"},
    {"use-after-free-in-thread", 1, SANITIZER_MEMORY_ERROR, "heap-use-after-free", "b.c", 6, "late",
     "freed by thread T0"},
    {"bad-free", 1, SANITIZER_MEMORY_ERROR, "bad-free", "a.c", 25, "main", "attempting free"},
    {"misaligned", 1, SANITIZER_UNDEFINED, "misaligned-pointer-use", "a.c", 21, "main",
     "misaligned address 0x.. for type 'int'"},
    {"shift", 1, SANITIZER_UNDEFINED, "invalid-shift-base", "b.c", 6, "main",
     "left shift of 128 by 24 places"},
    {"overflow-then-leak", 2, SANITIZER_UNDEFINED, "signed-integer-overflow", "c.c", 8, "main",
     "1 + 2147483647"},
    {"too-much-memory", 0, SANITIZER_LEAK, "", "", 0, "", ""},
};

Test(sanitize_parse, reads_what_gcc_12_writes)
{
    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        struct sanitizer_finding list[SANITIZER_MAX_FINDINGS];
        AUTO_BUF struct buf text = {0};
        read_log(logs[i].log, &text);
        size_t count = sanitize_parse(text.data, text.len, ROOT, list, SANITIZER_MAX_FINDINGS);
        cr_assert_eq(count, logs[i].count, "%s: %zu findings", logs[i].log, count);
        if (count == 0)
            continue;
        cr_expect_eq(list[0].class, logs[i].class, "%s", logs[i].log);
        cr_expect_str_eq(list[0].kind, logs[i].kind, "%s", logs[i].log);
        cr_expect_str_eq(list[0].file, logs[i].file, "%s", logs[i].log);
        cr_expect_eq(list[0].line, logs[i].line, "%s: %d", logs[i].log, list[0].line);
        cr_expect_str_eq(list[0].function, logs[i].function, "%s", logs[i].log);
        cr_expect(strstr(list[0].excerpt, logs[i].in_excerpt), "%s: %s", logs[i].log,
                  list[0].excerpt);
    }
}

/* Its tool is named after the other runtime, the one that was set up last. */
Test(sanitize_parse, a_crash_that_was_foretold)
{
    struct sanitizer_finding list[4];
    AUTO_BUF struct buf text = {0};
    read_log("null-pointer", &text);
    cr_assert_eq(sanitize_parse(text.data, text.len, ROOT, list, 4), 2);
    cr_expect_eq(list[1].class, SANITIZER_MEMORY_ERROR);
    cr_expect_str_eq(list[1].kind, "segmentation-fault");
    cr_expect_eq(list[1].line, 18);
    cr_expect(sanitize_foretells_memory_error(&list[0]));
    cr_expect_not(sanitize_foretells_memory_error(&list[1]));
}

Test(sanitize_parse, both_runtimes_in_one_log)
{
    struct sanitizer_finding list[4];
    AUTO_BUF struct buf text = {0};
    read_log("overflow-then-leak", &text);
    cr_assert_eq(sanitize_parse(text.data, text.len, ROOT, list, 4), 2);
    cr_expect_eq(list[1].class, SANITIZER_LEAK);
    cr_expect_eq(list[1].line, 10);
    cr_expect_eq(list[0].column, 7, "of the message, not of a frame");
}

Test(sanitize_parse, no_address_reaches_the_report)
{
    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        struct sanitizer_finding list[SANITIZER_MAX_FINDINGS];
        AUTO_BUF struct buf text = {0};
        read_log(logs[i].log, &text);
        size_t count = sanitize_parse(text.data, text.len, ROOT, list, SANITIZER_MAX_FINDINGS);
        for (size_t k = 0; k < count; k++)
            for (const char *at = list[k].excerpt; (at = strstr(at, "0x")); at += 2)
                cr_expect_eq(at[2], '.', "%s: %s", logs[i].log, list[k].excerpt);
    }
}

/* A program that is killed while it reports leaves a beginning: read exactly so far, whatever the length. */
Test(sanitize_parse, every_beginning_of_a_log_is_read)
{
    for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
        struct sanitizer_finding list[SANITIZER_MAX_FINDINGS];
        AUTO_BUF struct buf text = {0};
        read_log(logs[i].log, &text);
        for (size_t len = 0; len <= text.len; len++) {
            AUTO_FREE char *exact = xmalloc(len ? len : 1); /* a sanitizer sees any step beyond */
            memcpy(exact, text.data, len);
            size_t count = sanitize_parse(exact, len, ROOT, list, SANITIZER_MAX_FINDINGS);
            cr_assert_leq(count, logs[i].count, "%s, %zu bytes", logs[i].log, len);
        }
    }
}

Test(sanitize_parse, more_than_fits)
{
    AUTO_BUF struct buf text = {0};
    struct sanitizer_finding list[3];
    for (int i = 0; i < 50; i++)
        (void)buf_printf(&text, "x.c:%d:1: runtime error: division by zero\n", i + 1);
    cr_assert_eq(sanitize_parse(text.data, text.len, ROOT, list, 3), 3);
    cr_expect_eq(list[2].line, 3);
    cr_expect_str_eq(list[2].kind, "integer-divide-by-zero", "by the message: there is no summary");
    cr_assert_eq(sanitize_parse(text.data, text.len, ROOT, NULL, 0), 0);
}

/* Lines that a hostile program may put into its log. */
Test(sanitize_parse, garbage)
{
    AUTO_FREE char *wide = xmalloc(5001);
    memset(wide, 'A', 5000);
    wide[5000] = '\0';
    AUTO_FREE char *long_frame =
        xasprintf("==1==ERROR: AddressSanitizer: SEGV on unknown address 0x1\n    #0 0x1 in %s "
                  "/build/%s:99999999999999999999\n    #1 0x2 in f /build/y.c:7\n",
                  wide, wide);
    const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"", 0},
        {"==\n==ERROR: \nSUMMARY: \n#\n    #0\n    #0 0x\n", 0},
        {": runtime error: ", 1},
        {"==1==ERROR: AddressSanitizer: CHECK failed: asan_thread.cpp:1\n", 0},
        {"==1==ERROR: AddressSanitizer: out-of-memory: allocator is trying to allocate\n", 0},
        {"==1==ERROR: LeakSanitizer has encountered a fatal error.\n", 0},
        {"==1==ERROR: LeakSanitizer: detected memory leaks\nDirect leak of 1 byte(s) in 1 "
         "object(s)\n"
         "    #0 0x1 in malloc (/x)\n    #1 0x2 in g ../lib/g.c:5\n",
         0}, /* nobody's of the hand-in */
        {long_frame, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sanitizer_finding list[8];
        size_t count = sanitize_parse(cases[i].text, strlen(cases[i].text), ROOT, list, 8);
        cr_expect_eq(count, cases[i].count, "case %zu: %zu", i, count);
        for (size_t k = 0; k < count; k++)
            cr_expect(memchr(list[k].file, 0, sizeof list[k].file) &&
                      memchr(list[k].function, 0, sizeof list[k].function) &&
                      list[k].excerpt_len <= SANITIZER_MAX_EXCERPT);
    }
}

Test(sanitize_parse, places_of_a_hand_in)
{
    static const struct {
        const char *line, *file;
        int number;
    } cases[] = {
        {"src/my server.c:12:3: runtime error: division by zero\n", "src/my server.c", 12},
        {"/build/deep/x.c:8:1: runtime error: division by zero\n", "deep/x.c", 8},
        {"/build//build/x.c:8:1: runtime error: division by zero\n", "build/x.c", 8},
        {"x.c:8:1: runtime error: division by zero\n    #0 0x1 in f(int, char) /build/src/x.c:9\n",
         "src/x.c", 9},
        {"x.c:8:1: runtime error: division by zero\n    #0 0x1 in f /build///build/x.c:9\n",
         "build/x.c", 9},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sanitizer_finding one;
        cr_assert_eq(sanitize_parse(cases[i].line, strlen(cases[i].line), ROOT, &one, 1), 1);
        cr_expect_str_eq(one.file, cases[i].file);
        cr_expect_eq(one.line, cases[i].number);
    }
}
