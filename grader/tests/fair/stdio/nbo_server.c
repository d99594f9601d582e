/* nbo_server.c: arithmetic in network byte order; a child process and two stdio streams for each client. */
#include "common.h"
#include "fork_server.h"
#include "nbo.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

const char *program = "nbo_server";

enum outcome { FINE, CUT_OFF, REFUSED };

static void reply(FILE *out, int status, int type)
{
    putc(status, out);
    putc(type, out);
}

static enum outcome show(FILE *in, FILE *out, int type)
{
    uint64_t number;
    char text[24];
    if (get_number(in, type, &number) < 0)
        return CUT_OFF;
    int length = format_number(text, type, number);
    reply(out, 0, type);
    putc(length, out);
    fwrite(text, 1, (size_t)length, out);
    return FINE;
}

static enum outcome read_text(FILE *in, FILE *out, int type)
{
    char text[256];
    uint64_t number;
    int length = getc(in);
    if (length == EOF || fread(text, 1, (size_t)length, in) != (size_t)length)
        return CUT_OFF;
    text[length] = '\0';
    if (strlen(text) != (size_t)length || parse_number(text, type, &number) < 0)
        return REFUSED;
    reply(out, 0, type);
    put_number(out, type, number);
    return FINE;
}

/* COUNT numbers of the type; the total goes back in a number of type REPLY_TYPE. */
static enum outcome total(FILE *in, FILE *out, int type, int reply_type, uint64_t count)
{
    uint64_t number, sum = 0;
    for (; count > 0; count--) {
        if (get_number(in, type, &number) < 0)
            return CUT_OFF;
        sum += number;
    }
    reply(out, 0, reply_type);
    put_number(out, reply_type, sum);
    return FINE;
}

static enum outcome record(FILE *in, FILE *out)
{
    static const int types[] = {0x04, 0x02, 0x88, 0x82};
    uint64_t field[4];
    int id = getc(in);
    for (int i = 0; i < 4; i++) {
        if (get_number(in, types[i], &field[i]) < 0)
            return CUT_OFF;
    }
    reply(out, 0, 0);
    for (int i = 3; i >= 0; i--)
        put_number(out, types[i], field[i]);
    putc(id, out);
    return FINE;
}

static enum outcome request(FILE *in, FILE *out, int operation, int type)
{
    uint64_t count;
    if (operation == RECORD && type == 0)
        return record(in, out);
    if (!type_is_known(type))
        return REFUSED;
    switch (operation) {
    case ADD:
        return total(in, out, type, type, 2);
    case SHOW:
        return show(in, out, type);
    case READ:
        return read_text(in, out, type);
    case SUM:
        if (get_number(in, 0x02, &count) < 0)
            return CUT_OFF;
        return total(in, out, type, 8 | (type & 0x80), count);
    default:
        return REFUSED;
    }
}

/* A close with unread bytes is a reset, and that could destroy the last reply on its way. */
static void close_gently(int fd)
{
    char rest[1024];
    struct timeval patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 4096 && recv(fd, rest, sizeof rest, 0) > 0; i++)
        ;
    close(fd);
}

static void serve(int fd, const struct sockaddr_in *client)
{
    (void)client;
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    if (in == NULL || out == NULL)
        return;
    int operation, type;
    enum outcome outcome = FINE;
    while (outcome == FINE && (operation = getc(in)) != EOF && (type = getc(in)) != EOF) {
        outcome = request(in, out, operation, type);
        if (outcome == REFUSED)
            reply(out, 1, type);
        if (fflush(out) != 0)
            break;
    }
    if (outcome == REFUSED)
        close_gently(fd);
}

int main(int argc, char *argv[])
{
    int port = argc == 2 ? parse_port(argv[1]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s PORT\n", program);
        return 2;
    }
    int listener = tcp_listen(port);
    if (listener < 0)
        return 1;
    serve_by_fork(listener, serve);
}
