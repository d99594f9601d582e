/* observe/timers.c: timers that wake a program although it blocks without a time-out.
 *
 *   timerfd                fdinfo shows the time left: every descriptor of a process is looked at after it has run, as
 *                          soon as the ledger (without one: at once) says that there may be any. Every thread's, for
 *                          clone(2) can give a thread a table of its own; and since epoll(7) sets know files that have no
 *                          descriptor, one on its way through a unix(7) socket counts as armed.
 *                          Not covered: a thread that waits in read(2), poll(2) or select(2) for a timerfd whose
 *                          number another thread has given to another file (dup2(2)) meanwhile
 *   alarm, setitimer,      by the ledger. Without one: the signal is caught or blocked by the process, or it has made a
 *   POSIX timers           POSIX timer (/proc/PID/timers): then one may be armed. Not covered without a ledger: an alarm
 *                          that is neither, whose only effect is that the program dies. */
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <signal.h>

void obs_wake(struct activity_report *report, uint64_t lo, uint64_t hi)
{
    if (lo < report->wake_lo_ns)
        report->wake_lo_ns = lo;
    if (hi < report->wake_hi_ns)
        report->wake_hi_ns = hi;
}

/* ---- timerfd ---- */

struct timer_scan {
    pid_t pid;
    bool held, armed;
    bool sets,
        in_flight; /* epoll sets are held; a socket holds descriptors that nobody has received */
    struct activity_report *report;
};

/* "it_value: (SECONDS, NANOSECONDS)" of proc(5), 0 when it is not armed. */
static bool time_left(const char *text, uint64_t *ret_ns)
{
    static const char name[] = "it_value: (";
    const char *value = strstr(text, name);
    char *end = NULL;
    if (!value)
        return false;
    uint64_t seconds = strtoull(value + sizeof name - 1, &end, 10);
    if (*end != ',')
        return false;
    uint64_t rest_ns = strtoull(end + 1, &end, 10);
    *ret_ns = seconds * NSEC_PER_SEC + rest_ns;
    return *end == ')';
}

static void read_timer(struct timer_scan *scan, int fd)
{
    char name[32];
    char text[512];
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    uint64_t before = io_now_ns();
    ssize_t len = obs_proc_read(scan->pid, name, text, sizeof text);
    uint64_t after = io_now_ns();
    uint64_t left = 0;
    if (len <= 0 || !time_left(text, &left)) {
        scan->armed = true;
        obs_wake(scan->report, 0, UINT64_MAX);
        return;
    }
    if (!left)
        return;
    scan->armed = true;
    obs_wake(scan->report, before + left, after + left);
}

/* "scm_fds: N" of a unix socket's fdinfo (Linux 5.6): descriptors in its receive queue (SCM_RIGHTS). */
static void read_socket(struct timer_scan *scan, int fd)
{
    static const char field[] = "scm_fds:";
    char name[32];
    char text[512];
    if (scan->in_flight)
        return;
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    ssize_t len = obs_proc_read(scan->pid, name, text, sizeof text);
    const char *count = len > 0 ? strstr(text, field) : NULL;
    scan->in_flight = len <= 0 || (count && strtoul(count + sizeof field - 1, NULL, 10) > 0);
}

static void visit_fd(void *self, int fd, const char *link)
{
    struct timer_scan *scan = self;
    uint64_t inode = 0;
    if (obs_socket_inode(link, &inode))
        read_socket(scan, fd);
    if (strcmp(link, "anon_inode:[timerfd]") != 0)
        return;
    scan->held = true;
    read_timer(scan, fd);
}

/* One descriptor table. -1 when it cannot be read. */
static int scan_table(struct timer_scan *scan, pid_t tid)
{
    scan->pid = tid;
    if (obs_proc_fds(tid, visit_fd, scan) < 0)
        return -1;
    if (scan->in_flight) {
        scan->held = scan->armed = true;
        obs_wake(scan->report, 0, UINT64_MAX);
    }
    return 0;
}

static int scan_threads(const struct observer *observer, const struct task *leader,
                        struct timer_scan *scan)
{
    for (size_t i = 0; i < observer->n_tasks; i++) {
        const struct task *task = &observer->tasks[i];
        if (task->tgid == leader->tgid && task->rest != REST_ENDED &&
            scan_table(scan, task->tid) < 0)
            return -1;
    }
    return 0;
}

/* ---- signals of timers, without a ledger ---- */

static bool alarm_possible(pid_t pid)
{
    char text[4096];
    unsigned long long caught = 0;
    unsigned long long blocked = 0;
    unsigned long long bit = 1ULL << (SIGALRM - 1);
    if (obs_proc_read(pid, "timers", text, sizeof text) > 0)
        return true;
    if (obs_proc_read(pid, "status", text, sizeof text) <= 0 ||
        !obs_status_field(text, "SigCgt", 16, &caught) ||
        !obs_status_field(text, "SigBlk", 16, &blocked))
        return true;
    return ((caught | blocked) & bit) != 0;
}

/* ---- all of them ---- */

/* Finds a living thread of each process, and whether the process ran since it was last scanned. */
static void mark_processes(struct observer *observer)
{
    for (size_t i = 0; i < observer->n_tasks; i++) {
        struct task *task = &observer->tasks[i];
        struct task *leader = obs_task_find(observer, task->tgid);
        if (!leader || obs_task_is_init(task) || task->rest == REST_ENDED)
            continue;
        leader->live = task->tid;
        if (task->scanned_runs != task->runs) {
            task->scanned_runs = task->runs;
            leader->rescan = true;
        }
    }
}

static enum timers scan_process(const struct observer *observer, struct task *leader,
                                struct activity_report *report)
{
    struct timer_scan scan = {.report = report};
    struct ledger *ledger = leader->box->ledger;
    bool possible = !ledger || obs_ledger_timer_files(ledger);
    if (possible && (leader->rescan || leader->timer_files)) {
        if (scan_threads(observer, leader, &scan) < 0)
            return TIMERS_UNREADABLE;
        leader->timer_files = scan.held;
    }
    if (leader->rescan)
        leader->alarm_possible = !ledger && alarm_possible(leader->live);
    leader->rescan = false;
    if (leader->alarm_possible)
        obs_wake(report, 0, UINT64_MAX);
    return scan.armed || leader->alarm_possible ? TIMERS_ARMED : TIMERS_NONE;
}

enum timers obs_timers(struct observer *observer, struct activity_report *report)
{
    enum timers worst = TIMERS_NONE;
    mark_processes(observer);
    for (size_t i = 0; i < observer->n_tasks; i++) {
        struct task *task = &observer->tasks[i];
        if (task->tid != task->tgid || obs_task_is_init(task) || !task->live)
            continue;
        enum timers one = scan_process(observer, task, report);
        if (one == TIMERS_UNREADABLE)
            return one;
        if (one == TIMERS_ARMED)
            worst = one;
        task->live = 0;
    }
    for (size_t i = 0; i < observer->n_boxes; i++) {
        struct watched *box = observer->boxes[i];
        if (box->ledger && obs_ledger_armed(box->ledger, observer, report))
            worst = TIMERS_ARMED;
    }
    return worst;
}
