/* scenario/open.h: loading among the files of scenario/. Private. */
#ifndef GRADER_SCENARIO_OPEN_H
#define GRADER_SCENARIO_OPEN_H

#include "scenario/scenario.h"
#include "scenario/source.h"

/* assignment_load(), and hints must name one of the classes (NULL: any name will do). */
int assignment_open(const char *path, const struct classes *classes, struct assignment **ret,
                    struct err *err);

/* load_classes.c, load_suite.c: an open source into its arena; findings tell whether it is any good. */
struct classes *load_classes(struct source *source);
struct suite *load_suite(struct source *source, const char *testcases_dir,
                         const struct classes *classes);

#endif
