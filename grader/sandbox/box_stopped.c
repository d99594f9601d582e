/* sandbox/box_stopped.c: waiting until SIGSTOP or SIGCONT has taken effect in a box, by looking at /proc.
 *
 * A signal is only posted by kill(2); a thread on another CPU stops when it next enters or leaves the kernel. There is
 * no event to wait for, so init looks, gives the CPU away, and looks again. Where a box has no /proc the caller does so in its
 * own, without which there is no box (its user could not be mapped): what belongs to the box are init's descendants, which no
 * process can cease to be. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/own.h"
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WAIT_NS 2000000000U /* before giving up */
#define MAX_SLEEP_NS                                                                               \
    200000000U /* how long state D may hide a stop: a vfork(2) parent waits so for its stopped child */

#define MAX_ANCESTORS 4096

static bool is_number(const char *name)
{
    return name[0] >= '1' && name[0] <= '9';
}

static bool threads_agree(pid_t pid, bool stopped, bool late)
{
    if (!stopped)
        return proc_threads_are(pid, "^T"); /* 't' is a tracer's doing */
    return proc_threads_are(pid, late ? "TtZXD" : "TtZX");
}

/* The parent's pid, field 4 of proc_pid_stat(5); 0: it has none, or has gone. */
static pid_t parent_of(pid_t pid)
{
    char path[64];
    char line[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, line, sizeof line - 1);
    if (n <= 0)
        return 0;
    line[n] = '\0';
    const char *end = strrchr(line, ')');
    return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

/* One of the box's processes, init excepted. */
static bool is_member(pid_t pid, pid_t init)
{
    if (pid == init || init == 1)
        return pid != init;
    for (int i = 0; i < MAX_ANCESTORS && pid > 1; i++) {
        pid = parent_of(pid);
        if (pid == init)
            return true;
    }
    return false;
}

static bool all_agree(pid_t init, bool stopped, bool late)
{
    DIR *proc = opendir("/proc");
    bool all = true;
    for (const struct dirent *entry = proc ? readdir(proc) : NULL; entry && all;
         entry = readdir(proc)) {
        pid_t pid = is_number(entry->d_name) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
        if (pid && is_member(pid, init))
            all = threads_agree(pid, stopped, late);
    }
    if (proc)
        (void)closedir(proc);
    return all;
}

int box_await_stopped(bool stopped, pid_t init)
{
    uint64_t began = io_now_ns();
    for (;;) {
        uint64_t waited = io_now_ns() - began;
        if (all_agree(init, stopped, waited > MAX_SLEEP_NS))
            return 0;
        if (waited > MAX_WAIT_NS) {
            errno = ETIMEDOUT;
            return -1;
        }
        (void)sched_yield();
    }
}
