/* scenario/pattern.c: comparing bytes with a pattern, and saying what it asks for. */
#include "base/own.h"
#include "base/text.h"
#include "scenario/data.h"

#include <stdbool.h>
#include <string.h>

#define MAX_SHOWN_BYTES  64
#define MAX_SHOWN_FIELDS 16

size_t pattern_mismatch(const struct pattern *pattern, const void *bytes, size_t len)
{
    const uint8_t *came = bytes;
    const size_t n = len < pattern->len ? len : pattern->len;
    if (n == 0 || (!pattern->mask && memcmp(came, pattern->bytes, n) == 0))
        return SIZE_MAX; /* the usual case, at memcmp's speed */
    for (size_t i = 0; i < n; i++)
        if (came[i] != pattern->bytes[i] && (!pattern->mask || pattern->mask[i]))
            return i;
    return SIZE_MAX;
}

/* The field's number as text, in the sign of its type. */
static void describe_number(struct buf *out, const struct pattern_field *field,
                            const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < field->len; i++)
        value = value << 8 | bytes[i];
    if (field->type[0] != 'i') {
        (void)buf_printf(out, "%llu", (unsigned long long)value);
        return;
    }
    const uint64_t sign = UINT64_C(1) << (8 * (field->len ? field->len : 1) - 1);
    (void)buf_printf(out, "%lld", (long long)((value ^ sign) - sign)); /* two's complement */
}

/* Mostly readable text is shown as text; anything else, and anything with `??`, as hex. */
static bool is_text(const struct pattern *pattern, size_t from, size_t to)
{
    size_t odd = 0;
    for (size_t i = from; i < to; i++) {
        const uint8_t c = pattern->bytes[i];
        if (pattern->mask && !pattern->mask[i])
            return false;
        odd += (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c > 0x7e;
    }
    return odd * 4 <= to - from;
}

static void describe_bytes(struct buf *out, const struct pattern *pattern, size_t from, size_t to)
{
    if (is_text(pattern, from, to)) {
        (void)buf_add_char(out, '"');
        text_escape(out, pattern->bytes + from, to - from, MAX_SHOWN_BYTES);
        (void)buf_add_char(out, '"');
        return;
    }
    const size_t shown = to - from > MAX_SHOWN_BYTES / 2 ? from + MAX_SHOWN_BYTES / 2 : to;
    for (size_t i = from; i < shown; i++) {
        if (i > from)
            (void)buf_add_char(out, ' ');
        if (pattern->mask && !pattern->mask[i])
            (void)buf_add_str(out, "??");
        else
            (void)buf_printf(out, "%02x", pattern->bytes[i]);
    }
    if (shown < to)
        (void)buf_add_str(out, " ...");
}

static void describe_fields(struct buf *out, const struct pattern *pattern)
{
    size_t at = 0;
    for (size_t i = 0; i < pattern->n_fields; i++) {
        const struct pattern_field *field = &pattern->fields[i];
        if (i > 0)
            (void)buf_add_str(out, ", ");
        if (i == MAX_SHOWN_FIELDS) {
            (void)buf_add_str(out, "...");
            return;
        }
        if (at < field->at) {
            describe_bytes(out, pattern, at, field->at);
            (void)buf_add_str(out, ", ");
        }
        (void)buf_printf(out, "%s ", field->type);
        describe_number(out, field, pattern->bytes + field->at);
        at = field->at + field->len;
    }
    if (at < pattern->len) {
        (void)buf_add_str(out, ", ");
        describe_bytes(out, pattern, at, pattern->len);
    }
}

char *pattern_describe(const struct pattern *pattern)
{
    AUTO_BUF struct buf out = {0};
    (void)buf_printf(&out, "%zu byte%s", pattern->len, pattern->len == 1 ? "" : "s");
    if (pattern->len)
        (void)buf_add_str(&out, pattern->n_fields ? ": " : " ");
    if (pattern->n_fields)
        describe_fields(&out, pattern);
    else if (pattern->len)
        describe_bytes(&out, pattern, 0, pattern->len);
    return buf_take(&out);
}

char *pattern_field_diff(const struct pattern *pattern, const void *bytes, size_t len,
                         size_t diff_at)
{
    for (size_t i = 0; i < pattern->n_fields; i++) {
        const struct pattern_field *field = &pattern->fields[i];
        if (diff_at < field->at || diff_at >= field->at + field->len)
            continue;
        if (len < field->at + field->len)
            return NULL;
        AUTO_BUF struct buf out = {0};
        (void)buf_printf(&out, "field %zu (%s): ", i + 1, field->type);
        describe_number(&out, field, pattern->bytes + field->at);
        (void)buf_add_str(&out, " expected, ");
        describe_number(&out, field, (const uint8_t *)bytes + field->at);
        (void)buf_add_str(&out, " came");
        return buf_take(&out);
    }
    return NULL;
}
