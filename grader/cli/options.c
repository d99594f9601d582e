/* cli/options.c: the option table of `grade` and `batch`. getopt_long(3) does the reading; the table is the help text. */
#include "cli/options.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum option_id {
    OPT_TESTCASES = 256,
    OPT_SUITE,
    OPT_ONLY,
    OPT_VAR,
    OPT_PROGRAM,
    OPT_SEED,
    OPT_SANDBOX,
    OPT_FORMAT,
    OPT_SLOT,
    OPT_NO_SANITIZER,
    OPT_OTHER_MACHINES,
    OPT_ORIGIN,
    OPT_STUDENT_REGEX,
    OPT_JOBS = 'j',
    OPT_OUTPUT = 'o',
    OPT_VERBOSE = 'v',
    OPT_HELP = 'h',
};

struct option_row {
    const char *name;
    const char *argument; /* NULL: none */
    const char *help;     /* NULL: not shown */
    int id;
    bool pass_on; /* batch gives it to its workers */
};

static const struct option_row rows[] = {
    {"testcases", "DIR", "where the scenarios are (default: beside the executable)", OPT_TESTCASES,
     true},
    {"suite", "FILE", "which assignments count (default: suites/course.json)", OPT_SUITE, true},
    {"only", "GLOB", "only these scenarios, e.g. 'tcp-echo-server/half-*' (repeatable)", OPT_ONLY,
     true},
    {"var", "NAME=VALUE", "fix a variable, e.g. port=7007 (repeatable)", OPT_VAR, true},
    {"program", "NAME=COMMAND", "grade this ready-made program, do not build it (repeatable)",
     OPT_PROGRAM, true},
    {"seed", "N", "seed of everything random (default 1; the report records it)", OPT_SEED, true},
    {"jobs", "N", "grade: scenarios side by side; batch: hand-ins side by side", OPT_JOBS, false},
    {"format", "FORM", "text, json or junit (default: text)", OPT_FORMAT, false},
    {"output", "FILE", "write there, atomically (batch: the folder of the reports)", OPT_OUTPUT,
     false},
    {"verbose", NULL, "wire logs, and what passed, too", OPT_VERBOSE, true},
    {"sandbox", "MODE",
     "full: there is no other; without namespaces nothing is graded (see doctor)", OPT_SANDBOX,
     false},
    {"no-sanitizer", NULL, "no second build with sanitizers: its points are left out of the sum",
     OPT_NO_SANITIZER, true},
    {"other-machines", "WHICH",
     "play what is about byte order on s390x and i386, too: failed (default), all or off",
     OPT_OTHER_MACHINES, true},
    {"student-regex", "REGEX",
     "batch: whose a hand-in is, from its name: groups (?<id>) (?<name>) (?<late>) (?<file>) ...",
     OPT_STUDENT_REGEX, false},
    {"slot", "N", NULL, OPT_SLOT, false},
    {"origin", "JSON", NULL, OPT_ORIGIN, false},
    {"help", NULL, "this text", OPT_HELP, false},
};

void options_print_help(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!rows[i].help)
            continue;
        char left[40];
        (void)snprintf(left, sizeof left, "%s%c%s--%s%s%s", rows[i].id < 256 ? "-" : "   ",
                       rows[i].id < 256 ? rows[i].id : ' ', rows[i].id < 256 ? ", " : "",
                       rows[i].name, rows[i].argument ? " " : "",
                       rows[i].argument ? rows[i].argument : "");
        (void)printf("  %-26s %s\n", left, rows[i].help);
    }
}

static int parse_number(const char *name, const char *text, unsigned long long max,
                        unsigned long long *ret, struct err *err)
{
    if (!text_to_u64(text, ret) || *ret > max)
        return err_set(err, ERR_USAGE, "--%s: '%s' is not a number from 0 to %llu", name, text,
                       max);
    return 0;
}

