/* batch/batch.c: the queue and its workers.
 *
 * How it works: one thread, one loop. Free slots are filled from the queue; a hand-in whose report is current needs no
 * slot. Then the loop sleeps until a worker ends (its pidfd becomes readable), a signal comes (signalfd) or a second has
 * passed (for the progress line). Signals are blocked for as long as that takes, so that none can come between a look
 * and the sleep that follows; workers get the old mask back. There is no state on disk but the reports themselves: what
 * was finished when we are killed is found to be current by the next run. */
#include "batch/parts.h"

#include "base/io.h"
#include "base/own.h"
#include "base/temp.h"
#include "batch/roster.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define NS_PER_S      1000000000ULL
#define GRACE_NS      (10 * NS_PER_S) /* between SIGTERM and SIGKILL */
#define WRITE_EACH_NS (5 * NS_PER_S)  /* gradebook and summary while the run goes on */
#define TICK_MS       1000
#define MAX_WORKERS   256

struct run {
    const struct batch_options *options;
    const struct batch_ops *ops;
    struct batch *batch;
    struct worker *workers;
    unsigned n_workers, running;
    size_t next; /* the queue: hand-ins from here on have not had their turn */
    struct temp temp;
    sigset_t old_mask;
    int signal_fd;
    uint64_t began_ns, stopping_ns, written_ns;
    struct err *err;
};

/* ---- signals ---- */

/* Those that end a run, but for the ones that whoever started us wants ignored (nohup). */
static void ending_signals(sigset_t *ret)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    (void)sigemptyset(ret);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            (void)sigaddset(ret, signals[i]);
    }
}

static int catch_signals(struct run *run)
{
    sigset_t set;
    ending_signals(&set);
    (void)sigprocmask(SIG_BLOCK, &set, &run->old_mask);
    run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signal_fd < 0)
        return err_sys(run->err, ERR_HOST, errno, "watching for signals");
    return 0;
}

static void release_signals(struct run *run)
{
    if (run->signal_fd >= 0)
        (void)close(run->signal_fd);
    (void)sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
}

static void signal_all(struct run *run, int sig)
{
    for (unsigned i = 0; i < run->n_workers; i++)
        worker_signal(&run->workers[i], sig);
}

/* Looks for a signal without waiting. The first one asks the workers to end, every further one ends them. */
static void check_signals(struct run *run)
{
    struct signalfd_siginfo info;
    while (io_read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        signal_all(run, run->batch->signal ? SIGKILL : SIGTERM);
        if (!run->batch->signal)
            run->stopping_ns = io_now_ns();
        run->batch->signal = (int)info.ssi_signo;
    }
    if (run->batch->signal && io_now_ns() - run->stopping_ns > GRACE_NS)
        signal_all(run, SIGKILL);
}

/* ---- saying where it stands ---- */

static void report_progress(struct run *run, const struct batch_hand_in *ended)
{
    if (!run->ops->progress)
        return;
    struct batch_progress progress = {
        .ended = ended,
        .total = run->batch->n_hand_ins,
        .graded = batch_count(run->batch, BATCH_GRADED),
        .current = batch_count(run->batch, BATCH_CURRENT),
        .errors = batch_count(run->batch, BATCH_ERROR),
        .running = run->running,
        .seconds_left = -1,
    };
    /* only what workers did tells how long the rest will take */
    size_t worked = progress.graded + progress.errors;
    size_t left = progress.total - worked - progress.current;
    double seconds = (double)(io_now_ns() - run->began_ns) / (double)NS_PER_S;
    if (worked && seconds > 0) {
        progress.per_minute = (double)worked / seconds * 60;
        progress.seconds_left = (double)left * seconds / (double)worked;
    }
    run->ops->progress(run->ops->self, &progress);
}

static int write_results(struct run *run)
{
    run->written_ns = io_now_ns();
    run->batch->seconds = (double)(run->written_ns - run->began_ns) / (double)NS_PER_S;
    const char *out = run->options->out_dir;
    return gradebook_write(run->batch, out, run->err) == 0
               ? summary_write(run->batch, out, run->err)
               : -1;
}

static int hand_in_ended(struct run *run, const struct batch_hand_in *hand_in)
{
    report_progress(run, hand_in);
    if (io_now_ns() - run->written_ns < WRITE_EACH_NS)
        return 0;
    return write_results(run);
}

/* ---- the queue ---- */

/* A worker that cannot be started now (no processes, no memory) waits for another to end; without any other the machine
 * cannot do it at all, and that hand-in is given up. */
static int start_next(struct run *run, unsigned slot, bool *ret_wait)
{
    struct batch_hand_in *hand_in = &run->batch->hand_ins[run->next++];
    struct err err = {0};
    if (resume_is_current(hand_in, run->ops->grading_digest, run->temp.path))
        return hand_in_ended(run, hand_in);
    if (worker_start(&run->workers[slot], run->ops, run->temp.path, slot + 1, &run->old_mask,
                     hand_in, &err) == 0) {
        run->running++;
        return 0;
    }
    if (run->running) {
        run->next--;
        *ret_wait = true;
        return 0;
    }
    hand_in->state = BATCH_ERROR;
    hand_in->note = xstrdup(err.text);
    return hand_in_ended(run, hand_in);
}

static int fill_slots(struct run *run)
{
    bool wait = false;
    for (unsigned slot = 0; slot < run->n_workers && !wait;) {
        check_signals(run);
        if (run->batch->signal || run->next == run->batch->n_hand_ins)
            return 0;
        if (run->workers[slot].hand_in) {
            slot++;
            continue;
        }
        if (start_next(run, slot, &wait) != 0)
            return -1;
    }
    return 0;
}

