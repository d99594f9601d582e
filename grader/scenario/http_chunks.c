/* scenario/http_chunks.c: a chunked body (RFC 9112 7.1), strictly. */
#include "scenario/http_read.h"

#include <string.h>

#define MAX_SIZE_LINE 4096

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A line that ends with CR LF; its length without them, or -1: ret says why, or more is needed. */
static long find_line(const uint8_t *bytes, size_t len, size_t at, struct http_reading *ret)
{
    const uint8_t *end = at < len ? memchr(bytes + at, '\n', len - at) : NULL;
    if (!end) {
        if (len - at > MAX_SIZE_LINE)
            http_broken(ret, at, NULL, "a chunk's size line of more than %d bytes", MAX_SIZE_LINE);
        return -1;
    }
    const size_t line = (size_t)(end - bytes) - at;
    if (line == 0 || bytes[at + line - 1] != '\r') {
        http_broken(ret, at + line, "lf-only", "a line of the chunked body ends with LF alone");
        return -1;
    }
    return (long)(line - 1);
}

/* chunk-size [ ";" extensions ]; false after http_broken(). */
static bool read_size(const uint8_t *bytes, size_t at, size_t line, uint64_t *ret_size,
                      struct http_reading *ret)
{
    size_t digits = 0;
    *ret_size = 0;
    while (digits < line && hex_value(bytes[at + digits]) >= 0 && digits < 15) {
        *ret_size = *ret_size << 4 | (uint64_t)hex_value(bytes[at + digits]);
        digits++;
    }
    if (digits > 0 && (digits == line || bytes[at + digits] == ';'))
        return true;
    http_broken(ret, at + digits, NULL, "a chunk's size line is no hexadecimal number");
    return false;
}

static void read_trailer(const uint8_t *bytes, size_t len, size_t at, struct http_reading *ret)
{
    const size_t most = at + HTTP_MAX_HEAD_BYTES;
    for (;;) {
        if (at > most) {
            http_broken(ret, at, SCENARIO_CLASS_ENDLESS,
                        "more than %zu bytes of header lines after the last chunk",
                        HTTP_MAX_HEAD_BYTES);
            return;
        }
        const long line = find_line(bytes, len, at, ret);
        if (line < 0)
            return;
        if (line == 0) {
            ret->state = HTTP_COMPLETE;
            ret->total = at + 2;
            return;
        }
        if (!http_is_field(bytes + at, (size_t)line, true)) {
            http_broken(ret, at, NULL,
                        "after the last chunk comes neither a header line nor the end");
            return;
        }
        at += (size_t)line + 2;
    }
}

void http_bound_body(struct http_reading *ret)
{
    if (ret->state == HTTP_MORE && ret->body_len > SCENARIO_MAX_DATA_BYTES)
        http_broken(ret, ret->body_at, SCENARIO_CLASS_ENDLESS, "a body of more than %zu bytes",
                    SCENARIO_MAX_DATA_BYTES);
}

void http_read_chunks(const uint8_t *bytes, size_t len, size_t at, struct buf *decoded,
                      struct http_reading *ret)
{
    const size_t body_at = at;
    ret->part = HTTP_IN_CHUNKS;
    ret->state = HTTP_MORE;
    for (;;) {
        uint64_t size = 0;
        if (at - body_at - ret->body_len > HTTP_MAX_SIZE_BYTES) {
            http_broken(ret, at, SCENARIO_CLASS_ENDLESS,
                        "%zu bytes of body came in more than %zu bytes of chunk sizes",
                        ret->body_len, HTTP_MAX_SIZE_BYTES);
            return;
        }
        const long line = find_line(bytes, len, at, ret);
        if (line < 0 || !read_size(bytes, at, (size_t)line, &size, ret))
            return;
        at += (size_t)line + 2;
        if (size == 0) {
            read_trailer(bytes, len, at, ret);
            return;
        }
        const size_t there = size < len - at ? (size_t)size : len - at;
        ret->body_len += there;
        if (decoded)
            (void)buf_add(decoded, bytes + at, there);
        at += there;
        if (there < size || len - at < 2) {
            if (len - at == 1 && bytes[at] != '\r')
                http_broken(ret, at, NULL, "a chunk is longer than its size says");
            return;
        }
        if (bytes[at] != '\r' || bytes[at + 1] != '\n') {
            http_broken(ret, at, NULL, "a chunk is longer than its size says");
            return;
        }
        at += 2;
    }
}
