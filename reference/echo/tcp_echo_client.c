/*
 * tcp_echo_client.c: lesson 8, two directions at once.
 *
 * While we wait for stdin, the server may have something to say; while we send, it may want to be read first. Neither
 * may block the other: poll() watches stdin and the socket, and the socket does not block.
 *     stdin -> buffer -> socket     stdin is read only into an empty buffer
 *     socket -> stdout              at once, however little it is
 * When stdin ends, the buffer is sent, then our direction is shut down: that is how the server learns of the end. The
 * client is done when the server has closed, too.
 */
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536 };

struct talk {
    int fd;
    bool input_open;              /* stdin has not ended yet */
    unsigned long long sent, got; /* bytes on the connection */
    size_t pending, start;        /* what the buffer still holds, and where it begins */
    char buffer[BUFFER_BYTES];
};

/* One line "program: what: why". Returns the exit status of a failure. */
static int fail(const char *what, const char *why)
{
    fprintf(stderr, "tcp_echo_client: %s: %s\n", what, why);
    return 1;
}

static bool try_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int read_input(struct talk *talk)
{
    ssize_t size = read(STDIN_FILENO, talk->buffer, sizeof talk->buffer);
    if (size < 0)
        return try_later() ? 0 : fail("stdin", strerror(errno));
    talk->start = 0;
    talk->pending = (size_t)size;
    if (size == 0) {
        talk->input_open = false;
        shutdown(talk->fd, SHUT_WR); /* the buffer is empty: everything has been sent */
    }
    return 0;
}

static int send_pending(struct talk *talk)
{
    ssize_t size = send(talk->fd, talk->buffer + talk->start, talk->pending, 0);
    if (size < 0)
        return try_later() ? 0 : fail("send", strerror(errno));
    talk->start += (size_t)size;
    talk->pending -= (size_t)size;
    talk->sent += (unsigned long long)size;
    return 0;
}

static int write_output(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail("stdout", strerror(errno));
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Sets *end when the server has closed. */
static int receive(struct talk *talk, bool *end)
{
    char data[BUFFER_BYTES];
    ssize_t size = recv(talk->fd, data, sizeof data, 0);
    if (size < 0) /* a reset is no orderly end */
        return try_later() ? 0 : fail("receive", strerror(errno));
    *end = size == 0;
    talk->got += (unsigned long long)size;
    return write_output(data, (size_t)size);
}

/* The connection is over: was everything as it should be? */
static int judge(const struct talk *talk)
{
    if (talk->input_open || talk->pending > 0)
        return fail("server", "closed the connection too early");
    if (talk->got < talk->sent)
        return fail("server", "sent back less than it received");
    return 0;
}

/* What poll() said about the socket, then about stdin. */
static int act(struct talk *talk, const struct pollfd polled[2], bool *end)
{
    int status = 0;
    if ((polled[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0)
        status = receive(talk, end);
    if (status != 0 || *end)
        return status;
    if ((polled[0].revents & POLLOUT) != 0)
        return send_pending(talk); /* stdin was not asked: there was no room */
    return polled[1].revents != 0 ? read_input(talk) : 0;
}

static int run(struct talk *talk)
{
    bool end = false;
    int status = 0;
    while (status == 0 && !end) {
        bool sending = talk->pending > 0;
        struct pollfd polled[2] = {
            {.fd = talk->fd, .events = (short)(sending ? POLLIN | POLLOUT : POLLIN)},
            {.fd = talk->input_open && !sending ? STDIN_FILENO : -1, .events = POLLIN},
        };
        int ready = poll(polled, 2, -1);
        if (ready < 0 && errno != EINTR)
            return fail("poll", strerror(errno));
        if (ready > 0)
            status = act(talk, polled, &end);
    }
    return status == 0 ? judge(talk) : status;
}

int main(int argc, char *argv[])
{
    static struct talk talk;
    char why[NET_WHY];
    if (argc != 3 || net_parse_port(argv[2]) < 1) {
        fprintf(stderr, "usage: tcp_echo_client HOST PORT\n");
        return 2;
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    talk.input_open = true;
    talk.fd = net_connect(argv[1], argv[2], SOCK_STREAM, why);
    if (talk.fd < 0) {
        fprintf(stderr, "tcp_echo_client: %s\n", why);
        return 1;
    }
    int status = net_nonblocking(talk.fd) < 0 ? fail("socket", strerror(errno)) : run(&talk);
    close(talk.fd);
    return status;
}
