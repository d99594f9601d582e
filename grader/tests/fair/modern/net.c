#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int port_number(const char *text, int lowest)
{
    size_t n = strlen(text);
    if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
        return -1;
    int port = atoi(text);
    return port >= lowest && port <= 65535 ? port : -1;
}

void die(const char *what, const char *why)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&once); /* and never unlocked */
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    _exit(1);
}

void warn_errno(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
}

static int bound(const char *port, int type, int family)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_family = family, .ai_socktype = type},
                    *list;
    int on = 1, off = 0;
    if (getaddrinfo(NULL, port, &hints, &list) != 0)
        return -1;
    int fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, list->ai_protocol);
    if (fd >= 0 && family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (fd >= 0 && type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && (bind(fd, list->ai_addr, list->ai_addrlen) < 0 ||
                    (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0))) {
        int saved = errno;
        close(fd);
        errno = saved;
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

int serve_on(const char *port, int type)
{
    int fd = bound(port, type, AF_INET6);
    if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
        fd = bound(port, type, AF_INET);
    if (fd < 0)
        die(port, strerror(errno));
    return fd;
}

int end_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        die("signalfd", strerror(errno));
    return fd;
}

int connect_to(const char *host, const char *port, int type)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = type}, *list;
    int rc = getaddrinfo(host, port, &hints, &list), fd = -1;
    if (rc != 0)
        die(host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    int saved = 0;
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        saved = errno;
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0)
        die(host, strerror(saved));
    return fd;
}

int send_all(int fd, const void *data, size_t size, int flags)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = send(fd, at, size, flags | MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
