/* observe/classify.c: what a blocked thread waits for, from its system call's number and arguments.
 *
 * Sound by omission: a call that is not in the table, a descriptor of a kind that is not known to wake synchronously (a
 * regular file may be FUSE or NFS, a terminal is fed by a kernel worker), an argument that cannot be read: UNKNOWN.
 * restart_syscall is not in the table either: its time-out lies in the kernel. */
#include "base/own.h"
#include "observe/internal.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* newer than the headers of Debian 12 know */
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

enum rule {
    RULE_NEVER, /* no time-out exists */
    RULE_READ,  /* arg 0: any descriptor */
    RULE_WRITE,
    RULE_RECEIVE, /* arg 0: a socket */
    RULE_SEND,
    RULE_CONNECT,      /* arg 0: a socket; the handshake is seen in the socket table */
    RULE_MILLISECONDS, /* arg `time`, < 0: none */
    RULE_TIMESPEC,     /* arg `time`: relative struct timespec *, NULL: none */
    RULE_TIMEVAL,      /* arg `time`: relative struct timeval * */
    RULE_REALTIME,     /* arg `time`: absolute struct timespec * on CLOCK_REALTIME */
    RULE_RECVMMSG,
    RULE_FUTEX,
    RULE_SLEEP,  /* clock_nanosleep(2) */
    RULE_LOCK,   /* fcntl(2) */
    RULE_LEDGER, /* reported to the ledger, and waiting for its answer */
};

struct call_rule {
    long call;
    enum rule rule;
    unsigned time;
};

static const struct call_rule rules[] = {
    {SYS_read, RULE_READ, 0},
    {SYS_readv, RULE_READ, 0},
    {SYS_pread64, RULE_READ, 0},
    {SYS_preadv, RULE_READ, 0},
    {SYS_preadv2, RULE_READ, 0},
    {SYS_write, RULE_WRITE, 0},
    {SYS_writev, RULE_WRITE, 0},
    {SYS_sendfile, RULE_WRITE, 0},
    {SYS_recvfrom, RULE_RECEIVE, 0},
    {SYS_recvmsg, RULE_RECEIVE, 0},
    {SYS_recvmmsg, RULE_RECVMMSG, 4},
    {SYS_accept, RULE_RECEIVE, 0},
    {SYS_accept4, RULE_RECEIVE, 0},
    {SYS_connect, RULE_CONNECT, 0},
    {SYS_sendto, RULE_SEND, 0},
    {SYS_sendmsg, RULE_SEND, 0},
    {SYS_sendmmsg, RULE_SEND, 0},
#ifdef SYS_poll
    {SYS_poll, RULE_MILLISECONDS, 2},
    {SYS_select, RULE_TIMEVAL, 4},
    {SYS_epoll_wait, RULE_MILLISECONDS, 3},
    {SYS_pause, RULE_NEVER, 0},
    {SYS_alarm, RULE_LEDGER, 0},
#endif
    {SYS_ppoll, RULE_TIMESPEC, 2},
    {SYS_pselect6, RULE_TIMESPEC, 4},
    {SYS_epoll_pwait, RULE_MILLISECONDS, 3},
    {SYS_epoll_pwait2, RULE_TIMESPEC, 3},
    {SYS_wait4, RULE_NEVER, 0},
    {SYS_waitid, RULE_NEVER, 0},
    {SYS_rt_sigsuspend, RULE_NEVER, 0},
    {SYS_rt_sigtimedwait, RULE_TIMESPEC, 2},
    {SYS_flock, RULE_NEVER, 0},
    {SYS_fcntl, RULE_LOCK, 0},
    {SYS_msgrcv, RULE_NEVER, 0},
    {SYS_msgsnd, RULE_NEVER, 0},
    {SYS_semop, RULE_NEVER, 0},
    {SYS_semtimedop, RULE_TIMESPEC, 3},
    {SYS_mq_timedreceive, RULE_REALTIME, 4},
    {SYS_mq_timedsend, RULE_REALTIME, 4},
    {SYS_futex, RULE_FUTEX, 3},
    {SYS_nanosleep, RULE_TIMESPEC, 0},
    {SYS_clock_nanosleep, RULE_SLEEP, 2},
    {SYS_setitimer, RULE_LEDGER, 0},
    {SYS_timer_create, RULE_LEDGER, 0},
    {SYS_timer_settime, RULE_LEDGER, 0},
    {SYS_timer_delete, RULE_LEDGER, 0},
    {SYS_timerfd_create, RULE_LEDGER, 0},
};