/* NAME=VALUE, split in place: argv is ours to change. */
static int parse_setting(const char *name, char *text, struct grade_setting **list, size_t *count,
                         struct err *err)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return err_set(err, ERR_USAGE, "--%s: '%s' is not of the form NAME=VALUE", name, text);
    *equals = '\0';
    *list = xreallocarray(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = (struct grade_setting){.name = text, .value = equals + 1};
    return 0;
}

static int parse_choice(const char *name, const char *text, const char *const *choices,
                        size_t n_choices, size_t *ret, struct err *err)
{
    for (size_t i = 0; i < n_choices; i++)
        if (strcmp(text, choices[i]) == 0) {
            *ret = i;
            return 0;
        }
    const char *near = text_nearest(text, choices, n_choices);
    return err_set(err, ERR_USAGE, "--%s: '%s' is unknown%s%s%s", name, text,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int apply_number(struct options *options, int id, const char *value, struct err *err)
{
    struct grade_options *grade = &options->grade;
    unsigned long long number = 0;
    if (id == OPT_SEED) {
        if (parse_number("seed", value, UINT64_MAX, &number, err) != 0)
            return -1;
        grade->seed = number;
    } else if (id == OPT_JOBS) {
        if (parse_number("jobs", value, 256, &number, err) != 0)
            return -1;
        grade->jobs = (unsigned)number;
        options->jobs_set = true;
    } else {
        if (parse_number("slot", value, 999, &number, err) != 0)
            return -1;
        grade->slot = (unsigned)number;
    }
    return 0;
}

/* Other graders can do without, so it is asked for here, too. */
static int refuse_less(const char *mode, struct err *err)
{
    static const char *const modes[] = {"full", "degraded", "none"};
    size_t choice = 0;
    if (parse_choice("sandbox", mode, modes, ARRAY_SIZE(modes), &choice, err) != 0)
        return -1;
    return choice == 0
               ? 0
               : err_set(err, ERR_USAGE,
                         "--sandbox=%s: refused: without namespaces a program could read the "
                         "test cases, disturb the grader and the machine, and no silence of it "
                         "could be proven: its grade would mean nothing. `sockgrade doctor` "
                         "names what this machine lacks and the remedy; a virtual machine always "
                         "helps",
                         mode);
}

static int apply_choice(struct options *options, int id, const char *value, struct err *err)
{
    static const char *const formats[] = {"text", "json", "junit"};
    static const char *const machines[] = {"failed", "all", "off"};
    size_t choice = 0;
    if (id == OPT_FORMAT) {
        if (parse_choice("format", value, formats, ARRAY_SIZE(formats), &choice, err) != 0)
            return -1;
        options->format = formats[choice];
        return 0;
    }
    if (id == OPT_OTHER_MACHINES) {
        if (parse_choice("other-machines", value, machines, ARRAY_SIZE(machines), &choice, err) !=
            0)
            return -1;
        options->grade.other_machines = (enum grade_machines)choice;
        return 0;
    }
    return refuse_less(value, err);
}

/* The options whose argument is kept as it is: where; NULL for another option. */
static const char **place_of(struct options *options, int id)
{
    switch (id) {
    case OPT_TESTCASES:
        return &options->grade.testcases_dir;
    case OPT_SUITE:
        return &options->grade.suite_file;
    case OPT_ORIGIN:
        return &options->grade.origin;
    case OPT_STUDENT_REGEX:
        return &options->student_regex;
    case OPT_OUTPUT:
        return &options->output;
    default:
        return NULL;
    }
}

static int apply(struct options *options, int id, char *value, struct err *err)
{
    struct grade_options *grade = &options->grade;
    const char **place = place_of(options, id);
    if (place) {
        *place = value;
        return 0;
    }
    switch (id) {
    case OPT_ONLY:
        options->only = xreallocarray(options->only, grade->n_only + 1, sizeof *options->only);
        options->only[grade->n_only++] = value;
        return 0;
    case OPT_VAR:
        return parse_setting("var", value, &options->vars, &grade->n_vars, err);
    case OPT_PROGRAM:
        return parse_setting("program", value, &options->programs, &grade->n_programs, err);
    case OPT_SEED:
    case OPT_JOBS:
    case OPT_SLOT:
        return apply_number(options, id, value, err);
    case OPT_FORMAT:
    case OPT_SANDBOX:
    case OPT_OTHER_MACHINES:
        return apply_choice(options, id, value, err);
    case OPT_VERBOSE:
        grade->verbose = true;
        return 0;
    case OPT_NO_SANITIZER:
        grade->no_sanitizer = true;
        return 0;
    default:
        options->help = true;
        return 0;
    }
}

static const struct option_row *row_of(int id)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].id == id)
            return &rows[i];
    return NULL;
}

