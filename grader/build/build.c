/* build/build.c: make in a box.
 *
 * How it works: a shell that is ours alone joins make's standard error to its standard output and becomes make, so that
 * messages come in the order in which they were written. The pipe is drained as it fills (a build never waits for us)
 * and the build is ended when its patience or its output is used up. When make itself is gone, what its pipe holds is
 * still read, but not waited for: a daemon that the Makefile left behind may keep the pipe open for ever. Then all that
 * is left of the build is killed, and only after that the programs are copied out. */
#include "build/build.h"

#include "base/guard.h"
#include "base/io.h"
#include "base/own.h"
#include "build/artefacts.h"
#include "build/output.h"
#include "build/patience.h"
#include "build/tools.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAKE_PATH "/usr/bin/make"
#define MAX_DRAIN                                                                                  \
    ((uint64_t)4 << 20) /* read after make's end; a pipe holds 64 KiB, its writer may be alive */
#define NS_PER_S         1000000000ULL
#define LEAST_PROCESSES  300 /* of this user: a build may have 256 */
#define BACKSTOP_SECONDS 2.0

static const char *const status_names[] = {
    [BUILD_OK] = "ok",           [BUILD_FAILED] = "failed", [BUILD_NO_MAKEFILE] = "no-makefile",
    [BUILD_TIMEOUT] = "timeout", [BUILD_FLOOD] = "flood",   [BUILD_READY_MADE] = "ready-made",
};

const char *build_status_name(enum build_status status)
{
    return status_names[status];
}

/* A build under way. */
struct run {
    const struct build_request *request;
    struct build *build;
    struct box *box;
    double max_seconds;
    int out;
    struct output output;
    struct patience patience;
    struct guard *guard;
    struct err *err;
};

static bool has_makefile(const char *dir)
{
    static const char *const names[] = {"GNUmakefile", "makefile",
                                        "Makefile"}; /* make's own order */
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, names[i]);
        struct stat st;
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
            return true;
    }
    return false;
}

/* By name, make's built-in rules are left out (-r): where the Makefile has none for a program they would make another one,
 * without its flags and its libraries.
 * The words after the script are its $@: nothing of the hand-in ever reaches the shell. Program names are the suite's. */
static const char **make_words(const struct build_request *request, const char *jobs)
{
    static const char *const words[] = {
        "/bin/sh", "-c", "exec \"$@\" 2>&1", "sh",
        MAKE_PATH, "-C", BOX_BUILD_DIR,      "--no-print-directory"};
    const char **argv = xcalloc(ARRAY_SIZE(words) + request->n_programs + 5, sizeof(const char *));
    size_t n = 0;
    for (; n < ARRAY_SIZE(words); n++)
        argv[n] = words[n];
    argv[n++] = jobs;
    if (request->kind != BUILD_PLAIN)
        argv[n++] = "-B";
    if (request->by_name) {
        argv[n++] = "-r";
        argv[n++] = "--";
    }
    for (size_t i = 0; request->by_name && i < request->n_programs; i++)
        argv[n++] = request->programs[i];
    return argv;
}

static int start(struct run *run, struct sandbox *sandbox)
{
    if (access(MAKE_PATH, X_OK) != 0)
        return err_sys(run->err, ERR_HOST, errno,
                       "no make on this machine (%s); install it, e.g. apt install make gcc",
                       MAKE_PATH);
    const bool plain = run->request->kind == BUILD_PLAIN;
    struct tools tools;
    tools_make(run->request->kind, &tools);
    char jobs[16];
    (void)snprintf(jobs, sizeof jobs, "-j%u", run->request->jobs ? run->request->jobs : 1);
    const char **argv = make_words(run->request, jobs);
    const char *const env[] = {plain ? "PATH=/usr/bin:/bin" : "PATH=" BOX_BIN_DIR ":/usr/bin:/bin",
                               "LANG=C.UTF-8", "TZ=UTC", NULL};
    struct box_spec spec = {
        .kind = BOX_BUILD,
        .argv = argv,
        .env = env,
        .source_dir = run->request->submission->copy_dir,
        .files = tools.files,
        .n_files = tools.count,
        .limits.cpu_seconds = (unsigned)(run->max_seconds + BACKSTOP_SECONDS),
    };
    int result = box_start(sandbox, &spec, &run->box, run->err);
    tools_done(&tools);
    free((void *)argv);
    return result;
}

