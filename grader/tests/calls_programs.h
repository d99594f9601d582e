/* tests/calls_programs.h: programs whose system calls are counted and met; each says on stdout what it saw. */
#ifndef GRADER_TESTS_CALLS_PROGRAMS_H
#define GRADER_TESTS_CALLS_PROGRAMS_H

#include "base/own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_WORKERS 4
#define CALLS_EACH    25

/* A connection to itself over the loopback interface; calls nothing that the tests count but accept and connect. */
static void calls_pair(int type, int ret[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, type, 0);
    ret[0] = socket(AF_INET, type, 0);
    ret[1] = listener;
    if (bind(listener, (struct sockaddr *)&at, len) ||
        getsockname(listener, (struct sockaddr *)&at, &len) ||
        (type == SOCK_STREAM && listen(listener, 1)) ||
        connect(ret[0], (struct sockaddr *)&at, len))
        _exit(9);
    if (type == SOCK_STREAM)
        ret[1] = accept(listener, NULL, NULL);
}

static void calls_on_signal(int signal)
{
    (void)signal;
}

static void calls_catch(int signal, int flags)
{
    sigaction(signal, &(struct sigaction){.sa_handler = calls_on_signal, .sa_flags = flags}, NULL);
}

/* How many of so many single bytes, all of which are there, come only at a second call. */
static void *calls_count_eintr(void *self)
{
    static const char bytes[CALLS_EACH * 2];
    int pair[2];
    int interrupted = 0;
    (void)self;
    calls_pair(SOCK_STREAM, pair);
    if (write(pair[0], bytes, sizeof bytes) < 0)
        _exit(8);
    for (int i = 0; i < CALLS_EACH; i++) {
        char byte = 0;
        interrupted += recv(pair[1], &byte, 1, 0) < 0 && errno == EINTR;
    }
    return (void *)(intptr_t)interrupted; /* NOLINT(performance-no-int-to-ptr) */
}

static void calls_threads(void)
{
    pthread_t threads[CALLS_WORKERS];
    int sum = 0;
    for (int i = 0; i < CALLS_WORKERS; i++)
        pthread_create(&threads[i], NULL, calls_count_eintr, NULL);
    for (int i = 0; i < CALLS_WORKERS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        sum += (int)(intptr_t)result;
    }
    printf("%d", sum);
}

/* A fork's child forks once more: it is followed as well. */
static void calls_forks(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS_WORKERS; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            pid_t grandchild = fork();
            if (grandchild == 0)
                _exit((int)(intptr_t)calls_count_eintr(NULL));
            waitpid(grandchild, &status, 0);
            _exit(WEXITSTATUS(status));
        }
        waitpid(child, &status, 0);
        sum += WEXITSTATUS(status);
    }
    printf("%d", sum);
}

static void calls_short(void)
{
    char bytes[10] = {0};
    int pair[2];
    calls_pair(SOCK_STREAM, pair);
    int file = open("/proc/self/exe", O_RDONLY);
    printf("%zd ", send(pair[0], "0123456789", 10, 0));
    printf("%zd ", write(pair[0], "0123456789", 10));
    printf("%zd ", sendfile(pair[0], file, NULL, 10));
    printf("%zd ", send(pair[0], "01", 2, 0));
    printf("%zd ", recv(pair[1], bytes, sizeof bytes, 0));
    printf("%zd ", read(pair[1], bytes, sizeof bytes));
    printf("%zd ", recv(pair[1], bytes, 5, MSG_PEEK | MSG_DONTWAIT));
    printf("%zd", recv(pair[1], bytes, 5, MSG_WAITALL | MSG_DONTWAIT));
}

/* What an array of buffers, and a message, still say after a call that was shortened. */
static void calls_vectors(void)
{
    char first[4];
    char second[6];
    struct iovec out[] = {{NULL, 0}, {(char *)"01234", 5}, {(char *)"56789", 5}};
    struct iovec in[] = {{first, sizeof first}, {second, sizeof second}};
    struct msghdr sent = {.msg_iov = out, .msg_iovlen = 3};
    struct msghdr got = {.msg_iov = in, .msg_iovlen = 2};
    int pair[2];
    calls_pair(SOCK_STREAM, pair);
    printf("%zd ", writev(pair[0], out, 3));
    printf("%zd ", sendmsg(pair[0], &sent, 0));
    printf("%zd ", readv(pair[1], in, 2));
    printf("%zd ", recvmsg(pair[1], &got, MSG_DONTWAIT));
    printf("%zu %zu %zu ", sent.msg_iovlen, out[1].iov_len, out[2].iov_len);
    printf("%zu %zu %zu", got.msg_iovlen, in[0].iov_len, in[1].iov_len);
}

