/* submission/origin.h: where a hand-in comes from and whose it is: what `batch` knows of an entry of a class, and passes on to
 * the process that grades it. */
#ifndef GRADER_SUBMISSION_ORIGIN_H
#define GRADER_SUBMISSION_ORIGIN_H

#include "base/err.h"

#include <jansson.h>

struct origin {
    char *
        download; /* "canvas", "moodle", "gradescope", "github-classroom", "pattern"; NULL: none of these */
    char *id, *name, *email; /* of the student; NULL: unknown. One line of printable UTF-8 each */
    int late;                /* 1 late, 0 in time, -1 unknown */
    unsigned attempt;        /* 0: unknown */
    char *label;             /* the hand-in's name; NULL: that of its path */
    char *path; /* the one to show, where the hand-in was taken out of something; NULL: its own */
    char *refusal_kind, *refusal; /* it was refused when it was taken out; NULL: it was not */
    char **notices;               /* NULL-terminated or NULL */
};

/* Of a hand-in that is graded by its path: the name is that of a download's entry, or stands for the student itself. */
void origin_of_path(const char *path, struct origin *ret);
void origin_done(struct origin *origin);

/* One more notice; takes it over. At most 20 are kept. */
void origin_notice(struct origin *origin, char *notice);

/* One line of JSON and back; the caller frees. ERR_USAGE when a text is none that origin_to_text() makes. */
char *origin_to_text(const struct origin *origin);
int origin_from_text(const char *text, struct origin *ret, struct err *err);

/* {student: {id, name, email}, download, late, attempt}, as it stands in a report's `submission` (new reference). */
json_t *origin_to_json(const struct origin *origin);

#endif
