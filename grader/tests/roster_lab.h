/* tests/roster_lab.h: a list of hand-ins made of what a test has packed, and what was said about it. */
#ifndef GRADER_TESTS_ROSTER_LAB_H
#define GRADER_TESTS_ROSTER_LAB_H

#include "archive_lab.h"

#include "batch/roster.h"

static struct buf said; /* a sentence a line */
static struct roster roster;

static void end(void)
{
    roster_done(&roster);
    buf_done(&said);
    lab_close(&lab);
}

static void hear(void *self, const char *sentence)
{
    (void)buf_add_str(self, sentence);
    (void)buf_add_char(self, '\n');
}

/* As roster_make(), into roster; what was there before is forgotten. */
static int make(const char *const *paths, size_t n_paths, const char *regex, struct err *err)
{
    struct roster_options options = {.paths = paths,
                                     .n_paths = n_paths,
                                     .student_regex = regex,
                                     .temp_dir = lab.work,
                                     .recognised = hear,
                                     .self = &said};
    buf_done(&said);
    roster_done(&roster);
    return roster_make(&options, &roster, err);
}

static void make_good(const char *path, const char *regex)
{
    struct err err = {0};
    cr_assert_eq(make(&path, 1, regex, &err), 0, "%s", err.text);
}

#endif
