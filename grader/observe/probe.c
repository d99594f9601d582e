/* observe/probe.c: one probe: can the program still act on its own?
 *
 *   P   for each known thread: run count, state S, off every CPU in a system call that is classified
 *   W   walk the process tree twice; both walks must find exactly the known set, else adopt it and start over
 *   S   for each thread: state S again, then the run count unchanged
 *   D   socket tables of both hosts: no TCP byte, FIN or handshake under way
 *   K   markers through every CPU's receive queue, there and back
 *   N   where user space carries the frames: it holds none; K once more; it holds none, and none has come to it; D again
 *   S   again
 *
 * Why SILENT is then a proof. (1) A thread executed nothing between its syscall read in P and its last run count: the
 * kernel found it off the CPU, and being switched in raises the count first. (2) It was not woken before its last state
 * read: a waker turns S into R, and only the thread itself turns it back. The syscall file alone does not show that: it
 * also answers for a thread whose wake-up is on its way to another CPU. (3) No thread is missing. The known ones forked
 * nothing since P; a process that both they and the first walk miss lost its parent during that walk and is now a child of
 * PID 1, which the second walk reads first. (A list read while one of its members is reaped can skip the next; but then
 * that member is missing in the second walk, or its run count can no longer be read.) (4) So from W to the last S nobody
 * runs, sends, forks or arms a timer. (5) After D each TCP byte is in its receiver's queue; (6) after K so are datagrams,
 * bare ACKs, RSTs and ICMP errors (marks.c), and the wake-ups they caused have turned some S into R. (7) The last S sees
 * none: nobody was woken by a thread, a packet or an interrupt, classification and timers.c found no time-out. The next
 * wake-up needs the grader, and what the program has ever sent is visible to a poll(2) of the grader's sockets.
 *
 * N: a switch in user space (world.net) keeps frames for a while and loses some. A lost TCP segment stays in its sender's
 * queue, D sees it until the repetition has arrived; a lost datagram is none any more. What the switch holds, it says, but
 * the first K only shows that frames have come to it; the ones that it sent off just before it was asked are in a
 * receive queue again. They are delivered after the second K, and their answers have come to the switch: were there any, it
 * has counted more frames than before. If not, no frame is anywhere. A switch that acts on a frame between the questions has
 * counted it before the first one, or counts it at the second.
 *
 * PID 1 of a box is our own code, not dumpable: it reaps and acts on nothing else, its state and run count suffice.
 * A probe is cheap when nobody ran since the last one: P and W are left out, S over the known set says so. */
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <errno.h>

#define MAX_TRIES 4

static enum activity because(struct activity_report *report, enum activity state, const char *why)
{
    snprintf(report->why, sizeof report->why, "%s", why);
    return state;
}

/* ---- P: one thread ---- */

/* Our tracer lets go what it has stopped ('t'), so that is no rest. Stopped by somebody else it is. */
static bool is_rest(const struct task *task, char state)
{
    return state == 'S' || state == 'T' || (state == 't' && !task->box->tracer);
}

/* A zombie that our tracer has not reaped yet: its parent is told only then, and may run. The kernel unlinks it from the
 * tracer and tells the parent under one lock, which the walk of the tree takes as well: TracerPid 0 here, and a parent that
 * still sleeps after the walk, is no race. */
static bool is_unreaped(struct observer *observer, struct task *task)
{
    char text[4096];
    unsigned long long by = 0;
    return task->box->tracer &&
           (obs_task_read(observer, task, TASK_STATUS, text, sizeof text) <= 0 ||
            !obs_status_field(text, "TracerPid", 10, &by) || by != 0);
}

enum look { LOOK_ASLEEP, LOOK_AWAKE, LOOK_LOST, LOOK_FORBIDDEN };

static enum look awake(struct task *task, uint64_t now)
{
    task->awake_at = now;
    task->asleep_by = 0;
    return LOOK_AWAKE;
}

static void fell_asleep(struct task *task, char state, bool moved, uint64_t last_look)
{
    if (moved) {
        if (task->asleep_by)
            task->awake_at = last_look; /* it slept then, ran, and sleeps anew */
        task->asleep_by = io_now_ns();
    }
    if (state == 'T' || state == 't') /* stopped: whatever the call, SIGCONT comes first */
        task->rest = REST_INPUT;
    else if (moved || task->rest == REST_UNKNOWN)
        obs_classify(task);
}

