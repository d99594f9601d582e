/* cli/grade.c: `sockgrade grade`: one hand-in, its live line, its report. */
#include "cli/cli.h"
#include "cli/options.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/temp.h"
#include "report/report.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void print_help(void)
{
    (void)printf(
        "usage: sockgrade grade [OPTION...] HAND-IN\n"
        "       sockgrade grade [OPTION...] --program NAME=COMMAND...\n\n"
        "A hand-in is a folder, or an archive of one (zip, tar, tar.gz, tar.bz2, tar.xz, 7z).\n"
        "Builds it in a box, plays every scenario against its programs, and reports.\n\n");
    options_print_help();
    (void)printf("\nexit status: 0 full marks, 1 marks lost, 2 usage or scenario error, 3 fault of "
                 "this machine\n");
}

static unsigned terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 40)
        return 80;
    return size.ws_col;
}

/* ---- the live line, on standard error, only where that is a terminal ---- */

struct live {
    bool on;
    unsigned width;
};

static void live_clear(const struct live *live)
{
    if (live->on)
        (void)fputs("\r\033[K", stderr);
}

static void live_show(void *self, const struct grade_progress *progress)
{
    const struct live *live = self;
    if (!live->on)
        return;
    AUTO_BUF struct buf line = {0};
    if (!progress->assignment)
        (void)buf_printf(&line, "%s ...", progress->stage);
    else if (strcmp(progress->stage, "grade") == 0)
        (void)buf_printf(&line, "%zu/%zu  %zu failed  %s/%s", progress->done, progress->total,
                         progress->failed, progress->assignment, progress->scenario);
    else
        (void)buf_printf(&line, "%s  %zu/%zu  %s/%s", progress->stage, progress->done,
                         progress->total, progress->assignment, progress->scenario);
    (void)fprintf(stderr, "\r\033[K%.*s", (int)live->width - 1, line.data);
    (void)fflush(stderr);
}

/* ---- the report, in the form that was asked for ---- */

static int render(const json_t *report, const struct options *options, struct buf *out,
                  struct err *err)
{
    const char *format = options->format ? options->format : "text";
    if (strcmp(format, "json") == 0)
        return report_json_text(report, out, err);
    if (strcmp(format, "junit") == 0) {
        report_junit(report, out);
        return 0;
    }
    bool terminal = !options->output && isatty(STDOUT_FILENO);
    const char *no_color = getenv("NO_COLOR");
    struct report_style style = {
        .colour = terminal && !(no_color && *no_color),
        .verbose = options->grade.verbose,
        .width = terminal ? terminal_width(STDOUT_FILENO) : 0,
    };
    report_text(report, &style, out);
    return 0;
}

static int deliver(const json_t *report, const struct options *options, struct err *err)
{
    AUTO_BUF struct buf out = {0};
    if (render(report, options, &out, err) != 0)
        return -1;
    if (options->output)
        return io_write_file_atomic(options->output, out.data, out.len, err);
    if (io_write_full(STDOUT_FILENO, out.data ? out.data : "", out.len) != 0)
        return err_set(err, ERR_HOST, "writing the report to standard output: %m");
    return 0;
}

/* An output that cannot be written is found out before an hour of grading, not after. */
static int check_output(const struct options *options, struct err *err)
{
    if (!options->output)
        return 0;
    AUTO_FREE char *folder = xstrdup(options->output);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    if (access(slash ? folder : ".", W_OK | X_OK) != 0)
        return err_set(err, ERR_USAGE, "-o '%s': its folder cannot be written: %m",
                       options->output);
    temp_sweep_files(slash ? folder : ".");
    return 0;
}

static int check_operands(const struct options *options, struct err *err)
{
    if (options->n_operands > 1)
        return err_set(err, ERR_USAGE,
                       "grade: one hand-in at a time ('%s' is one too many); see `sockgrade batch`",
                       options->operands[1]);
    if (options->n_operands == 0 && options->grade.n_programs == 0)
        return err_set(err, ERR_USAGE, "grade: no hand-in was named; see `sockgrade grade --help`");
    return check_output(options, err);
}

static int fail(const struct err *err)
{
    (void)fprintf(stderr, "sockgrade: %s\n", err->text);
    return err->kind == ERR_USAGE ? EXIT_USAGE : EXIT_HOST;
}

/* Grades, with a live line, and puts the report where it belongs. */
static int run(struct options *options, int *ret_status, struct err *err)
{
    struct live live = {.on = isatty(STDERR_FILENO) == 1, .width = terminal_width(STDERR_FILENO)};
    AUTO_JSON json_t *report = NULL;
    options->grade.submission = options->n_operands ? options->operands[0] : NULL;
    options->grade.progress = live_show;
    options->grade.progress_self = &live;
    int result = grade_run(&options->grade, &report, ret_status, err);
    live_clear(&live);
    return result == 0 ? deliver(report, options, err) : -1;
}

int cli_grade(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int status = EXIT_FULL_MARKS;
    int result = options_parse(argc, argv, &options, &err);
    if (result == 0 && options.help) {
        print_help();
    } else if (result == 0) {
        result = check_operands(&options, &err);
        if (result == 0)
            result = run(&options, &status, &err);
    }
    if (result != 0)
        status = fail(&err);
    options_done(&options);
    return status;
}
