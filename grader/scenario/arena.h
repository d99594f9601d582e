/* scenario/arena.h: memory of one loaded file, freed all at once. Private to scenario/. */
#ifndef GRADER_SCENARIO_ARENA_H
#define GRADER_SCENARIO_ARENA_H

#include <jansson.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is allowed */

/* Zeroed, aligned for any type; never NULL. Valid until arena_free(). */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size); /* aborts on overflow */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes over the caller's reference: strings of the tree stay valid as long as the arena. */
void arena_keep_json(struct arena *arena, json_t *json);

#endif
