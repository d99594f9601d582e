/* batch/worker.c: one process that grades one hand-in.
 *
 * How it works: the child goes into a process group of its own (Ctrl-C reaches us, and we decide what becomes of it), asks
 * to be ended when we are gone (prctl(2), PR_SET_PDEATHSIG), and executes sockgrade. Its report is a file that it renames
 * into place; what it says on standard error goes into a memfd, which needs no reader. Its end is seen by a pidfd, which
 * no recycled pid can confuse. A report is believed only when it was made with the digest of this run: an older one may
 * lie in its place when the worker died. */
#include "batch/parts.h"

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS ((size_t)2000) /* bytes of standard error that are looked at */
#define NS_PER_S  1e9

/* ---- the child ---- */

struct launch {
    const char **argv;
    const char *executable, *temp_dir;
    const sigset_t *mask;
    pid_t parent;
    int words, null;
};

static _Noreturn void child_run(const struct launch *launch)
{
    (void)setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launch->parent)
        _exit(3); /* we died between fork and here: nobody would ever end it */
    if (sigprocmask(SIG_SETMASK, launch->mask, NULL) == 0 &&
        dup2(launch->null, STDIN_FILENO) >= 0 && dup2(launch->null, STDOUT_FILENO) >= 0 &&
        dup2(launch->words, STDERR_FILENO) >= 0 && setenv("TMPDIR", launch->temp_dir, 1) == 0)
        (void)execv(launch->executable, (char *const *)(uintptr_t)launch->argv);
    (void)dprintf(STDERR_FILENO, "sockgrade: cannot start a worker: %m\n");
    _exit(3);
}

/* The worker's arguments: those of ops, then what is its own. The texts in `own` are the caller's to free. */
static const char **make_argv(const struct batch_ops *ops, const struct batch_hand_in *hand_in,
                              const char *slot, const char *origin)
{
    size_t count = 0;
    while (ops->worker_args[count])
        count++;
    const char **argv = xcalloc(count + 11, sizeof *argv);
    size_t at = 0;
    argv[at++] = "sockgrade";
    for (size_t i = 0; i < count; i++)
        argv[at++] = ops->worker_args[i];
    argv[at++] = slot;
    argv[at++] = "--origin";
    argv[at++] = origin;
    argv[at++] = "--format=json";
    argv[at++] = "-o";
    argv[at++] = hand_in->report;
    argv[at++] = "--"; /* a hand-in may be called "-x" */
    argv[at] = hand_in->path;
    return argv;
}

/* As root the boxes' uid must be able to pass through (not to list). */
static int make_temp_dir(struct worker *worker, const char *temp_base, struct err *err)
{
    worker->temp_dir = xasprintf("%s/worker-XXXXXX", temp_base);
    if (!mkdtemp(worker->temp_dir) || chmod(worker->temp_dir, 0711) != 0)
        return err_sys(err, ERR_HOST, errno, "cannot make a worker's folder '%s'",
                       worker->temp_dir);
    return 0;
}

static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid,
                        0); /* close-on-exec by itself; no wrapper before glibc 2.36 */
}

static void worker_reset(struct worker *worker)
{
    if (worker->pidfd >= 0)
        (void)close(worker->pidfd);
    if (worker->words >= 0)
        (void)close(worker->words);
    if (worker->temp_dir)
        (void)io_remove_tree(worker->temp_dir,
                             NULL); /* again, with its folder, when the run ends */
    free(worker->temp_dir);
    *worker = (struct worker){.pidfd = -1, .words = -1};
}

/* fork(2) with what it needs ready; 0 or -1 with err. */
static int launch_child(struct worker *worker, struct launch *launch, struct err *err)
{
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    worker->words = memfd_create("words", MFD_CLOEXEC);
    if (null < 0 || worker->words < 0)
        return err_sys(err, ERR_HOST, errno, "preparing a worker");
    launch->null = null;
    launch->words = worker->words;
    worker->pid = fork();
    if (worker->pid == 0)
        child_run(launch);
    if (worker->pid < 0)
        return err_sys(err, ERR_HOST, errno, "cannot start a worker");
    worker->pidfd = open_pidfd(worker->pid);
    if (worker->pidfd < 0) {
        (void)err_sys(err, ERR_HOST, errno, "watching a worker");
        (void)kill(worker->pid, SIGKILL);
        (void)waitpid(worker->pid, NULL, 0);
        return -1;
    }
    return 0;
}

