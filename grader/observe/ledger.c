/* observe/ledger.c: which timers the program has armed, from its own calls.
 *
 * /proc does not show a pending alarm(2) or setitimer(2), and of POSIX timers not whether they are armed. The box's filter
 * therefore reports those calls (seccomp_unotify(2)); a thread here writes them down and lets them continue. The calls are
 * rare, so the program's hot path costs nothing.
 *
 * Order: a timer is written down before its call is let go on, so a probe that finds the caller asleep in another call
 * finds the timer in the list, too. It is armed at some moment between the two: from its first such probe on, the interval
 * of its end is known. A program whose threads rewrite the arguments of a call while it is being reported deceives the
 * list; it gains a wrong time for a timer of its own. */
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* A timer counts as pending this long after its end: interrupts come late on a loaded or virtual machine. */
#define LATE_NS (20 * 1000 * NSEC_PER_USEC)

enum timer_kind { TIMER_INTERVAL, TIMER_POSIX };

struct armed {
    pid_t pid;
    enum timer_kind kind;
    unsigned long id;        /* POSIX: the timer's number */
    bool known;              /* the times below were understood */
    uint64_t span_ns;        /* until its (next) end */
    uint64_t every_ns;       /* 0: once */
    uint64_t from_ns, by_ns; /* it was armed in this interval; by_ns 0: not yet seen asleep */
};

struct ledger {
    int notify_fd, stop_fd;
    pthread_t thread;
    struct seccomp_notif *request; /* of the thread */
    struct seccomp_notif_resp *answer;
    pthread_mutex_t lock; /* of what follows */
    struct armed timers[MAX_TIMERS];
    size_t count;
    bool overflow;
    bool timer_files; /* a timerfd was made: whether it is armed is read from its fdinfo */
};

static uint64_t span_of(uint64_t seconds, uint64_t rest_ns)
{
    uint64_t most = INT64_MAX / NSEC_PER_SEC - 1;
    return (seconds < most ? seconds : most) * NSEC_PER_SEC + rest_ns;
}

static void put_timer(struct ledger *ledger, const struct armed *timer, bool armed)
{
    size_t i = 0;
    while (i < ledger->count &&
           !(ledger->timers[i].pid == timer->pid && ledger->timers[i].kind == timer->kind &&
             ledger->timers[i].id == timer->id))
        i++;
    if (!armed) {
        if (i < ledger->count)
            ledger->timers[i] = ledger->timers[--ledger->count];
        return;
    }
    if (i == MAX_TIMERS) {
        ledger->overflow = true;
        return;
    }
    if (i == ledger->count)
        ledger->count++;
    ledger->timers[i] = *timer;
}

static void note_interval(struct ledger *ledger, struct armed *timer, const uint64_t *arg)
{
    struct itimerval value = {0};
    if (arg[0] != ITIMER_REAL || !arg[1])
        return;
    timer->known = obs_proc_memory(timer->pid, arg[1], &value, sizeof value) == 0;
    if (timer->known) {
        timer->span_ns = span_of((uint64_t)value.it_value.tv_sec,
                                 (uint64_t)value.it_value.tv_usec * NSEC_PER_USEC);
        timer->every_ns = span_of((uint64_t)value.it_interval.tv_sec,
                                  (uint64_t)value.it_interval.tv_usec * NSEC_PER_USEC);
    }
    put_timer(ledger, timer, !timer->known || timer->span_ns);
}

static void note_posix(struct ledger *ledger, struct armed *timer, const uint64_t *arg)
{
    struct itimerspec value = {0};
    timer->kind = TIMER_POSIX;
    timer->id = arg[0];
    timer->known = obs_proc_memory(timer->pid, arg[2], &value, sizeof value) == 0;
    if (timer->known) {
        timer->span_ns = span_of((uint64_t)value.it_value.tv_sec, (uint64_t)value.it_value.tv_nsec);
        timer->every_ns =
            span_of((uint64_t)value.it_interval.tv_sec, (uint64_t)value.it_interval.tv_nsec);
    }
    bool armed = !timer->known || timer->span_ns;
    if (arg[1] & TIMER_ABSTIME) /* on a clock that was named at timer_create(2): not resolved */
        timer->known = false;
    put_timer(ledger, timer, armed);
}

