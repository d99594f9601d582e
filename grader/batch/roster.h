/* batch/roster.h: from what was named on the command line to the hand-ins of a class. An operand is a hand-in (folder or
 * archive), or a download of many (folder or archive) whose entries are the hand-ins, one level deep. */
#ifndef GRADER_BATCH_ROSTER_H
#define GRADER_BATCH_ROSTER_H

#include "base/err.h"
#include "submission/origin.h"

#include <stddef.h>

struct roster_entry {
    char *path; /* of a folder or an archive; below temp_dir where it was taken out of something */
    struct origin origin;
};

struct roster {
    struct roster_entry *entries;
    size_t count;
};

struct roster_options {
    const char *const *paths;
    size_t n_paths;
    const char *student_regex; /* NULL: the known forms (submission/names.h) */
    const char *temp_dir;      /* hand-ins are taken out to below it, and stay there */
    /* Told of every download, which form it has and what was set aside: one line. May be NULL. */
    void (*recognised)(void *self, const char *sentence);
    void *self;
};

/* The forms, in the order in which they are tried: the pattern, where there is one; Canvas, Moodle, Gradescope by the names
 * of the entries; GitHub Classroom: all entries are git checkouts; plain: archives and folders with a Makefile, named after
 * the student. A folder or archive with a Makefile at its top is one hand-in, whatever else is in it. Entries of one
 * student become one hand-in: the latest archive, or, where there is none, all files together.
 * A hand-in that cannot be taken out is there with a refusal. -1: the pattern is wrong or matches nothing, a download
 * broke off while it was taken out (ERR_USAGE), or the host failed. */
int roster_make(const struct roster_options *options, struct roster *ret, struct err *err);
void roster_done(struct roster *roster);

#endif
