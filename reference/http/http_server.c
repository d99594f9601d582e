/*
 * http_server.c: lesson 7, files by HTTP/1.1.
 *
 * One thread for each connection (net/threads.c). A connection is a sequence of requests:
 *     collect bytes until a request is complete   request.c
 *     target -> path -> may they? -> file         path.c, auth.c, file.c
 *     reply                                       reply.c
 *     skip the request's body; go on with what is left in the buffer, for the next request may be there already
 * After an error in the syntax nobody knows where the next request would begin: the connection is closed.
 *
 * A client that says nothing is waited for without a limit: it costs a sleeping thread, and nobody else waits for it. A
 * server on the Internet would set a time limit here.
 */
#include "http/auth.h"
#include "http/path.h"
#include "http/reply.h"
#include "http/request.h"
#include "net/threads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 1 << 20 }; /* a longer body is not worth reading: close */

struct site {
    char root[ROOT_BYTES];
    struct auth auth;
};

struct connection {
    int fd;
    size_t have; /* bytes in the buffer: this request, and perhaps a part of the next */
    char buffer[REQUEST_MAX];
};

/* 1 when there are new bytes in the buffer; 0 when the client has ended or is gone. */
static int receive_more(struct connection *connection)
{
    ssize_t got;
    do {
        got = recv(connection->fd, connection->buffer + connection->have,
                   sizeof connection->buffer - connection->have, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return 0;
    connection->have += (size_t)got;
    return 1;
}

/* Collects one request. REQUEST_DONE, the status of an error reply, or -1: the client has ended. */
static int receive_request(struct connection *connection, struct request *request)
{
    int status = REQUEST_MORE;
    if (connection->have > 0)
        status = request_parse(request, connection->buffer, connection->have);
    while (status == REQUEST_MORE) {
        if (!receive_more(connection))
            return -1;
        status = request_parse(request, connection->buffer, connection->have);
    }
    return status;
}

/* Takes n bytes from the front of the buffer; what follows them moves down. */
static void take(struct connection *connection, size_t n)
{
    connection->have -= n;
    memmove(connection->buffer, connection->buffer + n, connection->have);
}

/* The body of a request is no request: read past it. False: the client has ended. */
static bool skip_body(struct connection *connection, unsigned long long left)
{
    for (;;) {
        size_t n = left < connection->have ? (size_t)left : connection->have;
        take(connection, n);
        left -= n;
        if (left == 0)
            return true;
        if (!receive_more(connection))
            return false;
    }
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

/* Methods are case-sensitive: "get" is not GET (RFC 9110, 9.1). */
static int check_method(const char *method)
{
    static const char *const ours[] = {"GET", "HEAD", NULL};
    static const char *const known[] = {"POST",    "PUT",   "DELETE", "CONNECT",
                                        "OPTIONS", "TRACE", "PATCH",  NULL};
    if (is_one_of(method, ours))
        return 200;
    return is_one_of(method, known) ? 405 : 501;
}

/* Sending back the date that we gave is the only use of this header; any other date gets the whole file. */
static bool is_unchanged(const struct request *request, const struct file *file)
{
    char date[HTTP_DATE_BYTES];
    http_date(file->modified, date);
    return request->if_modified_since != NULL && strcmp(request->if_modified_since, date) == 0;
}

/* The rules first, then the file system: who may not see a file shall not learn whether it exists. */
static void answer(const struct site *site, const struct request *request, struct reply *reply)
{
    char path[PATH_BYTES];
    reply->head = strcmp(request->method, "HEAD") == 0;
    reply->status = check_method(request->method);
    if (reply->status == 200)
        reply->status = path_from_target(request->target, path);
    if (reply->status == 200)
        reply->status = auth_check(&site->auth, path, request->authorization);
    if (reply->status == 200)
        reply->status = file_open(site->root, path, &reply->file);
    if (reply->status == 200 && is_unchanged(request, &reply->file))
        reply->status = 304;
    if (reply->status == 301) {
        path_escape(path, reply->location);
        size_t length = strlen(reply->location);
        memcpy(reply->location + length, "/", 2);
    }
}

/* Must the connection end after this request, although nothing is wrong with it? */
static bool ends_here(const struct request *request)
{
    /* A body with a coding is not decoded here; one that waits for "100 Continue" may never come. */
    return request->close || request->transfer_encoding || request->expect ||
           request->length > BODY_MAX;
}

/* One request and its reply. False: the connection is over. */
static bool serve_request(struct connection *connection, const struct site *site)
{
    struct request request = {.used = 0};
    struct reply reply = {.file = {.fd = -1}};
    int status = receive_request(connection, &request);
    if (status < 0)
        return false;
    if (status == REQUEST_DONE) {
        reply.close = ends_here(&request);
        answer(site, &request, &reply);
    } else {
        reply.close = true;
        reply.status = status;
        reply.head = request.method != NULL && strcmp(request.method, "HEAD") == 0;
    }
    if (reply_send(connection->fd, &reply) < 0 || reply.close)
        return false;
    take(connection, request.used);
    return skip_body(connection, request.length);
}

static void serve(int fd, const struct net_peer *peer, void *context)
{
    (void)peer;
    struct connection connection = {.fd = fd};
    while (serve_request(&connection, context))
        ;
    net_close_in_stages(fd);
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "http_server: %s%s%s\n", what, why[0] == '\0' ? "" : ": ", why);
    return 1;
}

int main(int argc, char *argv[])
{
    static struct site site;
    char why[NET_WHY];
    int port = argc == 3 || argc == 4 ? net_parse_port(argv[1]) : -1;
    if (port < 1) {
        fprintf(stderr, "usage: http_server PORT DOCROOT [AUTHFILE]\n");
        return 2;
    }
    if (file_root(argv[2], site.root) < 0)
        return fail(argv[2], strerror(errno));
    if (argc == 4 && auth_load(&site.auth, argv[3], why) < 0)
        return fail(why, "");
    net_server_signals();
    int listener = net_listen((uint16_t)port, why);
    if (listener < 0)
        return fail(why, "");
    serve_with_threads(listener, serve, &site);
}
