/* base/text.c: foreign bytes as text that nothing can be hidden in. */
#include "base/text.h"

#include <inttypes.h>
#include <stdint.h>

static void add_more(struct buf *out, size_t len, size_t shown)
{
    if (shown < len)
        (void)buf_printf(out, " … (%zu more bytes)", len - shown);
}

/* The letter after the backslash, or 0. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\\':
    case '"':
        return (char)c;
    default:
        return 0;
    }
}

void text_escape(struct buf *out, const void *bytes, size_t len, size_t max_bytes)
{
    const unsigned char *from = bytes;
    const size_t shown = len < max_bytes ? len : max_bytes;
    for (size_t i = 0; i < shown; i++) {
        const char letter = short_escape(from[i]);
        if (letter)
            (void)buf_printf(out, "\\%c", letter);
        else if (from[i] >= 0x20 && from[i] <= 0x7e)
            (void)buf_add_char(out, (char)from[i]);
        else
            (void)buf_printf(out, "\\x%02x", from[i]);
    }
    add_more(out, len, shown);
}

/* Length of the well-formed UTF-8 sequence at the start (Unicode 15, table 3-7), 0 when there is none. */
static size_t utf8_length(const unsigned char *bytes, size_t len, uint32_t *ret_code)
{
    static const struct {
        size_t length;
        uint32_t least;
        unsigned char mask, lead;
    } kinds[] = {{1, 0, 0x80, 0x00},
                 {2, 0x80, 0xe0, 0xc0},
                 {3, 0x800, 0xf0, 0xe0},
                 {4, 0x10000, 0xf8, 0xf0}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if ((bytes[0] & kinds[k].mask) != kinds[k].lead)
            continue;
        uint32_t code = bytes[0] & (unsigned char)~kinds[k].mask;
        if (kinds[k].length > len)
            return 0;
        for (size_t i = 1; i < kinds[k].length; i++) {
            if ((bytes[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (bytes[i] & 0x3fU);
        }
        *ret_code = code;
        const bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code < kinds[k].least || surrogate || code > 0x10ffff ? 0 : kinds[k].length;
    }
    return 0;
}

json_t *text_to_json(const char *text)
{
    json_t *json = text ? json_string(text) : NULL;
    return json ? json : json_null();
}

bool text_is_utf8(const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    uint32_t code = 0;
    for (size_t at = 0; at < len;) {
        const size_t length = utf8_length(from + at, len - at, &code);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* Controls that change the order of what is shown, or end a line (Unicode TR9, TR14). */
static bool is_sly(uint32_t code)
{
    return code == 0x061c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static bool is_shown(uint32_t code)
{
    if (code < 0x7f)
        return code >= 0x20 || code == '\n' || code == '\t';
    return code > 0x9f && !is_sly(code);
}

void text_sanitize(struct buf *out, const void *bytes, size_t len, size_t max_bytes)
{
    const unsigned char *from = bytes;
    const size_t shown = len < max_bytes ? len : max_bytes;
    for (size_t at = 0; at < shown;) {
        uint32_t code = 0;
        const size_t length = utf8_length(from + at, shown - at, &code);
        if (length && is_shown(code)) {
            (void)buf_add(out, from + at, length);
            at += length;
        } else {
            (void)buf_printf(out, "\\x%02x", from[at]);
            at++;
        }
    }
    add_more(out, len, shown);
}

/* ---- hex ---- */

#define LINE_BYTES 16
#define LINES      4

static void hex_line(struct buf *out, const unsigned char *bytes, size_t len, size_t from,
                     uint64_t offset)
{
    const size_t n = len - from < LINE_BYTES ? len - from : LINE_BYTES;
    (void)buf_printf(out, "%08" PRIx64 " ", offset + from);
    for (size_t i = 0; i < LINE_BYTES; i++) {
        if (i < n)
            (void)buf_printf(out, " %02x", bytes[from + i]);
        else
            (void)buf_add_str(out, "   ");
    }
    (void)buf_add_str(out, "  ");
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = bytes[from + i];
        (void)buf_add_char(out, c >= 0x20 && c <= 0x7e ? (char)c : '.');
    }
    (void)buf_add_char(out, '\n');
}

void text_hex_window(struct buf *out, const void *bytes, size_t len, size_t at, uint64_t offset)
{
    const size_t line = at == SIZE_MAX ? 0 : (at > len ? len : at) / LINE_BYTES;
    const size_t first = line > 0 ? line - 1 : 0; /* one line before it, two behind */
    for (size_t i = first; i < first + LINES && (i * LINE_BYTES < len || i == line); i++) {
        if (i * LINE_BYTES < len)
            hex_line(out, bytes, len, i * LINE_BYTES, offset);
        if (i == line && at != SIZE_MAX && at <= len)
            (void)buf_printf(out, "%*s^^\n", (int)(10 + 3 * (at % LINE_BYTES)), "");
    }
}