static enum look look_at(struct observer *observer, struct task *task)
{
    uint64_t now = io_now_ns();
    uint64_t last_look = task->looked_at;
    uint64_t runs = 0;
    if (obs_task_runs(observer, task, &runs) < 0) {
        task->lost = true;
        return LOOK_LOST;
    }
    bool moved = runs != task->runs || !task->asleep_by;
    task->runs = runs;
    task->looked_at = now;
    char state = obs_task_state(observer, task);
    if (state == 'Z' && is_unreaped(observer, task))
        return awake(task, now);
    if (state == 'Z') {
        task->rest = REST_ENDED;
        return LOOK_ASLEEP;
    }
    if (!is_rest(task, state))
        return awake(task, now);
    if (obs_task_is_init(task)) {
        task->rest = REST_INPUT;
        return LOOK_ASLEEP;
    }
    switch (obs_task_blocked(observer, task)) {
    case BLOCKED_NO:
        return awake(task, now);
    case BLOCKED_FORBIDDEN:
        return LOOK_FORBIDDEN;
    case BLOCKED_YES:
        break;
    }
    fell_asleep(task, state, moved, last_look);
    return LOOK_ASLEEP;
}

/* ---- S: all of them ---- */

/* State first, then the run count: see (2) above. */
static bool still(struct observer *observer)
{
    for (size_t i = 0; i < observer->n_tasks; i++) {
        struct task *task = &observer->tasks[i];
        uint64_t runs = 0;
        if (task->rest != REST_ENDED) { /* a zombie never runs again */
            char state = obs_task_state(observer, task);
            if (!is_rest(task, state))
                return false;
        }
        if (obs_task_runs(observer, task, &runs) < 0 || runs != task->runs)
            return false;
        task->looked_at = io_now_ns();
    }
    return true;
}

/* ---- P, W, S ---- */

/* SILENT here means: all known tasks are asleep. GONE: one has ended, look again. */
static enum activity look_at_all(struct observer *observer, struct activity_report *report)
{
    for (size_t i = 0; i < observer->n_tasks; i++) {
        switch (look_at(observer, &observer->tasks[i])) {
        case LOOK_AWAKE:
            return because(report, ACTIVITY_BUSY, "a thread of the program runs");
        case LOOK_FORBIDDEN:
            return because(report, ACTIVITY_UNKNOWN, "/proc/PID/task/TID/syscall may not be read");
        case LOOK_LOST:
            return ACTIVITY_GONE;
        case LOOK_ASLEEP:
            break;
        }
    }
    return ACTIVITY_SILENT;
}

static enum activity settle(struct observer *observer, struct activity_report *report)
{
    if (observer->stable && still(observer))
        return ACTIVITY_SILENT;
    observer->stable = false;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        enum activity state = look_at_all(observer, report);
        if (state == ACTIVITY_BUSY || state == ACTIVITY_UNKNOWN)
            return state;
        int complete = obs_tasks_again(observer);
        if (complete == 1)
            complete = obs_tasks_again(observer);
        if (complete < 0 && errno == E2BIG)
            return because(report, ACTIVITY_UNKNOWN, "the program has too many threads to follow");
        if (complete != 1 || state == ACTIVITY_GONE)
            continue;
        observer->stable = still(observer);
        if (observer->stable)
            return ACTIVITY_SILENT;
        return because(report, ACTIVITY_BUSY, "a thread moved during the probe");
    }
    return because(report, ACTIVITY_BUSY, "processes or threads come and go");
}

/* ---- what the sleepers wait for ---- */

static void weigh_sleep(const struct task *task, struct activity_report *report)
{
    if (task->sleep_ns < 0) {
        obs_wake(report, (uint64_t)-task->sleep_ns, (uint64_t)-task->sleep_ns);
    } else if (task->sleep_ns > 0) {
        uint64_t span = (uint64_t)task->sleep_ns;
        obs_wake(report, task->awake_at ? task->awake_at + span : task->looked_at,
                 task->asleep_by + span);
    } else {
        obs_wake(report, 0, UINT64_MAX);
    }
}

static enum activity weigh_unknown(const struct task *task, struct activity_report *report)
{
    if (task->call < 0)
        return because(report, ACTIVITY_UNKNOWN, "a thread is blocked outside a system call");
    snprintf(report->why, sizeof report->why, "a thread is blocked in system call %ld, %s",
             task->call, "which does not say what it waits for");
    return ACTIVITY_UNKNOWN;
}

