/* sandbox/box.c: the caller's side of a box.
 *
 * How it works: the keeper clones the box's first process and answers at once with descriptors; setting up, which may
 * take a while (a build's sources are copied), goes on in the box. The caller waits on the failure socket: it ends when the
 * program is exec'd (every copy of its other end is close-on-exec or closed), or brings the reason why not. Then init's
 * first message on the control socket brings the program's pidfd. Where calls are traced, the program's process waits at a
 * gate just before its exec, until the tracer is attached: a byte on the failure socket says so in each direction.
 *
 * Pids: keeper and box live in pid namespaces of their own. /proc/self/fdinfo of a pidfd tells the pid as the caller's
 * namespace sees it, without a race: while the pidfd is open and the process not reaped, the pid is not reused. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_NS 2000000000ULL /* for init to end a box by itself */

struct box {
    struct sandbox *sandbox;
    pthread_mutex_t lock; /* one request to init at a time */
    uint64_t id;
    enum box_kind kind;
    int fds[BOX_FD_MAX];
    int program_pidfd;
    int ledger;
    pid_t init, program;
    struct box_exit end;
};

static pid_t pid_of(int pidfd)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    char line[128];
    long pid = -1;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "Pid:", 4) == 0)
            pid = strtol(line + 4, NULL, 10);
    (void)fclose(file);
    return (pid_t)pid;
}

/* Waits for the program's exec, or for its arrival at the gate. 0, or -1 with why not. */
static int await_exec(struct box *box, bool at_gate, struct err *err)
{
    struct box_failure failure;
    ssize_t n = io_read(box->fds[BOX_FD_FAILURE], &failure, sizeof failure);
    if (n == (at_gate ? 1 : 0)) /* the end without a word: exec'd, or all of it killed */
        return 0;
    if (n != (ssize_t)sizeof failure)
        return err_set(err, ERR_HOST, "sandbox: a box ended while it was being set up");
    failure.what[sizeof failure.what - 1] = '\0';
    return err_sys(err, ERR_HOST, failure.sys_errno, "sandbox: %s", failure.what);
}

/* The first messages: "p" from init with the program's pidfd; with a ledger, before or after that, "l" from the program's
 * process before its exec, with or without a descriptor. */
static int receive_first(struct box *box, bool ledger, struct err *err)
{
    /* "l" was sent before the exec, which is over: without it now, it will not come */
    while (box->program_pidfd < 0 || (ledger && io_poll(box->fds[BOX_FD_CONTROL], POLLIN, 0) > 0)) {
        char byte = 0;
        int fd = -1;
        size_t n_fds = 0;
        ssize_t n = io_recv_fds(box->fds[BOX_FD_CONTROL], &byte, 1, &fd, 1, &n_fds);
        if (n == 1 && byte == 'p' && n_fds == 1) {
            box->program_pidfd = fd;
        } else if (n == 1 && byte == 'l' && ledger) {
            box->ledger = n_fds == 1 ? fd : -1;
            ledger = false;
        } else {
            return err_set(err, ERR_HOST, "sandbox: a box ended while it was being set up");
        }
    }
    return 0;
}

/* At the gate: the tracer attaches, and the program may go on. */
static int pass_gate(struct box *box, const struct box_trace *trace, struct err *err)
{
    if (await_exec(box, true, err) != 0 || receive_first(box, false, err) != 0)
        return -1;
    box->program = pid_of(box->program_pidfd);
    if (box->program <= 0)
        return err_set(err, ERR_HOST, "sandbox: /proc/self/fdinfo does not tell pids");
    if (trace->attach(trace->self, box->program, err) != 0)
        return -1;
    if (io_send_fds(box->fds[BOX_FD_FAILURE], "g", 1, NULL, 0) != 0)
        return err_set(err, ERR_HOST, "sandbox: a box ended while it was being set up");
    return 0;
}

