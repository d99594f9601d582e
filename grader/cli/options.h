/* cli/options.h: the options that `grade` and `batch` share, from one table; and where the test cases are. */
#ifndef GRADER_CLI_OPTIONS_H
#define GRADER_CLI_OPTIONS_H

#include "base/err.h"
#include "grade.h"

#include <stdbool.h>
#include <stddef.h>

/* A command line, understood. Texts point into argv; done with options_done(). */
struct options {
    struct grade_options grade;
    bool jobs_set;             /* --jobs or -j was given (batch: how many workers) */
    const char *format;        /* "text", "json", "junit"; NULL: not given */
    const char *output;        /* -o; NULL: standard output */
    const char *student_regex; /* batch */
    bool help;
    char **operands; /* hand-ins */
    size_t n_operands;
    char **
        grade_argv; /* the grade options as given, in long form ("--seed=7"), NULL-terminated: batch passes them on */
    char *testcases;                       /* private */
    const char **only;                     /* private */
    struct grade_setting *vars, *programs; /* private */
};

/* Parses argv[1..]. ERR_USAGE with a nearest known option where one is unknown. */
int options_parse(int argc, char **argv, struct options *ret, struct err *err);
void options_done(struct options *options);

/* Prints the options, one a line, as they stand in the table. */
void options_print_help(void);

/* The folder of the test cases: the one given, $SOCKGRADE_TESTCASES, testcases/ beside the folder of the executable,
 * the installed one. The caller frees. NULL with err when none exists. */
char *options_testcases_dir(const char *given, struct err *err);

#endif