/* Reads what is there, at most max bytes of it. 1: there may be more, 0: not now, -1: the end or an error. */
static int drain(struct run *run, uint64_t max)
{
    char chunk[16384];
    uint64_t got = 0;
    while (got < max && run->output.total <= BUILD_MAX_OUTPUT) {
        ssize_t n = io_read(run->out, chunk, sizeof chunk);
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        if (n == 0)
            return -1;
        output_add(&run->output, chunk, (size_t)n);
        got += (uint64_t)n;
    }
    return 1;
}

/* Waits for output, for make's end, or for the next look at the clock. */
static int wait_event(const struct run *run, bool *ret_ended)
{
    struct pollfd watched[] = {
        {.fd = box_event_fd(run->box), .events = POLLIN},
        {.fd = run->out, .events = POLLIN}, /* a closed descriptor is -1 and is passed over */
    };
    uint64_t now = io_now_ns(), next = patience_next_ns(&run->patience);
    uint64_t left = next > now ? next - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / NS_PER_S),
                               .tv_nsec = (long)(left % NS_PER_S)};
    if (ppoll(watched, ARRAY_SIZE(watched), &timeout, NULL) < 0 && errno != EINTR)
        return err_sys(run->err, ERR_HOST, errno, "waiting for make");
    *ret_ended = watched[0].revents != 0;
    return 0;
}

/* Follows make to its end, or to ours. Sets the status to TIMEOUT or FLOOD where that ended it, and leaves it OK else. */
static int follow(struct run *run)
{
    for (bool ended = false;;) {
        if (wait_event(run, &ended) != 0)
            return -1;
        if (ended) {
            (void)drain(run, MAX_DRAIN);
            return 0;
        }
        if (run->out >= 0 && drain(run, MAX_DRAIN) < 0)
            (void)close(TAKE_FD(run->out)); /* make closed its output and goes on without */
        if (run->output.total > BUILD_MAX_OUTPUT)
            run->build->status = BUILD_FLOOD;
        else if (!patience_left(&run->patience))
            run->build->status = BUILD_TIMEOUT;
        if (run->build->status != BUILD_OK)
            return box_signal(run->box, SIGKILL, run->err);
    }
}

/* The program is gone or about to be (SIGKILL): its status comes at once. */
static int read_exit(struct run *run)
{
    struct box_exit end = {0};
    while (!end.ended) {
        if (io_poll(box_event_fd(run->box), POLLIN, UINT64_MAX) < 0)
            return err_sys(run->err, ERR_HOST, errno, "waiting for make");
        if (box_poll_exit(run->box, &end, run->err) != 0)
            return -1;
    }
    run->build->exit_code = end.signaled ? 128 + end.code : end.code;
    if (run->build->status == BUILD_OK && run->build->exit_code != 0)
        run->build->status = BUILD_FAILED;
    return 0;
}

static void say(struct run *run, const char *sentence)
{
    AUTO_FREE char *line = xasprintf("\n[%s]\n", sentence);
    output_add(&run->output, line, strlen(line));
}

/* Closing words in the log, where make could not write them itself. */
static void say_end(struct run *run, const struct box_usage *usage)
{
    AUTO_FREE char *text = NULL;
    if (run->build->status == BUILD_TIMEOUT)
        text = xasprintf("make was ended: it had not finished after %g s, or waited for something "
                         "that never came",
                         run->max_seconds);
    if (run->build->status == BUILD_FLOOD)
        text = xasprintf("make was ended: it had printed more than %llu MiB",
                         (unsigned long long)(BUILD_MAX_OUTPUT >> 20));
    if (text)
        say(run, text);
    if (guard_struck(run->guard))
        say(run, "make was ended: a process kept the pipe of its output locked (splice)");
    if (usage->limit_hit) {
        AUTO_FREE char *limit = xasprintf("a limit of the build was reached: %s", usage->limit_hit);
        say(run, limit);
    }
}

