/* observe/tasks.c: the threads of the watched boxes, found by walking /proc and read through cached descriptors.
 *
 * A walk starts at each box's PID 1 and follows /proc/PID/task/TID/children (proc(5)) downwards, parents before children.
 * One walk can miss a process: a grandchild whose parent dies moves to PID 1, perhaps just after PID 1 was read. The probe
 * in observe.c therefore compares two walks; why two are enough is said there.
 *
 * The known set is sorted by thread id. Each task keeps its folder open: the number of a thread that ended may be given
 * to another one, the open folder never leads there. The files below are opened once as well (a look then costs a
 * microsecond in place of four), up to a total that leaves the driver descriptors to work with. */
#include "base/io.h"
#include "base/own.h"
#include "base/proc.h"
#include "observe/internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TEXT_SIZE 4096

static const char *const file_names[TASK_FILES] = {
    [TASK_SCHEDSTAT] = "schedstat", [TASK_STAT] = "stat",     [TASK_SYSCALL] = "syscall",
    [TASK_CHILDREN] = "children",   [TASK_STATUS] = "status", [TASK_THREADS] = "..",
};

struct pids {
    pid_t *ids;
    size_t count, cap;
};

static int compare_ids(const void *a, const void *b)
{
    pid_t left = ((const struct task_id *)a)->tid;
    pid_t right = ((const struct task_id *)b)->tid;
    return left < right ? -1 : left > right;
}

