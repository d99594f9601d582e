/* cli/scope.c: see scope.h.
 *
 * How it works: systemd-run asks the manager for a scope and then becomes the program, which keeps its pid, descriptors and
 * terminal. The first process stays as its parent: it hears through a pipe that the program has arrived (if not within some
 * seconds it ends the attempt and does the work itself), hands signals on, and ends as the program ended. The variable
 * SOCKGRADE_SCOPE tells the second one where the pipe is; afterwards it holds what was found, and so keeps all others from
 * trying. Set by the user to "no", nothing is tried. */
#include "cli/scope.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "cli/cli.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLE    "SOCKGRADE_SCOPE"
#define PATIENCE_NS 5000000000ULL /* for the manager's answer; usual are some 50 ms */
#define NO_PROGRAM  127

static const int handed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* Notes why, for this process and its children; -1. */
static int stay(const char *finding)
{
    (void)setenv(VARIABLE, finding, 1);
    return -1;
}

const char *scope_finding(void)
{
    const char *finding = getenv(VARIABLE);
    return finding && strcmp(finding, "no") != 0 ? finding : "not tried: " VARIABLE " is set to no";
}

/* ---- the second one ---- */

/* "PID:FD:INODE": the first one's pid and the pipe in its table. */
static bool read_address(const char *text, long *pid, long *fd, unsigned long long *inode)
{
    char *end = NULL;
    *pid = strtol(text, &end, 10);
    if (end == text || *end != ':')
        return false;
    const char *second = end + 1;
    *fd = strtol(second, &end, 10);
    if (end == second || *end != ':')
        return false;
    const char *third = end + 1;
    *inode = strtoull(third, &end, 10);
    return end != third && !*end;
}

/* Tells the first one that this one is there, by its table of descriptors: whether systemd-run hands pipes on is its own
 * affair. Whoever cannot tell must not work, for the first one will. */
static int arrive(const char *address)
{
    long pid = 0;
    long number = 0;
    unsigned long long inode = 0;
    struct stat st;
    char path[64];
    if (!read_address(address, &pid, &number, &inode) || pid != getppid())
        return -1; /* somebody's finding, or one that was left in the environment */
    (void)snprintf(path, sizeof path, "/proc/%ld/fd/%ld", pid, number);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode) || st.st_ino != inode ||
        io_write(fd, "a", 1) != 1)
        return EXIT_HOST;
    return stay("entered, by systemd-run --user --scope -p Delegate=yes");
}

/* ---- the first one ---- */

struct attempt {
    pid_t pid;
    int arrival;   /* the pipe's end that is read; -1 once it has arrived */
    int signals;   /* signalfd(2) */
    sigset_t mask; /* as it was */
};

static bool has_manager(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (!runtime || !*runtime)
        return false;
    AUTO_FREE char *own = xasprintf("%s/systemd/private", runtime);
    AUTO_FREE char *bus = xasprintf("%s/bus", runtime);
    return access(own, F_OK) == 0 || access(bus, F_OK) == 0;
}

/* systemd-run expands variables in the words from some version on, unless told not to, which older ones do not know. */
static bool any_dollar(char *const *argv)
{
    for (; *argv; argv++)
        if (strchr(*argv, '$'))
            return true;
    return false;
}

static _Noreturn void become_systemd_run(const char *self, char *const *argv, pid_t parent,
                                         const sigset_t *mask)
{
    static const char *const words[] = {"systemd-run",
                                        "--user",
                                        "--scope",
                                        "--quiet",
                                        "--property=Delegate=yes",
                                        "--expand-environment=no"};
    size_t n_words = ARRAY_SIZE(words) - !any_dollar(argv);
    size_t count = 0;
    while (argv[count])
        count++;
    const char **all = xcalloc(n_words + count + 3, sizeof *all);
    memcpy(all, words, n_words * sizeof *all);
    all[n_words] = "--";
    all[n_words + 1] = self;
    memcpy(all + n_words + 2, argv + 1, (count - 1) * sizeof *all);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0,
                0); /* kill -9 of the first one is meant for both */
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    if (getppid() == parent)
        (void)execvp(all[0], (char *const *)all);
    _exit(NO_PROGRAM);
}

