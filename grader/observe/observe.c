/* observe/observe.c: the observer's life: one a network, watching the boxes that run on it. */
#include "observe/observe.h"
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const char *activity_name(enum activity state)
{
    static const char *const names[] = {
        [ACTIVITY_BUSY] = "busy",       [ACTIVITY_NETWORK] = "network", [ACTIVITY_TIMED] = "timed",
        [ACTIVITY_OUTPUT] = "output",   [ACTIVITY_SILENT] = "silent",   [ACTIVITY_GONE] = "gone",
        [ACTIVITY_UNKNOWN] = "unknown",
    };
    return names[state];
}

int observer_new(const struct observe_ops *ops, struct observer **ret, struct err *err)
{
    struct observer *observer = xcalloc(1, sizeof *observer);
    observer->ops = *ops;
    memset(observer->netlink, 0xff,
           sizeof observer->netlink); /* all -1: opened when first needed */
    observer->clock.start_ns = io_now_ns();
    if (obs_marks_new(ops, &observer->marks, err) < 0) {
        observer_free(observer);
        return -1;
    }
    *ret = observer;
    return 0;
}

static void forget_box(struct watched *box)
{
    obs_ledger_free(box->ledger);
    own_close(&box->proc);
    free(box);
}

void observer_free(struct observer *observer)
{
    if (!observer)
        return;
    obs_tasks_forget(observer, NULL);
    for (size_t i = 0; i < observer->n_boxes; i++)
        forget_box(observer->boxes[i]);
    for (size_t i = 0; i < ARRAY_SIZE(observer->netlink); i++)
        for (size_t j = 0; j < ARRAY_SIZE(observer->netlink[i]); j++)
            own_close(&observer->netlink[i][j]);
    obs_marks_free(observer->marks);
    free(observer->walk.ids);
    free(observer->tasks);
    free(observer->boxes);
    free(observer);
}

/* The threads that are there from the start owe the student clock nothing for the time before. */
static void start_counting(struct observer *observer)
{
    struct student_clock before = observer->clock;
    uint64_t runs = 0;
    if (obs_tasks_walk(observer, &observer->walk) < 0)
        return; /* processes come and go: the first probe will find them */
    (void)obs_tasks_adopt(observer, &observer->walk);
    for (size_t i = 0; i < observer->n_tasks; i++)
        (void)obs_task_runs(observer, &observer->tasks[i], &runs);
    observer->clock = before;
}

int observer_add(struct observer *observer, pid_t init, pid_t program, int timer_ledger_fd,
                 struct err *err)
{
    char path[64];
    struct watched *box = xcalloc(1, sizeof *box);
    box->init = init;
    box->program = program;
    snprintf(path, sizeof path, "/proc/%d", (int)init);
    box->proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (box->proc < 0) {
        err_sys(err, ERR_HOST, errno, "cannot watch process %d", (int)init);
        forget_box(box);
        return -1;
    }
    if (timer_ledger_fd >= 0 && obs_ledger_new(timer_ledger_fd, &box->ledger, err) < 0) {
        forget_box(box);
        return -1;
    }
    observer->boxes =
        xreallocarray(observer->boxes, observer->n_boxes + 1, sizeof(struct watched *));
    observer->boxes[observer->n_boxes++] = box;
    observer->stable = false;
    start_counting(observer);
    return 0;
}

void observer_traced(struct observer *observer, pid_t init, struct call_tracer *tracer)
{
    for (size_t i = 0; i < observer->n_boxes; i++)
        if (observer->boxes[i]->init == init)
            observer->boxes[i]->tracer = tracer;
}

void observer_remove(struct observer *observer, pid_t init)
{
    for (size_t i = 0; i < observer->n_boxes; i++) {
        struct watched *box = observer->boxes[i];
        if (box->init != init)
            continue;
        obs_clock_count_tracer(observer, box);
        obs_tasks_forget(observer, box);
        forget_box(box);
        observer->boxes[i] = observer->boxes[--observer->n_boxes];
        return;
    }
}
