/* cli/lint.c: `sockgrade lint`: every finding of scenario files, suites and classes, with its place. */
#include "cli/cli.h"
#include "cli/options.h"

#include "base/mem.h"
#include "base/own.h"
#include "scenario/scenario.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct tally {
    size_t files, findings;
    bool host_fault;
};

static void print_finding(void *self, const char *line)
{
    (void)self;
    (void)printf("%s\n", line);
}

static void lint_file(const char *path, const char *testcases_dir, struct tally *tally)
{
    struct err err = {0};
    int found = scenario_lint(path, testcases_dir, print_finding, NULL, &err);
    tally->files++;
    if (found < 0) {
        (void)fprintf(stderr, "sockgrade: %s\n", err.text);
        tally->host_fault = tally->host_fault || err.kind == ERR_HOST;
        tally->findings++;
    } else {
        tally->findings += (size_t)found;
    }
}

static int is_test_case(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".json") == 0 && !strstr(entry->d_name, ".schema.");
}

/* Every file of a folder of test cases. */
static int lint_folder(const char *folder, const char *testcases_dir, struct tally *tally)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_test_case, alphasort);
    if (count < 0) {
        (void)fprintf(stderr, "sockgrade: test cases '%s': %s\n", folder, strerror(errno));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", folder, names[i]->d_name);
        lint_file(path, testcases_dir, tally);
        free(names[i]);
    }
    free(names);
    return 0;
}

static int lint_all(const char *testcases_dir, struct tally *tally)
{
    AUTO_FREE char *suites = xasprintf("%s/suites", testcases_dir);
    return lint_folder(testcases_dir, testcases_dir, tally) != 0
               ? -1
               : lint_folder(suites, testcases_dir, tally);
}

static int lint(const struct options *options)
{
    struct tally tally = {0};
    if (options->n_operands == 0 && lint_all(options->grade.testcases_dir, &tally) != 0)
        return EXIT_USAGE;
    for (size_t i = 0; i < options->n_operands; i++)
        lint_file(options->operands[i], options->grade.testcases_dir, &tally);
    (void)printf("%zu file%s, %zu finding%s\n", tally.files, tally.files == 1 ? "" : "s",
                 tally.findings, tally.findings == 1 ? "" : "s");
    if (tally.host_fault)
        return EXIT_HOST;
    return tally.findings ? EXIT_USAGE : EXIT_FULL_MARKS;
}

int cli_lint(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int status = EXIT_FULL_MARKS;
    if (options_parse(argc, argv, &options, &err) != 0) {
        (void)fprintf(stderr, "sockgrade: %s\n", err.text);
        status = EXIT_USAGE;
    } else if (options.help) {
        (void)printf("usage: sockgrade lint [--testcases DIR] [FILE...]\n\n"
                     "Checks scenario files, suites and classes (all of the test cases when none "
                     "is named).\n"
                     "One line a finding: FILE:LINE:COLUMN: PATH: what is wrong.\n\n"
                     "exit status: 0 no finding, 2 findings\n");
    } else {
        status = lint(&options);
    }
    options_done(&options);
    return status;
}
