/* scenario/lint.c: every finding of a file, whichever of the three kinds it is. */
#include "base/own.h"
#include "scenario/load.h"
#include "scenario/open.h"

#include <unistd.h>

/* The classes of the test cases, or NULL when there are none, or none that can be read: that is then the finding of
 * classes.json itself. */
static struct classes *usual_classes(const char *testcases_dir)
{
    AUTO_FREE char *path = xasprintf("%s/classes.json", testcases_dir);
    struct classes *classes = NULL;
    struct err err = {0};
    if (access(path, R_OK) != 0 || classes_load(path, &classes, &err) < 0)
        return NULL;
    return classes;
}

static void look(struct source *source, const char *testcases_dir)
{
    if (json_object_get(source->root, "suite")) {
        struct suite *suite = load_suite(source, testcases_dir, usual_classes(testcases_dir));
        for (size_t i = 0; i < suite->n_entries; i++)
            assignment_free((struct assignment *)suite->entries[i].assignment);
        classes_free((struct classes *)suite->classes);
    } else if (json_object_get(source->root, "classes")) {
        (void)load_classes(source);
    } else {
        struct classes *classes = usual_classes(testcases_dir);
        (void)load_assignment(source, classes);
        classes_free(classes);
    }
}

int scenario_lint(const char *path, const char *testcases_dir, scenario_finding *report, void *self,
                  struct err *err)
{
    struct arena *arena = arena_new();
    struct source source;
    if (source_open(&source, path, arena, err) < 0) {
        arena_free(arena);
        return -1;
    }
    if (source.root)
        look(&source, testcases_dir);
    if (err_is_set(&source.host)) {
        (void)source_verdict(&source, err);
        source_done(&source);
        arena_free(arena);
        return -1;
    }
    source_sort(&source);
    for (size_t i = 0; i < source.n_findings; i++)
        report(self, source.findings[i].text);
    const size_t found = source.n_findings + source.dropped_findings;
    if (source.dropped_findings) {
        AUTO_FREE char *more = xasprintf("%s: %zu more", path, source.dropped_findings);
        report(self, more);
    }
    source_done(&source);
    arena_free(arena);
    return (int)found;
}
