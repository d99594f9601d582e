/* nbo_client.c: main sends requests as fast as stdin has them, a thread prints the replies in order. */
#include "net.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE = 1024, ADD = 1, SHOW, READ, SUM };

/* What has been asked and not yet answered; operation 0 is the end. */
struct question {
    unsigned operation, type;
};

static struct question queue[QUEUE];
static unsigned long asked, answered;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct wire requests, replies;

static void push(struct question q)
{
    pthread_mutex_lock(&lock);
    while (asked - answered == QUEUE)
        pthread_cond_wait(&changed, &lock);
    queue[asked++ % QUEUE] = q;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static struct question pop(void)
{
    pthread_mutex_lock(&lock);
    while (asked == answered)
        pthread_cond_wait(&changed, &lock);
    struct question q = queue[answered++ % QUEUE];
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return q;
}

static void print_reply(struct question q)
{
    unsigned char head[2], length = 0;
    char text[255];
    uint64_t number;
    unsigned type = q.operation == SUM ? 8 | (q.type & 0x80) : q.type;
    if (wire_get(&replies, head, 2) < 0)
        die("reply", "none came");
    if (head[0] != 0)
        die("reply", "the server does not know the request");
    if (head[1] != type)
        die("reply", "a number of another type");
    if (q.operation == SHOW) {
        if (wire_get(&replies, &length, 1) < 0 || wire_get(&replies, text, length) < 0)
            die("reply", "incomplete");
        printf("%.*s\n", (int)length, text);
    } else {
        if (wire_get_number(&replies, type, &number) < 0)
            die("reply", "incomplete");
        if (type & 0x80)
            printf("%" PRId64 "\n", (int64_t)number);
        else
            printf("%" PRIu64 "\n", number);
    }
}

static void *print_replies(void *unused)
{
    for (struct question q = pop(); q.operation != 0; q = pop())
        print_reply(q);
    return unused;
}

static int type_of(const char *name)
{
    if (name == NULL || (name[0] != 'u' && name[0] != 'i'))
        return -1;
    int bits = atoi(name + 1), sign = name[0] == 'i' ? 0x80 : 0;
    return bits == 16 || bits == 32 || bits == 64 ? bits / 8 | sign : -1;
}

static int operation_of(const char *name)
{
    static const char *const names[] = {"", "add", "show", "read", "sum"};
    for (int i = ADD; name != NULL && i <= SUM; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

/* 0, or -1 for a line that is no request. */
static int ask(char *line)
{
    static uint64_t numbers[65536];
    static const char blanks[] = " \t\r\n";
    char *saved, *word = strtok_r(line, blanks, &saved), *text = NULL;
    int operation = operation_of(word), type = type_of(strtok_r(NULL, blanks, &saved));
    unsigned count = 0;
    if (operation < 0 || type < 0)
        return -1;
    while ((word = strtok_r(NULL, blanks, &saved)) != NULL) {
        if (count == 65535 ||
            number_from_text(word, strlen(word), (unsigned)type, &numbers[count++]) < 0)
            return -1;
        text = word;
    }
    if ((operation == ADD && count != 2) ||
        ((operation == SHOW || operation == READ) && count != 1) ||
        (operation == READ && strlen(text) > 255))
        return -1;
    push((struct question){(unsigned)operation, (unsigned)type});
    wire_put_byte(&requests, (unsigned)operation);
    wire_put_byte(&requests, (unsigned)type);
    if (operation == SUM)
        wire_put_number(&requests, 2, count);
    if (operation == READ) {
        wire_put_byte(&requests, (unsigned)strlen(text));
        wire_put(&requests, text, strlen(text));
        return wire_flush(&requests), 0;
    }
    for (unsigned i = 0; i < count; i++)
        wire_put_number(&requests, (unsigned)type, numbers[i]);
    return wire_flush(&requests), 0;
}

int main(int argc, char *argv[])
{
    if (argc != 3 || port_number(argv[2], 1) < 0) {
        fprintf(stderr, "usage: %s HOST PORT\n", program_invocation_short_name);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    requests.fd = replies.fd = connect_to(argv[1], argv[2], SOCK_STREAM);
    pthread_t printer;
    int rc = pthread_create(&printer, NULL, print_replies, NULL), bad = 0;
    if (rc != 0)
        die("pthread_create", strerror(rc));
    char *line = NULL;
    size_t room = 0;
    while (!bad && !requests.broken && getline(&line, &room, stdin) >= 0)
        bad = ask(line) < 0;
    free(line);
    shutdown(requests.fd, SHUT_WR);
    push((struct question){0, 0});
    pthread_join(printer, NULL);
    if (bad)
        die("stdin", "add|show|read|sum TYPE NUMBERS... expected");
    close(requests.fd);
    return fflush(stdout) < 0 || requests.broken ? 1 : 0;
}
