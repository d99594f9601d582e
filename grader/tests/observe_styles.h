/* tests/observe_styles.h: small servers in every style that students write, for the tests and figures of observe/.
 *
 * styles_main(style) serves port STYLES_PORT for ever. Each byte it receives is a command; the answer is one byte "r":
 *   n nothing              i at once               c after 5 ms of CPU      C after 50 ms of CPU
 *   s after 20 ms asleep   S after 300 ms asleep   f from a forked child    g from a grandchild (double fork)
 *   v after a vfork child has slept 20 ms          t from another thread, woken by a condition variable
 *   w two answers, the second after 5 ms of CPU    q close                  l close after 5 ms of CPU
 *   d die                  D die after 50 ms of CPU
 *   b spin for ever         a answer from SIGALRM, 100 ms later
 *   y answer by a timerfd, 100 ms later (epoll)    k set SO_RCVTIMEO to 100 ms, answer when it strikes (block)
 *   o fill stdout for ever z leave a zombie        x stop (SIGSTOP)         O send without end
 *   K answer under TCP_CORK, which lets it go 200 ms later
 *   u send a datagram to an address that nobody has, answer when that has failed
 *   # answer with one byte: the number of reads since the last # */
#ifndef GRADER_TESTS_OBSERVE_STYLES_H
#define GRADER_TESTS_OBSERVE_STYLES_H

#include "base/own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define STYLES_PORT 7007

struct styles_job {
    int fd;
    char command;
};

/* the queue of the pool, and who is to be answered from a signal handler */
struct styles_state {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct styles_job jobs[256];
    unsigned head, tail;
    volatile int alarm_fd;
    int timer_fd, timer_for;
    unsigned char reads;
};
static struct styles_state styles = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                     .filled = PTHREAD_COND_INITIALIZER,
                                     .alarm_fd = -1,
                                     .timer_fd = -1};

static void styles_burn(long long us)
{
    struct timespec from;
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - from.tv_sec) * 1000000LL + (now.tv_nsec - from.tv_nsec) / 1000 < us);
}

static void styles_sleep(long ms)
{
    struct timespec span = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&span, NULL);
}

static void styles_answer(int fd)
{
    (void)!send(fd, "r", 1, MSG_NOSIGNAL);
}

static void styles_on_alarm(int number)
{
    (void)number;
    if (styles.alarm_fd >= 0)
        styles_answer(styles.alarm_fd);
    styles.alarm_fd = -1;
}

static void styles_queue(int fd, char command)
{
    pthread_mutex_lock(&styles.lock);
    styles.jobs[styles.tail++ % ARRAY_SIZE(styles.jobs)] = (struct styles_job){fd, command};
    pthread_cond_signal(&styles.filled);
    pthread_mutex_unlock(&styles.lock);
}

static bool styles_obey(int fd, char command);

static void *styles_worker(void *unused)
{
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&styles.lock);
        while (styles.head == styles.tail)
            pthread_cond_wait(&styles.filled, &styles.lock);
        struct styles_job job = styles.jobs[styles.head++ % ARRAY_SIZE(styles.jobs)];
        pthread_mutex_unlock(&styles.lock);
        if (!styles_obey(job.fd, job.command))
            shutdown(job.fd, SHUT_RDWR);
    }
    return NULL;
}

static void styles_fork(int fd, bool twice)
{
    pid_t child = fork();
    if (child == 0) {
        if (!twice || fork() == 0) {
            styles_burn(twice ? 300 : 5000);
            styles_answer(fd);
        }
        _exit(0);
    }
}

static void styles_vfork(int fd)
{
    /* the very thing to be watched */
    if (vfork() == 0) { /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
        styles_sleep(20);
        _exit(0);
    }
    styles_answer(fd);
}

static void styles_timer(int fd, char command)
{
    struct sigaction on_alarm = {.sa_handler = styles_on_alarm, .sa_flags = SA_RESTART};
    struct itimerval alarm_at = {.it_value = {0, 100000}};
    struct itimerspec timer_at = {.it_value = {0, 100000000}};
    struct timeval receive_for = {0, 100000};
    if (command == 'a') {
        styles.alarm_fd = fd;
        sigaction(SIGALRM, &on_alarm, NULL);
        setitimer(ITIMER_REAL, &alarm_at, NULL);
    } else if (command == 'y') {
        styles.timer_for = fd;
        timerfd_settime(styles.timer_fd, 0, &timer_at, NULL);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive_for, sizeof receive_for);
    }
}

static void styles_flood(int fd)
{
    static const char much[4096];
    while (write(fd, much, sizeof much) > 0)
        continue;
}

static void styles_cork(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &one, sizeof one);
    styles_answer(fd);
}

static void styles_unreachable(int fd)
{
    char byte = 0;
    int one = 1;
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(9)};
    int way = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, "10.0.0.77", &nobody.sin_addr);
    setsockopt(way, IPPROTO_IP, IP_RECVERR, &one, sizeof one); /* else UDP keeps quiet about it */
    if (connect(way, (struct sockaddr *)&nobody, sizeof nobody) == 0 && send(way, "x", 1, 0) == 1)
        (void)recv(way, &byte, 1, 0);
    close(way);
    styles_answer(fd);
}

