/* base/mem.c: see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (!memory) {
        (void)fputs("sockgrade: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *xmalloc(size_t size)
{
    return must(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
    return must(realloc(old, size ? size : 1));
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    return must(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *text)
{
    return must(strdup(text));
}

char *xstrndup(const char *text, size_t max)
{
    return must(strndup(text, max));
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return must(len < 0 ? NULL : text);
}

void buf_init(struct buf *buf, size_t max_bytes)
{
    *buf = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

/* Makes room for len more bytes and the terminator; returns how many of them may be stored. */
static size_t buf_room(struct buf *buf, size_t len)
{
    size_t max = buf->max ? buf->max : BUF_DEFAULT_MAX;
    size_t fits = buf->len >= max ? 0 : max - buf->len;
    if (len > fits) {
        buf->dropped += len - fits;
        len = fits;
    }
    if (buf->len + len + 1 > buf->cap) {
        size_t cap = buf->cap ? buf->cap * 2 : 256;
        while (cap < buf->len + len + 1)
            cap *= 2;
        buf->data = xrealloc(buf->data, cap);
        buf->cap = cap;
    }
    return len;
}

bool buf_add(struct buf *buf, const void *bytes, size_t len)
{
    size_t fits = buf_room(buf, len);
    if (fits)
        memcpy(buf->data + buf->len, bytes, fits);
    buf->len += fits;
    buf->data[buf->len] = '\0';
    return fits == len;
}

bool buf_add_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

bool buf_add_char(struct buf *buf, char c)
{
    return buf_add(buf, &c, 1);
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    (void)must(len < 0 ? NULL : text);
    bool all = buf_add(buf, text, (size_t)len);
    free(text);
    return all;
}

void buf_consume(struct buf *buf, size_t len)
{
    if (len > buf->len)
        len = buf->len;
    if (!len)
        return;
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len + 1);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->dropped = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data ? buf->data : xcalloc(1, 1);
    *buf = (struct buf){.max = buf->max};
    return text;
}