/* ---- the loop ---- */

static int reap(struct run *run, const struct pollfd *watched)
{
    for (unsigned i = 0; i < run->n_workers; i++) {
        struct batch_hand_in *hand_in = run->workers[i].hand_in;
        if (!hand_in || !watched[i].revents)
            continue;
        worker_end(&run->workers[i], run->ops->grading_digest);
        run->running--;
        /* what we ended ourselves did not fail: its turn comes in the next run */
        if (run->batch->signal && hand_in->state == BATCH_ERROR) {
            hand_in->state = BATCH_WAITING;
            outcome_clear(hand_in);
        }
        if (hand_in_ended(run, hand_in) != 0)
            return -1;
    }
    return 0;
}

static int wait_event(struct run *run)
{
    struct pollfd watched[MAX_WORKERS + 1];
    for (unsigned i = 0; i < run->n_workers; i++)
        watched[i] = (struct pollfd){.fd = run->workers[i].hand_in ? run->workers[i].pidfd : -1,
                                     .events = POLLIN};
    watched[run->n_workers] = (struct pollfd){.fd = run->signal_fd, .events = POLLIN};
    int n = poll(watched, run->n_workers + 1, TICK_MS);
    if (n < 0 && errno != EINTR)
        return err_sys(run->err, ERR_HOST, errno, "waiting for workers");
    check_signals(run);
    if (n == 0)
        report_progress(run, NULL);
    return n > 0 ? reap(run, watched) : 0;
}

static int loop(struct run *run)
{
    do {
        if (fill_slots(run) != 0 || (run->running && wait_event(run) != 0))
            return -1;
    } while (run->running || (run->next < run->batch->n_hand_ins && !run->batch->signal));
    return 0;
}

/* An error of ours in the middle leaves nobody behind. */
static void end_workers(struct run *run)
{
    signal_all(run, SIGKILL);
    for (unsigned i = 0; i < run->n_workers; i++)
        if (run->workers[i].hand_in)
            worker_end(&run->workers[i], run->ops->grading_digest);
}

/* ---- the whole ---- */

static int prepare(struct run *run)
{
    struct err cause = {0};
    const char *out = run->options->out_dir;
    if (io_mkdirs(out, &cause) != 0)
        return err_set(run->err, err_is_of_host(cause.sys_errno) ? ERR_HOST : ERR_USAGE, "%s",
                       cause.text);
    if (access(out, W_OK | X_OK) != 0)
        return err_sys(run->err, ERR_USAGE, errno, "the folder '%s' cannot be written", out);
    temp_sweep_files(out);
    return temp_make(run->options->temp_dir, "sockgrade-batch", &run->temp, run->err);
}

static struct batch *new_batch(const struct batch_ops *ops)
{
    struct batch *batch = xcalloc(1, sizeof *batch);
    batch->version = xstrdup(SOCKGRADE_VERSION);
    batch->grading_digest = xstrdup(ops->grading_digest);
    batch->roster = xcalloc(1, sizeof *batch->roster);
    return batch;
}

/* Finds the hand-ins in what was named, and names them. */
static int find_hand_ins(struct run *run)
{
    struct batch *batch = run->batch;
    struct roster_options options = {
        .paths = run->options->paths,
        .n_paths = run->options->n_paths,
        .student_regex = run->options->student_regex,
        .temp_dir = run->temp.path,
        .recognised = run->ops->recognised,
        .self = run->ops->self,
    };
    if (roster_make(&options, batch->roster, run->err) != 0)
        return -1;
    batch->n_hand_ins = batch->roster->count;
    batch->hand_ins = xcalloc(batch->n_hand_ins, sizeof *batch->hand_ins);
    for (size_t i = 0; i < batch->n_hand_ins; i++) {
        batch->hand_ins[i].path = batch->roster->entries[i].path;
        batch->hand_ins[i].origin = &batch->roster->entries[i].origin;
    }
    names_assign(batch, run->options->out_dir);
    run->began_ns = io_now_ns();
    return 0;
}

int batch_run(const struct batch_options *options, const struct batch_ops *ops, struct batch **ret,
              struct err *err)
{
    unsigned wanted = options->workers ? options->workers : 1;
    struct run run = {
        .options = options,
        .ops = ops,
        .n_workers = wanted < MAX_WORKERS ? wanted : MAX_WORKERS,
        .signal_fd = -1,
        .began_ns = io_now_ns(),
        .written_ns = io_now_ns(),
        .err = err,
    };
    run.batch = new_batch(ops);
    run.workers = xcalloc(run.n_workers, sizeof *run.workers);
    int result = catch_signals(&run) == 0 && prepare(&run) == 0 && find_hand_ins(&run) == 0
                     ? loop(&run)
                     : -1;
    end_workers(&run);
    if (run.temp.path && result == 0)
        result = write_results(&run);
    temp_done(&run.temp);
    release_signals(&run);
    free(run.workers);
    if (result != 0)
        batch_free(run.batch);
    else
        *ret = run.batch;
    return result;
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->n_hand_ins; i++) {
        outcome_clear(&batch->hand_ins[i]);
        free(batch->hand_ins[i].name);
        free(batch->hand_ins[i].report);
    }
    free(batch->hand_ins);
    roster_done(batch->roster);
    free(batch->roster);
    free(batch->version);
    free(batch->grading_digest);
    free(batch);
}
