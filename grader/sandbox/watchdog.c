/* sandbox/watchdog.c: the limit on memory where there is no control group: looks from time to time, and kills. Where
 * there is one of version 1 it only sees to it that a box does not outlive the process that the kernel has killed.
 *
 * How it works: what each process has in memory or swap and what is not a file's is added up, which is cheap and never too
 * little; only where that is too much, pages that several processes have are shared out between them (Pss of
 * proc_pid_smaps(5)), so that a server with many forked workers is not taken for a large one.
 *
 * Approximate by nature: a process may grow in between. What no process has mapped is bounded elsewhere: files by the size
 * of the tmpfs, System V memory by shmall, memfd_create is refused; shared memory whose pages were unmapped by
 * madvise(2) is not seen, nor are the kernel's buffers of sockets and pipes, which the limits on processes and
 * descriptors bound. The keeper has a /proc of its own pid namespace, which holds the boxes' processes and no others. */
#include "sandbox/box.h"
#include "sandbox/cgroup.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TASKS 8192

struct task {
    pid_t pid, parent;
    pid_t init;     /* of the box that it belongs to; 0: not known yet */
    uint64_t bytes; /* in memory or swap, and no file's */
};

int watchdog_init(struct keeper *keeper, struct err *err)
{
    if (!keeper->hello.has_proc) {
        keeper->proc = keeper->host_proc;
        return 0;
    }
    if (mkdir(ROOT_PROC, 0755) != 0 ||
        mount("proc", ROOT_PROC, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: mounting /proc");
    keeper->proc = open(ROOT_PROC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return keeper->proc < 0 ? err_sys(err, ERR_HOST, errno, "sandbox: opening /proc") : 0;
}

/* The pid of a process in the pid namespace that keeper->proc shows; "Pid:" of a pidfd's fdinfo is one of that. */
pid_t watchdog_pid(const struct keeper *keeper, pid_t pid, int pidfd)
{
    char path[64];
    char text[512];
    if (keeper->hello.has_proc)
        return pid;
    (void)snprintf(path, sizeof path, "self/fdinfo/%d", pidfd);
    AUTO_CLOSE int fd = openat(keeper->proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, text, sizeof text - 1);
    if (n < 0)
        return 0;
    text[n] = '\0';
    const char *line = strstr(text, "Pid:");
    return line ? (pid_t)strtol(line + strlen("Pid:"), NULL, 10) : 0;
}

static pid_t keeper_pid(const struct keeper *keeper)
{
    char text[32] = "";
    (void)readlinkat(keeper->proc, "self", text, sizeof text - 1);
    return (pid_t)strtol(text, NULL, 10);
}

static ssize_t read_file(int proc, const char *pid, const char *name, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%.20s/%s", pid, name);
    AUTO_CLOSE int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, text, size - 1);
    if (n >= 0)
        text[n] = '\0';
    return n;
}

/* The sum of these lines, "Key:   N kB", of a file of /proc. Names of processes are escaped: none forges a line. */
static uint64_t sum_kib(const char *text, const char *const *keys, size_t n_keys)
{
    uint64_t sum = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        for (size_t i = 0; i < n_keys; i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0)
                sum += strtoull(line + strlen(keys[i]), NULL, 10);
    }
    return sum;
}

static bool read_task(int proc, const char *name, struct task *task)
{
    static const char *const parent[] = {"PPid:"};
    static const char *const memory[] = {"RssAnon:", "RssShmem:", "VmSwap:"};
    char text[4096];
    if (read_file(proc, name, "status", text, sizeof text) <= 0)
        return false;
    task->pid = (pid_t)strtol(name, NULL, 10);
    task->parent = (pid_t)sum_kib(text, parent, ARRAY_SIZE(parent));
    task->bytes = sum_kib(text, memory, ARRAY_SIZE(memory)) * 1024;
    return true;
}

/* The process's share of the pages that it has. Where that is not to be had, all of them; one that is ending has none. */
static uint64_t share_of(int proc, const struct task *task)
{
    static const char *const shares[] = {"Pss_Anon:", "Pss_Shmem:", "SwapPss:"};
    struct task now = {0};
    char name[24];
    char text[4096];
    (void)snprintf(name, sizeof name, "%d", task->pid);
    if (read_file(proc, name, "smaps_rollup", text, sizeof text) > 0)
        return sum_kib(text, shares, ARRAY_SIZE(shares)) * 1024;
    return read_task(proc, name, &now) ? now.bytes : 0;
}

static size_t read_tasks(int proc, struct task *tasks)
{
    size_t count = 0;
    int again = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir)
        return 0;
    for (const struct dirent *entry = readdir(dir); entry && count < MAX_TASKS;
         entry = readdir(dir))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            read_task(proc, entry->d_name, &tasks[count]))
            count++;
    (void)closedir(dir);
    return count;
}