/* Memory that cannot be changed: the call is made as it was asked for. */
static void calls_constant(void)
{
    static const struct iovec out[] = {{(char *)"01234", 5}, {(char *)"56789", 5}};
    int pair[2];
    calls_pair(SOCK_STREAM, pair);
    printf("%zd", writev(pair[0], out, 2));
}

/* Datagrams, pipes and Unix sockets. */
static void calls_whole(void)
{
    char bytes[20] = {0};
    int udp[2];
    int unix_pair[2];
    int ends[2];
    calls_pair(SOCK_DGRAM, udp);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair) || pipe(ends))
        _exit(7);
    printf("%zd ", send(udp[0], "0123456789", 10, 0));
    printf("%zd ", recv(udp[1], bytes, 4, MSG_TRUNC));
    printf("%zd ", write(unix_pair[0], "0123456789", 10));
    printf("%zd ", read(unix_pair[1], bytes, sizeof bytes));
    printf("%zd ", write(ends[1], "0123456789", 10));
    printf("%zd", read(ends[0], bytes, sizeof bytes));
}

/* The length's register after a call that was shortened, as the program left it before. */
static void calls_register(void)
{
    int pair[2];
    calls_pair(SOCK_STREAM, pair);
#ifdef __x86_64__
    long result = SYS_write;
    unsigned long length = 10;
    __asm__ volatile("syscall"
                     : "+a"(result), "+d"(length)
                     : "D"((long)pair[0]), "S"("0123456789")
                     : "rcx", "r11", "memory");
    printf("%ld %lu", result, length);
#else
    printf("%zd 10", write(pair[0], "0123456789", 10));
#endif
}

/* Which of 64 calls failed, as 0 and 1. */
static void calls_pattern(void)
{
    static const char bytes[64];
    char byte = 0;
    int pair[2];
    calls_pair(SOCK_STREAM, pair);
    if (write(pair[0], bytes, sizeof bytes) < 0)
        _exit(8);
    for (size_t i = 0; i < sizeof bytes; i++)
        printf("%d", recv(pair[1], &byte, 1, 0) < 0);
}

/* What cannot wait is not interrupted. */
static void calls_impatient(void)
{
    char byte = 0;
    int pair[2];
    struct pollfd none = {.fd = -1};
    calls_pair(SOCK_STREAM, pair);
    printf("%d ", recv(pair[1], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    printf("%d ", recv(pair[1], &byte, 1, 0) < 0 && errno == EAGAIN);
    printf("%d ", poll(&none, 1, 0));
    printf("%d ", ppoll(&none, 1, &(struct timespec){0}, NULL));
    printf("%d ", select(0, NULL, NULL, NULL, &(struct timeval){0}));
    printf("%d", poll(&none, 1, 100000) < 0 && errno == EINTR);
}

static void calls_accept(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, len) ||
        getsockname(listener, (struct sockaddr *)&at, &len) || listen(listener, 1))
        _exit(9);
    printf("%d ", connect(client, (struct sockaddr *)&at, len) < 0 ? errno == ETIMEDOUT : -1);
    printf("%d ", connect(client, (struct sockaddr *)&at, len));
    for (int i = 0; i < 3; i++)
        printf("%d ", accept(listener, NULL, NULL) < 0 ? errno == ECONNABORTED : 0);
    printf("end");
}

/* PID 1 of its box is a copy of the grader's memory: nobody may look into it, traced or not. */
static void calls_look_at_init(void)
{
    int fd = open("/proc/1/environ", O_RDONLY);
    printf("%d", fd < 0 && (errno == EACCES || errno == EPERM));
}

