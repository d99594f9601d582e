/*
 * nbo_client.c: lesson 10, the other end of the byte-order protocol.
 *
 * A line of stdin, `add|show|read|sum TYPE NUMBERS...`, becomes a request; its reply becomes a line of stdout.
 */
#include "nbo/wire.h"
#include "net/net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT_MAX = 65535 };

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "nbo_client: %s: %s\n", what, why);
    return 1;
}

/* A request under construction; the largest is a SUM of 65535 numbers of 8 bytes. */
struct request {
    enum operation operation;
    struct number_type type;
    unsigned count;
    size_t length;
    uint8_t bytes[4 + 8 * COUNT_MAX];
};

static bool take_operation(struct request *request, const char *word)
{
    static const char *const names[] = {
        [OP_ADD] = "add", [OP_SHOW] = "show", [OP_READ] = "read", [OP_SUM] = "sum"};
    for (unsigned i = OP_ADD; i <= OP_SUM; i++)
        if (strcmp(word, names[i]) == 0) {
            request->operation = (enum operation)i;
            return true;
        }
    return false;
}

static bool take_type(struct request *request, const char *word)
{
    static const struct {
        const char *name;
        uint8_t code;
    } types[] = {{"u16", 0x02}, {"u32", 0x04}, {"u64", 0x08},
                 {"i16", 0x82}, {"i32", 0x84}, {"i64", 0x88}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(word, types[i].name) == 0)
            return wire_type(types[i].code, &request->type);
    return false;
}

/* READ sends the text itself, all others send the number. */
static bool take_number(struct request *request, const char *word)
{
    uint64_t number;
    if (request->count == COUNT_MAX || !text_to_number(word, request->type, &number))
        return false;
    request->count++;
    if (request->operation == OP_READ) {
        size_t length = strlen(word);
        if (request->count > 1 || length > TEXT_MAX)
            return false;
        request->bytes[request->length++] = (uint8_t)length;
        memcpy(request->bytes + request->length, word, length);
        request->length += length;
        return true;
    }
    wire_put(request->bytes + request->length, request->type, number);
    request->length += request->type.size;
    return true;
}

static bool right_count(const struct request *request)
{
    if (request->operation == OP_ADD)
        return request->count == 2;
    return request->operation == OP_SUM || request->count == 1;
}

/* Line -> request. False: the line is wrong. The line is cut into words. */
static bool encode(char *line, struct request *request)
{
    static const char blanks[] = " \t\r\n";
    char *rest = NULL;
    char *operation = strtok_r(line, blanks, &rest);
    char *type = strtok_r(NULL, blanks, &rest);
    if (operation == NULL || type == NULL || !take_operation(request, operation) ||
        !take_type(request, type))
        return false;
    request->count = 0;
    request->bytes[0] = (uint8_t)request->operation;
    request->bytes[1] = request->type.code;
    request->length = request->operation == OP_SUM ? 4 : 2; /* the count of SUM is known later */
    for (char *word = strtok_r(NULL, blanks, &rest); word != NULL;
         word = strtok_r(NULL, blanks, &rest))
        if (!take_number(request, word))
            return false;
    if (request->operation == OP_SUM)
        wire_put16(request->bytes + 2, (uint16_t)request->count);
    return right_count(request);
}

/* The reply to SHOW: a length and text. */
static int print_text(int fd)
{
    uint8_t length;
    char text[TEXT_MAX];
    if (net_receive_all(fd, &length, 1) != 1 || net_receive_all(fd, text, length) != length)
        return fail("server", "the reply is incomplete");
    printf("%.*s\n", (int)length, text);
    return 0;
}

/* The replies to ADD, READ and SUM: a number. */
static int print_number(int fd, uint8_t code)
{
    struct number_type type;
    uint8_t bytes[8];
    char text[TEXT_MAX + 1];
    if (!wire_type(code, &type))
        return fail("server", "the reply has an unknown type");
    if (net_receive_all(fd, bytes, type.size) != (ssize_t)type.size)
        return fail("server", "the reply is incomplete");
    number_to_text(text, type, wire_get(bytes, type));
    printf("%s\n", text);
    return 0;
}

/* One request and its reply. The exit status. */
static int exchange(int fd, const struct request *request)
{
    uint8_t head[2]; /* status, type */
    if (net_send_all(fd, request->bytes, request->length) < 0)
        return fail("send", strerror(errno));
    if (net_receive_all(fd, head, sizeof head) != sizeof head)
        return fail("server", "the reply is incomplete");
    if (head[0] != STATUS_OK)
        return fail("server", "it refuses the request");
    int status = request->operation == OP_SHOW ? print_text(fd) : print_number(fd, head[1]);
    if (status == 0 && fflush(stdout) != 0)
        status = fail("stdout", strerror(errno));
    return status;
}

static int run(int fd)
{
    static struct request request;
    char *line = NULL;
    size_t room = 0;
    int status = 0;
    while (status == 0 && getline(&line, &room, stdin) >= 0) {
        if (line[strspn(line, " \t\r\n")] == '\0') /* an empty line */
            continue;
        status = encode(line, &request)
                     ? exchange(fd, &request)
                     : fail("stdin", "a line is not `add|show|read|sum TYPE NUMBERS`");
    }
    if (status == 0 && ferror(stdin))
        status = fail("stdin", strerror(errno));
    free(line);
    return status;
}

int main(int argc, char *argv[])
{
    char why[NET_WHY];
    if (argc != 3 || net_parse_port(argv[2]) < 1) {
        fprintf(stderr, "usage: nbo_client HOST PORT\n");
        return 2;
    }
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    int fd = net_connect(argv[1], argv[2], SOCK_STREAM, why);
    if (fd < 0) {
        fprintf(stderr, "nbo_client: %s\n", why);
        return 1;
    }
    int status = run(fd);
    close(fd);
    return status;
}
