/* nbo_server.c: sheet 5, a thread for each client; replies leave when the requests at hand are done. */
#include "net.h"
#include "threads.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BAD = -2, CUT_OFF = -1, DONE = 0 };

static int add(struct wire *w, unsigned type)
{
    uint64_t a, b;
    if (wire_get_number(w, type, &a) < 0 || wire_get_number(w, type, &b) < 0)
        return CUT_OFF;
    wire_put(w, (unsigned char[]){0, (unsigned char)type}, 2);
    wire_put_number(w, type, a + b);
    return DONE;
}

static int show(struct wire *w, unsigned type)
{
    uint64_t number;
    char text[24];
    if (wire_get_number(w, type, &number) < 0)
        return CUT_OFF;
    int n = type & 0x80 ? snprintf(text, sizeof text, "%" PRId64, (int64_t)number)
                        : snprintf(text, sizeof text, "%" PRIu64, number);
    wire_put(w, (unsigned char[]){0, (unsigned char)type, (unsigned char)n}, 3);
    wire_put(w, text, (size_t)n);
    return DONE;
}

static int read_text(struct wire *w, unsigned type)
{
    unsigned char length;
    char text[255];
    uint64_t number;
    if (wire_get(w, &length, 1) < 0 || wire_get(w, text, length) < 0)
        return CUT_OFF;
    if (number_from_text(text, length, type, &number) < 0)
        return BAD;
    wire_put(w, (unsigned char[]){0, (unsigned char)type}, 2);
    wire_put_number(w, type, number);
    return DONE;
}

static int sum(struct wire *w, unsigned type)
{
    uint64_t count, number, total = 0;
    if (wire_get_number(w, 2, &count) < 0)
        return CUT_OFF;
    for (; count > 0; count--, total += number) {
        if (wire_get_number(w, type, &number) < 0)
            return CUT_OFF;
    }
    wire_put(w, (unsigned char[]){0, (unsigned char)(8 | (type & 0x80))}, 2);
    wire_put_number(w, 8, total);
    return DONE;
}

static int record(struct wire *w)
{
    static const unsigned sizes[] = {1, 4, 2, 8, 2};
    unsigned char fields[17], *end = fields + sizeof fields;
    if (wire_get(w, fields, sizeof fields) < 0)
        return CUT_OFF;
    wire_put(w, "\0", 2);
    for (int i = 4; i >= 0; i--) {
        end -= sizes[i];
        wire_put(w, end, sizes[i]);
    }
    return DONE;
}

static int request(struct wire *w, unsigned operation, unsigned type)
{
    static int (*const operations[])(struct wire *, unsigned) = {NULL, add, show, read_text, sum};
    unsigned size = type & 0x7f;
    if (operation == 5 && type == 0)
        return record(w);
    if (operation < 1 || operation > 4 || (size != 2 && size != 4 && size != 8))
        return BAD;
    return operations[operation](w, type);
}

static void serve(int fd)
{
    struct wire w = {.fd = fd};
    unsigned char head[2];
    int rc = CUT_OFF;
    while (wire_get(&w, head, sizeof head) == 0 && (rc = request(&w, head[0], head[1])) == DONE)
        ;
    if (rc == BAD)
        wire_put(&w, (unsigned char[]){1, head[1]}, 2);
    wire_flush(&w);
    shutdown(fd, SHUT_WR);
    struct timeval patience = {.tv_usec = 500000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int64_t end = now_ms() + 1000; rc == BAD && now_ms() < end;) {
        if (recv(fd, w.in_bytes, sizeof w.in_bytes, 0) <= 0)
            break;
    }
    close(fd);
}

int main(int argc, char *argv[])
{
    if (argc != 2 || port_number(argv[1], 1) < 0) {
        fprintf(stderr, "usage: %s PORT\n", program_invocation_short_name);
        return 2;
    }
    serve_by_thread(argv[1], serve);
}
