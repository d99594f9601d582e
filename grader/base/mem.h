/* base/mem.h: memory that is never missing, and bytes that grow up to a stated maximum.
 *
 * xmalloc and its family abort when there is no memory (malloc(3) returned NULL): sockgrade's own needs are small, and
 * everything that a student's program can make grow is kept in a struct buf with a maximum. */
#ifndef GRADER_BASE_MEM_H
#define GRADER_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
/* Grows an array of `count` elements of `size` bytes; aborts on overflow of the product. */
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t max) __attribute__((malloc, returns_nonnull));
/* printf into fresh memory; the caller frees it. */
char *xasprintf(const char *format, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

/* Growing bytes. data is always followed by a 0 byte that len does not count (so that text can be read as a string);
 * data is NULL as long as nothing was added. Bytes past max are dropped and counted in `dropped`. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;       /* bytes; 0 means BUF_DEFAULT_MAX */
    uint64_t dropped; /* bytes that did not fit below max */
};

#define BUF_DEFAULT_MAX ((size_t)64 << 20)

void buf_init(struct buf *buf, size_t max_bytes);
void buf_done(struct buf *buf); /* frees; the buf may be used again */
/* Each returns true when everything fitted. */
bool buf_add(struct buf *buf, const void *bytes, size_t len);
bool buf_add_str(struct buf *buf, const char *text);
bool buf_add_char(struct buf *buf, char c);
bool buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *buf, size_t len); /* removes len bytes at the front */
void buf_reset(struct buf *buf);               /* len = 0, keeps the memory */
/* Hands the text over (never NULL, always terminated); the buf is empty afterwards. The caller frees it. */
char *buf_take(struct buf *buf);

#define AUTO_BUF __attribute__((cleanup(buf_done)))

#endif
