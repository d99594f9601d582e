/* cli/batch.c: `sockgrade batch`: a class, its progress, its closing table. */
#include "cli/cli.h"
#include "cli/options.h"

#include "base/mem.h"
#include "base/own.h"
#include "batch/batch.h"
#include "sandbox/sandbox.h"
#include "scenario/scenario.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130 /* as a shell says it of Ctrl-C */

static void print_help(void)
{
    (void)printf("usage: sockgrade batch [OPTION...] HAND-IN... -o DIR\n\n"
                 "Grades each hand-in in a process of its own and writes, atomically, "
                 "DIR/NAME.json for each, DIR/gradebook.csv\n"
                 "and DIR/summary.json. Run it again after an interruption or a change: a report "
                 "whose hand-in, test cases,\n"
                 "options and sockgrade version are unchanged is kept. Two hand-ins of one name "
                 "become NAME and NAME-2, in the\n"
                 "order given.\n\n"
                 "A hand-in is a folder or an archive (zip, tar, tar.gz, tar.bz2, tar.xz, 7z). A "
                 "folder or an archive of many, as\n"
                 "Canvas, Moodle, Gradescope and GitHub Classroom make them, or with a hand-in of "
                 "each student in it, is a class.\n\n");
    options_print_help();
    (void)printf("\nexit status: 0 all were graded (whatever their marks), 2 usage or scenario "
                 "error, 3 some could not be\n"
                 "graded (a fault of this machine or a missing hand-in; no score is written for "
                 "them), 130 interrupted\n");
}

/* ---- progress: one line that is rewritten on a terminal, else one line a hand-in ---- */

struct screen {
    bool terminal; /* standard error is one */
    unsigned width;
};

static void add_time_left(struct buf *line, double seconds)
{
    if (seconds < 0)
        return;
    if (seconds < 90)
        (void)buf_printf(line, "  %.0f s left", seconds);
    else if (seconds < 5400)
        (void)buf_printf(line, "  %.0f min left", seconds / 60);
    else
        (void)buf_printf(line, "  %.1f h left", seconds / 3600);
}

static void show_line(const struct screen *screen, const struct batch_progress *progress)
{
    AUTO_BUF struct buf line = {0};
    (void)buf_printf(&line, "%zu/%zu", progress->graded + progress->current + progress->errors,
                     progress->total);
    if (progress->current)
        (void)buf_printf(&line, "  %zu current", progress->current);
    if (progress->errors)
        (void)buf_printf(&line, "  %zu errors", progress->errors);
    (void)buf_printf(&line, "  %zu running", progress->running);
    if (progress->per_minute > 0)
        (void)buf_printf(&line, "  %.3g/min", progress->per_minute);
    add_time_left(&line, progress->seconds_left);
    (void)fprintf(stderr, "\r\033[K%.*s", (int)screen->width - 1, line.data);
    (void)fflush(stderr);
}

static const char *state_text(enum batch_state state)
{
    static const char *const texts[] = {
        [BATCH_WAITING] = "interrupted", [BATCH_RUNNING] = "running", [BATCH_GRADED] = "graded",
        [BATCH_CURRENT] = "current",     [BATCH_ERROR] = "error",
    };
    return texts[state];
}

static void show_progress(void *self, const struct batch_progress *progress)
{
    const struct screen *screen = self;
    const struct batch_hand_in *ended = progress->ended;
    if (screen->terminal) {
        show_line(screen, progress);
        return;
    }
    if (!ended)
        return;
    AUTO_FREE char *result = batch_result_text(ended);
    (void)printf("%s: %s: %s", ended->name, state_text(ended->state), result);
    if (ended->state == BATCH_GRADED)
        (void)printf(" in %.1f s", ended->seconds);
    (void)printf("%s%s\n", ended->note ? ": " : "", ended->note ? ended->note : "");
    (void)fflush(stdout);
}

static void show_download(void *self, const char *sentence)
{
    (void)self;
    (void)printf("%s\n", sentence);
    (void)fflush(stdout);
}

static unsigned terminal_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

/* ---- the run ---- */

