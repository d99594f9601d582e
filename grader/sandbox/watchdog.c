/* sandbox/watchdog.c: the limit on memory where there is no control group: looks from time to time, and kills.
 *
 * Approximate by nature: a process may grow in between, and pages that forked processes share count for each. What no
 * process has mapped is bounded elsewhere: files by the size of the tmpfs, System V memory by shmall, memfd_create is
 * refused. The keeper has a /proc of its own pid namespace for this, which holds the boxes' processes and no others. */
#include "sandbox/box.h"

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
    uint64_t bytes; /* resident and its own: no files */
};

int watchdog_init(struct keeper *keeper, struct err *err)
{
    if (mkdir(ROOT_PROC, 0755) != 0 ||
        mount("proc", ROOT_PROC, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return err_sys(
            err, ERR_HOST, errno,
            "sandbox: /proc cannot be mounted, for the visible one is masked (container: add "
            "--security-opt systempaths=unconfined)");
    keeper->proc = open(ROOT_PROC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return keeper->proc < 0 ? err_sys(err, ERR_HOST, errno, "sandbox: opening /proc") : 0;
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

/* "pid (name) S parent ..." of stat, "size resident shared ..." of statm in pages (proc(5)). */
static bool read_task(int proc, const char *name, struct task *task)
{
    char text[512];
    if (read_file(proc, name, "stat", text, sizeof text) <= 0)
        return false;
    const char *end = strrchr(text, ')');
    if (!end || strlen(end) < 5)
        return false;
    task->pid = (pid_t)strtol(text, NULL, 10);
    task->parent = (pid_t)strtol(end + 4, NULL, 10);
    if (read_file(proc, name, "statm", text, sizeof text) <= 0)
        return false;
    char *at = NULL;
    (void)strtoull(text, &at, 10);
    uint64_t resident = strtoull(at, &at, 10);
    uint64_t shared = strtoull(at, &at, 10);
    task->bytes = (resident > shared ? resident - shared : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
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
 * The keeper is 1 and the parent of every init. The list is not of one moment: a missing parent ends the walk. */
static void resolve(struct task *tasks, size_t count, struct task *task)
{
    struct task *top = task;
    for (size_t steps = 0; steps < count && !top->init && top->parent != 1; steps++) {
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

static void check(struct kept_box *box, const struct task *tasks, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (tasks[i].init == box->init && tasks[i].pid != box->init)
            bytes += tasks[i].bytes;
    if (bytes <= box->memory_bytes)
        return;
    box->memory_struck = true;
    (void)kill(box->init, SIGKILL);
}

void watchdog_look(struct keeper *keeper)
{
    AUTO_FREE struct task *tasks = xcalloc(MAX_TASKS, sizeof *tasks);
    size_t count = read_tasks(keeper->proc, tasks);
    qsort(tasks, count, sizeof *tasks, by_pid);
    for (size_t i = 0; i < count; i++)
        resolve(tasks, count, &tasks[i]);
    for (size_t i = 0; i < ARRAY_SIZE(keeper->boxes); i++)
        if (keeper->boxes[i].id)
            check(&keeper->boxes[i], tasks, count);
}
