/*
 * nbo_server.c: lesson 6, numbers on the wire.
 *
 * A request is `op type ...`, a reply `status type ...`; requests follow each other on one connection, each client has
 * a thread. TCP may deliver a request in any number of pieces, or several in one piece: so a function that needs n
 * bytes receives exactly n, and the next request begins where this one ended.
 */
#include "nbo/wire.h"
#include "net/threads.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What becomes of the connection after a request. */
enum outcome {
    NEXT, /* answered: the next request, please */
    BAD,  /* unknown op or type, or no number: say so, and close */
    GONE, /* the client has ended or failed in the middle of it: close without a word */
};

enum { NUMBERS_AT_ONCE = 512 };

static enum outcome receive(int fd, void *data, size_t size)
{
    return net_receive_all(fd, data, size) == (ssize_t)size ? NEXT : GONE;
}

static enum outcome reply(int fd, const uint8_t *data, size_t size)
{
    return net_send_all(fd, data, size) == 0 ? NEXT : GONE;
}

static enum outcome reply_number(int fd, struct number_type type, uint64_t number)
{
    uint8_t message[2 + 8] = {STATUS_OK, type.code};
    wire_put(message + 2, type, number);
    return reply(fd, message, 2 + type.size);
}

static enum outcome add(int fd, struct number_type type)
{
    uint8_t numbers[2 * 8];
    if (receive(fd, numbers, 2 * (size_t)type.size) != NEXT)
        return GONE;
    /* Unsigned arithmetic wraps around; overflow of a signed type would be undefined behaviour. */
    return reply_number(fd, type, wire_get(numbers, type) + wire_get(numbers + type.size, type));
}

static enum outcome show(int fd, struct number_type type)
{
    uint8_t number[8];
    char text[TEXT_MAX + 1];
    uint8_t message[3 + TEXT_MAX] = {STATUS_OK, type.code};
    if (receive(fd, number, type.size) != NEXT)
        return GONE;
    size_t length = number_to_text(text, type, wire_get(number, type));
    message[2] = (uint8_t)length;
    memcpy(message + 3, text, length); /* without the terminator: the length says where it ends */
    return reply(fd, message, 3 + length);
}

static enum outcome read_text(int fd, struct number_type type)
{
    uint8_t length;
    char text[TEXT_MAX + 1];
    uint64_t number;
    if (receive(fd, &length, 1) != NEXT || receive(fd, text, length) != NEXT)
        return GONE;
    text[length] = '\0'; /* it came without one */
    if (strlen(text) != length || !text_to_number(text, type, &number))
        return BAD;
    return reply_number(fd, type, number);
}

static enum outcome sum(int fd, struct number_type type)
{
    struct number_type total_type = {.code = type.is_signed ? 0x88 : 0x08, .size = 8};
    uint8_t count_bytes[2];
    uint8_t numbers[NUMBERS_AT_ONCE * 8];
    uint64_t total = 0;
    if (receive(fd, count_bytes, sizeof count_bytes) != NEXT)
        return GONE;
    for (size_t left = wire_get16(count_bytes); left > 0;) {
        size_t n = left < NUMBERS_AT_ONCE ? left : NUMBERS_AT_ONCE;
        if (receive(fd, numbers, n * type.size) != NEXT)
            return GONE;
        for (size_t i = 0; i < n; i++)
            total += wire_get(numbers + i * type.size, type);
        left -= n;
    }
    return reply_number(fd, total_type, total);
}

static enum outcome reverse_record(int fd)
{
    uint8_t bytes[RECORD_BYTES];
    uint8_t message[2 + RECORD_BYTES] = {STATUS_OK, 0};
    struct record record;
    if (receive(fd, bytes, sizeof bytes) != NEXT)
        return GONE;
    wire_get_record(bytes, &record);
    wire_put_record_reversed(message + 2, &record);
    return reply(fd, message, sizeof message);
}

static enum outcome answer(int fd, const uint8_t head[2])
{
    struct number_type type;
    if (head[0] == OP_RECORD)
        return head[1] == 0 ? reverse_record(fd) : BAD;
    if (!wire_type(head[1], &type))
        return BAD;
    switch (head[0]) {
    case OP_ADD:
        return add(fd, type);
    case OP_SHOW:
        return show(fd, type);
    case OP_READ:
        return read_text(fd, type);
    case OP_SUM:
        return sum(fd, type);
    default:
        return BAD;
    }
}

static void serve(int fd, const struct net_peer *peer, void *context)
{
    (void)peer;
    (void)context;
    uint8_t head[2] = {0, 0};
    enum outcome outcome = NEXT;
    while (outcome == NEXT) {
        outcome = receive(fd, head, sizeof head);
        if (outcome == NEXT)
            outcome = answer(fd, head);
    }
    if (outcome == BAD)
        (void)reply(fd, (const uint8_t[]){STATUS_BAD, head[1]}, 2);
    /* The client may have sent more behind a bad request: a plain close() could destroy the answer. */
    net_close_in_stages(fd);
}

int main(int argc, char *argv[])
{
    char why[NET_WHY];
    int port = argc == 2 ? net_parse_port(argv[1]) : -1;
    if (port < 1) {
        fprintf(stderr, "usage: nbo_server PORT\n");
        return 2;
    }
    net_server_signals();
    int listener = net_listen((uint16_t)port, why);
    if (listener < 0) {
        fprintf(stderr, "nbo_server: %s\n", why);
        return 1;
    }
    serve_with_threads(listener, serve, NULL);
}