static void set_sleep(struct task *task, int64_t sleep_ns)
{
    task->rest = REST_TIMED;
    task->sleep_ns = sleep_ns;
}

/* A time too long for 64 bits of nanoseconds counts as unknown: 292 years from now is no wake-up to plan for. */
static int64_t nanoseconds(long long seconds, long long fraction_ns)
{
    long long most = INT64_MAX / (long long)NSEC_PER_SEC - 1;
    return seconds < 0 || seconds > most ? 0 : seconds * (long long)NSEC_PER_SEC + fraction_ns;
}

static void relative_timespec(struct task *task, unsigned long address)
{
    struct timespec span = {0};
    if (!address)
        task->rest = REST_INPUT;
    else if (obs_proc_memory(task->tgid, address, &span, sizeof span) < 0)
        task->rest = REST_UNKNOWN;
    else
        set_sleep(task, nanoseconds(span.tv_sec, span.tv_nsec));
}

static void relative_timeval(struct task *task, unsigned long address)
{
    struct timeval span = {0};
    if (!address)
        task->rest = REST_INPUT;
    else if (obs_proc_memory(task->tgid, address, &span, sizeof span) < 0)
        task->rest = REST_UNKNOWN;
    else
        set_sleep(task, nanoseconds(span.tv_sec, span.tv_usec * (long long)NSEC_PER_USEC));
}

static void absolute_timespec(struct task *task, unsigned long address, clockid_t clock)
{
    struct timespec end = {0};
    struct timespec now;
    if (!address) {
        task->rest = REST_INPUT;
        return;
    }
    if (obs_proc_memory(task->tgid, address, &end, sizeof end) < 0 || clock_gettime(clock, &now)) {
        task->rest = REST_UNKNOWN;
        return;
    }
    struct timespec monotonic;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    int64_t end_ns = nanoseconds(end.tv_sec, end.tv_nsec);
    int64_t shift =
        nanoseconds(monotonic.tv_sec, monotonic.tv_nsec) - nanoseconds(now.tv_sec, now.tv_nsec);
    set_sleep(task, end_ns && end_ns + shift > 0 ? -(end_ns + shift) : 0);
}

/* ---- descriptors ---- */

/* SO_RCVTIMEO or SO_SNDTIMEO of a socket of the task; SOCKET_TIME_NO when it cannot be read. */
static int64_t socket_time(const struct task *task, int fd, int option)
{
    struct timeval span;
    socklen_t len = sizeof span;
    AUTO_CLOSE int copy = obs_proc_copy_fd(task->tgid, fd);
    if (copy < 0 || getsockopt(copy, SOL_SOCKET, option, &span, &len) < 0)
        return SOCKET_TIME_NO;
    return nanoseconds(span.tv_sec, span.tv_usec * (long long)NSEC_PER_USEC);
}

static void socket_rule(struct task *task, int option, enum rest rest)
{
    int64_t span = socket_time(task, (int)task->arg[0], option);
    if (span == SOCKET_TIME_NO)
        task->rest = REST_UNKNOWN;
    else if (span > 0)
        set_sleep(task, span);
    else
        task->rest = rest;
}

