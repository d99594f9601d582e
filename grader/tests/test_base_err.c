/* base/err: the first error wins, and its text stays one bounded string. */
#include "base/err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(base_err, the_first_error_wins)
{
    struct err err = {0};
    cr_assert_not(err_is_set(&err));
    cr_assert_eq(err_set(&err, ERR_USAGE, "line %d", 7), -1);
    cr_assert_eq(err_sys(&err, ERR_HOST, EIO, "later"), -1);
    cr_assert_eq(err.kind, ERR_USAGE);
    cr_assert_eq(err.sys_errno, 0);
    cr_assert_str_eq(err.text, "line 7");
    cr_assert(err_is_set(&err));
}

Test(base_err, a_system_error_says_why)
{
    struct err err = {0};
    (void)err_sys(&err, ERR_HOST, ENOSPC, "cannot write '%s'", "r.json");
    cr_assert_eq(err.sys_errno, ENOSPC);
    cr_assert_str_eq(err.text, "cannot write 'r.json': No space left on device");
}

Test(base_err, nobody_listening_is_fine)
{
    cr_assert_eq(err_set(NULL, ERR_HOST, "x"), -1);
    cr_assert_eq(err_sys(NULL, ERR_HOST, EIO, "x"), -1);
    err_prefix(NULL, "x");
    cr_assert_not(err_is_set(NULL));
}

Test(base_err, a_prefix_names_the_file)
{
    struct err err = {0};
    err_prefix(&err, "ignored");
    cr_assert_str_eq(err.text, "", "nothing to put it before");
    (void)err_set(&err, ERR_USAGE, "unknown verb");
    err_prefix(&err, "%s:%d", "echo.json", 3);
    cr_assert_str_eq(err.text, "echo.json:3: unknown verb");
    cr_assert_eq(err.kind, ERR_USAGE);
}

Test(base_err, long_texts_are_cut_not_overrun)
{
    struct err err = {0};
    char text[3 * sizeof err.text];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)err_sys(&err, ERR_HOST, EIO, "%s", text);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
    err_prefix(&err, "%s", text);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
}

Test(base_err, what_only_the_machine_can_cause_is_its_fault)
{
    static const int causes[] = {EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO, EAGAIN, ENOBUFS};
    static const int others[] = {ENOENT, EACCES, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EROFS};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        struct err err = {0};
        (void)err_sys(&err, ERR_USAGE, causes[i], "x");
        cr_expect_eq(err.kind, ERR_HOST, "%s", strerror(causes[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct err err = {0};
        (void)err_sys(&err, ERR_USAGE, others[i], "x");
        cr_expect_eq(err.kind, ERR_USAGE, "%s", strerror(others[i]));
    }
}
