/* grade_logs.c: see grade_logs.h. Names, kinds and sizes in that folder are the program's: only regular files with a number
 * behind the prefix are read, and only so many bytes of them. All processes that could change it are dead. */
#include "grade_logs.h"

#include "base/io.h"
#include "base/own.h"
#include "sanitize/sanitize.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_NAMES 4096 /* looked at */
#define NS_PER_S  1000000000ULL

/* The process id in a log's name; 0: it is none. */
static int pid_of(const char *name)
{
    const size_t prefix = sizeof SANITIZE_LOG_PREFIX - 1;
    char *end = NULL;
    if (strncmp(name, SANITIZE_LOG_PREFIX, prefix) != 0 || name[prefix] < '1' || name[prefix] > '9')
        return 0;
    errno = 0;
    long pid = strtol(name + prefix, &end, 10);
    return errno == 0 && *end == '\0' && pid <= 4194304 ? (int)pid : 0; /* PID_MAX_LIMIT */
}

static int by_number(const void *a, const void *b)
{
    const int *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static size_t list_pids(int folder, int *pids)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again); /* takes the descriptor over */
    size_t count = 0;
    if (!dir) {
        own_close(&again);
        return 0;
    }
    for (size_t seen = 0; seen < MAX_NAMES; seen++) {
        const struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        int pid = pid_of(entry->d_name);
        if (pid > 0)
            pids[count++] = pid;
    }
    (void)closedir(dir);
    qsort(pids, count, sizeof *pids, by_number);
    return count;
}

static void read_one(int folder, int pid, struct run_logs *ret)
{
    AUTO_FREE char *name = xasprintf(SANITIZE_LOG_PREFIX "%d", pid);
    AUTO_CLOSE int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return;
    AUTO_FREE char *bytes = xmalloc(LOGS_MAX_BYTES);
    ssize_t n = io_read_full(fd, bytes, LOGS_MAX_BYTES);
    if (n <= 0)
        return;
    ret->list = xreallocarray(ret->list, ret->count + 1, sizeof *ret->list);
    struct run_log *log = &ret->list[ret->count++];
    *log = (struct run_log){
        .pid = pid,
        .written_ns = (uint64_t)status.st_mtim.tv_sec * NS_PER_S + (uint64_t)status.st_mtim.tv_nsec,
    };
    (void)buf_add(&log->text, bytes, (size_t)n);
}

void logs_read(struct box *box, struct run_logs *ret)
{
    struct err gone = {0};
    AUTO_CLOSE int folder = box_end_logs(box, &gone);
    if (folder < 0)
        return;
    AUTO_FREE int *pids = xcalloc(MAX_NAMES, sizeof *pids);
    size_t count = list_pids(folder, pids);
    for (size_t i = 0; i < count && ret->count < LOGS_MAX_FILES; i++)
        read_one(folder, pids[i], ret);
}

void logs_done(struct run_logs *logs)
{
    for (size_t i = 0; i < logs->count; i++)
        buf_done(&logs->list[i].text);
    free(logs->list);
    *logs = (struct run_logs){0};
}