static int check_usage(const struct options *options, struct err *err)
{
    if (options->n_operands == 0)
        return err_set(err, ERR_USAGE, "batch: no hand-in was named; see `sockgrade batch --help`");
    if (!options->output)
        return err_set(err, ERR_USAGE, "batch: no folder for the reports was named (-o DIR)");
    if (options->format && strcmp(options->format, "json") != 0)
        return err_set(
            err, ERR_USAGE,
            "batch: its reports are always JSON; `sockgrade report FILE --format %s` shows one",
            options->format);
    return 0;
}

/* A mistake in the suite would meet every worker: it is found once, before the first starts. */
static int check_suite(const struct grade_options *grade, struct err *err)
{
    struct suite *suite = NULL;
    if (suite_load(grade->testcases_dir, grade->suite_file, grade->only, grade->n_only, &suite,
                   err) != 0)
        return -1;
    suite_free(suite);
    return 0;
}

/* Scenarios side by side within one hand-in, so that batch as a whole keeps as many under way as grade does: half of them
 * wait for a timer of the program or for the kernel, and leave the processors free. */
static unsigned jobs_of_worker(unsigned workers)
{
    unsigned wanted = 2 * (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    return workers < wanted ? (wanted + workers - 1) / workers : 1;
}

static const char **worker_args(const struct options *options, const char *jobs)
{
    size_t count = 0;
    while (options->grade_argv[count])
        count++;
    const char **args = xcalloc(count + 3, sizeof *args);
    args[0] = "grade";
    args[1] = jobs;
    for (size_t i = 0; i < count; i++)
        args[i + 2] = options->grade_argv[i];
    return args;
}

static int status_of(const struct batch *batch)
{
    if (batch->signal)
        return EXIT_INTERRUPTED;
    return batch_count(batch, BATCH_ERROR) ? EXIT_HOST : EXIT_FULL_MARKS;
}

static void print_table(const struct batch *batch)
{
    AUTO_BUF struct buf out = {0};
    batch_table(batch, &out);
    (void)fwrite(out.data, 1, out.len, stdout);
    (void)fflush(stdout);
}

static int run(const struct options *options, int *ret_status, struct err *err)
{
    if (check_usage(options, err) != 0 || check_suite(&options->grade, err) != 0)
        return -1;
    AUTO_FREE char *digest = grade_digest(&options->grade, err);
    if (!digest)
        return -1;
    const char *temp_dir = getenv("TMPDIR");
    struct batch_options batch_options = {
        .paths = (const char *const *)options->operands,
        .n_paths = options->n_operands,
        .student_regex = options->student_regex,
        .out_dir = options->output,
        .temp_dir = temp_dir && *temp_dir ? temp_dir : "/tmp",
        .workers =
            options->jobs_set ? options->grade.jobs : (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
    };
    AUTO_FREE char *jobs = xasprintf("--jobs=%u", jobs_of_worker(batch_options.workers));
    AUTO_FREE const char **args = worker_args(options, jobs);
    struct screen screen = {.terminal = isatty(STDERR_FILENO) == 1, .width = terminal_width()};
    struct batch_ops ops = {
        .worker = "/proc/self/exe",
        .worker_args = args,
        .grading_digest = digest,
        .progress = show_progress,
        .recognised = show_download,
        .self = &screen,
    };
    struct batch *batch = NULL;
    sandbox_sweep(); /* of an earlier run that was killed; this one may have nothing left to do */
    int result = batch_run(&batch_options, &ops, &batch, err);
    if (screen.terminal)
        (void)fputs("\r\033[K", stderr);
    if (result != 0)
        return -1;
    print_table(batch);
    *ret_status = status_of(batch);
    batch_free(batch);
    return 0;
}

int cli_batch(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int status = EXIT_FULL_MARKS;
    int result = options_parse(argc, argv, &options, &err);
    if (result == 0 && options.help)
        print_help();
    else if (result == 0)
        result = run(&options, &status, &err);
    if (result != 0) {
        (void)fprintf(stderr, "sockgrade: %s\n", err.text);
        status = err.kind == ERR_USAGE ? EXIT_USAGE : EXIT_HOST;
    }
    options_done(&options);
    return status;
}
