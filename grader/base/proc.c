/* base/proc.c: see proc.h. */
#include "base/proc.h"

#include "base/io.h"
#include "base/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char proc_state(const char *stat)
{
    const char *end = strrchr(stat, ')'); /* the command in brackets may hold any letter */
    return end && end[1] == ' ' ? end[2] : '\0';
}

static char state_of(int dir, const char *tid)
{
    char path[64];
    char line[512];
    (void)snprintf(path, sizeof path, "%.20s/stat", tid);
    AUTO_CLOSE int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, line, sizeof line - 1);
    if (n <= 0)
        return '\0';
    line[n] = '\0';
    return proc_state(line);
}

static bool is_one_of(char state, const char *states)
{
    if (state == '\0')
        return true;
    return states[0] == '^' ? !strchr(states + 1, state) : strchr(states, state) != NULL;
}

bool proc_threads_are(pid_t pid, const char *states)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    bool all = true;
    for (const struct dirent *entry = tasks ? readdir(tasks) : NULL; entry && all;
         entry = readdir(tasks))
        if (entry->d_name[0] != '.')
            all = is_one_of(state_of(dirfd(tasks), entry->d_name), states);
    if (tasks)
        (void)closedir(tasks);
    return all;
}
