/* hostile/attacks/silence.c: a UDP server that looks dead and is not. It answers every datagram, a while later, and in the
 * meantime all its threads sleep without a time-out: a timer, the kernel or another process wakes it. If sockgrade says
 * that this silence is proven, the proof is wrong. Arguments: the way, the port. */
#define _GNU_SOURCE
#include "attack.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define LATE_MS 300 /* silence_others.h, too */

static const char *self;

static void nothing(int number)
{
    (void)number;
}

static const struct itimerspec late = {{0, 0}, {0, LATE_MS * 1000000L}};

static int armed_timerfd(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    timerfd_settime(fd, 0, &late, NULL);
    return fd;
}

static void read_8(int fd)
{
    uint64_t value;
    (void)!read(fd, &value, sizeof value);
}

/* ---- signals of timers ---- */

static void by_itimer(void)
{
    struct itimerval once = {{0, 0}, {0, LATE_MS * 1000}};
    signal(SIGALRM, nothing);
    setitimer(ITIMER_REAL, &once, NULL);
    pause();
}

static void by_timer(void)
{
    timer_t timer;
    sigset_t set;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    timer_create(CLOCK_REALTIME, &event, &timer);
    timer_settime(timer, 0, &late, NULL);
    sigwaitinfo(&set, NULL);
    timer_delete(timer);
}

static sem_t posted;

static void post(union sigval value)
{
    (void)value;
    sem_post(&posted);
}

static void by_timer_thread(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = post};
    sem_init(&posted, 0, 0);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &late, NULL);
    while (sem_wait(&posted) != 0)
        continue;
    timer_delete(timer);
}

/* ---- timer descriptors ---- */

static void by_timerfd(void)
{
    int fd = armed_timerfd();
    read_8(fd);
    close(fd);
}

static void add_to(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static void await(int set)
{
    struct epoll_event event;
    epoll_wait(set, &event, 1, -1);
}

static void by_epoll(void)
{
    int fd = armed_timerfd();
    int inner = epoll_create1(0);
    int outer = epoll_create1(0);
    add_to(inner, fd);
    add_to(outer, inner);
    await(outer);
    close(fd), close(inner), close(outer);
}

/* The timer is in no descriptor table: it is on its way through a socket. The set still knows it. */
static void by_flight(void)
{
    int ends[2];
    int fd = armed_timerfd();
    int set = epoll_create1(0);
    add_to(set, fd);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
    pass_descriptors(ends[0], &fd, 1);
    close(fd);
    await(set);
    close(set), close(ends[0]), close(ends[1]);
}

static int hidden_done;

static int hidden(void *none)
{
    (void)none;
    int fd = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
    uint64_t value;
    syscall(SYS_timerfd_settime, fd, 0, &late, NULL);
    syscall(SYS_read, fd, &value, sizeof value);
    hidden_done = 1;
    syscall(SYS_futex, &hidden_done, FUTEX_WAKE, 1, NULL, NULL, 0);
    syscall(SYS_exit, 0);
    return 0;
}

static void *sleeper(void *none)
{
    for (;;)
        pause();
    return none;
}

/* A thread with a descriptor table of its own. */
static void by_hidden_table(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static pthread_t last;
    hidden_done = 0;
    clone(hidden, stack + sizeof stack,
          CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
    pthread_create(&last, NULL, sleeper,
                   NULL); /* neither the first nor the last thread is looked at alone */
    while (!__atomic_load_n(&hidden_done, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, &hidden_done, FUTEX_WAIT, 0, NULL, NULL, 0);
}

#include "silence_others.h" /* ---- another process ---- */

/* ---- the kernel's own clocks ---- */

static void by_time_out(void)
{
    struct timeval span = {0, LATE_MS * 1000};
    int ends[2];
    char byte;
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &span, sizeof span);
    recv(ends[0], &byte, 1, 0);
    close(ends[0]), close(ends[1]);
}

/* A corked segment is let go after 200 ms. */
static void by_cork(void)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = v4("127.0.0.1", 0);
    socklen_t len = sizeof name;
    int yes = 1;
    char byte;
    bind(listener, (struct sockaddr *)&name, sizeof name);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&name, &len);
    int from = socket(AF_INET, SOCK_STREAM, 0);
    connect(from, (struct sockaddr *)&name, sizeof name);
    int to = accept(listener, NULL, NULL);
    setsockopt(from, IPPROTO_TCP, TCP_CORK, &yes, sizeof yes);
    send(from, "x", 1, 0);
    recv(to, &byte, 1, 0);
    close(from), close(to), close(listener);
}

