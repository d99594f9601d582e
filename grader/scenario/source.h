/* scenario/source.h: one JSON file being loaded: its values with their places, and what is wrong with it. Private to
 * scenario/.
 *
 * A struct at is a value together with the way to it, so that each message can say "FILE:LINE:COLUMN: PATH: ...".
 * Reading goes on after a mistake: all findings of a file are collected. */
#ifndef GRADER_SCENARIO_SOURCE_H
#define GRADER_SCENARIO_SOURCE_H

#include "base/err.h"
#include "scenario/arena.h"
#include "scenario/keys.h"
#include "scenario/place.h"

#include <stdbool.h>
#include <stdint.h>

#define SOURCE_MAX_FINDINGS 200 /* further ones are counted only */

struct finding {
    int line, column;
    char *text; /* the whole line */
};

struct source {
    const char *file;
    struct arena *arena; /* owns everything below, and what is made of the file */
    json_t *root;
    const struct place *places;
    struct finding *findings; /* sorted by source_sort() */
    size_t n_findings;
    size_t dropped_findings;
    struct err
        host; /* a file that it names could not be read for a reason that is the machine's: no finding */
};

/* A value in its file. `up` points to the container's struct at, which must live as long. */
struct at {
    struct source *source;
    json_t *json;
    const struct place *place;
    const struct at *up;
    const char *key; /* member of an object; NULL: element `index` of a list, or the top */
    size_t index;
    void *iterator; /* of at_first/at_next over an object */
};

/* Reads and parses. A file that cannot be read gives -1 with err; one that is no JSON gives 0 and a finding (root is
 * NULL then). */
int source_open(struct source *source, const char *file, struct arena *arena, struct err *err);
void source_done(struct source *source); /* not the arena */
struct at source_top(struct source *source);

/* Records one finding; the same line twice is kept once. */
void source_say(struct source *source, int line, int column, const char *path, const char *message);
void source_sort(struct source *source);
/* -1 with the machine's fault as ERR_HOST, or with the first finding as ERR_USAGE, when there are any, else 0. */
int source_verdict(struct source *source, struct err *err);

/* What is wrong with the value, or with the key that it stands under. */
void at_say(const struct at *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
void at_say_key(const struct at *at, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ": did you mean 'x'?" for a word, or "" when nothing is near. In the arena. */
const char *at_nearest(const struct at *at, const char *word, const char *const *candidates,
                       size_t count);
/* "scenarios[3].steps[1]"; in the arena. */
const char *at_path(const struct at *at);

/* The member, silently: false when there is none. */
bool at_get(const struct at *object, const char *key, struct at *ret);
bool at_has(const struct at *object, const char *key);
/* All members or elements, in the order of the text. */
bool at_first(const struct at *container, struct at *ret);
bool at_next(struct at *at);

/* Says what it should be instead when the value is something else. */
bool at_is_object(const struct at *at);
bool at_is_list(const struct at *at);
/* Every key must be in one of the tables. */
void at_check_keys(const struct at *object, const struct key_table *const *tables, size_t count);

/* Values as C types; each says what is wrong and returns false when the value does not fit. */
bool at_text(const struct at *at, const char **ret);
bool at_bool(const struct at *at, bool *ret);
bool at_number(const struct at *at, double min, double max, double *ret);
bool at_integer(const struct at *at, int64_t min, int64_t max, int64_t *ret);
/* The same for a member; absent: false and *ret stays as it is. */
bool at_get_text(const struct at *object, const char *key, const char **ret);
bool at_get_bool(const struct at *object, const char *key, bool *ret);
bool at_get_number(const struct at *object, const char *key, double min, double max, double *ret);
bool at_get_integer(const struct at *object, const char *key, int64_t min, int64_t max,
                    int64_t *ret);
/* A list of texts. */
bool at_get_texts(const struct at *object, const char *key, const char *const **ret, size_t *ret_n);
/* One of a few words; *ret is its index. */
bool at_word(const struct at *at, const char *const *words, size_t count, size_t *ret);
bool at_get_word(const struct at *object, const char *key, const char *const *words, size_t count,
                 size_t *ret);

#endif