/* Executes itself from a thread that is not the first: the counting goes on under the leader's number. */
static void *calls_exec_now(void *self)
{
    char *argv[] = {self, NULL};
    char *env[] = {(char *)"CALLS_PROGRAM=pattern", NULL};
    execve("/proc/self/exe", argv, env);
    return NULL;
}

static void calls_exec(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, calls_exec_now, (char *)"again");
    pthread_join(thread, NULL);
}

/* Blocks in a call that was shortened; a child dies in another one, and a third never ends. */
static void calls_die(void)
{
    char bytes[10];
    int pair[2];
    calls_pair(SOCK_STREAM, pair);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0)
            (void)recv(pair[1], bytes, sizeof bytes, 0);
        if (i == 0)
            kill(child, SIGKILL);
    }
    printf("ready");
    fflush(stdout);
    (void)recv(pair[1], bytes, sizeof bytes, 0);
}

/* Waits for a child that only a signal ends. */
static void calls_wait(void)
{
    pid_t child = fork();
    if (child == 0)
        pause();
    printf("ready");
    fflush(stdout);
    waitpid(child, NULL, 0);
}

#define CALLS_CHILDREN 20

/* All of them end at the same moment, so that a tracer has a queue of them to reap; the last one's end wakes us. */
static bool calls_await_children(void)
{
    int ends[2];
    char byte = 0;
    pid_t children[CALLS_CHILDREN];
    if (pipe(ends))
        return false;
    for (int i = 0; i < CALLS_CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(ends[1]);
            _exit((int)read(ends[0], &byte, 1));
        }
    }
    close(ends[0]);
    close(ends[1]);
    for (int i = CALLS_CHILDREN - 1; i >= 0; i--)
        if (waitpid(children[i], NULL, 0) != children[i])
            return false;
    return true;
}

/* Answers each byte of a peer when its children have ended. */
static void calls_serve_by_children(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1))
        _exit(9);
    printf("ready");
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    for (;;) {
        char bytes[10];
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        if (!calls_await_children() || send(fd, bytes, 1, 0) != 1)
            return;
    }
}

/* Whether recv, poll and ppoll, which all have something to do, are interrupted now. */
static void calls_try(int fd)
{
    char byte = 0;
    sigset_t none;
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    sigemptyset(&none);
    printf("%d", recv(fd, &byte, 1, 0) < 0 && errno == EINTR);
    printf("%d", poll(&polled, 1, -1) < 0 && errno == EINTR);
    printf("%d ", ppoll(&polled, 1, NULL, &none) < 0 && errno == EINTR);
}

/* The same calls of programs that catch other signals, or the same ones otherwise. */
static void calls_signals(void)
{
    int pair[2];
    sigset_t blocked;
    calls_pair(SOCK_STREAM, pair);
    if (write(pair[0], "0123456789", 10) < 0)
        _exit(8);
    signal(SIGUSR1, SIG_DFL);
    calls_try(pair[1]); /* nothing is caught */
    calls_catch(SIGTERM, 0);
    calls_catch(SIGPIPE, 0);
    calls_try(pair[1]); /* only what asks it to end, and what its own call has done */
    calls_catch(SIGCHLD, SA_RESTART);
    calls_try(pair[1]);
    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 1000},
               sizeof(struct timeval));
    calls_try(pair[1]);
    setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0}, sizeof(struct timeval));
    calls_catch(SIGCHLD, 0);
    calls_try(pair[1]);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    calls_try(pair[1]);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    signal(SIGCHLD, SIG_IGN);
    calls_try(pair[1]);
}

/* 0 where there is no such program. A signal that interrupts its calls is caught, unless it says otherwise. */
static int calls_program(const char *name, int port)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
        {"threads", calls_threads},   {"forks", calls_forks},       {"short", calls_short},
        {"whole", calls_whole},       {"vectors", calls_vectors},   {"constant", calls_constant},
        {"register", calls_register}, {"pattern", calls_pattern},   {"impatient", calls_impatient},
        {"accept", calls_accept},     {"exec", calls_exec},         {"die", calls_die},
        {"wait", calls_wait},         {"init", calls_look_at_init}, {"signals", calls_signals},
    };
    calls_catch(SIGUSR1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (strcmp(all[i].name, name) == 0) {
            all[i].run();
            fflush(stdout);
            return 1;
        }
    calls_serve_by_children(port);
    return 0;
}

#endif