/* 200 bytes a second: the segment after the first waits for its time. */
static void by_pacing(void)
{
    int ends[2];
    char text[4096];
    unsigned rate = 2000;
    struct sockaddr_in name = v4("127.0.0.1", 0);
    socklen_t len = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&name, sizeof name);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&name, &len);
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(ends[0], SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate);
    connect(ends[0], (struct sockaddr *)&name, sizeof name);
    ends[1] = accept(listener, NULL, NULL);
    for (int i = 0; i < 3; i++)
        send(ends[0], text, 200, 0);
    recv(ends[1], text, 600, MSG_WAITALL);
    close(ends[0]), close(ends[1]), close(listener);
}

/* A neighbour that does not exist: the kernel gives up on it after a few seconds, and tells the socket. */
static void by_neighbour(void)
{
    char byte;
    int yes = 1;
    int fd = connect_v4(SOCK_DGRAM, "10.0.0.99", 9);
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof yes);
    send(fd, "x", 1, 0);
    recv(fd, &byte, 1, 0);
    close(fd);
}

static void by_neighbour_6(void)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    char byte;
    inet_pton(AF_INET6, "fd00::99", &name.sin6_addr);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    int yes = 1;
    connect(fd, (struct sockaddr *)&name, sizeof name);
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &yes, sizeof yes);
    send(fd, "x", 1, 0);
    recv(fd, &byte, 1, 0);
    close(fd);
}

/* Handed out by the listener only when data comes, or when it has waited long enough. */
static void by_deferral(void)
{
    struct sockaddr_in name = v4("127.0.0.1", 0);
    socklen_t len = sizeof name;
    int seconds = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&name, sizeof name);
    setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&name, &len);
    int from = socket(AF_INET, SOCK_STREAM, 0);
    connect(from, (struct sockaddr *)&name, sizeof name);
    close(accept(listener, NULL, NULL));
    close(from), close(listener);
}

static const struct {
    const char *name;
    void (*wait)(void);
} ways[] = {
    {"itimer", by_itimer},
    {"timer", by_timer},
    {"timer-thread", by_timer_thread},
    {"timerfd", by_timerfd},
    {"epoll", by_epoll},
    {"flight", by_flight},
    {"hidden-table", by_hidden_table},
    {"signal", by_signal},
    {"signalfd", by_signalfd},
    {"pidfd", by_pidfd},
    {"orphan", by_orphan},
    {"vfork", by_vfork},
    {"flock", by_flock},
    {"inotify", by_inotify},
    {"system-v", by_system_v},
    {"queue", by_queue},
    {"stop", by_stop},
    {"thread", by_thread},
    {"time-out", by_time_out},
    {"cork", by_cork},
    {"pacing", by_pacing},
    {"neighbour", by_neighbour},
    {"neighbour-6", by_neighbour_6},
    {"deferral", by_deferral},
};

/* An alarm outlives execve(2): the new program knows nothing of it, and only pauses. */
static void by_exec(int fd, const struct sockaddr_in *from)
{
    char text[3][32];
    snprintf(text[0], sizeof text[0], "%d", fd);
    snprintf(text[1], sizeof text[1], "%u", from->sin_addr.s_addr);
    snprintf(text[2], sizeof text[2], "%u", ntohs(from->sin_port));
    alarm(1);
    execl(self, self, "exec-done", text[0], text[1], text[2], (char *)NULL);
}

static void exec_done(char **arguments)
{
    struct sockaddr_in to = v4("0.0.0.0", (unsigned)atoi(arguments[2]));
    to.sin_addr.s_addr = (uint32_t)strtoul(arguments[1], NULL, 10);
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    pause();
    sendto(atoi(arguments[0]), "late", 4, 0, (struct sockaddr *)&to, sizeof to);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    char text[2048];
    self = argv[0];
    if (argc > 4 && strcmp(argv[1], "exec-done") == 0)
        exec_done(argv + 2);
    if (argc < 3)
        return 2;
    int fd = serve_v4(SOCK_DGRAM, (unsigned)atoi(argv[2]));
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        if (recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &len) < 0)
            return 1;
        if (strcmp(argv[1], "exec") == 0)
            by_exec(fd, &from);
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
            if (strcmp(ways[i].name, argv[1]) == 0)
                ways[i].wait();
        sendto(fd, "late", 4, 0, (struct sockaddr *)&from, len);
    }
}
