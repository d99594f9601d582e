/* base/err.c: see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_is_of_host(int sys_errno)
{
    static const int causes[] = {EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO, EAGAIN, ENOBUFS};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (causes[i] == sys_errno)
            return true;
    return false;
}

static void err_fill(struct err *err, enum err_kind kind, const char *format, va_list args)
{
    err->kind = kind;
    err->sys_errno = 0;
    (void)vsnprintf(err->text, sizeof err->text, format, args);
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    if (err && err->kind == ERR_NONE) {
        va_list args;
        va_start(args, format);
        err_fill(err, kind, format, args);
        va_end(args);
    }
    return -1;
}

int err_sys(struct err *err, enum err_kind kind, int sys_errno, const char *format, ...)
{
    if (err && err->kind == ERR_NONE) {
        va_list args;
        va_start(args, format);
        err_fill(err, err_is_of_host(sys_errno) ? ERR_HOST : kind, format, args);
        va_end(args);
        err->sys_errno = sys_errno;
        size_t len = strlen(err->text);
        char scratch[128];
        (void)snprintf(err->text + len, sizeof err->text - len, ": %s",
                       strerror_r(sys_errno, scratch, sizeof scratch));
    }
    return -1;
}

void err_prefix(struct err *err, const char *format, ...)
{
    if (!err_is_set(err))
        return;
    char rest[sizeof err->text];
    memcpy(rest, err->text, sizeof rest);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    (void)strncat(err->text, ": ", sizeof err->text - strlen(err->text) - 1);
    (void)strncat(err->text, rest, sizeof err->text - strlen(err->text) - 1);
}