int worker_start(struct worker *worker, const struct batch_ops *ops, const char *temp_base,
                 unsigned slot, const sigset_t *old_mask, struct batch_hand_in *hand_in,
                 struct err *err)
{
    *worker = (struct worker){.pidfd = -1, .words = -1, .began_ns = io_now_ns()};
    if (stat(hand_in->report, &worker->old_report) != 0)
        worker->old_report.st_ino = 0;
    AUTO_FREE char *slot_word = xasprintf("--slot=%u", slot);
    AUTO_FREE char *origin = origin_to_text(hand_in->origin);
    AUTO_FREE const char **argv = make_argv(ops, hand_in, slot_word, origin);
    struct launch launch = {
        .argv = argv, .executable = ops->worker, .mask = old_mask, .parent = getpid()};
    if (make_temp_dir(worker, temp_base, err) != 0 ||
        (launch.temp_dir = worker->temp_dir, launch_child(worker, &launch, err)) != 0) {
        worker_reset(worker);
        return -1;
    }
    worker->hand_in = hand_in;
    hand_in->state = BATCH_RUNNING;
    return 0;
}

void worker_signal(const struct worker *worker, int sig)
{
    if (worker->hand_in)
        (void)syscall(SYS_pidfd_send_signal, worker->pidfd, sig, NULL, 0); /* gone already: fine */
}

/* ---- its end ---- */

/* The last line that it wrote to standard error, made printable; NULL when it wrote nothing. */
static char *last_words(const struct worker *worker)
{
    char bytes[MAX_WORDS];
    struct stat st;
    if (fstat(worker->words, &st) != 0 || st.st_size == 0)
        return NULL;
    off_t from = st.st_size > (off_t)sizeof bytes ? st.st_size - (off_t)sizeof bytes : 0;
    ssize_t n = pread(worker->words, bytes, sizeof bytes, from);
    while (n > 0 && bytes[n - 1] == '\n')
        n--;
    if (n <= 0)
        return NULL;
    const char *newline = memrchr(bytes, '\n', (size_t)n);
    const char *line = newline ? newline + 1 : bytes;
    static const char prefix[] = "sockgrade: ";
    size_t len = (size_t)(bytes + n - line);
    if (len > sizeof prefix - 1 && memcmp(line, prefix, sizeof prefix - 1) == 0) {
        line += sizeof prefix - 1;
        len -= sizeof prefix - 1;
    }
    AUTO_BUF struct buf out = {0};
    text_sanitize(&out, line, len, 500);
    return buf_take(&out);
}

static char *describe_death(const struct worker *worker, const siginfo_t *end)
{
    AUTO_FREE char *words = last_words(worker);
    if (end->si_code == CLD_EXITED && words)
        return TAKE_PTR(words);
    if (end->si_code == CLD_EXITED)
        return xasprintf("its worker ended with status %d and no report", end->si_status);
    return xasprintf("its worker was ended by signal %d (%s)%s%s%s", end->si_status,
                     strsignal(end->si_status),
                     end->si_status == SIGKILL ? ", perhaps for lack of memory" : "",
                     words ? ": " : "", words ? words : "");
}

static void fail(struct batch_hand_in *hand_in, char *note)
{
    hand_in->state = BATCH_ERROR;
    free(hand_in->note);
    hand_in->note = note;
}

/* Reads the report that a worker with a good exit status has left. */
static void take_report(struct batch_hand_in *hand_in, const char *grading_digest)
{
    AUTO_JSON json_t *report = NULL;
    struct err err = {0};
    if (report_load(hand_in->report, &report, &err) != 0) {
        fail(hand_in, xasprintf("its report cannot be read: %s", err.text));
        return;
    }
    const char *made_with = json_string_value(json_object_get(report, "grading_digest"));
    if (!made_with || strcmp(made_with, grading_digest) != 0) {
        fail(hand_in, xstrdup("the test cases changed while it was graded; run again"));
        return;
    }
    if (!outcome_read(hand_in, report)) {
        fail(hand_in, xstrdup("its report is not of the expected form"));
        return;
    }
    hand_in->state = BATCH_GRADED;
    if (hand_in->score_ok)
        return;
    hand_in->state = BATCH_ERROR;
    if (!hand_in->note)
        hand_in->note =
            xstrdup("a fault of the machine: a part of its score is withheld; run again");
}

/* True when the report is not the one that lay there before: a rename brings another inode or another time. */
static bool wrote_report(const struct worker *worker)
{
    struct stat now;
    const struct stat *old = &worker->old_report;
    return stat(worker->hand_in->report, &now) == 0 &&
           (now.st_ino != old->st_ino || now.st_mtim.tv_sec != old->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != old->st_mtim.tv_nsec);
}

void worker_end(struct worker *worker, const char *grading_digest)
{
    siginfo_t end = {0};
    struct batch_hand_in *hand_in = worker->hand_in;
    while (waitid(P_PIDFD, (id_t)worker->pidfd, &end, WEXITED) != 0 && errno == EINTR)
        continue;
    hand_in->seconds = (double)(io_now_ns() - worker->began_ns) / NS_PER_S;
    /* 3 is a fault of the host: its report, where there is one, says which scores are withheld */
    bool regular = end.si_code == CLD_EXITED && (end.si_status <= 1 || end.si_status == 3);
    if (regular && wrote_report(worker))
        take_report(hand_in, grading_digest);
    else
        fail(hand_in, describe_death(worker, &end));
    worker_reset(worker);
}
