/* sandbox/janitor.c: the process between the caller and the keeper: makes the keeper, outlives it, tidies up.
 *
 * How it works: the janitor is a child of the caller and keeps the caller's rights. It forks a helper that becomes the
 * unused uid (when root) and clones the keeper into its namespaces with CLONE_PARENT, so that the keeper is the
 * janitor's child; the helper ends. From then on the janitor waits for two ends: the caller's (then it kills the keeper)
 * and the keeper's. Either way it removes the control groups, which nobody else could after kill -9 of the caller.
 *
 * The keeper has three reasons to die: its socket ends, the janitor kills it, the janitor dies (PDEATHSIG). It is PID 1
 * of a pid namespace: the kernel kills all boxes with it. */
#include "sandbox/box.h"
#include "sandbox/cgroup.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPER_NAMESPACES                                                                          \
    (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)

/* Tells the caller why there is no keeper; the process ends. */
static _Noreturn void fail(int sock, int sys_errno, const char *text)
{
    struct keeper_hello hello = {.failed = 1, .sys_errno = sys_errno};
    (void)snprintf(hello.text, sizeof hello.text, "%s", text);
    (void)io_send_fds(sock, &hello, sizeof hello, NULL, 0);
    _exit(1);
}

static _Noreturn void fail_step(int sock, const char *what)
{
    char text[256];
    int saved = errno;
    (void)snprintf(text, sizeof text, "sandbox: %s: %s", what, strerror(saved));
    fail(sock, saved, text);
}

/* The caller's handlers and the terminal's signals are not for us: Ctrl-C reaches the caller, which closes. */
static void own_session(void)
{
    (void)setsid();
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            (void)signal(sig, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything of the caller's but stderr goes: its files must not be held open, nor be within a box's reach. */
static void keep_only(int *sock, int *owner_pidfd)
{
    int null = open("/dev/null", O_RDWR);
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    /* low numbers first, so that one close_range() does the rest */
    int a = fcntl(*sock, F_DUPFD_CLOEXEC, 100);
    int b = fcntl(*owner_pidfd, F_DUPFD_CLOEXEC, 100);
    if (a < 0 || b < 0)
        fail_step(*sock, "descriptors");
    (void)syscall(SYS_close_range, 3U, 99U, 0U);
    *sock = dup3(a, 3, O_CLOEXEC);
    *owner_pidfd = dup3(b, 4, O_CLOEXEC);
    (void)syscall(SYS_close_range, 5U, ~0U, 0U);
}

/* The helper: drops root, clones the keeper as the janitor's child, tells its pid through the pipe. */
static _Noreturn void make_keeper(const struct setup *setup, int pid_pipe,
                                  const struct cgroups *groups)
{
    if (cgroups_enter(groups) != 0)
        fail_step(setup->sock, "entering a control group");
    if (ids_become(setup->uid, setup->gid) != 0)
        fail_step(setup->sock, "becoming an unused uid");
    long pid = syscall(SYS_clone, (unsigned long)(KEEPER_NAMESPACES | CLONE_PARENT | SIGCHLD), NULL,
                       NULL, NULL, NULL);
    if (pid < 0) {
        int saved = errno;
        char text[512];
        explain_namespaces(saved, text, sizeof text);
        fail(setup->sock, saved, text);
    }
    if (pid == 0) {
        (void)close(pid_pipe);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void)prctl(PR_SET_NAME, "keeper", 0, 0, 0);
        int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 || ids_map(proc, setup->uid, setup->gid) != 0) {
            int saved = errno;
            char text[512];
            explain_map(saved, text, sizeof text);
            fail(setup->sock, saved, text);
        }
        keeper_run(setup, proc, groups);
    }
    pid_t told = (pid_t)pid;
    _exit(io_write_full(pid_pipe, &told, sizeof told) == 0 ? 0 : 1);
}

static void wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Until the keeper or the caller has ended. */
static void watch(pid_t keeper, int owner_pidfd)
{
    int keeper_pidfd = (int)syscall(SYS_pidfd_open, keeper, 0);
    struct pollfd ends[] = {{.fd = owner_pidfd, .events = POLLIN},
                            {.fd = keeper_pidfd, .events = POLLIN}};
    while (keeper_pidfd >= 0 && !ends[0].revents && !ends[1].revents)
        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            break;
    (void)kill(keeper, SIGKILL);
    wait_for(keeper);
}

_Noreturn void janitor_run(const struct setup *given)
{
    struct setup setup = *given;
    own_session();
    keep_only(&setup.sock, &setup.owner_pidfd);
    wipe_arguments();
    (void)prctl(PR_SET_NAME, "janitor", 0, 0, 0);
    struct cgroups groups;
    cgroups_make(setup.uid, setup.gid, &groups);
    int pid_pipe[2];
    if (pipe2(pid_pipe, O_CLOEXEC) != 0)
        fail_step(setup.sock, "pipe");
    pid_t helper = fork();
    if (helper < 0)
        fail_step(setup.sock, "fork");
    if (helper == 0)
        make_keeper(&setup, pid_pipe[1], &groups);
    (void)close(pid_pipe[1]);
    (void)close(setup.sock); /* so that the caller sees the end when the keeper has gone */
    pid_t keeper = 0;
    ssize_t n = io_read_full(pid_pipe[0], &keeper, sizeof keeper);
    wait_for(helper);
    if (n == (ssize_t)sizeof keeper)
        watch(keeper, setup.owner_pidfd);
    cgroups_remove(&groups);
    _exit(0);
}
