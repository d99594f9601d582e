/* base/mem: memory that is never missing, bytes that stop at their maximum; base/own: what cleans up. */
#include "base/mem.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

Test(base_mem, nothing_is_still_something)
{
    AUTO_FREE void *a = xmalloc(0);
    AUTO_FREE void *b = xcalloc(0, 16);
    AUTO_FREE void *c = xrealloc(NULL, 0);
    cr_assert(a && b && c);
}

Test(base_mem, out_of_memory_aborts, .signal = SIGABRT)
{
    (void)freopen("/dev/null", "w", stderr);
    (void)xmalloc((size_t)1 << 62);
}

Test(base_mem, an_overflowing_product_aborts, .signal = SIGABRT)
{
    (void)freopen("/dev/null", "w", stderr);
    (void)xreallocarray(NULL, (size_t)1 << 33, (size_t)1 << 33);
}

Test(base_mem, printf_into_fresh_memory)
{
    AUTO_FREE char *text = xasprintf("%s-%d", "a", 7);
    cr_assert_str_eq(text, "a-7");
    AUTO_FREE char *cut = xstrndup("abcdef", 3);
    cr_assert_str_eq(cut, "abc");
}

Test(base_mem, bytes_past_the_maximum_are_counted)
{
    struct buf buf;
    buf_init(&buf, 10);
    cr_assert(buf_add_str(&buf, "12345678"));
    cr_assert_not(buf_add_str(&buf, "90abc"));
    cr_assert_str_eq(buf.data, "1234567890");
    cr_assert_eq(buf.len, 10);
    cr_assert_eq(buf.dropped, 3);
    cr_assert_not(buf_add_char(&buf, 'x'));
    cr_assert_eq(buf.dropped, 4);
    cr_assert(buf_add(&buf, "", 0), "nothing always fits");
    buf_done(&buf);
    cr_assert_eq(buf.max, 10, "the maximum outlives the bytes");
}

Test(base_mem, consumed_bytes_make_room)
{
    struct buf buf;
    buf_init(&buf, 4);
    (void)buf_add_str(&buf, "abcd");
    buf_consume(&buf, 3);
    cr_assert_str_eq(buf.data, "d");
    cr_assert(buf_add_str(&buf, "efg"));
    cr_assert_str_eq(buf.data, "defg");
    buf_consume(&buf, 100);
    cr_assert_eq(buf.len, 0);
    cr_assert_str_eq(buf.data, "");
    buf_done(&buf);
    buf_consume(&buf, 1); /* nothing there: no crash */
}

Test(base_mem, growing_keeps_what_there_is)
{
    AUTO_BUF struct buf buf = {0};
    for (int i = 0; i < 10000; i++)
        cr_assert(buf_printf(&buf, "%04d", i));
    cr_assert_eq(buf.len, 40000);
    cr_assert_arr_eq(buf.data + 4 * 9876, "9876", 4);
    cr_assert_eq(buf.data[buf.len], '\0');
}

Test(base_mem, a_zero_byte_is_a_byte)
{
    AUTO_BUF struct buf buf = {0};
    (void)buf_add(&buf, "a\0b", 3);
    cr_assert_eq(buf.len, 3);
    cr_assert_eq(buf.data[2], 'b');
    buf_reset(&buf);
    cr_assert_eq(buf.len, 0);
    cr_assert_str_eq(buf.data, "");
}

Test(base_mem, taken_text_is_never_null)
{
    struct buf buf = {.max = 5};
    AUTO_FREE char *empty = buf_take(&buf);
    cr_assert_str_eq(empty, "");
    (void)buf_add_str(&buf, "abc");
    AUTO_FREE char *text = buf_take(&buf);
    cr_assert_str_eq(text, "abc");
    cr_assert_null(buf.data);
    cr_assert_eq(buf.len, 0);
    cr_assert_eq(buf.max, 5);
}

static int leave_scope_with_fd(int *seen)
{
    AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    *seen = fd;
    errno = EDOM;
    return 0;
}

static int hand_over_fd(void)
{
    AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return TAKE_FD(fd);
}

Test(base_own, a_scope_closes_what_it_owns_and_keeps_errno)
{
    int seen = -1;
    (void)leave_scope_with_fd(&seen);
    cr_assert_eq(errno, EDOM);
    cr_assert_geq(seen, 0);
    cr_assert_eq(fcntl(seen, F_GETFD), -1);
}

Test(base_own, what_is_handed_over_stays_open)
{
    int fd = hand_over_fd();
    cr_assert_geq(fcntl(fd, F_GETFD), 0);
    cr_assert_eq(close(fd), 0);
    AUTO_FREE char *text = xstrdup("kept");
    char *taken = TAKE_PTR(text);
    cr_assert_null(text);
    cr_assert_str_eq(taken, "kept");
    free(taken);
}
