/* base/text: what foreign bytes look like, and which word was meant. */
#include "base/own.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

static char *escape(const char *bytes, size_t len, size_t max)
{
    struct buf out = {0};
    text_escape(&out, bytes, len, max);
    return buf_take(&out);
}

static char *sanitize(const char *text)
{
    struct buf out = {0};
    text_sanitize(&out, text, strlen(text), 1000);
    return buf_take(&out);
}

Test(base_text, escapes_all_but_printable_ascii)
{
    AUTO_FREE char *all = escape("a\n\r\t\\\"\0\x1b\x7f\x80\xff~ ", 13, 100);
    cr_expect_str_eq(all, "a\\n\\r\\t\\\\\\\"\\x00\\x1b\\x7f\\x80\\xff~ ");
    AUTO_FREE char *cut = escape("hello world", 11, 5);
    cr_expect_str_eq(cut, "hello … (6 more bytes)");
    AUTO_FREE char *nothing = escape("", 0, 5);
    cr_expect_str_eq(nothing, "");
}

Test(base_text, sanitizes_lines_for_people)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"error: x\n\tat y\n", "error: x\n\tat y\n"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x1b[31mred\r", "\\x1b[31mred\\x0d"},
        {"\xc2\x9b", "\\xc2\\x9b"},                              /* C1 control: CSI */
        {"a\xe2\x80\xae b", "a\\xe2\\x80\\xae b"},               /* right-to-left override */
        {"a\xe2\x80\xa8 b", "a\\xe2\\x80\\xa8 b"},               /* line separator */
        {"\xe2\x82", "\\xe2\\x82"},                              /* cut */
        {"\xc0\xaf \xed\xa0\x80", "\\xc0\\xaf \\xed\\xa0\\x80"}, /* overlong, surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},            /* beyond Unicode */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *out = sanitize(cases[i].from);
        cr_expect_str_eq(out, cases[i].to);
        cr_expect(text_is_utf8(out, strlen(out)));
    }
    cr_expect_not(text_is_utf8("\xff", 1));
    cr_expect(text_is_utf8("", 0));
}

static char *window_of(size_t len, size_t at, uint64_t offset)
{
    struct buf out = {0};
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)('0' + i % 10);
    text_hex_window(&out, bytes, len, at, offset);
    return buf_take(&out);
}

static char *window(size_t len, size_t at)
{
    return window_of(len, at, 0);
}

static size_t count(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

Test(base_text, hex_windows)
{
    AUTO_FREE char *small = window(3, 1);
    cr_expect_str_eq(small, "00000000  30 31 32                                         012\n"
                            "             ^^\n");
    AUTO_FREE char *middle = window(200, 100);
    cr_expect(strncmp(middle, "00000050 ", 9) == 0, "%s", middle);
    cr_expect_eq(count(middle, '\n'), 5);
    AUTO_FREE char *nowhere = window(200, SIZE_MAX);
    cr_expect(strncmp(nowhere, "00000000 ", 9) == 0 && count(nowhere, '\n') == 4 &&
              count(nowhere, '^') == 0);
    AUTO_FREE char *end = window(32, 32);
    cr_expect(count(end, '\n') == 2 && count(end, '^') == 2, "%s", end);
    AUTO_FREE char *beyond = window(32, 500);
    cr_expect_eq(count(beyond, '^'), 0);
    AUTO_FREE char *part = window_of(200, 100, 0x12300); /* of something long */
    cr_expect(strncmp(part, "00012350 ", 9) == 0, "%s", part);
    AUTO_FREE char *empty = window(0, 0);
    cr_expect_eq(count(empty, '\n'), 1);
}

Test(base_text, nearest_words)
{
    static const char *const words[] = {"expect", "send", "steps", "silence"};
    cr_expect_eq(text_distance("kitten", "sitting"), 3);
    cr_expect_eq(text_distance("", "abc"), 3);
    cr_expect_str_eq(text_nearest("expct", words, 4), "expect");
    cr_expect_str_eq(text_nearest("stepz", words, 4), "steps");
    cr_expect_null(text_nearest("wait", words, 4));
    cr_expect_null(text_nearest("x", words, 0));
    char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_expect_null(text_nearest(longest, words, 4));
}

Test(base_text, patterns_and_numbers)
{
    unsigned long long n = 0;
    double d = 0;
    cr_expect(text_glob("tcp-*/half-*", "tcp-echo-server/half-close"));
    cr_expect_not(text_glob("half", "half-close"));
    cr_expect(text_to_u64("18446744073709551615", &n) && n == UINT64_MAX);
    static const char *const bad[] = {"", " 1", "+1", "-1", "1x", "18446744073709551616", "0x10"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        cr_expect_not(text_to_u64(bad[i], &n), "%s", bad[i]);
    cr_expect(text_to_double("2.5", &d) && d > 2.4 && d < 2.6);
    cr_expect(text_to_double("-1e3", &d) && d < -999);
    cr_expect_not(text_to_double("", &d));
    cr_expect_not(text_to_double("1.5s", &d));
    cr_expect_not(text_to_double(" 1", &d));
    cr_expect_not(text_to_double("1e999", &d));
}