/* The answer, after that delay. False: not such a command. */
static bool styles_delay(int fd, char command)
{
    switch (command) {
    case 'i':
        break;
    case 'c':
        styles_burn(5000);
        break;
    case 'C':
        styles_burn(50000);
        break;
    case 's':
        styles_sleep(20);
        break;
    case 'S':
        styles_sleep(300);
        break;
    case 'w':
        styles_answer(fd);
        styles_burn(5000);
        break;
    default:
        return false;
    }
    styles_answer(fd);
    return true;
}

/* False: close the connection. */
static bool styles_obey(int fd, char command)
{
    if (styles_delay(fd, command))
        return true;
    switch (command) {
    case 'f':
    case 'g':
        styles_fork(fd, command == 'g');
        break;
    case 'v':
        styles_vfork(fd);
        break;
    case 't':
        styles_queue(fd, 'i');
        break;
    case 'a':
    case 'y':
    case 'k':
        styles_timer(fd, command);
        break;
    case 'K':
        styles_cork(fd);
        break;
    case '#':
        (void)!send(fd, &styles.reads, 1, MSG_NOSIGNAL);
        styles.reads = 0;
        break;
    case 'u':
        styles_unreachable(fd);
        break;
    case 'o':
        styles_flood(STDOUT_FILENO);
        break;
    case 'O':
        styles_flood(fd);
        break;
    case 'z':
        signal(SIGCHLD, SIG_DFL);
        if (fork() == 0)
            _exit(0);
        break;
    case 'x':
        raise(SIGSTOP);
        break;
    case 'b':
        for (;;)
            styles_burn(1000000);
    case 'D':
        styles_burn(50000);
        _exit(3);
    case 'd':
        _exit(3);
    case 'l':
        styles_burn(5000);
        return false;
    case 'q':
        return false;
    default:
        break;
    }
    return true;
}

/* One read. 1: go on, 0: the connection is over, -1: nothing was there. */
static int styles_serve(int fd, int flags)
{
    char bytes[512];
    ssize_t len = recv(fd, bytes, sizeof bytes, flags);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return -1;
    styles.reads++;
    for (ssize_t i = 0; i < len; i++)
        if (!styles_obey(fd, bytes[i]))
            return 0;
    return len > 0;
}

/* After 'k' a blocking recv ends without a byte: then the answer is due. */
static void styles_connection(int fd)
{
    for (int state; (state = styles_serve(fd, 0));)
        if (state < 0 && errno == EAGAIN) {
            struct timeval none = {0, 0};
            styles_answer(fd);
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
        }
    close(fd);
}

static void *styles_thread(void *fd)
{
    styles_connection((int)(intptr_t)fd);
    return NULL;
}

static void style_block(int listener)
{
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR;)
        if (fd >= 0)
            styles_connection(fd);
}

static void style_fork(int listener)
{
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR; close(fd))
        if (fd >= 0 && fork() == 0) {
            close(listener);
            styles_connection(fd);
            _exit(0);
        }
}

static void style_prefork(int listener)
{
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            style_block(listener);
            _exit(0);
        }
    for (;;)
        pause();
}

static void style_thread(int listener)
{
    pthread_t thread;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR;)
        if (fd >= 0 && pthread_create(&thread, NULL, styles_thread, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
}

static void style_select_or_pool(int listener, bool pool)
{
    fd_set all;
    int highest = listener;
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (;;) {
        fd_set ready = all;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0)
            continue;
        for (int fd = 0; fd <= highest; fd++) {
            char command = 0;
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == listener) {
                int fresh = accept(listener, NULL, NULL);
                FD_SET(fresh, &all);
                highest = fresh > highest ? fresh : highest;
            } else if (pool && recv(fd, &command, 1, 0) == 1) {
                styles_queue(fd, command);
            } else if (pool || !styles_serve(fd, 0)) {
                FD_CLR(fd, &all);
                close(fd);
            }
        }
    }
}

static void style_select(int listener)
{
    style_select_or_pool(listener, false);
}

static void style_pool(int listener)
{
    style_select_or_pool(listener, true);
}

static void style_poll(int listener)
{
    struct pollfd fds[64] = {{listener, POLLIN, 0}};
    nfds_t count = 1;
    for (;;) {
        if (poll(fds, count, -1) < 0)
            continue;
        for (nfds_t i = count; i-- > 1;)
            if (fds[i].revents && !styles_serve(fds[i].fd, 0)) {
                close(fds[i].fd);
                fds[i] = fds[--count];
            }
        if (fds[0].revents && count < ARRAY_SIZE(fds))
            fds[count++] = (struct pollfd){accept(listener, NULL, NULL), POLLIN, 0};
    }
}

