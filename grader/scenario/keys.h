/* scenario/keys.h: every key of scenario, suite and class files, in one place. The loader accepts what stands here and
 * nothing else; a test holds testcases/FORMAT.md and testcases/scenario.schema.json to the same list. */
#ifndef GRADER_SCENARIO_KEYS_H
#define GRADER_SCENARIO_KEYS_H

#include <stddef.h>

struct key {
    const char *name;
    const char *reserved; /* why it may not be used yet, or NULL */
};

struct key_table {
    const char
        *name; /* of the object: "file", "scenario", "open", ...; verbs have their own name */
    const struct key *keys;
    size_t count;
};

enum key_object {
    KEYS_FILE,
    KEYS_SCENARIO,
    KEYS_STEP, /* what every step may have */
    KEYS_START,
    KEYS_OPEN,
    KEYS_SEND,
    KEYS_EXPECT, /* "expect" and "else"; the rest is KEYS_EXPECTATION */
    KEYS_CLOSE,
    KEYS_CHECK,
    KEYS_FETCH,
    KEYS_WAIT,
    KEYS_REPEAT,
    KEYS_PARALLEL,
    KEYS_DO,
    KEYS_MEET,
    KEYS_EXPECTATION,
    KEYS_ALTERNATIVE, /* of `else`: besides KEYS_EXPECTATION */
    KEYS_HTTP,
    KEYS_HINT,
    KEYS_DATA,
    KEYS_WORLD,
    KEYS_WORLD_FILE,
    KEYS_NET,
    KEYS_NET_WAY, /* "to_program", "to_peers" */
    KEYS_NET_EVERY,
    KEYS_LIMITS,
    KEYS_CALLS,
    KEYS_CALL,
    KEYS_SUITE,
    KEYS_SUITE_ENTRY,
    KEYS_SUITE_SANITIZER,
    KEYS_CLASSES,
    KEYS_CLASS,
    KEYS_COUNT
};

#define KEYS_MAX_NAMES 64

const struct key_table *key_table(enum key_object object);
const struct key *key_find(const struct key_table *table, const char *name); /* NULL: not there */
/* The names that are not reserved; returns how many (at most max). */
size_t key_names(const struct key_table *table, const char **names, size_t max);

#endif
