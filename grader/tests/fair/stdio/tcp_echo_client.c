/* tcp_echo_client.c: stdin to the server and back to stdout, both at once, with select. */
#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

const char *program = "tcp_echo_client";

struct copy {
    char out[8192]; /* read from stdin, not yet sent */
    size_t from, to;
    int input_ended, server_ended;
    unsigned long long sent, received;
};

/* The kernel may take a part; a client that waited here would not read, and the server would wait for it. */
static int send_some(int fd, struct copy *c)
{
    ssize_t n = send(fd, c->out + c->from, c->to - c->from, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : fail("send");
    c->from += (size_t)n;
    c->sent += (unsigned long long)n;
    return 0;
}

static int read_input(struct copy *c)
{
    ssize_t n = read(STDIN_FILENO, c->out, sizeof c->out);
    if (n < 0)
        return errno == EINTR ? 0 : fail("stdin");
    c->input_ended = n == 0;
    c->from = 0;
    c->to = (size_t)n;
    return 0;
}

static int receive_some(int fd, struct copy *c)
{
    char buffer[8192];
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n < 0)
        return errno == EINTR ? 0 : fail("recv");
    c->server_ended = n == 0;
    c->received += (unsigned long long)n;
    return write_all(STDOUT_FILENO, buffer, (size_t)n) < 0 ? fail("stdout") : 0;
}

static int one_round(int fd, struct copy *c)
{
    fd_set readable, writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(fd, &readable);
    if (c->from < c->to)
        FD_SET(fd, &writable);
    else if (!c->input_ended)
        FD_SET(STDIN_FILENO, &readable);
    if (select(fd + 1, &readable, &writable, NULL, NULL) < 0)
        return errno == EINTR ? 0 : fail("select");
    if (FD_ISSET(fd, &readable) && receive_some(fd, c) != 0)
        return 1;
    if (FD_ISSET(fd, &writable) && send_some(fd, c) != 0)
        return 1;
    if (!FD_ISSET(STDIN_FILENO, &readable))
        return 0;
    if (read_input(c) != 0)
        return 1;
    return c->input_ended && shutdown(fd, SHUT_WR) < 0 ? fail("shutdown") : 0;
}

int main(int argc, char *argv[])
{
    static struct copy copy;
    if (argc != 3 || parse_port(argv[2]) < 0) {
        fprintf(stderr, "usage: %s HOST PORT\n", program);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = tcp_connect(argv[1], argv[2]);
    if (fd < 0)
        return 1;
    while (!copy.server_ended) {
        if (one_round(fd, &copy) != 0)
            return 1;
    }
    close(fd);
    if (!copy.input_ended || copy.from < copy.to)
        return complain("server", "closed the connection too early");
    if (copy.received < copy.sent)
        return complain("server", "sent back less than it got");
    return 0;
}
