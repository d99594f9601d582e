/* sandbox/box_init.c: PID 1 of a box once its program runs.
 *
 * How it works: it waits in poll(2), without a time-out, for the end of a child or for a request of the caller's. It
 * reaps whatever ends; the program's own status goes to the caller at once. When the caller's end of the control socket
 * closes, it ends, and the kernel kills the rest of its namespace. Signals from within the box do not reach PID 1
 * (pid_namespaces(7)). Until the caller has read the program's pid nothing is reaped, so that the number stays valid.
 *
 * It is not dumpable and holds no capabilities. It is a copy of the keeper: its memory is not the program's to read. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGH_FD 200 /* above what keeper and box have open, below the usual limit */

struct init {
    int control, status;
    int build_dir; /* -1 in a run */
    pid_t program;
    bool has_proc;
    bool told; /* the caller knows how the program ended */
};

static void tell_status(struct init *init, int wait_status)
{
    struct init_status status = {.wait_status = wait_status};
    (void)io_send_fds(init->status, &status, sizeof status, NULL, 0);
    init->told = true;
}

/* Reaps what has ended (WNOHANG), or everything until nothing is left (0). */
static void reap(struct init *init, int options)
{
    for (;;) {
        int wait_status = 0;
        pid_t pid = waitpid(-1, &wait_status, options | __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return;
        if (pid == init->program)
            tell_status(init, wait_status);
    }
}

/* To everything in the namespace but this process: kill(2) of -1, one walk of the kernel's list. */
static int signal_all(const struct init *init, int sig)
{
    if (kill(-1, sig) != 0 && errno != ESRCH)
        return errno;
    if (init->has_proc && (sig == SIGSTOP || sig == SIGCONT))
        return box_await_stopped(sig == SIGSTOP, 1) == 0 ? 0 : errno;
    return 0;
}

/* kill(2) holds the kernel's list of processes: none that forks at that moment slips through. */
static void end_all(struct init *init)
{
    (void)kill(-1, SIGKILL);
    reap(init, 0);
}

/* A regular file in the build folder, reached without any link. 0 with *ret_fd, or an errno. */
static int open_artefact(const struct init *init, const char *name, uint64_t max_bytes, int *ret_fd)
{
    struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    AUTO_CLOSE int fd = (int)syscall(SYS_openat2, init->build_dir, name, &how, sizeof how);
    if (fd < 0)
        return errno;
    struct stat status;
    if (fstat(fd, &status) != 0)
        return errno;
    if (!S_ISREG(status.st_mode))
        return EINVAL;
    if ((uint64_t)status.st_size > max_bytes)
        return EFBIG;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static void collect(struct init *init, const struct init_request *request, const char *names,
                    size_t len, struct init_reply *reply, int *fds, size_t *n_fds)
{
    if (init->build_dir < 0 || !init->told) {
        reply->sys_errno = EBUSY; /* the build has not ended, or this is a run */
        return;
    }
    end_all(init); /* whatever the build left behind could still change its files */
    const char *end = names + len;
    for (unsigned i = 0; i < request->count && i < MAX_COLLECT && names < end; i++) {
        reply->file_errno[i] = open_artefact(init, names, request->max_bytes, &fds[*n_fds]);
        if (reply->file_errno[i] == 0)
            (*n_fds)++;
        names += strlen(names) + 1;
    }
}

static void open_logs(struct init *init, struct init_reply *reply, int *fds, size_t *n_fds)
{
    end_all(init); /* nobody changes them from here on */
    int fd = open(BOX_LOG_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        reply->sys_errno = errno;
    else
        fds[(*n_fds)++] = fd;
}

static void serve(struct init *init)
{
    char message[sizeof(struct init_request) + INIT_MAX_NAMES + 1] __attribute__((aligned(8)));
    ssize_t n = recv(init->control, message, sizeof message - 1, 0);
    if (n < 0 && errno == EINTR)
        return;
    if (n < (ssize_t)sizeof(struct init_request))
        _exit(0); /* the caller has gone */
    message[n] = '\0';
    const struct init_request *request = (const struct init_request *)message;
    if (request->op == INIT_GO_ON)
        return;
    if (request->op == INIT_END) {
        end_all(init);
        _exit(0);
    }
    struct init_reply reply = {0};
    int fds[MAX_COLLECT] = {0};
    size_t n_fds = 0;
    if (request->op == INIT_SIGNAL)
        reply.sys_errno = signal_all(init, request->signal);
    else if (request->op == INIT_LOGS)
        open_logs(init, &reply, fds, &n_fds);
    else
        collect(init, request, message + sizeof *request, (size_t)n - sizeof *request, &reply, fds,
                &n_fds);
    if (io_send_fds(init->control, &reply, sizeof reply, fds, n_fds) != 0)
        _exit(0);
    for (size_t i = 0; i < n_fds; i++)
        (void)close(fds[i]);
}

/* The program's pidfd to the caller, who waits for nothing else. */
static void introduce(struct init *init)
{
    AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, init->program, 0);
    if (pidfd < 0 || io_send_fds(init->control, "p", 1, &pidfd, 1) != 0)
        _exit(1);
}

/* Nothing of the host's but the sockets and the build folder stays open. */
static void keep_only(struct init *init, int *signals)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        (void)dup2(null, fd);
    /* Moved out of the way of two ranges that close all the rest: stdio's copies, the failure socket, the keeper's. */
    int *const kept[] = {&init->control, &init->status, signals, &init->build_dir};
    int next = HIGH_FD;
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (*kept[i] >= 0)
            *kept[i] = dup3(*kept[i], next++, O_CLOEXEC);
    (void)syscall(SYS_close_range, 3U, (unsigned)HIGH_FD - 1, 0U);
    (void)syscall(SYS_close_range, (unsigned)next, ~0U, 0U);
}

_Noreturn void box_init_run(const struct box_plan *plan, pid_t program)
{
    struct init init = {.control = plan->control,
                        .status = plan->status,
                        .build_dir = -1,
                        .program = program,
                        .has_proc = plan->has_proc};
    introduce(&init);
    if (plan->spec.kind == BOX_BUILD)
        init.build_dir = open(BOX_BUILD_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        _exit(1);
    keep_only(&init, &signals);
    serve(&init);         /* the caller's word that it has read the pid */
    reap(&init, WNOHANG); /* what ended before SIGCHLD was blocked */
    for (;;) {
        struct pollfd events[] = {{.fd = init.control, .events = POLLIN},
                                  {.fd = signals, .events = POLLIN}};
        if (poll(events, ARRAY_SIZE(events), -1) < 0 && errno != EINTR)
            _exit(1);
        struct signalfd_siginfo info;
        while (io_read(signals, &info, sizeof info) > 0)
            ; /* several ends may be one signal: reap() looks for itself */
        reap(&init, WNOHANG);
        if (events[0].revents)
            serve(&init);
    }
}
