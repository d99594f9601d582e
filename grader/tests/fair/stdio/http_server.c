/* http_server.c: files by HTTP/1.1; a child process and two stdio streams for each client. */
#include "common.h"
#include "fork_server.h"
#include "http_auth.h"
#include "http_request.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

const char *program = "http_server";
static char docroot[PATH_MAX];

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {{200, "OK"},
                 {301, "Moved Permanently"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {414, "URI Too Long"},
                 {431, "Request Header Fields Too Large"},
                 {501, "Not Implemented"},
                 {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].status == status)
            return table[i].text;
    }
    return "Error";
}

static const char *content_type(const char *path)
{
    static const char *const types[][2] = {{".html", "text/html"}, {".txt", "text/plain"},
                                           {".css", "text/css"},   {".js", "text/javascript"},
                                           {".png", "image/png"},  {".jpg", "image/jpeg"},
                                           {".gif", "image/gif"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(dot, types[i][0]) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}

static void start_reply(FILE *out, int status, const char *type, long long length, int last)
{
    char date[64];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    fprintf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n",
            status, reason(status), date, type, length);
    if (last)
        fputs("Connection: close\r\n", out);
}

static void put_location(FILE *out, const struct request *r)
{
    fputs("Location: ", out);
    for (const char *c = r->path; *c != '\0'; c++) {
        if (strchr("%?# \"<>\\^`{|}", *c) != NULL || *c < ' ' || *c > '~')
            fprintf(out, "%%%02X", (unsigned char)*c);
        else
            putc(*c, out);
    }
    fprintf(out, "/%s\r\n", r->query);
}

static void reply_text(FILE *out, const struct request *r, int status, int last)
{
    char body[128];
    int size = snprintf(body, sizeof body, "<!DOCTYPE html>\n<title>%s</title>\n<h1>%d %s</h1>\n",
                        reason(status), status, reason(status));
    start_reply(out, status, "text/html", size, last);
    if (status == 405)
        fputs("Allow: GET, HEAD\r\n", out);
    if (status == 401)
        fputs("WWW-Authenticate: Basic realm=\"docs\"\r\n", out);
    if (status == 301)
        put_location(out, r);
    fputs("\r\n", out);
    if (strcmp(r->method, "HEAD") != 0)
        fputs(body, out);
}

/* Finds the file below docroot, whatever links there are. 200 and an open file, or another status. */
static int open_file(const struct request *r, FILE **file, struct stat *st)
{
    char name[PATH_MAX + LINE_LIMIT + 16], real[PATH_MAX];
    size_t root = strlen(docroot);
    snprintf(name, sizeof name, "%s%s%s", docroot, r->path,
             r->path[strlen(r->path) - 1] == '/' ? "index.html" : "");
    if (realpath(name, real) == NULL)
        return errno == EACCES ? 403 : 404;
    if (strncmp(real, docroot, root) != 0 || (real[root] != '/' && real[root] != '\0'))
        return 403;
    int fd = open(real, O_RDONLY | O_NONBLOCK); /* a FIFO without a writer would block */
    if (fd < 0)
        return errno == EACCES ? 403 : 404;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode)) {
        *file = fdopen(fd, "rb");
        return 200;
    }
    close(fd);
    return S_ISDIR(st->st_mode) ? (r->path[strlen(r->path) - 1] == '/' ? 404 : 301) : 403;
}

/* 0, or -1 when the connection is of no more use. */
static int send_file(FILE *out, const struct request *r, FILE *file, long long size, int last)
{
    char piece[4096];
    start_reply(out, 200, content_type(r->path[strlen(r->path) - 1] == '/' ? ".html" : r->path),
                size, last);
    fputs("\r\n", out);
    while (size > 0 && strcmp(r->method, "HEAD") != 0) {
        size_t n = fread(piece, 1, size < 4096 ? (size_t)size : sizeof piece, file);
        if (n == 0 || fwrite(piece, 1, n, out) != n)
            return -1;
        size -= (long long)n;
    }
    return 0;
}

static int skip_body(FILE *in, struct request *r)
{
    for (; r->length > 0; r->length--) {
        if (getc(in) == EOF)
            return -1;
    }
    return 0;
}

/* Answers one request; says whether there may be another. */
static int answer(FILE *in, FILE *out)
{
    static struct request r;
    FILE *file = NULL;
    struct stat st;
    int status = read_request(in, &r), rc = 0;
    if (status == 0)
        return 0;
    int last = r.close || r.minor == 0 || r.length > 65536;
    if (status == 200)
        status = may_see(r.path, r.authorization);
    if (status == 200)
        status = open_file(&r, &file, &st);
    if (status == 200) {
        rc = send_file(out, &r, file, (long long)st.st_size, last);
        fclose(file);
    } else {
        last = last || status >= 400; /* an error ends the connection, which says so */
        reply_text(out, &r, status, last);
    }
    if (rc != 0 || fflush(out) != 0)
        return 0;
    return !last && skip_body(in, &r) == 0;
}

static void serve(int fd, const struct sockaddr_in *client)
{
    (void)client;
    char rest[1024];
    struct timeval idle = {.tv_sec = 60}, patience = {.tv_sec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    FILE *in = fdopen(fd, "rb"), *out = fdopen(dup(fd), "wb");
    if (in == NULL || out == NULL)
        return;
    while (answer(in, out))
        ;
    shutdown(fd, SHUT_WR); /* then read what still comes: a reset could destroy the answer */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (int i = 0; i < 4096 && recv(fd, rest, sizeof rest, 0) > 0; i++)
        ;
    _exit(0);
}

int main(int argc, char *argv[])
{
    int port = argc == 3 || argc == 4 ? parse_port(argv[1]) : -1;
    if (port < 0) {
        fprintf(stderr, "usage: %s PORT DOCROOT [AUTHFILE]\n", program);
        return 2;
    }
    struct stat st;
    if (realpath(argv[2], docroot) == NULL || stat(docroot, &st) < 0)
        return fail(argv[2]);
    if (!S_ISDIR(st.st_mode))
        return complain(argv[2], strerror(ENOTDIR));
    if (argc == 4 && read_authfile(argv[3]) < 0)
        return 1;
    int listener = tcp_listen(port);
    if (listener < 0)
        return 1;
    serve_by_fork(listener, serve);
}
