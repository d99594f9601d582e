/* hostile/attacks/attack.h: what the attack programs share. Each has modes, named by its first argument, and tells on
 * stderr, one line a try, what it could do: "name: ok" or "name: ERRNO". Both kinds of line count: the table says which
 * is right in a box, and that the same try works outside. */
#ifndef ATTACK_H
#define ATTACK_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct mode {
    const char *name;
    void (*run)(char **arguments);
};

/* name: ok, or the errno of the call whose result this is */
static inline void say(const char *name, long result)
{
    dprintf(2, "%s: %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
}

__attribute__((format(printf, 2, 3))) static inline void tell(const char *name, const char *format,
                                                              ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    dprintf(2, "%s: %s\n", name, text);
}

static inline void pause_ms(long ms)
{
    struct timespec span = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

/* Sends copies of descriptors through a Unix socket (unix(7), SCM_RIGHTS). */
static inline void pass_descriptors(int sock, const int *fds, size_t count)
{
    char control[CMSG_SPACE(8 * sizeof *fds)] = {0};
    char byte = 'x';
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){CMSG_LEN(count * sizeof *fds), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(head), fds, count * sizeof *fds);
    sendmsg(sock, &message, 0);
}

static inline struct sockaddr_in v4(const char *address, unsigned port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &name.sin_addr);
    return name;
}

static inline int connect_v4(int type, const char *address, unsigned port)
{
    struct sockaddr_in name = v4(address, port);
    int fd = socket(AF_INET, type, 0);
    return connect(fd, (struct sockaddr *)&name, sizeof name) == 0 ? fd : -1;
}

/* A socket bound to the port at every address, listening if it is TCP. */
static inline int serve_v4(int type, unsigned port)
{
    struct sockaddr_in name = v4("0.0.0.0", port);
    int fd = socket(AF_INET, type, 0);
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) != 0 ||
        (type == SOCK_STREAM && listen(fd, 128) != 0))
        return -1;
    return fd;
}

static inline int run_mode(const struct mode *modes, int argc, char **argv)
{
    for (; argc > 1 && modes->name; modes++)
        if (strcmp(modes->name, argv[1]) == 0) {
            modes->run(argv + 2);
            return 0;
        }
    dprintf(2, "no such mode\n");
    return 99;
}

#endif
