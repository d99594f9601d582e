/* hostile/attacks/linger.c: not to end, and to leave something behind. */
#define _GNU_SOURCE
#include "attack.h"

#include <sys/file.h>

static void ignore_all(void)
{
    for (int i = 1; i <= SIGRTMAX; i++)
        signal(i, SIG_IGN);
}

/* 34: a daemon by every rule, and one that has forgotten where it came from. Argument: its name, for who looks for it. */
static void daemonize(char **name)
{
    for (int i = 0; i < 5; i++) {
        if (fork() != 0)
            continue;
        setsid();
        if (fork() != 0)
            _exit(0);
        ignore_all();
        prctl(PR_SET_NAME, *name);
        prctl(PR_SET_PDEATHSIG, 0);
        (void)!chdir("/");
        for (int fd = 0; fd < 64; fd++)
            close(fd);
        for (;;)
            pause_ms(1000);
    }
    tell("daemons", "ok");
}

/* 35 */
static void deaf(char **none)
{
    (void)none;
    sigset_t all;
    ignore_all();
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    tell("deaf", "ok");
    for (;;)
        pause_ms(1000);
}

/* 36 */
static void killer(char **none)
{
    (void)none;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    signal(SIGTERM, SIG_IGN);
    for (int i = 1; i <= SIGRTMAX; i++) {
        kill(1, i);
        kill(getppid(), i);
    }
    kill(-1, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    tell("child", "%s", WIFSIGNALED(status) ? "ok" : "lives");
    tell("init", "%s", kill(1, 0) == 0 ? "lives" : "ok");
}

/* 37 */
static void stop(char **none)
{
    (void)none;
    if (fork() == 0)
        for (;;)
            raise(SIGSTOP);
    tell("stopped", "ok");
    for (;;)
        raise(SIGSTOP);
}

/* 38 */
static void sleeps(char **none)
{
    (void)none;
    tell("asleep", "ok");
    for (;;)
        pause();
}

/* A parent that vfork(2) holds until its child, which does not, ends; the child is deaf, and so on down. */
static void vforks(char **depth)
{
    ignore_all();
    for (int i = atoi(*depth); i > 0; i--)
        if (vfork() != 0)
            _exit(0);
    tell("deep", "ok");
    for (;;)
        pause_ms(1000);
}

/* 101: the end of its output never comes. */
static void holds(char **none)
{
    (void)none;
    if (fork() == 0)
        for (;;)
            pause();
    tell("held", "ok");
}

/* 64: argument: where a core would be. */
static void core(char **none)
{
    (void)none;
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    say("raise", setrlimit(RLIMIT_CORE, &limit));
    abort();
}

/* 65: locks on what others read. Arguments: files. */
static void locks(char **files)
{
    for (; *files; files++) {
        int fd = open(*files, O_RDONLY);
        say("flock", fd < 0 ? -1 : flock(fd, LOCK_EX | LOCK_NB));
        say("lease", fd < 0 ? -1 : fcntl(fd, F_SETLEASE, F_RDLCK));
    }
    pause_ms(100);
}

static const struct mode modes[] = {
    {"daemonize", daemonize}, {"deaf", deaf},     {"killer", killer}, {"stop", stop},
    {"sleeps", sleeps},       {"vforks", vforks}, {"core", core},     {"holds", holds},
    {"locks", locks},         {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
