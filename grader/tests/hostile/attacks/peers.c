/* hostile/attacks/peers.c: servers and clients that attack whoever talks to them. Arguments: mode, then the port, or the
 * address and port of the grader's server. */
#define _GNU_SOURCE
#include "attack.h"

#include <netinet/tcp.h>

static char piece[1 << 16];

static bool put(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* The first connection, its request read. */
static int accepted(char **arguments)
{
    int listener = serve_v4(SOCK_STREAM, (unsigned)atoi(*arguments));
    int fd = accept(listener, NULL, NULL);
    (void)!read(fd, piece, sizeof piece);
    memset(piece, 'a', sizeof piece);
    return fd;
}

static void for_ever(int fd, const char *text, size_t len)
{
    while (send(fd, text, len, MSG_NOSIGNAL) > 0)
        continue;
    for (;;)
        pause();
}

static void endless_body(char **port)
{
    int fd = accepted(port);
    put(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
    for_ever(fd, piece, sizeof piece);
}

static void endless_line(char **port)
{
    int fd = accepted(port);
    put(fd, "HTTP/1.1 200 OK\r\nX: ");
    for_ever(fd, piece, sizeof piece);
}

static void endless_headers(char **port)
{
    int fd = accepted(port);
    put(fd, "HTTP/1.1 200 OK\r\n");
    static const char line[] = "X-A: b\r\nX-B: c\r\n";
    for_ever(fd, line, sizeof line - 1);
}

static void endless_interim(char **port)
{
    static const char interim[] =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n";
    for_ever(accepted(port), interim, sizeof interim - 1);
}

static void answer(char **port, const char *text)
{
    int fd = accepted(port);
    put(fd, text);
    for (;;)
        pause();
}

static void huge_chunk(char **port)
{
    answer(port, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n8000000000000000\r\nx\r\nffffffffffffffff1\r\n");
}

static void minus_length(char **port)
{
    answer(port, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc");
}

static void huge_length(char **port)
{
    answer(port, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nabc");
}

static void many_chunks(char **port)
{
    int fd = accepted(port);
    put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    static const char chunk[] = "1;x=\"y\"\r\na\r\n";
    for_ever(fd, chunk, sizeof chunk - 1);
}

/* 75: gzip: 10 GiB of zeros take 10 MiB; here the head of such a stream and its end. */
static void bomb(char **port)
{
    int fd = accepted(port);
    static const unsigned char gzip[] = {0x1f, 0x8b, 8,    0,    0,    0,    0, 0,
                                         2,    3,    0xec, 0xc1, 1,    1,    0, 0,
                                         0,    0x80, 0x90, 0xfe, 0xaf, 0xee, 8};
    put(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    send(fd, gzip, sizeof gzip, MSG_NOSIGNAL);
    memset(piece, 0, sizeof piece);
    for_ever(fd, piece, sizeof piece);
}

/* A place to go to that is not the test's. Argument 2: a port on which the machine listens. */
static void redirect(char **arguments)
{
    char text[256];
    snprintf(
        text, sizeof text,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%s/secret\r\nContent-Length: 0\r\n\r\n",
        arguments[1]);
    answer(arguments, text);
}

/* 74 */
static void slow(char **port)
{
    int fd = accepted(port);
    for (const char *at = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"; *at; at++) {
        send(fd, at, 1, MSG_NOSIGNAL);
        pause_ms(200);
    }
}

static void half(char **port)
{
    int fd = accepted(port);
    put(fd, "HTTP/1.1 200 OK\r\nContent-Le");
    shutdown(fd, SHUT_WR);
    for (;;)
        pause();
}

static void reset(char **port)
{
    struct linger now = {1, 0};
    int fd = accepted(port);
    put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
    for (;;)
        pause();
}

static void never_accepts(char **port)
{
    int fd = serve_v4(SOCK_STREAM, (unsigned)atoi(*port));
    listen(fd, 0);
    for (;;)
        pause();
}

/* 76: argument: address, port, number. Nothing is waited for, and a reset ends each, so that they can be many. */
static void storm(char **arguments)
{
    struct linger now = {1, 0};
    struct sockaddr_in name = v4(arguments[0], (unsigned)atoi(arguments[1]));
    long made = 0;
    for (long i = 0; i < atol(arguments[2]); i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0 || errno == EINPROGRESS)
            made++;
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        if (i % 2)
            put(fd, "storm");
        close(fd);
    }
    tell("made", "%s", made == atol(arguments[2]) ? "ok" : "few");
}

/* As many as there may be at a time. */
static void hold(char **arguments)
{
    long made = 0;
    while (connect_v4(SOCK_STREAM, arguments[0], (unsigned)atoi(arguments[1])) >= 0)
        made++;
    tell("held", "%s", made > 100 ? "ok" : "few");
    for (;;)
        pause();
}

/* A client that never ends its request, at full speed. */
static void shout(char **arguments)
{
    int fd = connect_v4(SOCK_STREAM, arguments[0], (unsigned)atoi(arguments[1]));
    memset(piece, 'G', sizeof piece);
    for_ever(fd, piece, sizeof piece);
}

static const struct mode modes[] = {
    {"endless-body", endless_body},
    {"endless-line", endless_line},
    {"endless-headers", endless_headers},
    {"endless-interim", endless_interim},
    {"huge-chunk", huge_chunk},
    {"minus-length", minus_length},
    {"huge-length", huge_length},
    {"many-chunks", many_chunks},
    {"bomb", bomb},
    {"redirect", redirect},
    {"slow", slow},
    {"half", half},
    {"reset", reset},
    {"never-accepts", never_accepts},
    {"storm", storm},
    {"hold", hold},
    {"shout", shout},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