static int receive_program(struct box *box, bool ledger, struct err *err)
{
    if (receive_first(box, ledger, err) != 0)
        return -1;
    box->init = pid_of(box->fds[BOX_FD_INIT]);
    box->program = pid_of(box->program_pidfd);
    if (box->init <= 0 || box->program <= 0)
        return err_set(err, ERR_HOST, "sandbox: /proc/self/fdinfo does not tell pids");
    struct init_request go_on = {.op = INIT_GO_ON};
    if (io_send_fds(box->fds[BOX_FD_CONTROL], &go_on, sizeof go_on, NULL, 0) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: a box's init has gone");
    return 0;
}

int box_start(struct sandbox *sandbox, const struct box_spec *spec, struct box **ret,
              struct err *err)
{
    struct keeper_request request = {.op = KEEPER_BOX_START,
                                     .id = network_id(spec->network),
                                     .keep_stdin = spec->keep_stdin,
                                     .timer_ledger = spec->timer_ledger,
                                     .build = spec->kind == BOX_BUILD,
                                     .whole_usr = spec->whole_usr,
                                     .limits = limits_with_defaults(spec)};
    struct keeper_reply reply;
    const char *host_dir = spec->kind == BOX_BUILD ? spec->source_dir : spec->bin_dir;
    if (snprintf(request.host_dir, sizeof request.host_dir, "%s", host_dir ? host_dir : "") >=
        (int)sizeof request.host_dir)
        return err_sys(err, ERR_HOST, ENAMETOOLONG, "sandbox: a box's folder");
    AUTO_CLOSE int spec_fd = spec_pack(spec, err);
    if (spec_fd < 0)
        return -1;
    struct box *box = xcalloc(1, sizeof *box);
    *box = (struct box){.sandbox = sandbox, .kind = spec->kind, .program_pidfd = -1, .ledger = -1};
    (void)pthread_mutex_init(&box->lock, NULL);
    size_t n_fds = 0;
    int asked = keeper_ask(sandbox, &request, spec_fd, &reply, box->fds, &n_fds, err);
    for (size_t i = n_fds; i < BOX_FD_MAX; i++)
        box->fds[i] = -1;
    box->id = asked == 0 ? reply.id : 0;
    if (asked == 0 && n_fds < BOX_FD_IN)
        asked = err_set(err, ERR_HOST, "sandbox: no descriptors left for a box");
    if (asked == 0 && spec->trace && spec->trace->n_calls)
        asked = pass_gate(box, spec->trace, err);
    if (asked != 0 || await_exec(box, false, err) != 0 ||
        receive_program(box, spec->timer_ledger, err) != 0) {
        box_free(box, NULL);
        return -1;
    }
    (void)close(box->fds[BOX_FD_FAILURE]);
    box->fds[BOX_FD_FAILURE] = -1;
    *ret = box;
    return 0;
}

pid_t box_init_pid(const struct box *box)
{
    return box->init;
}

pid_t box_program_pid(const struct box *box)
{
    return box->program;
}

int box_take_stdin(struct box *box)
{
    return TAKE_FD(box->fds[BOX_FD_IN]);
}

int box_take_stdout(struct box *box)
{
    return TAKE_FD(box->fds[BOX_FD_OUT]);
}

int box_take_stderr(struct box *box)
{
    return TAKE_FD(box->fds[BOX_FD_ERR]);
}

int box_take_ledger(struct box *box)
{
    return TAKE_FD(box->ledger);
}

int box_event_fd(const struct box *box)
{
    return box->fds[BOX_FD_STATUS];
}

int box_poll_exit(struct box *box, struct box_exit *ret, struct err *err)
{
    if (!box->end.ended) {
        struct init_status status = {.wait_status = SIGKILL};
        /* looked at, not taken: the descriptor stays readable, as box_event_fd() promises */
        ssize_t n = recv(box->fds[BOX_FD_STATUS], &status, sizeof status, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            *ret = (struct box_exit){0};
            return 0;
        }
        if (n < 0)
            return err_sys(err, ERR_HOST, errno, "sandbox: asking how a program ended");
        if (n == 0) /* init itself was killed, by the limit on memory: the program went with it */
            status.wait_status = SIGKILL;
        bool signaled = WIFSIGNALED(status.wait_status);
        box->end = (struct box_exit){.ended = true,
                                     .signaled = signaled,
                                     .code = signaled ? WTERMSIG(status.wait_status)
                                                      : WEXITSTATUS(status.wait_status)};
    }
    *ret = box->end;
    return 0;
}

bool box_has_gone(const struct box *box)
{
    /* its descriptors are closed a little before it counts as ended */
    return io_poll(box->fds[BOX_FD_INIT], POLLIN, io_now_ns() + END_NS) > 0;
}

/* One request to init and its reply. */
static int ask_init(struct box *box, const void *message, size_t len, struct init_reply *reply,
                    int *fds, size_t *n_fds, struct err *err)
{
    int control = box->fds[BOX_FD_CONTROL];
    (void)pthread_mutex_lock(&box->lock);
    int sent = io_send_fds(control, message, len, NULL, 0);
    ssize_t n =
        sent != 0 ? -1 : io_recv_fds(control, reply, sizeof *reply, fds, MAX_COLLECT, n_fds);
    (void)pthread_mutex_unlock(&box->lock);
    if (n != (ssize_t)sizeof *reply)
        return err_set(err, ERR_HOST, "sandbox: a box's init has gone");
    return 0;
}

int box_signal(struct box *box, int sig, struct err *err)
{
    struct init_request request = {.op = INIT_SIGNAL, .signal = sig};
    struct init_reply reply = {0};
    int fds[MAX_COLLECT] = {0};
    size_t n_fds = 0;
    struct err gone = {0};
    if (ask_init(box, &request, sizeof request, &reply, fds, &n_fds, &gone) != 0) {
        struct box_exit end = {0};
        if (box_poll_exit(box, &end, err) == 0 && end.ended)
            return 0; /* killed with everything in it: nothing is left to be signalled */
        return err_set(err, ERR_HOST, "%s", gone.text);
    }
    if (reply.sys_errno)
        return err_sys(err, ERR_HOST, reply.sys_errno, "sandbox: signal %d to a box", sig);
    /* init waits for it to arrive where it can see that */
    if (!box->sandbox->hello.has_proc && (sig == SIGSTOP || sig == SIGCONT) &&
        box_await_stopped(sig == SIGSTOP, box->init) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: signal %d to a box", sig);
    return 0;
}

static size_t pack_names(char *to, const char *const *names, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(names[i]) + 1;
        if (len + n > INIT_MAX_NAMES)
            return 0;
        memcpy(to + len, names[i], n);
        len += n;
    }
    return len;
}

int box_collect(struct box *box, const char *const *names, size_t count, uint64_t max_bytes,
                int *ret_fds, int *ret_errno, struct err *err)
{
    if (count > MAX_COLLECT)
        return err_set(err, ERR_HOST, "sandbox: more than %d files to collect", MAX_COLLECT);
    struct init_request *request = xcalloc(1, sizeof *request + INIT_MAX_NAMES);
    AUTO_FREE void *owned = request;
    *request =
        (struct init_request){.op = INIT_COLLECT, .count = (unsigned)count, .max_bytes = max_bytes};
    size_t len = pack_names((char *)(request + 1), names, count);
    if (count && !len)
        return err_set(err, ERR_HOST, "sandbox: the names of files to collect are too long");
    struct init_reply reply = {0};
    int fds[MAX_COLLECT] = {0};
    size_t n_fds = 0;
    if (ask_init(box, request, sizeof *request + len, &reply, fds, &n_fds, err) != 0)
        return -1;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        ret_errno[i] = reply.file_errno[i];
        ret_fds[i] = reply.file_errno[i] == 0 && used < n_fds ? fds[used++] : -1;
        if (ret_fds[i] < 0 && ret_errno[i] == 0)
            ret_errno[i] = EMFILE;
    }
    while (used < n_fds)
        (void)close(fds[used++]);
    return reply.sys_errno ? err_sys(err, ERR_HOST, reply.sys_errno, "sandbox: collecting files")
                           : 0;
}