struct task *obs_task_find(const struct observer *observer, pid_t tid)
{
    size_t low = 0;
    size_t high = observer->n_tasks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct task *task = &observer->tasks[middle];
        if (task->tid == tid)
            return task;
        if (task->tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool obs_task_is_init(const struct task *task)
{
    return task->tgid == task->box->init;
}

/* ---- reading one task ---- */

/* *ret_keep: the descriptor stays with the task. */
static int open_file(struct observer *observer, struct task *task, enum task_file file,
                     bool *ret_keep)
{
    *ret_keep = true;
    if (task->file[file] >= 0)
        return task->file[file];
    int fd = openat(task->dir, file_names[file], O_RDONLY | O_CLOEXEC);
    *ret_keep = observer->open_files < CACHED_FILES;
    if (fd >= 0 && *ret_keep) {
        task->file[file] = fd;
        observer->open_files++;
    }
    return fd;
}

static void end_file(int fd, bool keep)
{
    if (fd >= 0 && !keep)
        close(fd);
}

ssize_t obs_task_read(struct observer *observer, struct task *task, enum task_file file, char *text,
                      size_t size)
{
    bool keep = true;
    int fd = open_file(observer, task, file, &keep);
    if (fd < 0)
        return -1;
    ssize_t len = pread(fd, text, size - 1, 0);
    int saved = errno;
    if (len >= 0)
        text[len] = 0;
    end_file(fd, keep);
    errno = saved;
    return len;
}

static int switches(struct observer *observer, struct task *task, uint64_t *ret)
{
    char text[TEXT_SIZE];
    unsigned long long voluntary = 0;
    unsigned long long involuntary = 0;
    if (obs_task_read(observer, task, TASK_STATUS, text, sizeof text) <= 0 ||
        !obs_status_field(text, "voluntary_ctxt_switches", 10, &voluntary) ||
        !obs_status_field(text, "nonvoluntary_ctxt_switches", 10, &involuntary))
        return -1;
    *ret = voluntary + involuntary;
    return 0;
}

int obs_task_runs(struct observer *observer, struct task *task, uint64_t *ret_runs)
{
    char text[128];
    char *at = text;
    if (obs_task_read(observer, task, TASK_SCHEDSTAT, text, sizeof text) <= 0)
        return -1;
    task->cpu_ns = strtoull(at, &at, 10);
    task->delay_ns = strtoull(at, &at, 10);
    *ret_runs = strtoull(at, &at, 10);
    obs_clock_count(observer, task);
    /* a kernel without CONFIG_SCHED_INFO shows zeros */
    return *ret_runs ? 0 : switches(observer, task, ret_runs);
}

char obs_task_state(struct observer *observer, struct task *task)
{
    char text[512];
    if (obs_task_read(observer, task, TASK_STAT, text, sizeof text) <= 0)
        return 'X';
    char state = proc_state(text);
    return state ? state : 'X';
}

enum blocked obs_task_blocked(struct observer *observer, struct task *task)
{
    char text[256];
    ssize_t len = obs_task_read(observer, task, TASK_SYSCALL, text, sizeof text);
    if (len <= 0)
        return len < 0 && (errno == EPERM || errno == EACCES) ? BLOCKED_FORBIDDEN : BLOCKED_NO;
    if (text[0] == 'r') /* "running" */
        return BLOCKED_NO;
    char *at = text;
    task->call = strtol(at, &at, 10);
    for (size_t i = 0; i < ARRAY_SIZE(task->arg); i++)
        task->arg[i] = task->call >= 0 ? strtoul(at, &at, 16) : 0;
    return BLOCKED_YES;
}

/* ---- walking ---- */

static int add_id(struct walk *walk, struct task_id id)
{
    if (walk->count == MAX_TASKS) {
        errno = E2BIG;
        return -1;
    }
    if (walk->count == walk->cap) {
        walk->cap = walk->cap ? walk->cap * 2 : 64;
        walk->ids = xreallocarray(walk->ids, walk->cap, sizeof *walk->ids);
    }
    walk->ids[walk->count++] = id;
    return 0;
}

static int add_pid(struct pids *pids, pid_t pid)
{
    if (pids->count == MAX_TASKS) {
        errno = E2BIG;
        return -1;
    }
    if (pids->count == pids->cap) {
        pids->cap = pids->cap ? pids->cap * 2 : 64;
        pids->ids = xreallocarray(pids->ids, pids->cap, sizeof *pids->ids);
    }
    pids->ids[pids->count++] = pid;
    return 0;
}

static int open_threads(struct observer *observer, struct watched *box, pid_t pid, bool *ret_keep)
{
    char path[64];
    struct task *known = obs_task_find(observer, pid);
    if (known && !known->lost && known->tgid == pid)
        return open_file(observer, known, TASK_THREADS, ret_keep);
    *ret_keep = false;
    if (pid == box->init)
        return openat(box->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int list_threads(struct observer *observer, struct watched *box, pid_t pid,
                        struct walk *walk)
{
    union {
        char bytes[TEXT_SIZE];
        struct dirent64 align;
    } block;
    bool keep = true;
    size_t before = walk->count;
    int result = 0;
    int fd = open_threads(observer, box, pid, &keep);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    for (ssize_t len; result == 0 && (len = getdents64(fd, &block, sizeof block)) > 0;) {
        for (ssize_t at = 0; at < len && result == 0;) {
            const struct dirent64 *entry = (const void *)(block.bytes + at);
            at += entry->d_reclen;
            if (isdigit((unsigned char)entry->d_name[0]))
                result = add_id(walk, (struct task_id){box, pid, //
                                                       (pid_t)strtol(entry->d_name, NULL, 10)});
        }
    }
    end_file(fd, keep);
    return walk->count > before ? result : -1;
}

static int open_children(struct observer *observer, const struct task_id *id, bool *ret_keep)
{
    char path[64];
    struct task *known = obs_task_find(observer, id->tid);
    if (known && !known->lost)
        return open_file(observer, known, TASK_CHILDREN, ret_keep);
    *ret_keep = false;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)id->tgid, (int)id->tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int list_children(struct observer *observer, const struct task_id *id, struct pids *pids)
{
    char text[TEXT_SIZE];
    bool keep = true;
    int result = 0;
    pid_t number = 0;
    off_t at = 0;
    ssize_t len = 0;
    int fd = open_children(observer, id, &keep);
    if (fd < 0)
        return -1;
    while (result == 0 && (len = pread(fd, text, sizeof text, at)) > 0) {
        at += len;
        for (ssize_t i = 0; i < len && result == 0; i++) {
            if (isdigit((unsigned char)text[i])) {
                number = number * 10 + (text[i] - '0');
            } else if (number) {
                result = add_pid(pids, number);
                number = 0;
            }
        }
    }
    end_file(fd, keep);
    return len < 0 ? -1 : result;
}

static int walk_box(struct observer *observer, struct watched *box, struct walk *walk)
{
    struct pids pids = {0};
    int result = add_pid(&pids, box->init);
    for (size_t i = 0; i < pids.count && result == 0; i++) {
        size_t first = walk->count;
        result = list_threads(observer, box, pids.ids[i], walk);
        if (result < 0 && i == 0 && errno != E2BIG && faccessat(box->proc, "task", F_OK, 0) < 0) {
            result = 0; /* PID 1 is no more, and so nothing is left of the box */
            break;
        }
        for (size_t j = first; j < walk->count && result == 0; j++)
            result = list_children(observer, &walk->ids[j], &pids);
    }
    free(pids.ids);
    return result;
}

int obs_tasks_walk(struct observer *observer, struct walk *walk)
{
    walk->count = 0;
    errno = 0;
    for (size_t i = 0; i < observer->n_boxes; i++)
        if (walk_box(observer, observer->boxes[i], walk) < 0)
            return -1;
    if (walk->count)
        qsort(walk->ids, walk->count, sizeof *walk->ids, compare_ids);
    return 0;
}

bool obs_tasks_same(const struct observer *observer, const struct walk *walk)
{
    if (walk->count != observer->n_tasks)
        return false;
    for (size_t i = 0; i < walk->count; i++)
        if (walk->ids[i].tid != observer->tasks[i].tid || observer->tasks[i].lost)
            return false;
    return true;
}

/* ---- the known set ---- */

static void drop_task(struct observer *observer, struct task *task)
{
    for (size_t i = 0; i < TASK_FILES; i++) {
        if (task->file[i] >= 0) {
            close(task->file[i]);
            observer->open_files--;
        }
    }
    close(task->dir);
}

static int meet_task(struct task *task, const struct task_id *id)
{
    char path[64];
    *task = (struct task){.box = id->box, .tid = id->tid, .tgid = id->tgid, .call = -1};
    for (size_t i = 0; i < TASK_FILES; i++)
        task->file[i] = -1;
    snprintf(path, sizeof path, "/proc/%d/task/%d", (int)id->tgid, (int)id->tid);
    task->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return task->dir < 0 ? -1 : 0;
}

int obs_tasks_adopt(struct observer *observer, const struct walk *walk)
{
    struct task *fresh = xcalloc(walk->count ? walk->count : 1, sizeof *fresh);
    size_t count = 0;
    size_t old = 0;
    int result = 0;
    for (size_t i = 0; i < walk->count; i++) {
        while (old < observer->n_tasks && observer->tasks[old].tid < walk->ids[i].tid)
            drop_task(observer, &observer->tasks[old++]);
        bool known = old < observer->n_tasks && observer->tasks[old].tid == walk->ids[i].tid;
        if (known && observer->tasks[old].lost) {
            drop_task(observer, &observer->tasks[old++]);
            known = false;
        }
        if (known) {
            fresh[count++] = observer->tasks[old++];
        } else if (meet_task(&fresh[count], &walk->ids[i]) == 0) {
            count++;
        } else {
            result = -1;
        }
    }
    while (old < observer->n_tasks)
        drop_task(observer, &observer->tasks[old++]);
    free(observer->tasks);
    observer->tasks = fresh;
    observer->n_tasks = count;
    observer->stable = false; /* nobody has looked at the new ones */
    return result;
}

int obs_tasks_again(struct observer *observer)
{
    if (obs_tasks_walk(observer, &observer->walk) < 0)
        return -1;
    if (obs_tasks_same(observer, &observer->walk))
        return 1;
    return obs_tasks_adopt(observer, &observer->walk) < 0 ? -1 : 0;
}

void obs_tasks_forget(struct observer *observer, const struct watched *box)
{
    size_t kept = 0;
    for (size_t i = 0; i < observer->n_tasks; i++) {
        struct task *task = &observer->tasks[i];
        if (box && task->box != box)
            observer->tasks[kept++] = *task;
        else
            drop_task(observer, task);
    }
    observer->n_tasks = kept;
    observer->stable = false;
}
