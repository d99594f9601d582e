/* scenario/arena.c: a bump allocator: what a file brought lives and dies together. */
#include "scenario/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct chunk {
    struct chunk *next;
    json_t *json; /* a chunk without bytes may keep a tree alive */
    size_t used, size;
    max_align_t bytes[];
};

struct arena {
    struct chunk *chunks; /* newest first */
};

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->chunks) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        json_decref(chunk->json);
        free(chunk);
    }
    free(arena);
}

static struct chunk *add_chunk(struct arena *arena, size_t size)
{
    struct chunk *chunk = xcalloc(1, sizeof *chunk + size);
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t unit = sizeof(max_align_t);
    if (size > SIZE_MAX / 2)
        abort(); /* every caller's size is bounded by the file's */
    const size_t rounded = (size + unit - 1) / unit * unit;
    struct chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < rounded)
        chunk = add_chunk(arena, rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES);
    void *place = (char *)chunk->bytes + chunk->used;
    chunk->used += rounded;
    return place;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return arena_alloc(arena, total);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const int len = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (len < 0)
        abort(); /* only an invalid format can fail here */
    char *text = arena_alloc(arena, (size_t)len + 1);
    va_start(list, format);
    (void)vsnprintf(text, (size_t)len + 1, format, list);
    va_end(list);
    return text;
}

void arena_keep_json(struct arena *arena, json_t *json)
{
    add_chunk(arena, 0)->json = json;
}