static bool wakes_at_once(const char *link)
{
    static const char *const kinds[] = {
        "pipe:[",
        "anon_inode:[eventfd]",
        "anon_inode:[signalfd]",
        "anon_inode:inotify",
        "anon_inode:[timerfd]", /* whether it is armed is found by timers.c */
        "anon_inode:[eventpoll]",
        "anon_inode:[pidfd]",
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strncmp(link, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

static void any_rule(struct task *task, int option, enum rest rest)
{
    char path[64];
    char link[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)task->tid, (int)task->arg[0]);
    ssize_t len = readlink(path, link, sizeof link - 1);
    task->rest = REST_UNKNOWN;
    if (len < 0)
        return;
    link[len] = 0;
    if (strncmp(link, "socket:[", 8) == 0)
        socket_rule(task, option, rest);
    else if (wakes_at_once(link) || (stat(path, &status) == 0 && S_ISFIFO(status.st_mode)))
        task->rest = rest;
}

static void futex_rule(struct task *task, unsigned long time)
{
    clockid_t clock = (int)task->arg[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    switch ((int)task->arg[1] & FUTEX_CMD_MASK) {
    case FUTEX_WAIT: /* the only one whose time is relative (futex(2)) */
        relative_timespec(task, time);
        break;
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAIT_REQUEUE_PI:
    case FUTEX_LOCK_PI2:
        absolute_timespec(task, time, clock);
        break;
    case FUTEX_LOCK_PI:
        absolute_timespec(task, time, CLOCK_REALTIME);
        break;
    default:
        task->rest = REST_UNKNOWN;
    }
}

static void timed_rule(struct task *task, const struct call_rule *rule)
{
    unsigned long time = task->arg[rule->time];
    switch (rule->rule) {
    case RULE_MILLISECONDS:
        if ((int)time < 0)
            task->rest = REST_INPUT;
        else
            set_sleep(task, nanoseconds(0, (int)time * 1000000LL));
        break;
    case RULE_TIMESPEC:
        relative_timespec(task, time);
        break;
    case RULE_TIMEVAL:
        relative_timeval(task, time);
        break;
    case RULE_REALTIME:
        absolute_timespec(task, time, CLOCK_REALTIME);
        break;
    case RULE_SLEEP:
        if (task->arg[1] & TIMER_ABSTIME)
            absolute_timespec(task, time, (clockid_t)task->arg[0]);
        else
            relative_timespec(task, time);
        break;
    case RULE_FUTEX:
        futex_rule(task, time);
        break;
    default:
        task->rest = REST_UNKNOWN;
    }
}

static void apply(struct task *task, const struct call_rule *rule)
{
    switch (rule->rule) {
    case RULE_NEVER:
        task->rest = REST_INPUT;
        break;
    case RULE_READ:
        any_rule(task, SO_RCVTIMEO, REST_INPUT);
        break;
    case RULE_WRITE:
        any_rule(task, SO_SNDTIMEO, REST_OUTPUT);
        break;
    case RULE_RECEIVE:
        socket_rule(task, SO_RCVTIMEO, REST_INPUT);
        break;
    case RULE_SEND:
        socket_rule(task, SO_SNDTIMEO, REST_OUTPUT);
        break;
    case RULE_CONNECT:
        socket_rule(task, SO_SNDTIMEO, REST_INPUT);
        break;
    case RULE_RECVMMSG: /* its time-out is looked at between messages only; the socket's own counts */
        socket_rule(task, SO_RCVTIMEO, REST_INPUT);
        break;
    case RULE_LOCK:
        task->rest = task->arg[1] == F_SETLKW || task->arg[1] == F_OFD_SETLKW ? REST_INPUT //
                                                                              : REST_UNKNOWN;
        break;
    case RULE_LEDGER:
        task->rest = REST_LEDGER;
        break;
    default:
        timed_rule(task, rule);
    }
}

void obs_classify(struct task *task)
{
    task->rest = REST_UNKNOWN;
    task->sleep_ns = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (rules[i].call == task->call) {
            apply(task, &rules[i]);
            return;
        }
    }
}
