/* scenario/data.c: data D -> bytes, once variables, the world's files and the seed are known.
 *
 * Parts are appended to one growing pattern. The mask is made only when a `??` appears, then for all bytes so far.
 * Depth is bounded here as well as by the loader, since files may refer to files. */
#include "scenario/data.h"

#include "base/own.h"
#include "scenario/parts.h"
#include "scenario/scenario.h"
#include "scenario/vars.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    const struct data_context *context;
    struct buf bytes, mask;
    bool masked;
    struct pattern_field *fields;
    size_t n_fields;
    unsigned depth, parts; /* so deep now; so many parts so far */
};

#define MAX_PARTS 1000000 /* files that name each other could otherwise multiply without end */

static int add(struct builder *build, const struct data *data, struct err *err);

static int add_bytes(struct builder *build, const void *bytes, const uint8_t *mask, size_t len,
                     struct err *err)
{
    if (mask && !build->masked) {
        build->masked = true;
        for (size_t i = 0; i < build->bytes.len; i++)
            (void)buf_add_char(&build->mask, (char)0xff);
    }
    bool fits = buf_add(&build->bytes, bytes, len);
    if (build->masked) {
        if (mask)
            fits &= buf_add(&build->mask, mask, len);
        for (size_t i = 0; !mask && fits && i < len; i++)
            fits &= buf_add_char(&build->mask, (char)0xff);
    }
    if (!fits)
        return err_set(err, ERR_USAGE, "data is larger than %zu MiB",
                       SCENARIO_MAX_DATA_BYTES >> 20);
    return 0;
}

static int add_text(struct builder *build, const char *text, struct err *err)
{
    AUTO_FREE char *expanded = NULL;
    if (vars_expand(build->context->vars, text, &expanded, err) < 0)
        return -1;
    return add_bytes(build, expanded, NULL, strlen(expanded), err);
}

static int amount(const struct builder *build, const struct amount *from, const char *what,
                  uint64_t max, uint64_t *ret, struct err *err)
{
    *ret = from->value;
    if (from->text) {
        AUTO_FREE char *text = NULL;
        if (vars_expand(build->context->vars, from->text, &text, err) < 0)
            return -1;
        uint8_t number[8];
        size_t size = 0;
        if (!pack_number("u64", text, number, &size))
            return err_set(err, ERR_USAGE, "%s \"%.40s\" is not a whole number", what, text);
        *ret = 0;
        for (size_t i = 0; i < size; i++)
            *ret = *ret << 8 | number[i];
    }
    if (*ret > max)
        return err_set(err, ERR_USAGE, "%s %llu is more than %llu", what, (unsigned long long)*ret,
                       (unsigned long long)max);
    return 0;
}

static int add_zeros(struct builder *build, uint64_t len, struct err *err)
{
    AUTO_FREE uint8_t *bytes = xcalloc(1, len ? (size_t)len : 1);
    return add_bytes(build, bytes, NULL, (size_t)len, err);
}

static int add_gen(struct builder *build, const struct data *data, struct err *err)
{
    uint64_t size = 0;
    uint64_t seed = 0;
    if (amount(build, &data->size, "size", SCENARIO_MAX_DATA_BYTES, &size, err) < 0 ||
        amount(build, &data->seed, "seed", UINT64_MAX, &seed, err) < 0)
        return -1;
    AUTO_FREE uint8_t *bytes = xmalloc(size ? (size_t)size : 1);
    gen_fill(data->gen, gen_mix(build->context->seed, seed), bytes, (size_t)size);
    return add_bytes(build, bytes, NULL, (size_t)size, err);
}

static void add_field(struct builder *build, const struct pattern_field *field)
{
    if (build->n_fields >= DATA_MAX_FIELDS)
        return;
    build->fields = xreallocarray(build->fields, build->n_fields + 1, sizeof *build->fields);
    build->fields[build->n_fields++] = *field;
}

static int add_pack(struct builder *build, const struct data *data, struct err *err)
{
    for (size_t i = 0; i < data->n_fields; i++) {
        const struct pack_field *from = &data->fields[i];
        struct pattern_field field = {.at = build->bytes.len};
        AUTO_FREE char *text = NULL;
        uint8_t number[8];
        if (vars_expand(build->context->vars, from->text, &text, err) < 0)
            return -1;
        if (!pack_number(from->type, text, number, &field.len))
            return err_set(err, ERR_USAGE, "\"%.40s\" is no %s", text, from->type);
        memcpy(field.type, from->type, sizeof field.type);
        add_field(build, &field);
        if (add_bytes(build, number, NULL, field.len, err) < 0)
            return -1;
    }
    return 0;
}