static void styles_watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void styles_epoll(int listener, uint32_t edge)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    styles.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    styles_watch(epoll, listener, EPOLLIN);
    styles_watch(epoll, styles.timer_fd, EPOLLIN);
    for (;;) {
        uint64_t ends = 0;
        int state = -1;
        if (epoll_wait(epoll, &event, 1, -1) < 1)
            continue;
        if (event.data.fd == listener) {
            styles_watch(epoll, accept(listener, NULL, NULL), EPOLLIN | edge);
        } else if (event.data.fd == styles.timer_fd) {
            if (read(styles.timer_fd, &ends, sizeof ends) == (ssize_t)sizeof ends)
                styles_answer(styles.timer_for);
        } else {
            do
                state = styles_serve(event.data.fd, MSG_DONTWAIT);
            while (edge && state > 0);
            if (state == 0)
                close(event.data.fd);
        }
    }
}

static void style_epoll(int listener)
{
    styles_epoll(listener, 0);
}

static void style_epollet(int listener)
{
    styles_epoll(listener, EPOLLET);
}

static void styles_on_io(int number)
{
    (void)number;
}

/* One connection: SIGIO, sigsuspend, then read until nothing is left. */
static void style_sigio(int listener)
{
    struct sigaction action = {.sa_handler = styles_on_io};
    sigset_t blocked;
    sigset_t usual;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGIO);
    sigaction(SIGIO, &action, NULL);
    sigprocmask(SIG_BLOCK, &blocked, &usual);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0 || errno == EINTR; close(fd)) {
        int state = -1;
        fcntl(fd, F_SETOWN, getpid());
        fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
        while (state) {
            do
                state = styles_serve(fd, MSG_DONTWAIT);
            while (state > 0);
            if (state < 0)
                sigsuspend(&usual);
        }
    }
}

static void style_udp(int fd)
{
    for (;;) {
        char command = 0;
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        if (recvfrom(fd, &command, 1, 0, (struct sockaddr *)&peer, &len) != 1)
            continue;
        if (connect(fd, (struct sockaddr *)&peer, len) == 0)
            styles_obey(fd, command);
        (void)connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
    }
}

/* The reader of the connection hands each byte to a process behind a pipe, which answers. */
static void style_pipe(int listener)
{
    int ends[2];
    char command = 0;
    int fd = accept(listener, NULL, NULL);
    if (pipe(ends) < 0)
        return;
    if (fork() == 0) {
        while (read(ends[0], &command, 1) == 1)
            styles_obey(fd, command);
        _exit(0);
    }
    while (recv(fd, &command, 1, 0) == 1)
        if (write(ends[1], &command, 1) < 0)
            break;
}

/* Accepts and never reads. */
static void style_deaf(int listener)
{
    (void)accept(listener, NULL, NULL);
    for (;;)
        pause();
}

/* Looks every 50 ms; the answer comes on the 4th look after a byte. */
static void style_tick(int listener)
{
    int fd = accept(listener, NULL, NULL);
    int due = 0;
    for (;;) {
        char command = 0;
        struct pollfd ready = {fd, POLLIN, 0};
        if (poll(&ready, 1, 50) == 1) {
            if (recv(fd, &command, 1, 0) != 1)
                return;
            due = 4;
        } else if (due && --due == 0) {
            styles_answer(fd);
        }
    }
}

struct style {
    const char *name;
    void (*serve)(int fd);
    bool needs_worker;
    int type;
};

static const struct style styles_table[] = {
    {"block", style_block, false, SOCK_STREAM},     {"fork", style_fork, false, SOCK_STREAM},
    {"prefork", style_prefork, false, SOCK_STREAM}, {"thread", style_thread, false, SOCK_STREAM},
    {"pool", style_pool, true, SOCK_STREAM},        {"select", style_select, false, SOCK_STREAM},
    {"poll", style_poll, false, SOCK_STREAM},       {"epoll", style_epoll, false, SOCK_STREAM},
    {"epollet", style_epollet, false, SOCK_STREAM}, {"sigio", style_sigio, false, SOCK_STREAM},
    {"udp", style_udp, false, SOCK_DGRAM},          {"pipe", style_pipe, false, SOCK_STREAM},
    {"deaf", style_deaf, false, SOCK_STREAM},       {"tick", style_tick, false, SOCK_STREAM},
    {"threads", style_block, true, SOCK_STREAM},
};

static const struct style *styles_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(styles_table); i++)
        if (strcmp(styles_table[i].name, name) == 0)
            return &styles_table[i];
    return NULL;
}

/* The exit status of a server that could not start or that ended. */
static int styles_main(const char *name)
{
    const struct style *style = styles_find(name);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(STYLES_PORT),
                             .sin_addr.s_addr = htonl(INADDR_ANY)};
    int one = 1;
    pthread_t thread;
    if (!style)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    int fd = socket(AF_INET, style->type, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        (style->type == SOCK_STREAM && listen(fd, 16) < 0))
        return 2;
    for (int i = 0; style->needs_worker && i < 4; i++)
        pthread_create(&thread, NULL, styles_worker, NULL);
    style->serve(fd);
    return 0;
}

#endif
