/* submission/names.h: what a name tells about who handed in: the forms of learning management systems' downloads, and a
 * pattern of the teacher's own. */
#ifndef GRADER_SUBMISSION_NAMES_H
#define GRADER_SUBMISSION_NAMES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* What a name was read as. Texts are one line of printable UTF-8, but for `file`; NULL: the name does not say. */
struct name_parts {
    char *id, *name, *email;
    char *
        file; /* the name that the student gave the file, any bytes; NULL: the entry is the hand-in */
    char *order;      /* later hand-ins have a greater one (names_later()) */
    int late;         /* 1 late, 0 in time, -1 the form does not tell */
    unsigned attempt; /* 0: not told */
    bool is_text;     /* a text or a link typed into the system, no file */
};
void name_parts_done(struct name_parts *parts);

struct name_pattern; /* a compiled pattern with named groups */

/* A Perl-compatible regular expression (pcre2pattern(3)) that a name must match somewhere. Groups: `id` (or student_id),
 * `name`, `first_name` and `last_name`, `email`, `late` (late when it is not empty), `attempt` (a number), `file` (or
 * file_id), `order` (or timestamp). One of id, name, last_name, email must be there. ERR_USAGE: what is wrong, and where. */
struct name_pattern *name_pattern_new(const char *regex, struct err *err);
void name_pattern_free(struct name_pattern *pattern);
/* True, and ret filled, when it matches and tells who it is. A pattern that would take too long does not match. */
bool name_pattern_match(const struct name_pattern *pattern, const char *name,
                        struct name_parts *ret);

/* Was a handed in after b? Numbers by value, other texts by their bytes; NULL comes first. */
bool names_later(const char *a, const char *b);

enum name_form { NAME_CANVAS, NAME_MOODLE, NAME_GRADESCOPE, NAME_FORMS };

/* "canvas", "moodle", "gradescope"; and its pattern. */
extern const char *const name_form_ids[NAME_FORMS];
struct name_pattern *name_form_pattern(enum name_form form);

#endif
