/* main.c: argv -> subcommand -> exit status. */
#include "cli/cli.h"
#include "cli/scope.h"

#include "base/own.h"
#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
    bool
        boxes; /* it starts some, or says how it would: with the best limits that this user can have */
};

static const struct subcommand subcommands[] = {
    {"grade", cli_grade, "grade one hand-in", true},
    {"batch", cli_batch, "grade a class: one report a hand-in, a gradebook, a summary", true},
    {"report", cli_report, "show a stored report in another form", false},
    {"lint", cli_lint, "check scenario files, suites and classes", false},
    {"explain", cli_explain, "explain a bug class that a report names", false},
    {"doctor", cli_doctor, "what this machine can do, and what it lacks", true},
};

static void print_help(void)
{
    (void)printf("sockgrade %s: grades socket programs and says why.\n\n"
                 "usage: sockgrade SUBCOMMAND [OPTION...] [OPERAND...]\n\n",
                 SOCKGRADE_VERSION);
    for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
        (void)printf("  %-9s %s\n", subcommands[i].name, subcommands[i].help);
    (void)printf(
        "\n`sockgrade SUBCOMMAND --help` lists the options.\n\n"
        "exit status:\n"
        "  0  graded, full marks (batch: all were graded; lint: no finding; doctor: can grade)\n"
        "  1  graded, marks lost\n"
        "  2  the command line, a suite or a scenario file is wrong (lint: findings); nothing was "
        "graded\n"
        "  3  the machine or sockgrade itself is at fault; it costs no student a point\n");
}

static bool asks_for_help(char *const *argv)
{
    for (; *argv; argv++)
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0)
            return true;
    return false;
}

static int run(const struct subcommand *subcommand, int argc, char **argv)
{
    int status = subcommand->boxes && !asks_for_help(argv) ? scope_run(argv) : -1;
    return status >= 0 ? status : subcommand->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* a scenario may hold a thousand connections */
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(
        SIGPIPE,
        SIG_IGN); /* a program that closes its stdin, a reader that has gone: errno tells */
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on the report's size is a full disk, too */
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0) {
        (void)printf("sockgrade %s\n", SOCKGRADE_VERSION);
        return EXIT_FULL_MARKS;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help();
        return EXIT_FULL_MARKS;
    }
    const char *names[ARRAY_SIZE(subcommands)];
    for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++) {
        if (strcmp(word, subcommands[i].name) == 0)
            return run(&subcommands[i], argc, argv);
        names[i] = subcommands[i].name;
    }
    const char *near = text_nearest(word, names, ARRAY_SIZE(names));
    (void)fprintf(stderr, "sockgrade: %s%s%s%s%s%s; see `sockgrade --help`\n",
                  *word ? "unknown subcommand '" : "no subcommand", word, *word ? "'" : "",
                  near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return EXIT_USAGE;
}
