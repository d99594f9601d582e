/* build/patience.c: see patience.h. proc(5): /proc/PID/schedstat, /proc/PID/task/TID/children, /proc/PID/task/TID/stat. */
#include "build/patience.h"

#include "base/io.h"
#include "base/own.h"
#include "base/proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void patience_done(struct patience *patience)
{
    free(patience->tasks);
    patience->tasks = NULL;
}

uint64_t patience_next_ns(const struct patience *patience)
{
    return patience->looked_ns + PATIENCE_TICK_NS;
}

/* A short file of /proc as text; false when the process is gone. */
static bool read_proc(pid_t pid, const char *file, char *text, size_t size)
{
    char path[80];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read_full(fd, text, size - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    return true;
}

static bool read_task(pid_t pid, struct patience_task *ret)
{
    char text[128];
    char *end = NULL;
    if (!read_proc(pid, "schedstat", text, sizeof text))
        return false;
    ret->pid = pid;
    ret->ran_ns = strtoull(text, &end, 10);
    ret->delay_ns = strtoull(end, NULL, 10);
    return true;
}

/* Adds the children of a process's main thread: make and its compilers fork from there. */
static void add_children(pid_t pid, struct patience_task *tasks, size_t *count)
{
    char file[64], text[8192];
    (void)snprintf(file, sizeof file, "task/%d/children", (int)pid);
    if (!read_proc(pid, file, text, sizeof text))
        return;
    char *at = text;
    for (;;) {
        char *end = at;
        long child = strtol(at, &end, 10);
        if (end == at || *count == PATIENCE_MAX_TASKS)
            return;
        at = end;
        if (child > 0 && read_task((pid_t)child, &tasks[*count]))
            (*count)++;
    }
}

/* Every process below the box's init: what was orphaned has become its child. */
static struct patience_task *read_tasks(pid_t init, size_t *ret_count)
{
    struct patience_task *tasks = xmalloc(PATIENCE_MAX_TASKS * sizeof *tasks);
    size_t count = 0;
    add_children(init, tasks, &count);
    for (size_t i = 0; i < count; i++)
        add_children(tasks[i].pid, tasks, &count);
    *ret_count = count;
    return tasks;
}

/* The first field of proc(5)'s stat that counts: a process's own time, and (16, 17) of those that it has waited for. */
#define OF_ALL      14
#define OF_CHILDREN 16

static uint64_t used_ns(pid_t pid, int first)
{
    char text[1024];
    uint64_t ticks = 0;
    if (!read_proc(pid, "stat", text, sizeof text))
        return 0;
    char *at = strrchr(text, ')'); /* field 2 is the command in brackets */
    for (int field = 3; at && field <= 17; field++) {
        at = strchr(at + 1, ' ');
        if (at && field >= first)
            ticks += strtoull(at, NULL, 10);
    }
    return ticks * (1000000000ULL / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t used_by_all(pid_t init, const struct patience_task *tasks, size_t count)
{
    uint64_t used = used_ns(init, OF_CHILDREN); /* init itself is none of the build's */
    for (size_t i = 0; i < count; i++)
        used += used_ns(tasks[i].pid, OF_ALL);
    return used;
}

void patience_init(struct patience *patience, pid_t init, double max_seconds)
{
    uint64_t now = io_now_ns();
    *patience = (struct patience){
        .init = init,
        .began_ns = now,
        .looked_ns = now,
        .limit_ns = (uint64_t)(max_seconds * 1e9),
        .cpu_ns = used_ns(init, OF_CHILDREN),
    };
    patience->first_cpu_ns = patience->cpu_ns;
}

/* Asleep until somebody wakes them, stopped, or dead. What is runnable only waits for a processor, and what sleeps in state D
 * waits for a disk or the kernel: neither waits for ever. */
static bool sleeps(pid_t pid)
{
    return proc_threads_are(pid, "STtZX");
}

static const struct patience_task *earlier(const struct patience *patience, pid_t pid)
{
    for (size_t i = 0; i < patience->n_tasks; i++)
        if (patience->tasks[i].pid == pid)
            return &patience->tasks[i];
    return NULL;
}

/* What changed since the last look: the longest delay of one process, and whether anything ran, came, went or will go on by
 * itself. No process at all: the box is still being set up, or make has just ended. */
static uint64_t compare(const struct patience *patience, const struct patience_task *tasks,
                        size_t count, bool *ret_moved)
{
    uint64_t longest = 0;
    *ret_moved = count == 0 || count != patience->n_tasks;
    for (size_t i = 0; i < count; i++) {
        const struct patience_task *old = earlier(patience, tasks[i].pid);
        uint64_t delay = tasks[i].delay_ns - (old ? old->delay_ns : 0);
        *ret_moved =
            *ret_moved || !old || tasks[i].ran_ns != old->ran_ns || delay || !sleeps(tasks[i].pid);
        if (delay > longest)
            longest = delay;
    }
    return longest;
}

static void look(struct patience *patience, uint64_t now)
{
    size_t count = 0;
    bool moved = false;
    struct patience_task *tasks = read_tasks(patience->init, &count);
    uint64_t delay = compare(patience, tasks, count, &moved);
    uint64_t passed = now - patience->looked_ns;
    uint64_t used = used_by_all(patience->init, tasks, count);
    if (passed > PATIENCE_MOST_NS)
        passed = PATIENCE_MOST_NS;
    patience->student_ns += delay < passed ? passed - delay : 0;
    if (used > patience->cpu_ns) {
        patience->cpu_ns = used;
        moved = true;
    }
    patience->idle_ns = moved ? 0 : patience->idle_ns + passed;
    patience->looked_ns = now;
    free(patience->tasks);
    patience->tasks = tasks;
    patience->n_tasks = count;
}

bool patience_left(struct patience *patience)
{
    uint64_t now = io_now_ns();
    if (now >= patience_next_ns(patience))
        look(patience, now);
    return patience->student_ns < patience->limit_ns &&
           patience->cpu_ns - patience->first_cpu_ns < patience->limit_ns &&
           patience->idle_ns < (uint64_t)(PATIENCE_IDLE_SECONDS * 1e9) &&
           now - patience->began_ns < PATIENCE_WALL_FACTOR * patience->limit_ns;
}