static int unknown_option(const char *word, const char *command, struct err *err)
{
    const char *names[ARRAY_SIZE(rows)];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        names[i] = rows[i].name;
    const char *bare = word + strspn(word, "-");
    const char *near = text_nearest(bare, names, ARRAY_SIZE(names));
    if (near && strcmp(near, bare) == 0)
        return err_set(err, ERR_USAGE, "%s: option '%s' needs an argument", command, word);
    return err_set(err, ERR_USAGE, "%s: unknown option '%s'%s%s%s", command, word,
                   near ? " (did you mean '--" : "", near ? near : "", near ? "'?)" : "");
}

static void long_options(struct option *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        ret[i] = (struct option){.name = rows[i].name,
                                 .has_arg = rows[i].argument ? required_argument : no_argument,
                                 .val = rows[i].id};
    ret[ARRAY_SIZE(rows)] = (struct option){0};
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
    struct option longs[ARRAY_SIZE(rows) + 1];
    long_options(longs);
    /* two who grade at the same time are seldom the same user: the kernel counts some things by user */
    *ret = (struct options){.grade = {.seed = 1, .slot = (unsigned)getpid()}};
    ret->grade_argv = xcalloc((size_t)argc + 1, sizeof *ret->grade_argv);
    size_t n_passed = 0;
    optind = 1;
    opterr = 0;
    for (int id; (id = getopt_long(argc, argv, ":j:o:vh", longs, NULL)) != -1;) {
        const struct option_row *row = row_of(id);
        if (!row)
            return unknown_option(argv[optind - 1], argv[0], err);
        if (row->pass_on)
            ret->grade_argv[n_passed++] = row->argument ? xasprintf("--%s=%s", row->name, optarg)
                                                        : xasprintf("--%s", row->name);
        if (apply(ret, id, optarg, err) != 0)
            return -1;
    }
    ret->operands = argv + optind;
    ret->n_operands = (size_t)(argc - optind);
    ret->grade.only = ret->only;
    ret->grade.vars = ret->vars;
    ret->grade.programs = ret->programs;
    if (ret->help)
        return 0;
    ret->testcases = options_testcases_dir(ret->grade.testcases_dir, err);
    ret->grade.testcases_dir = ret->testcases;
    return ret->testcases ? 0 : -1;
}

void options_done(struct options *options)
{
    for (char **word = options->grade_argv; word && *word; word++)
        free(*word);
    free((void *)options->grade_argv);
    free((void *)options->only);
    free(options->vars);
    free(options->programs);
    free(options->testcases);
    *options = (struct options){0};
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* testcases/ in the folder above the one that holds the executable: a checkout's build/. */
static char *beside_executable(void)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return NULL;
    self[len] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(self, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
        AUTO_FREE char *candidate = xasprintf("%s/testcases", self);
        if (is_folder(candidate))
            return TAKE_PTR(candidate);
    }
    return NULL;
}

char *options_testcases_dir(const char *given, struct err *err)
{
    if (!given)
        given = getenv("SOCKGRADE_TESTCASES");
    if (given) {
        if (is_folder(given))
            return xstrdup(given);
        (void)err_set(err, ERR_USAGE, "test cases: '%s' is not a folder", given);
        return NULL;
    }
    char *found = beside_executable();
    if (!found && is_folder(SOCKGRADE_DATA "/testcases"))
        found = xstrdup(SOCKGRADE_DATA "/testcases");
    if (!found)
        (void)err_set(err, ERR_USAGE, "no test cases found: give --testcases DIR");
    return found;
}