static int by_pid(const void *a, const void *b)
{
    const struct task *x = a;
    const struct task *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct task *find(struct task *tasks, size_t count, pid_t pid)
{
    struct task key = {.pid = pid};
    return bsearch(&key, tasks, count, sizeof *tasks, by_pid);
}

/* Notes the box's init above a task, and above all between them, so that a long line of descent is walked once.
 * The keeper is the parent of every init. The list is not of one moment: a missing parent ends the walk. */
static void resolve(struct task *tasks, size_t count, struct task *task, pid_t keeper)
{
    struct task *top = task;
    for (size_t steps = 0; steps < count && !top->init && top->parent != keeper; steps++) {
        struct task *parent = find(tasks, count, top->parent);
        if (!parent)
            break;
        top = parent;
    }
    pid_t init = top->init ? top->init : top->pid;
    for (size_t steps = 0; task && steps < count && !task->init; steps++) {
        task->init = init;
        task = task == top ? NULL : find(tasks, count, task->parent);
    }
}

static bool is_in(const struct task *task, const struct kept_box *box)
{
    return task->init == box->seen && task->pid != box->seen;
}

/* What the box's processes have together, each page once; stops where that is more than the limit. */
static uint64_t shared_out(const struct kept_box *box, int proc, const struct task *tasks,
                           size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count && bytes <= box->memory_bytes; i++)
        if (is_in(&tasks[i], box))
            bytes += share_of(proc, &tasks[i]);
    return bytes;
}

/* The shares are not of one moment: while processes end, those of the others grow. So it is twice too much, or not at all. */
static void check(struct kept_box *box, int proc, const struct task *tasks, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (is_in(&tasks[i], box))
            bytes += tasks[i].bytes;
    if (bytes <= box->memory_bytes || shared_out(box, proc, tasks, count) <= box->memory_bytes ||
        shared_out(box, proc, tasks, count) <= box->memory_bytes)
        return;
    box->memory_struck = true;
    (void)kill(box->init, SIGKILL);
}

/* Version 1 of control groups kills the largest process only; a box ends as a whole. */
static void end_starved(struct keeper *keeper)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->boxes); i++) {
        struct kept_box *box = &keeper->boxes[i];
        if (!box->id || box->memory_struck || !cgroups_box_starved(keeper->groups, box->id))
            continue;
        box->memory_struck = true;
        (void)kill(box->init, SIGKILL);
    }
}

void watchdog_look(struct keeper *keeper)
{
    if (keeper->groups->kind != CGROUP_NONE) {
        end_starved(keeper);
        return;
    }
    AUTO_FREE struct task *tasks = xcalloc(MAX_TASKS, sizeof *tasks);
    size_t count = read_tasks(keeper->proc, tasks);
    pid_t self = keeper_pid(keeper);
    qsort(tasks, count, sizeof *tasks, by_pid);
    for (size_t i = 0; i < count; i++)
        resolve(tasks, count, &tasks[i], self);
    for (size_t i = 0; i < ARRAY_SIZE(keeper->boxes); i++)
        if (keeper->boxes[i].id)
            check(&keeper->boxes[i], keeper->proc, tasks, count);
}