/* A make that fills its memory may take the whole box with it, and every file: then there is nothing to collect. */
static int collect(struct run *run, bool *ret_gone)
{
    struct err err = {0};
    if (artefacts_collect(run->box, run->request, run->build, &err) == 0)
        return 0;
    *ret_gone = box_has_gone(run->box);
    if (!*ret_gone)
        return err_set(run->err, err.kind, "%s", err.text);
    if (run->build->status == BUILD_OK)
        run->build->status = BUILD_FAILED;
    artefacts_explain(run->build, NULL);
    return 0;
}

/* Where the caller's own user may not have as many processes as a box, a make that failed may have failed by that. */
static int doubt_failure(const struct run *run)
{
    struct rlimit own;
    if (run->build->status != BUILD_FAILED || getrlimit(RLIMIT_NPROC, &own) != 0 ||
        own.rlim_cur == RLIM_INFINITY || own.rlim_cur >= LEAST_PROCESSES)
        return 0;
    return err_set(run->err, ERR_HOST,
                   "make failed where this user may have only %llu processes (ulimit -u); "
                   "at least %d are needed",
                   (unsigned long long)own.rlim_cur, LEAST_PROCESSES);
}

static int run_make(struct run *run, struct sandbox *sandbox)
{
    bool gone = false;
    run->guard = guard_new(run->err);
    if (!run->guard || start(run, sandbox) != 0)
        return -1;
    guard_add(run->guard, box_init_pid(run->box));
    run->out = box_take_stdout(run->box);
    patience_init(&run->patience, box_init_pid(run->box), run->max_seconds);
    int result = follow(run) == 0 && read_exit(run) == 0 ? collect(run, &gone) : -1;
    struct box_usage usage = {0};
    box_free(run->box, &usage);
    say_end(run, &usage);
    if (result == 0)
        result = doubt_failure(run);
    if (result == 0 && gone && !usage.limit_hit && !guard_struck(run->guard))
        return err_set(run->err, ERR_HOST, "make's box was killed, and by none of its limits");
    return result;
}

static int build_in_box(struct sandbox *sandbox, const struct build_request *request,
                        struct build *build, struct err *err)
{
    struct run run = {
        .request = request,
        .build = build,
        .max_seconds = request->max_seconds > 0 ? request->max_seconds : BUILD_MAX_SECONDS,
        .out = -1,
        .err = err,
    };
    uint64_t began = io_now_ns();
    output_init(&run.output);
    int result = run_make(&run, sandbox);
    build->seconds = (double)(io_now_ns() - began) / (double)NS_PER_S;
    output_finish(&run.output, build);
    output_done(&run.output);
    patience_done(&run.patience);
    guard_free(run.guard);
    if (run.out >= 0)
        (void)close(run.out);
    return result;
}

int build_run(struct sandbox *sandbox, const struct build_request *request, struct build **ret,
              struct err *err)
{
    struct build *build = xcalloc(1, sizeof *build);
    int result = artefacts_prepare(request, build, err);
    if (result == 0 && !has_makefile(request->submission->copy_dir)) {
        build->status = BUILD_NO_MAKEFILE;
        artefacts_explain(build, NULL);
    } else if (result == 0) {
        result = build_in_box(sandbox, request, build, err);
    }
    if (result == 0)
        result = sandbox_check(sandbox, err);
    if (result != 0) {
        build_free(build);
        return -1;
    }
    *ret = build;
    return 0;
}

const struct build_program *build_program(const struct build *build, const char *name)
{
    for (size_t i = 0; build && i < build->n_programs; i++)
        if (strcmp(build->programs[i].name, name) == 0)
            return &build->programs[i];
    return NULL;
}

void build_free(struct build *build)
{
    if (!build)
        return;
    buf_done(&build->log);
    for (size_t i = 0; i < build->n_warnings; i++) {
        free(build->warnings[i].file);
        free(build->warnings[i].text);
    }
    free(build->warnings);
    for (size_t i = 0; i < build->n_programs; i++) {
        free(build->programs[i].name);
        free(build->programs[i].reason);
    }
    free(build->programs);
    free(build->bin_dir);
    free(build);
}