int box_end_logs(struct box *box, struct err *err)
{
    struct init_request request = {.op = INIT_LOGS};
    struct init_reply reply = {0};
    int fds[MAX_COLLECT] = {0};
    size_t n_fds = 0;
    if (ask_init(box, &request, sizeof request, &reply, fds, &n_fds, err) != 0)
        return -1;
    if (reply.sys_errno || n_fds != 1) {
        while (n_fds > 0)
            (void)close(fds[--n_fds]);
        return err_sys(err, ERR_HOST, reply.sys_errno, "sandbox: opening a box's logs");
    }
    return fds[0];
}

/* The limit that ended the program, from how it ended; rlimits strike by signal (setrlimit(2)). */
static const char *limit_of(const struct box *box, enum limit struck)
{
    if (struck == LIMIT_MEMORY)
        return "memory";
    if (struck == LIMIT_PROCESSES)
        return "processes";
    if (box->end.ended && box->end.signaled && box->end.code == SIGXCPU)
        return "cpu";
    if (box->end.ended && box->end.signaled && box->end.code == SIGXFSZ)
        return "file size";
    return NULL;
}

/* Kills everything in the box and waits until it has gone; outside the keeper's lock, for many processes take
 * milliseconds to end. A pidfd is readable when its process and, for an init, all others of its namespace have gone.
 * init is asked first: the kernel does not add up the usage of processes that it kills itself. */
static void end_box(struct box *box)
{
    struct init_request last = {.op = INIT_END};
    struct box_exit end;
    if (box->fds[BOX_FD_INIT] < 0)
        return;
    if (box->fds[BOX_FD_STATUS] >= 0)
        (void)box_poll_exit(box, &end, NULL);
    if (box->program_pidfd >= 0 &&
        io_send_fds(box->fds[BOX_FD_CONTROL], &last, sizeof last, NULL, 0) == 0)
        (void)io_poll(box->fds[BOX_FD_INIT], POLLIN, io_now_ns() + END_NS);
    (void)syscall(SYS_pidfd_send_signal, box->fds[BOX_FD_INIT], SIGKILL, NULL, 0);
    (void)io_poll(box->fds[BOX_FD_INIT], POLLIN, UINT64_MAX);
}

void box_free(struct box *box, struct box_usage *ret)
{
    if (ret)
        *ret = (struct box_usage){0};
    if (!box)
        return;
    if (box->id) {
        struct keeper_request request = {.op = KEEPER_BOX_FREE, .id = box->id};
        struct keeper_reply reply;
        end_box(box);
        if (keeper_ask(box->sandbox, &request, -1, &reply, NULL, NULL, NULL) == 0 && ret)
            *ret = (struct box_usage){.cpu_us = reply.cpu_us,
                                      .max_rss_kib = reply.max_rss_kib,
                                      .limit_hit = limit_of(box, reply.limit)};
    }
    for (size_t i = 0; i < BOX_FD_MAX; i++)
        if (box->fds[i] >= 0)
            (void)close(box->fds[i]);
    own_close(&box->program_pidfd);
    own_close(&box->ledger);
    (void)pthread_mutex_destroy(&box->lock);
    free(box);
}
