/* driver/loop.c: one epoll(7) instance a run. Owners are told; nothing is freed while they are (the timeline frees
 * endpoints only between two waits). */
#include "base/io.h"
#include "driver/parts.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#define MAX_EVENTS 64

int loop_watch(struct run *run, struct watch *watch, uint32_t events)
{
    if (watch->fd < 0 || events == watch->events)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int op = !watch->events ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(run->epoll, op, watch->fd, &event) != 0)
        return err_sys(&run->err, ERR_HOST, errno, "epoll_ctl");
    watch->events = events;
    return 0;
}

static uint64_t own_cpu_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Time in which we were kept from working, or stopped. */
static void excuse(struct run *run, uint64_t ns)
{
    run->excused_ns += ns;
    if (ns > run->starved_ns)
        run->starved_ns = ns;
}

int loop_wait(struct run *run, uint64_t until_ns, struct err *err)
{
    struct epoll_event events[MAX_EVENTS];
    uint64_t now = io_now_ns();
    uint64_t ns = until_ns > now && !run->glance ? until_ns - now : 0;
    uint64_t worked = own_cpu_ns() - run->turn_cpu_ns;
    if (run->turn_ns && now - run->turn_ns > worked)
        excuse(run, now - run->turn_ns - worked);
    const struct timespec span = {.tv_sec = (time_t)(ns / NS_PER_S),
                                  .tv_nsec = (long)(ns % NS_PER_S)};
    int n = epoll_pwait2(run->epoll, events, MAX_EVENTS, &span, NULL);
    int saved = errno;
    run->turn_ns = io_now_ns();
    run->turn_cpu_ns = own_cpu_ns();
    if (run->turn_ns > now + ns)
        excuse(run, run->turn_ns - (now + ns)); /* woken too late */
    run->student_now_ns = 0;
    run->line_known = false;
    run->glance = false;
    run->last_events = n;
    if (n < 0 && saved == EINTR)
        return 0;
    if (n < 0)
        return err_sys(err, ERR_HOST, saved, "epoll_pwait2");
    for (int i = 0; i < n; i++) {
        struct watch *watch = events[i].data.ptr;
        if (watch->events)
            watch->ready(run, watch->self, events[i].events);
    }
    if (err_is_set(&run->err))
        return err_set(err, run->err.kind, "%s", run->err.text);
    return n;
}