static void note(struct ledger *ledger, const struct seccomp_notif *request)
{
    const uint64_t *arg = (const uint64_t *)request->data.args;
    struct armed timer = {.pid = obs_process_of((pid_t)request->pid), .from_ns = io_now_ns()};
    pthread_mutex_lock(&ledger->lock);
    switch (request->data.nr) {
#ifdef SYS_alarm
    case SYS_alarm:
        timer.known = true;
        timer.span_ns = span_of((unsigned)arg[0], 0);
        put_timer(ledger, &timer, timer.span_ns);
        break;
#endif
    case SYS_setitimer:
        note_interval(ledger, &timer, arg);
        break;
    case SYS_timer_settime:
        note_posix(ledger, &timer, arg);
        break;
    case SYS_timer_delete:
        timer.kind = TIMER_POSIX;
        timer.id = arg[0];
        put_timer(ledger, &timer, false);
        break;
    case SYS_timerfd_create:
        ledger->timer_files = true;
        break;
    default: /* a filter may report more than is of interest */
        break;
    }
    pthread_mutex_unlock(&ledger->lock);
}

/* The program waits in its call meanwhile. A caller that was killed makes receive or respond fail: nothing to do. */
static void serve(struct ledger *ledger)
{
    struct seccomp_notif *request = ledger->request;
    struct seccomp_notif_resp *answer = ledger->answer;
    memset(request, 0, sizeof *request); /* the kernel insists */
    if (seccomp_notify_receive(ledger->notify_fd, request) < 0)
        return;
    note(ledger, request);
    *answer =
        (struct seccomp_notif_resp){.id = request->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    seccomp_notify_respond(ledger->notify_fd, answer);
}

static void *ledger_main(void *self)
{
    struct ledger *ledger = self;
    for (;;) {
        struct pollfd fds[2] = {{ledger->notify_fd, POLLIN, 0}, {ledger->stop_fd, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents)
            break;
        if (fds[0].revents & POLLIN)
            serve(ledger);
        else if (fds[0].revents) /* POLLHUP: nobody is left who could call */
            break;
    }
    return NULL;
}

static void ledger_done(struct ledger *ledger)
{
    if (ledger->request)
        seccomp_notify_free(ledger->request, ledger->answer);
    own_close(&ledger->notify_fd);
    own_close(&ledger->stop_fd);
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

int obs_ledger_new(int notify_fd, struct ledger **ret, struct err *err)
{
    struct ledger *ledger = xcalloc(1, sizeof *ledger);
    int failed = 0;
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->notify_fd = fcntl(notify_fd, F_DUPFD_CLOEXEC, 3);
    ledger->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (ledger->notify_fd < 0 || ledger->stop_fd < 0)
        failed = errno;
    else
        failed = -seccomp_notify_alloc(&ledger->request, &ledger->answer); /* asks the kernel */
    if (!failed)
        failed = pthread_create(&ledger->thread, NULL, ledger_main, ledger);
    if (failed) {
        ledger_done(ledger);
        return err_sys(err, ERR_HOST, failed, "cannot follow the program's timers");
    }
    *ret = ledger;
    return 0;
}

void obs_ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    eventfd_write(ledger->stop_fd, 1);
    pthread_join(ledger->thread, NULL);
    ledger_done(ledger);
}

bool obs_ledger_timer_files(struct ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    bool made = ledger->timer_files;
    pthread_mutex_unlock(&ledger->lock);
    return made;
}

static bool lives(const struct observer *observer, pid_t pid)
{
    for (size_t i = 0; i < observer->n_tasks; i++)
        if (observer->tasks[i].tgid == pid && observer->tasks[i].rest != REST_ENDED)
            return true;
    return false;
}

/* False when it has fired for the last time. */
static bool pending(struct armed *timer, uint64_t now, struct activity_report *report)
{
    if (!timer->known) {
        obs_wake(report, 0, UINT64_MAX);
        return true;
    }
    if (!timer->by_ns)
        timer->by_ns = now; /* the caller is asleep elsewhere: it is armed by now */
    uint64_t lo = timer->from_ns + timer->span_ns;
    uint64_t hi = timer->by_ns + timer->span_ns;
    if (hi + LATE_NS < now) {
        if (!timer->every_ns)
            return false;
        uint64_t periods = (now - hi) / timer->every_ns;
        lo += periods * timer->every_ns;
        hi += periods * timer->every_ns;
        if (hi + LATE_NS < now) {
            lo += timer->every_ns;
            hi += timer->every_ns;
        }
    }
    obs_wake(report, lo, hi);
    return true;
}

bool obs_ledger_armed(struct ledger *ledger, const struct observer *observer,
                      struct activity_report *report)
{
    uint64_t now = io_now_ns();
    pthread_mutex_lock(&ledger->lock);
    for (size_t i = 0; i < ledger->count;) {
        struct armed *timer = &ledger->timers[i];
        if (lives(observer, timer->pid) && pending(timer, now, report))
            i++;
        else
            *timer = ledger->timers[--ledger->count];
    }
    bool armed = ledger->count > 0 || ledger->overflow;
    if (ledger->overflow)
        obs_wake(report, 0, UINT64_MAX);
    pthread_mutex_unlock(&ledger->lock);
    return armed;
}