static enum activity weigh(struct observer *observer, struct activity_report *report)
{
    bool timed = false;
    bool output = false;
    size_t living = 0;
    for (size_t i = 0; i < observer->n_tasks; i++) {
        const struct task *task = &observer->tasks[i];
        if (obs_task_is_init(task) || task->rest == REST_ENDED)
            continue;
        living++;
        if (task->rest == REST_UNKNOWN)
            return weigh_unknown(task, report);
        if (task->rest == REST_LEDGER)
            return because(report, ACTIVITY_BUSY, "a thread sets a timer");
        if (task->rest == REST_TIMED)
            weigh_sleep(task, report);
        timed |= task->rest == REST_TIMED;
        output |= task->rest == REST_OUTPUT;
    }
    switch (obs_timers(observer, report)) {
    case TIMERS_UNREADABLE:
        return because(report, ACTIVITY_UNKNOWN, "/proc/PID/fd may not be read");
    case TIMERS_ARMED:
        timed = true;
        break;
    case TIMERS_NONE:
        break;
    }
    if (!living)
        return ACTIVITY_GONE;
    if (timed)
        return ACTIVITY_TIMED;
    return output ? ACTIVITY_OUTPUT : ACTIVITY_SILENT;
}

/* ---- D, K ---- */

/* K, and N where there is a switch. NETWORK with the reason, or SILENT. */
static enum activity flush_frames(struct observer *observer, struct activity_report *report)
{
    const struct observe_ops *ops = &observer->ops;
    uint64_t frames[2] = {0, 0};
    for (int turn = 0; turn < (ops->network_rests ? 2 : 1); turn++) {
        if (obs_marks_flush(observer->marks, observer->learned_neighbours) < 0)
            return because(report, ACTIVITY_NETWORK, "a marker datagram is under way");
        if (ops->network_rests && !ops->network_rests(ops->self, &frames[turn]))
            return because(report, ACTIVITY_NETWORK, "a packet is under way");
    }
    if (frames[0] != frames[1])
        return because(report, ACTIVITY_NETWORK, "a packet was under way");
    return ACTIVITY_SILENT;
}

static enum activity weigh_traffic(struct observer *observer, enum activity state,
                                   struct activity_report *report)
{
    enum traffic before = obs_sockets_traffic(observer);
    if (before == TRAFFIC_FAILED)
        return because(report, ACTIVITY_UNKNOWN, "the socket tables cannot be read");
    if (before == TRAFFIC_UNDER_WAY)
        return because(report, ACTIVITY_NETWORK, "TCP data, a FIN or a handshake is under way");
    if (flush_frames(observer, report) == ACTIVITY_NETWORK)
        return ACTIVITY_NETWORK;
    if (before == TRAFFIC_NONE && !observer->ops.network_rests)
        return state;
    /* A closed window may have been opened by an ACK that only the markers flushed. */
    if (obs_sockets_traffic(observer) != before)
        return because(report, ACTIVITY_NETWORK, "a TCP window has just opened");
    if (before == TRAFFIC_UNREAD_OUTPUT && state == ACTIVITY_SILENT)
        return ACTIVITY_OUTPUT;
    return state;
}

static enum activity probe(struct observer *observer, struct activity_report *report)
{
    enum activity state = settle(observer, report);
    if (state != ACTIVITY_SILENT)
        return state;
    state = weigh(observer, report);
    if (state == ACTIVITY_BUSY || state == ACTIVITY_UNKNOWN)
        return state;
    state = weigh_traffic(observer, state, report);
    if (state == ACTIVITY_NETWORK || state == ACTIVITY_UNKNOWN)
        return state;
    observer->stable = still(observer);
    return observer->stable ? state
                            : because(report, ACTIVITY_BUSY, "a thread woke during the probe");
}

enum activity observe_activity(struct observer *observer, struct activity_report *ret)
{
    *ret = (struct activity_report){.wake_lo_ns = UINT64_MAX, .wake_hi_ns = UINT64_MAX};
    ret->state = probe(observer, ret);
    if (ret->state != ACTIVITY_TIMED || ret->wake_lo_ns == UINT64_MAX)
        ret->wake_lo_ns = 0;
    if (ret->state != ACTIVITY_TIMED || ret->wake_hi_ns == UINT64_MAX)
        ret->wake_hi_ns = 0;
    return ret->state;
}
