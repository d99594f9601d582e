/* observe/proc.c: small reading of /proc (proc(5)), and of another process's memory and descriptors. */
#include "base/own.h"
#include "observe/internal.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/uio.h>

#define PATH_SIZE 64

bool obs_status_field(const char *status, const char *name, int base, unsigned long long *ret)
{
    size_t len = strlen(name);
    const char *line = status;
    while (line) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            char *end = NULL;
            const char *digits = line + len + 1;
            *ret = strtoull(digits, &end, base);
            return end != digits;
        }
        line = strchr(line, '\n');
        if (line)
            line++;
    }
    return false;
}

unsigned long long obs_stat_field(const char *stat, int field)
{
    /* field 2 is the command in brackets and may hold anything, also brackets and spaces */
    const char *at = strrchr(stat, ')');
    if (!at)
        return 0;
    at++;
    for (int n = 3; *at; n++) {
        while (*at == ' ')
            at++;
        if (n == field)
            return strtoull(at, NULL, 10);
        while (*at && *at != ' ')
            at++;
    }
    return 0;
}

bool obs_socket_inode(const char *link, uint64_t *ret)
{
    static const char prefix[] = "socket:[";
    char *end = NULL;
    if (strncmp(link, prefix, sizeof prefix - 1) != 0)
        return false;
    *ret = strtoull(link + sizeof prefix - 1, &end, 10);
    return *end == ']';
}

ssize_t obs_proc_read(pid_t pid, const char *name, char *text, size_t size)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t len = pread(fd, text, size - 1, 0);
    if (len >= 0)
        text[len] = 0;
    return len;
}

pid_t obs_process_of(pid_t tid)
{
    char text[4096];
    unsigned long long tgid = 0;
    if (obs_proc_read(tid, "status", text, sizeof text) <= 0 ||
        !obs_status_field(text, "Tgid", 10, &tgid))
        return tid;
    return (pid_t)tgid;
}

int obs_proc_fds(pid_t pid, obs_fd_visit visit, void *self)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char link[PATH_SIZE];
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        if (len < 0)
            continue;
        link[len] = 0;
        visit(self, (int)strtol(entry->d_name, NULL, 10), link);
    }
    closedir(dir);
    return 0;
}

int obs_proc_copy_fd(pid_t pid, int fd)
{
    AUTO_CLOSE int process = pidfd_open(pid, 0);
    if (process < 0)
        return -1;
    return pidfd_getfd(process, fd, 0); /* close-on-exec by definition */
}

int obs_proc_memory(pid_t pid, unsigned long address, void *bytes, size_t len)
{
    struct iovec here = {bytes, len};
    /* an address of the other process, never followed here */
    struct iovec there = {(void *)address, len}; /* NOLINT(performance-no-int-to-ptr) */
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -1;
}

int obs_proc_memory_write(pid_t pid, unsigned long address, const void *bytes, size_t len)
{
    struct iovec here = {(void *)bytes, len};    /* only read */
    struct iovec there = {(void *)address, len}; /* NOLINT(performance-no-int-to-ptr) */
    return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -1;
}
