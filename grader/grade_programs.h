/* grade_programs.h: what is run for each program name: the hand-in's own artefact, or a ready-made --program. Part of the
 * conductor. */
#ifndef GRADER_GRADE_PROGRAMS_H
#define GRADER_GRADE_PROGRAMS_H

#include "base/err.h"
#include "grade.h"

#include <stdbool.h>
#include <stddef.h>

struct ready_made {
    const char *name; /* of the program: "tcp_echo_server" */
    char **words;     /* the command as it is run inside the box, NULL-terminated */
};

struct ready_made_list {
    struct ready_made *list;
    size_t count;
};

/* Splits each --program command at spaces (no quoting, no shell). Every word that names a regular file outside /usr is
 * copied into bin_dir (mode as it is) and replaced by its path inside the box. ERR_USAGE for an empty command or a
 * program that is not there. */
int ready_made_prepare(const struct grade_setting *programs, size_t count, const char *bin_dir,
                       struct ready_made_list *ret, struct err *err);
void ready_made_done(struct ready_made_list *list);
const struct ready_made *ready_made_find(const struct ready_made_list *list, const char *name);

#endif
