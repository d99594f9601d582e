/* fuzz/fuzz_metadata.c: the list of submitters of a Gradescope download, in which students have typed. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "base/own.h"
#include "batch/download.h"

#include <string.h>

#define MAX_INPUT_BYTES ((size_t)64 << 10)

static void add(struct download *source, const char *name, const char *id)
{
    struct member *member = &source->members[source->count++];
    *member = (struct member){.name = xstrdup(name), .folder = true, .known = true};
    member->parts = (struct name_parts){.id = xstrdup(id), .late = -1};
}

static void check(const struct name_parts *parts)
{
    FUZZ_HOLDS(parts->id && *parts->id); /* of the folder, where the list has none */
    FUZZ_HOLDS(parts->late >= -1 && parts->late <= 1);
    fuzz_check_line(parts->id);
    fuzz_check_line(parts->name);
    fuzz_check_line(parts->email);
    fuzz_check_line(parts->order);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > MAX_INPUT_BYTES)
        return -1;
    struct download source = {.members = xcalloc(2, sizeof *source.members), .cap = 2};
    add(&source, "submission_1", "1");
    add(&source, "submission_2", "2");
    AUTO_FREE char *copy = xmalloc(len ? len : 1); /* a look beyond its end is seen */
    memcpy(copy, bytes, len);
    AUTO_FREE char *problem = metadata_read(&source, copy, len);
    FUZZ_HOLDS(!problem || *problem);
    for (size_t i = 0; i < source.count; i++)
        check(&source.members[i].parts);
    download_done(&source);
    return 0;
}
