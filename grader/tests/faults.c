/* tests/faults.c: a library for LD_PRELOAD that makes one system call of sockgrade fail, or notes their order.
 *
 *   FAULT_IN=grade|batch   only in the process (and its forks) whose first argument this is
 *   FAULT=CALL:N:ERRNO     the Nth call of that name, and no other, fails with this errno (a number)
 *   FAULT_FIRED=FILE       gets a line when that has happened
 *   FAULT_ORDER=FILE       gets a line for each open, write, fsync, close and rename of files
 *
 * A fork counts on from what its parent had counted, so that a fault meets the keeper and the boxes' makers, too. Programs
 * in boxes have an environment of their own and are never touched. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
    char call[32];
    int nth, sys_errno;
    char fired[200], order[200];
} fault;
static atomic_int count;

/* The fourth argument: a new file's mode, or of no meaning. */
static long raw(long number, long a, long b, long c)
{
    static long (*real)(long, ...);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    return real(number, a, b, c, 0600L);
}

static void note(const char *file, const char *format, ...)
{
    char line[600];
    int saved = errno;
    va_list list;
    if (!file[0])
        return;
    va_start(list, format);
    int len = snprintf(line, sizeof line, "%d ", getpid());
    len += vsnprintf(line + len, sizeof line - (size_t)len - 1, format, list);
    va_end(list);
    if (len > (int)sizeof line - 2)
        len = (int)sizeof line - 2;
    line[len++] = '\n';
    long fd = raw(SYS_openat, AT_FDCWD, (long)file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC);
    if (fd >= 0) {
        (void)raw(SYS_write, fd, (long)line, len);
        (void)raw(SYS_close, fd, 0, 0);
    }
    errno = saved;
}

static void copy(char *to, size_t size, const char *name)
{
    const char *from = getenv(name);
    (void)snprintf(to, size, "%s", from ? from : "");
}

__attribute__((constructor)) static void setup(void)
{
    char line[300] = "";
    const char *in = getenv("FAULT_IN");
    const char *what = getenv("FAULT");
    long fd = raw(SYS_openat, AT_FDCWD, (long)"/proc/self/cmdline", O_RDONLY);
    (void)raw(SYS_read, fd, (long)line, sizeof line - 1);
    (void)raw(SYS_close, fd, 0, 0);
    if (!in || strcmp(line + strlen(line) + 1, in) != 0)
        return;
    copy(fault.fired, sizeof fault.fired, "FAULT_FIRED");
    copy(fault.order, sizeof fault.order, "FAULT_ORDER");
    if (what && sscanf(what, "%31[^:]:%d:%d", fault.call, &fault.nth, &fault.sys_errno) != 3)
        abort();
}

static int fires(const char *call)
{
    if (!fault.nth || strcmp(call, fault.call) != 0 || atomic_fetch_add(&count, 1) + 1 != fault.nth)
        return 0;
    note(fault.fired, "%s %d", call, fault.nth);
    errno = fault.sys_errno;
    return 1;
}

#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real)                                                                                     \
        *(void **)&real = dlsym(RTLD_NEXT, #name);

/* A call that fails with `bad`; params and args in brackets. */
#define WRAP(type, name, bad, params, args)                                                        \
    type name params;                                                                              \
    type name params                                                                               \
    {                                                                                              \
        static type(*real) params;                                                                 \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return fires(#name) ? (bad) : real args;                                                   \
    }

static mode_t mode_of(int flags, va_list list)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define WRAP_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        REAL(int, name, const char *, int, ...)                                                    \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        const mode_t mode = mode_of(flags, list);                                                  \
        va_end(list);                                                                              \
        if (fires("open"))                                                                         \
            return -1;                                                                             \
        int fd = real(path, flags, mode);                                                          \
        note(fault.order, "open %d %s", fd, path);                                                 \
        return fd;                                                                                 \
    }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name)                                                                          \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        REAL(int, name, int, const char *, int, ...)                                               \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        const mode_t mode = mode_of(flags, list);                                                  \
        va_end(list);                                                                              \
        return fires("openat") ? -1 : real(folder, path, flags, mode);                             \
    }
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t len)
{
    REAL(ssize_t, write, int, const void *, size_t)
    if (fires("write"))
        return -1;
    note(fault.order, "write %d", fd);
    return real(fd, bytes, len);
}

int fsync(int fd)
{
    REAL(int, fsync, int)
    if (fires("fsync"))
        return -1;
    note(fault.order, "fsync %d", fd);
    return real(fd);
}

int close(int fd)
{
    REAL(int, close, int)
    note(fault.order, "close %d", fd);
    return real(fd);
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *)
    if (fires("rename"))
        return -1;
    note(fault.order, "rename %s %s", from, to);
    return real(from, to);
}

int fcntl(int fd, int command, ...)
{
    REAL(int, fcntl, int, int, ...)
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    return fires("fcntl") ? -1 : real(fd, command, argument);
}

long syscall(long number, ...)
{
    REAL(long, syscall, long, ...)
    long a[6];
    va_list list;
    va_start(list, number);
    for (size_t i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    return fires("syscall") ? -1 : real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

WRAP(ssize_t, read, -1, (int fd, void *bytes, size_t len), (fd, bytes, len))
WRAP(ssize_t, pread, -1, (int fd, void *bytes, size_t len, off_t at), (fd, bytes, len, at))
WRAP(pid_t, fork, -1, (void), ())
WRAP(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
WRAP(char *, mkdtemp, NULL, (char *path), (path))
WRAP(int, pipe2, -1, (int fds[2], int flags), (fds, flags))
WRAP(int, socket, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, socketpair, -1, (int family, int type, int protocol, int fds[2]),
     (family, type, protocol, fds))
WRAP(int, accept4, -1, (int fd, struct sockaddr *address, socklen_t *len, int flags),
     (fd, address, len, flags))
WRAP(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
WRAP(int, epoll_create1, -1, (int flags), (flags))
WRAP(int, epoll_ctl, -1, (int epoll, int what, int fd, struct epoll_event *event),
     (epoll, what, fd, event))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), (fd, message, flags))
WRAP(int, dup2, -1, (int from, int to), (from, to))
WRAP(int, chmod, -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, pthread_create, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *how, void *(*start)(void *), void *argument),
     (thread, how, start, argument))