/* The repeated part is made once and then copied: a repetition of repetitions stays linear in what comes out. */
static int add_times(struct builder *build, const struct data *data, struct err *err)
{
    uint64_t times = 0;
    const size_t from = build->bytes.len;
    const size_t from_field = build->n_fields;
    if (amount(build, &data->size, "times", SCENARIO_MAX_DATA_BYTES, &times, err) < 0)
        return -1;
    if (times == 0)
        return 0;
    if (add(build, data->parts[0], err) < 0)
        return -1;
    const size_t len = build->bytes.len - from;
    const size_t n_fields = build->n_fields - from_field;
    if (len == 0)
        return 0;
    AUTO_FREE uint8_t *bytes = xmalloc(len);
    AUTO_FREE uint8_t *mask = xmalloc(len);
    memcpy(bytes, build->bytes.data + from, len);
    if (build->masked)
        memcpy(mask, build->mask.data + from, len);
    for (uint64_t turn = 1; turn < times; turn++) {
        for (size_t i = 0; i < n_fields; i++) {
            struct pattern_field field = build->fields[from_field + i];
            field.at += (size_t)turn * len;
            add_field(build, &field);
        }
        if (add_bytes(build, bytes, build->masked ? mask : NULL, len, err) < 0)
            return -1;
    }
    return 0;
}

static int add_file(struct builder *build, const struct data *data, struct err *err)
{
    const struct world *world = build->context->world;
    for (size_t i = 0; world && i < world->n_files; i++) {
        const struct world_file *file = &world->files[i];
        if (strcmp(file->path, data->text) != 0)
            continue;
        if (file->kind == WORLD_DATA)
            return add(build, file->data, err);
        if (file->kind == WORLD_SPARSE && file->size <= SCENARIO_MAX_DATA_BYTES)
            return add_zeros(build, file->size, err);
        return err_set(err, ERR_USAGE, "file '%.100s' has no content that could be compared",
                       data->text);
    }
    return err_set(err, ERR_USAGE, "no file '%.100s' in the world's files", data->text);
}

static int add_kind(struct builder *build, const struct data *data, struct err *err)
{
    switch (data->kind) {
    case DATA_TEXT:
        return add_text(build, data->text, err);
    case DATA_BYTES:
        return add_bytes(build, data->bytes, data->mask, data->len, err);
    case DATA_FILE:
        return add_file(build, data, err);
    case DATA_GEN:
        return add_gen(build, data, err);
    case DATA_PACK:
        return add_pack(build, data, err);
    case DATA_TIMES:
        return add_times(build, data, err);
    case DATA_LIST:
        for (size_t i = 0; i < data->n_parts; i++)
            if (add(build, data->parts[i], err) < 0)
                return -1;
        return 0;
    }
    return 0;
}

static int add(struct builder *build, const struct data *data, struct err *err)
{
    if (build->depth == DATA_MAX_DEPTH)
        return err_set(err, ERR_USAGE, "data is nested more than %d deep", DATA_MAX_DEPTH);
    if (++build->parts > MAX_PARTS)
        return err_set(err, ERR_USAGE, "data has more than %d parts", MAX_PARTS);
    build->depth++;
    const int rc = add_kind(build, data, err);
    build->depth--;
    return rc;
}

int data_resolve(const struct data *data, const struct data_context *context, struct pattern *ret,
                 struct err *err)
{
    struct builder build = {.context = context};
    buf_init(&build.bytes, SCENARIO_MAX_DATA_BYTES);
    buf_init(&build.mask, SCENARIO_MAX_DATA_BYTES);
    *ret = (struct pattern){0};
    const int rc = add(&build, data, err);
    if (rc == 0) {
        ret->len = build.bytes.len;
        ret->bytes = (uint8_t *)buf_take(&build.bytes);
        if (build.masked)
            ret->mask = (uint8_t *)buf_take(&build.mask);
        ret->fields = TAKE_PTR(build.fields);
        ret->n_fields = build.n_fields;
    }
    free(build.fields);
    buf_done(&build.bytes);
    buf_done(&build.mask);
    return rc;
}

void pattern_done(struct pattern *pattern)
{
    free(pattern->bytes);
    free(pattern->mask);
    free(pattern->fields);
    *pattern = (struct pattern){0};
}
