/* cli/explain.c: `sockgrade explain`: the sentence of a bug class, and where to read on. */
#include "cli/cli.h"
#include "cli/options.h"

#include "base/own.h"
#include "base/text.h"
#include "scenario/scenario.h"

#include <stdio.h>
#include <string.h>

static void print_help(void)
{
    (void)printf(
        "usage: sockgrade explain CLASS\n"
        "       sockgrade explain --list\n\n"
        "Explains a bug class that a report names. Words in braces are filled in by each run.\n");
}

static void list(const struct classes *classes)
{
    for (size_t i = 0; i < classes->count; i++)
        (void)printf("%-34s %s\n", classes->list[i].name, classes->list[i].sentence);
}

static int explain(const struct classes *classes, const char *name, struct err *err)
{
    const struct bug_class *found = classes_find(classes, name);
    if (found) {
        (void)printf("%s\n  %s\n", found->name, found->sentence);
        if (found->read)
            (void)printf("  read on: %s\n", found->read);
        return 0;
    }
    AUTO_FREE const char **names = xcalloc(classes->count + 1, sizeof *names);
    for (size_t i = 0; i < classes->count; i++)
        names[i] = classes->list[i].name;
    const char *near = text_nearest(name, names, classes->count);
    return err_set(err, ERR_USAGE,
                   "explain: no bug class '%.100s'%s%s%s; see `sockgrade explain --list`", name,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int run(const char *word, struct err *err)
{
    AUTO_FREE char *folder = options_testcases_dir(NULL, err);
    AUTO_FREE char *path = folder ? xasprintf("%s/classes.json", folder) : NULL;
    struct classes *classes = NULL;
    if (!path || classes_load(path, &classes, err) != 0)
        return -1;
    int result = 0;
    if (strcmp(word, "--list") == 0)
        list(classes);
    else
        result = explain(classes, word, err);
    classes_free(classes);
    return result;
}

int cli_explain(int argc, char **argv)
{
    struct err err = {0};
    int result = 0;
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        print_help();
    else if (argc != 2)
        result = err_set(&err, ERR_USAGE, "explain: name one bug class, or --list");
    else
        result = run(argv[1], &err);
    if (result == 0)
        return EXIT_FULL_MARKS;
    (void)fprintf(stderr, "sockgrade: %s\n", err.text);
    return err.kind == ERR_USAGE ? EXIT_USAGE : EXIT_HOST;
}
