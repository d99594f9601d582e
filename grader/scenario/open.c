/* scenario/open.c: an assignment file from the outside: loaded as a whole or not at all. */
#include "scenario/open.h"
#include "base/own.h"
#include "scenario/load.h"

int assignment_open(const char *path, const struct classes *classes, struct assignment **ret,
                    struct err *err)
{
    struct arena *arena = arena_new();
    struct source source;
    struct assignment *assignment = NULL;
    int rc = source_open(&source, path, arena, err);
    if (rc == 0) {
        assignment = load_assignment(&source, classes);
        rc = source_verdict(&source, err);
    }
    source_done(&source);
    if (rc < 0)
        arena_free(arena);
    else
        *ret = assignment;
    return rc;
}

int assignment_load(const char *path, struct assignment **ret, struct err *err)
{
    return assignment_open(path, NULL, ret, err);
}

void assignment_free(struct assignment *assignment)
{
    if (assignment)
        arena_free(assignment->arena); /* the assignment itself lies in it */
}
