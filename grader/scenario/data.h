/* scenario/data.h: data D of the scenario language, and its bytes once variables and the seed are known. */
#ifndef GRADER_SCENARIO_DATA_H
#define GRADER_SCENARIO_DATA_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data;
struct vars;
struct world;

/* One named field of packed data: a mismatch is reported field by field ("field 2, u16: 258 expected, 513 came"). */
struct pattern_field {
    size_t at, len; /* bytes */
    char type[4];   /* "u16", "i64", ... */
};

/* Bytes, some of which may be anything (`??` of hex). */
struct pattern {
    uint8_t *bytes;
    uint8_t *mask; /* NULL: every byte counts; else 0xff counts, 0x00 any */
    size_t len;
    struct pattern_field *fields;
    size_t n_fields;
};

struct data_context {
    const struct vars *vars;
    const struct world *world; /* for {"file": ...}; may be NULL */
    uint64_t seed; /* of the run; {"gen","seed"} is mixed with it, so that the same run repeats */
};

/* The bytes of data. The caller frees with pattern_done(). ERR_USAGE for an unknown variable or file, or when the
 * result is larger than SCENARIO_MAX_DATA_BYTES. */
int data_resolve(const struct data *data, const struct data_context *context, struct pattern *ret,
                 struct err *err);
void pattern_done(struct pattern *pattern);

/* Offset of the first of `len` bytes that contradicts the pattern's beginning, or SIZE_MAX when none does
 * (bytes beyond the pattern's end are not looked at). */
size_t pattern_mismatch(const struct pattern *pattern, const void *bytes, size_t len);

/* One line that names what a reader of the sheet would call it: field by field for packed data, otherwise the bytes,
 * escaped, at most 64. The caller frees. */
char *pattern_describe(const struct pattern *pattern);
/* "field 2 (u16): 258 expected, 513 came" when the pattern has fields and `bytes` covers that field; else NULL. */
char *pattern_field_diff(const struct pattern *pattern, const void *bytes, size_t len,
                         size_t diff_at);

#endif
