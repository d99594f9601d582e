/* udp_echo_client.c: a datagram for each line, sent again when SIGALRM interrupts the waiting. */
#include "common.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

const char *program = "udp_echo_client";
static volatile sig_atomic_t late;

static void on_alarm(int signo)
{
    (void)signo;
    late = 1;
}

/* After a second, and then every 50 ms: a signal just before recvfrom is not the last one. */
static void set_timer(int on)
{
    struct itimerval timer = {0};
    if (on) {
        timer.it_value.tv_sec = 1;
        timer.it_interval.tv_usec = 50000;
    }
    setitimer(ITIMER_REAL, &timer, NULL);
    late = 0; /* now, and not before: the old timer's last signal may have come in between */
}

static int same_address(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    if (a->ss_family != b->sa_family)
        return 0;
    if (b->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;
    return x->sin6_port == y->sin6_port &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

/* 0: the echo came; 1: it did not within a second; -1: an error. */
static int wait_for_echo(int fd, const struct addrinfo *server, const char *line, size_t size)
{
    static char buffer[65536];
    while (!late) {
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        ssize_t n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n >= 0 && (size_t)n == size && memcmp(buffer, line, size) == 0 &&
            same_address(&from, server->ai_addr))
            return 0;
    }
    return 1;
}

static int exchange(int fd, const struct addrinfo *server, const char *line, size_t size)
{
    int rc = 1;
    for (int try = 0; try < 3 && rc == 1; try++) {
        set_timer(1);
        if (sendto(fd, line, size, 0, server->ai_addr, server->ai_addrlen) < 0)
            rc = errno == EINTR ? 1 : -1;
        else
            rc = wait_for_echo(fd, server, line, size);
    }
    int saved = errno;
    set_timer(0);
    errno = saved;
    if (rc < 0)
        return fail("exchange");
    return rc > 0 ? complain("server", "no answer after three tries") : 0;
}

static int all_lines(int fd, const struct addrinfo *server)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;
    while (rc == 0 && (n = getline(&line, &room, stdin)) >= 0) {
        if (n > 0 && line[n - 1] == '\n')
            n--;
        rc = exchange(fd, server, line, (size_t)n);
        if (rc == 0) {
            fwrite(line, 1, (size_t)n, stdout);
            putchar('\n');
            if (fflush(stdout) != 0)
                rc = fail("stdout");
        }
    }
    free(line);
    return rc == 0 && ferror(stdin) ? fail("stdin") : rc;
}

int main(int argc, char *argv[])
{
    if (argc != 3 || parse_port(argv[2]) < 0) {
        fprintf(stderr, "usage: %s HOST PORT\n", program);
        return 2;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *list, *a;
    int rc = getaddrinfo(argv[1], argv[2], &hints, &list), fd = -1;
    if (rc != 0)
        return complain(argv[1], gai_strerror(rc));
    for (a = list; a != NULL; a = a->ai_next) { /* the first that this host can reach */
        fd = socket(a->ai_family, a->ai_socktype, 0);
        if (fd >= 0)
            break;
    }
    if (fd < 0)
        return fail("socket");
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: recvfrom shall end */
    sigaction(SIGALRM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    rc = all_lines(fd, a);
    freeaddrinfo(list);
    close(fd);
    return rc;
}
