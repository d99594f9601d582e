/* base/guard.c: see guard.h. proc_pid_stat(5), proc_pid_syscall(5), proc_pid_schedstat(5); pidfd_send_signal(2).
 *
 * Stuck is who sleeps uninterruptibly in read, write or ioctl on a pipe, and has not run since the last looks: with
 * O_NONBLOCK such a call sleeps for nothing but the pipe's lock. Neither a busy machine nor a stopped grader looks so, and
 * a program that lets go in time is not disturbed. */
#include "base/guard.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS     250000000L
#define MOST_LOOKS  20 /* in a row: five seconds, longer than any answer may take */
#define MAX_GUARDED 16

struct guard {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over, struck;
    pid_t watched;            /* the thread */
    int guarded[MAX_GUARDED]; /* pidfds */
    size_t n_guarded;
    unsigned looks;
    char last[64]; /* schedstat at the last look */
};

static bool read_task(const struct guard *guard, const char *file, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/%s", guard->watched, file);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, text, size - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return true;
}

static bool sleeps_for_good(const struct guard *guard)
{
    char text[512];
    return read_task(guard, "stat", text, sizeof text) && proc_state(text) == 'D';
}

/* "NUMBER ARGUMENT..." in hexadecimal, or "running". */
static bool is_at_a_pipe(const struct guard *guard)
{
    char text[256];
    char *at = text;
    struct stat status;
    if (!read_task(guard, "syscall", text, sizeof text))
        return false;
    long call = strtol(text, &at, 10);
    if (at == text || (call != SYS_read && call != SYS_write && call != SYS_ioctl))
        return false;
    return fstat((int)strtol(at, NULL, 16), &status) == 0 && S_ISFIFO(status.st_mode);
}

static bool has_not_run(struct guard *guard)
{
    char text[sizeof guard->last];
    if (!read_task(guard, "schedstat", text, sizeof text))
        return false;
    bool same = strcmp(text, guard->last) == 0;
    memcpy(guard->last, text, sizeof text);
    return same;
}

static void look(struct guard *guard)
{
    bool stuck = has_not_run(guard) && sleeps_for_good(guard) && is_at_a_pipe(guard);
    guard->looks = stuck ? guard->looks + 1 : 0;
    if (guard->looks < MOST_LOOKS)
        return;
    guard->looks = 0;
    guard->struck = true;
    for (size_t i = 0; i < guard->n_guarded; i++)
        (void)pidfd_send_signal(guard->guarded[i], SIGKILL, NULL, 0);
}

static void *watch(void *of_guard)
{
    struct guard *guard = of_guard;
    (void)pthread_mutex_lock(&guard->lock);
    while (!guard->over) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (pthread_cond_timedwait(&guard->ended, &guard->lock, &until) == ETIMEDOUT)
            look(guard);
    }
    (void)pthread_mutex_unlock(&guard->lock);
    return NULL;
}

struct guard *guard_new(struct err *err)
{
    struct guard *guard = xcalloc(1, sizeof *guard);
    pthread_condattr_t clock;
    guard->watched = gettid();
    (void)pthread_mutex_init(&guard->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&guard->ended, &clock);
    (void)pthread_condattr_destroy(&clock);
    int failed = pthread_create(&guard->thread, NULL, watch, guard);
    if (failed == 0)
        return guard;
    (void)err_sys(err, ERR_HOST, failed, "a thread that watches the run");
    (void)pthread_cond_destroy(&guard->ended);
    (void)pthread_mutex_destroy(&guard->lock);
    free(guard);
    return NULL;
}

void guard_add(struct guard *guard, pid_t pid)
{
    AUTO_CLOSE int fd = pidfd_open(pid, 0);
    (void)pthread_mutex_lock(&guard->lock);
    if (fd >= 0 && guard->n_guarded < MAX_GUARDED)
        guard->guarded[guard->n_guarded++] = TAKE_FD(fd);
    (void)pthread_mutex_unlock(&guard->lock);
}

bool guard_struck(struct guard *guard)
{
    (void)pthread_mutex_lock(&guard->lock);
    bool struck = guard->struck;
    (void)pthread_mutex_unlock(&guard->lock);
    return struck;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    (void)pthread_mutex_lock(&guard->lock);
    guard->over = true;
    (void)pthread_cond_signal(&guard->ended);
    (void)pthread_mutex_unlock(&guard->lock);
    (void)pthread_join(guard->thread, NULL);
    for (size_t i = 0; i < guard->n_guarded; i++)
        (void)close(guard->guarded[i]);
    (void)pthread_cond_destroy(&guard->ended);
    (void)pthread_mutex_destroy(&guard->lock);
    free(guard);
}
