/* sanitize/frame.c: pieces of text, and the stack frames in them. */
#include "sanitize/parts.h"

#include <string.h>

bool span_starts(struct span span, const char *prefix)
{
    size_t len = strlen(prefix);
    return span.len >= len && memcmp(span.at, prefix, len) == 0;
}

const char *span_find(struct span span, const char *word)
{
    return span.len ? memmem(span.at, span.len, word, strlen(word)) : NULL;
}

void span_copy(struct span span, char *to, size_t size)
{
    size_t len = span.len < size ? span.len : size - 1;
    if (len)
        memcpy(to, span.at, len);
    to[len] = '\0';
}

int span_number(struct span span, size_t *ret_len)
{
    int value = 0;
    size_t len = 0;
    while (len < span.len && len < 9 && span.at[len] >= '0' && span.at[len] <= '9')
        value = value * 10 + (span.at[len++] - '0');
    *ret_len = len;
    return value;
}

static struct span from(struct span span, const char *at)
{
    return (struct span){at, span.len - (size_t)(at - span.at)};
}

/* Takes ":N" from the end. 0: there is none. */
static int cut_number(struct span *span)
{
    size_t digits = 0;
    while (digits < span->len && span->at[span->len - 1 - digits] >= '0' &&
           span->at[span->len - 1 - digits] <= '9')
        digits++;
    if (digits == 0 || digits >= span->len || span->at[span->len - 1 - digits] != ':')
        return 0;
    size_t used;
    int value = span_number((struct span){span->at + span->len - digits, digits}, &used);
    span->len -= digits + 1;
    return value;
}

void place_parse(struct span place, struct frame *ret)
{
    int last = cut_number(&place);
    int before = cut_number(&place);
    ret->line = before ? before : last;
    ret->column = before ? last : 0;
    if (ret->line)
        ret->file = place;
}

struct span place_below(struct span place, const char *root)
{
    place = from(place, place.at + strlen(root));
    while (span_starts(place, "/"))
        place = from(place, place.at + 1);
    return place;
}

bool frame_parse(struct span line, const char *root, struct frame *ret)
{
    size_t digits;
    *ret = (struct frame){.line = 0};
    while (line.len && *line.at == ' ')
        line = from(line, line.at + 1);
    if (!span_starts(line, "#"))
        return false;
    line = from(line, line.at + 1);
    (void)span_number(line, &digits);
    if (digits == 0 || !span_starts(from(line, line.at + digits), " 0x"))
        return false;
    const char *in = span_find(line, " in ");
    if (!in)
        return true; /* a frame without a name */
    line = from(line, in + 4);
    /* a C++ function's name has blanks, a path may have some: the place begins where the root does */
    const char *place = span_find(line, root);
    if (place && place > line.at && place[-1] == ' ') {
        ret->function = (struct span){line.at, (size_t)(place - 1 - line.at)};
        place_parse(place_below(from(line, place), root), ret);
        return true;
    }
    const char *blank = memchr(line.at, ' ', line.len);
    ret->function = (struct span){line.at, blank ? (size_t)(blank - line.at) : line.len};
    return true;
}
