/* base/err.h: how a fault travels up to the one place that prints it.
 *
 * A struct err speaks of two of the three parties only: the author of a scenario (or of a command line) and the
 * host (or sockgrade itself). What a student's program does wrong is never a struct err: it is an event in the trace
 * or a refusal in struct submission. The first error wins: a later err_set() on a set error changes nothing, so that
 * the cause survives the cleanup that follows it. */
#ifndef GRADER_BASE_ERR_H
#define GRADER_BASE_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE = 0,
    ERR_USAGE, /* a command line, a suite or a scenario file is wrong: exit status 2 */
    ERR_HOST, /* the machine, its limits, or a bug of ours: exit status 3, never costs a student a point */
};

struct err {
    enum err_kind kind;
    int sys_errno;   /* 0 where no system call was behind it */
    char text[1024]; /* one line, no newline: what was tried, on what, and why it failed */
};

/* Records a message in printf style. Does nothing when err is NULL or already set.
 * Always returns -1, so that a function can end with `return err_set(err, ...)`. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, followed by ": " and strerror(sys_errno). Always returns -1. An errno that only the machine can cause (no
 * descriptors, memory, space, processes; a broken disk: err_is_of_host()) makes it ERR_HOST whatever kind says. */
int err_sys(struct err *err, enum err_kind kind, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before the text of an error that is set (for instance the file that was being read). */
void err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Can only the machine cause it, whatever was tried? A scenario file that cannot be opened for lack of descriptors is no
 * mistake of its author. */
bool err_is_of_host(int sys_errno);

static inline bool err_is_set(const struct err *err)
{
    return err && err->kind != ERR_NONE;
}

#endif