static int start(char *const *argv, struct attempt *ret)
{
    char self[PATH_MAX];
    char address[80];
    struct stat st;
    int ends[2];
    sigset_t set;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0 || pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    self[len] = '\0';
    AUTO_CLOSE int theirs = ends[1];
    (void)signal(SIGCHLD,
                 SIG_DFL); /* a caller may have had it ignored, and nobody could be waited for */
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
        (void)sigaddset(&set, handed_on[i]);
    (void)sigprocmask(SIG_BLOCK, &set, &ret->mask);
    ret->arrival = ends[0];
    ret->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    pid_t parent = getpid();
    if (ret->signals < 0 || fstat(theirs, &st) != 0)
        return -1;
    (void)snprintf(address, sizeof address, "%d:%d:%llu", parent, theirs,
                   (unsigned long long)st.st_ino);
    (void)setenv(VARIABLE, address, 1);
    ret->pid = fork();
    if (ret->pid == 0)
        become_systemd_run(self, argv, parent, &ret->mask);
    return ret->pid < 0 ? -1 : TAKE_FD(theirs);
}

static void put_back(struct attempt *attempt)
{
    own_close(&attempt->arrival);
    own_close(&attempt->signals);
    (void)sigprocmask(SIG_SETMASK, &attempt->mask, NULL);
}

/* Ends as the program did. */
static int end_as(struct attempt *attempt, int status)
{
    put_back(attempt);
    if (WIFSIGNALED(status)) {
        (void)signal(WTERMSIG(status), SIG_DFL);
        (void)raise(WTERMSIG(status));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_HOST;
}

/* What came from a terminal has reached the program, too. Before its arrival the signal is meant for whoever is there. */
static void hand_on(const struct attempt *attempt)
{
    struct signalfd_siginfo info;
    while (read(attempt->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        int sig = (int)info.ssi_signo;
        if (sig == SIGCHLD)
            continue;
        if (attempt->arrival < 0 && info.ssi_code != SI_KERNEL)
            (void)kill(attempt->pid, sig);
        if (attempt->arrival < 0)
            continue;
        (void)kill(attempt->pid, SIGKILL);
        (void)sigprocmask(SIG_SETMASK, &attempt->mask, NULL);
        (void)signal(sig, SIG_DFL);
        (void)raise(sig);
    }
}

/* Waits for arrival or the end of hope: then whoever is there is ended. Afterwards until the program ends. */
static int follow(struct attempt *attempt, int *ret_status)
{
    uint64_t until = io_now_ns() + PATIENCE_NS;
    bool arrived = false;
    for (;;) {
        if (waitpid(attempt->pid, ret_status, WNOHANG) == attempt->pid)
            return arrived ? 0 : -1;
        uint64_t now = io_now_ns();
        if (!arrived && now >= until) {
            (void)kill(attempt->pid, SIGKILL);
            (void)waitpid(attempt->pid, ret_status, 0);
            return -1;
        }
        struct pollfd ends[] = {{.fd = attempt->signals, .events = POLLIN},
                                {.fd = attempt->arrival, .events = POLLIN}};
        int patience = arrived ? -1 : (int)((until - now) / 1000000) + 1;
        (void)poll(ends, 2, patience);
        if (ends[1].revents) {
            arrived = true;
            (void)close(attempt->arrival);
            attempt->arrival = -1;
        }
        hand_on(attempt);
    }
}

static int explain(int status)
{
    char text[160];
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return stay("none: systemd-run gave no scope within 5 s");
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
        return stay("none: there is no systemd-run in PATH");
    (void)snprintf(text, sizeof text, "none: systemd-run ended with %s %d",
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return stay(text);
}

int scope_run(char *const *argv)
{
    const char *before = getenv(VARIABLE);
    if (before && *before)
        return arrive(before);
    if (geteuid() == 0)
        return stay("not needed: root makes control groups itself");
    if (sandbox_has_groups())
        return stay("not needed: this control group is delegated already");
    if (!has_manager())
        return stay("none: no service manager of this user is there (XDG_RUNTIME_DIR)");
    struct attempt attempt = {.pid = -1, .arrival = -1, .signals = -1};
    int status = 0;
    AUTO_CLOSE int pipe = start(argv, &attempt);
    if (pipe >= 0 && follow(&attempt, &status) == 0)
        return end_as(&attempt, status);
    put_back(&attempt);
    return pipe >= 0 ? explain(status) : stay("none: this process cannot start systemd-run");
}
