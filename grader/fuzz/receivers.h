/* fuzz/receivers.h: whoever receives an archive's entries in a fuzz target, and holds each to what is promised of it. */
#ifndef GRADER_FUZZ_RECEIVERS_H
#define GRADER_FUZZ_RECEIVERS_H

#include "base/mem.h"
#include "base/own.h"
#include "fuzz/fuzz.h"
#include "submission/unpack.h"
#include "submission/wire.h"

#include <string.h>

struct seen {
    size_t max_target; /* bytes of a link's target */
    bool in_entry;
    uint64_t bytes;
};

/* A name that is accepted stays below its folder. */
static inline void check_name(const char *path)
{
    const char *kind = NULL;
    const char *fault = unpack_path_fault(path, &kind);
    size_t stem = 0;
    FUZZ_HOLDS(fault ? kind != NULL : path[0] && path[0] != '/' && path[0] != '\\');
    (void)unpack_is_archive_name(path, &stem);
    FUZZ_HOLDS(stem <= strlen(path));
    for (const char *at = path; !fault && *at; at += strspn(at, "/\\")) {
        const size_t len = strcspn(at, "/\\");
        FUZZ_HOLDS(len != 2 || memcmp(at, "..", 2) != 0);
        at += len;
    }
}

static inline int see_entry(void *self, const struct unpack_entry *entry)
{
    struct seen *seen = self;
    FUZZ_HOLDS(!seen->in_entry && (unsigned)entry->type < UNPACK_TYPES);
    FUZZ_HOLDS(strlen(entry->path) <= WIRE_MAX_TEXT && strlen(entry->target) <= seen->max_target);
    check_name(entry->path);
    seen->in_entry = true;
    return 0;
}

static inline int see_data(void *self, const void *bytes, size_t len)
{
    struct seen *seen = self;
    AUTO_FREE void *copy = xmalloc(len ? len : 1);
    FUZZ_HOLDS(seen->in_entry && bytes);
    memcpy(copy, bytes, len); /* all are there to be read */
    seen->bytes += len;
    return 0;
}

static inline int see_end(void *self)
{
    struct seen *seen = self;
    FUZZ_HOLDS(seen->in_entry);
    seen->in_entry = false;
    return 0;
}

/* Until the last frame, or one that ends it; what next_frame() said of that one. */
static inline int read_frames(struct unpacking *unpacking)
{
    AUTO_FREE char *bytes = xmalloc(WIRE_MAX_BYTES);
    int result = 1;
    while (result == 1 && !unpacking->done)
        result = next_frame(unpacking, bytes);
    return result;
}

#endif
