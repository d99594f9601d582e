/* http_server.c: sheet 6: threads, one buffer for each connection, sendfile. */
#include "http_auth.h"
#include "http_parse.h"
#include "net.h"
#include "threads.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int fd;
    bool close;
    size_t size; /* bytes in data that are not used up */
    char data[HEAD_MAX_BYTES + LINE_MAX_BYTES];
    struct request request;
};

static char docroot[PATH_MAX];
static int root;

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 414:
        return "URI Too Long";
    case 416:
        return "Range Not Satisfiable";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "";
    }
}

static const char *type_of(const char *path)
{
    static const char *const types[] = {".html", "text/html; charset=utf-8",
                                        ".txt",  "text/plain",
                                        ".css",  "text/css",
                                        ".js",   "application/javascript",
                                        ".png",  "image/png",
                                        ".jpg",  "image/jpeg",
                                        ".gif",  "image/gif"};
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i += 2) {
        size_t m = strlen(types[i]);
        if (n >= m && strcasecmp(path + n - m, types[i]) == 0)
            return types[i + 1];
    }
    return "application/octet-stream";
}

static void http_date(time_t when, char text[32])
{
    struct tm t;
    strftime(text, 32, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&when, &t));
}

/* The status line and all headers; extra is whole lines. */
static int send_head(struct connection *c, int status, int64_t length, const char *extra, int flags)
{
    char date[32], head[4 * LINE_MAX_BYTES], length_line[64] = "";
    http_date(time(NULL), date);
    if (status != 304)
        snprintf(length_line, sizeof length_line, "Content-Length: %" PRId64 "\r\n", length);
    int n = snprintf(
        head, sizeof head, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: modern\r\n%s%s%s\r\n", status,
        reason(status), date, length_line, extra, c->close ? "Connection: close\r\n" : "");
    return send_all(c->fd, head, (size_t)n, flags);
}

static void location(const struct request *r, char *text)
{
    char *at = text + sprintf(text, "Location: ");
    for (const char *p = r->path; *p != '\0'; p++) {
        if ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') ||
            strchr("/-._~!$&'()*+,;=:@", *p))
            *at++ = *p;
        else
            at += sprintf(at, "%%%02x", (unsigned char)*p);
    }
    sprintf(at, "/%.8000s\r\n", r->query);
}

/* An answer without a body. */
static int refuse(struct connection *c, int status)
{
    static const char realm[] = "WWW-Authenticate: Basic realm=\"docs\", charset=\"UTF-8\"\r\n";
    char extra[3 * LINE_MAX_BYTES + 8192] = "";
    if (status == 301)
        location(&c->request, extra);
    if (status == 400 || status == 414 || status == 431 || status == 505 || status == 501)
        c->close = true;
    return send_head(c, status, 0,
                     status == 401   ? realm
                     : status == 405 ? "Allow: GET, HEAD\r\n"
                                     : extra,
                     0);
}

/* Looks the file up without opening it, and sees where that led. 200 and a descriptor, or another status. */
static int open_file(const struct request *r, int *file, struct stat *st)
{
    char name[LINE_MAX_BYTES + 16], self[64], real[PATH_MAX];
    bool directory = r->path[strlen(r->path) - 1] == '/';
    snprintf(name, sizeof name, ".%s%s", r->path, directory ? "index.html" : "");
    int fd = openat(root, name, O_PATH | O_CLOEXEC), status = 200;
    if (fd < 0)
        return errno == EACCES || errno == EPERM ? 403 : 404;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(self, real, sizeof real - 1);
    size_t depth = strcmp(docroot, "/") == 0 ? 0 : strlen(docroot);
    real[n < 0 ? 0 : n] = '\0';
    if (strncmp(real, docroot, depth) != 0 || (real[depth] != '/' && real[depth] != '\0'))
        status = 403;
    else if (fstat(fd, st) < 0)
        status = 404;
    else if (S_ISDIR(st->st_mode))
        status = directory ? 404 : 301;
    else if (!S_ISREG(st->st_mode) || (*file = open(self, O_RDONLY | O_CLOEXEC)) < 0)
        status = 403;
    close(fd);
    return status;
}

/* One range of bytes; anything else is ignored (RFC 9110 14.2). 200, 206 or 416. */
static int range_of(const char *text, int64_t size, int64_t *from, int64_t *length)
{
    int64_t first = -1, last = -1;
    int end = 0;
    *from = 0;
    *length = size;
    if (sscanf(text, "bytes=%15" SCNd64 "-%15" SCNd64 "%n", &first, &last, &end) == 2 &&
        text[end] == '\0') {
        if (first < 0 || last < first)
            return 200;
    } else if (sscanf(text, "bytes=-%15" SCNd64 "%n", &last, &end) == 1 && text[end] == '\0') {
        if (last == 0 || size == 0)
            return 416;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (end = 0, sscanf(text, "bytes=%15" SCNd64 "-%n", &first, &end) == 1 && end > 0 &&
                            text[end] == '\0') {
        last = INT64_MAX;
    } else {
        return 200;
    }
    if (first >= size)
        return 416;
    *from = first;
    *length = (last < size ? last + 1 : size) - first;
    return 206;
}

static int send_file(struct connection *c, int file, const struct stat *st)
{
    const struct request *r = &c->request;
    char extra[512], modified[32];
    int64_t from, length, size = st->st_size;
    off_t offset;
    int status = range_of(r->head ? "" : r->range, size, &from, &length);
    http_date(st->st_mtime, modified);
    if (r->since[0] != '\0') {
        struct tm t = {0};
        const char *end = strptime(r->since, "%a, %d %b %Y %H:%M:%S GMT", &t);
        if (end != NULL && *end == '\0' && timegm(&t) >= st->st_mtime)
            status = 304;
    }
    int n = snprintf(extra, sizeof extra, "Last-Modified: %s\r\nContent-Type: %s\r\n", modified,
                     type_of(r->path[strlen(r->path) - 1] == '/' ? ".html" : r->path));
    if (status == 206)
        snprintf(extra + n, sizeof extra - (size_t)n,
                 "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n", from,
                 from + length - 1, size);
    if (status == 416)
        snprintf(extra, sizeof extra, "Content-Range: bytes */%" PRId64 "\r\n", size);
    if (status == 416)
        length = 0;
    bool body = !r->head && status != 304 && length > 0;
    if (send_head(c, status, length, extra, body ? MSG_MORE : 0) < 0)
        return -1;
    for (offset = from; body && length > 0;) {
        ssize_t sent = sendfile(c->fd, file, &offset, length < 1 << 20 ? (size_t)length : 1 << 20);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
        length -= sent;
    }
    return 0;
}

static void use_up(struct connection *c, size_t n)
{
    c->size -= n;
    memmove(c->data, c->data + n, c->size);
}

static bool receive(struct connection *c)
{
    ssize_t n;
    do {
        n = recv(c->fd, c->data + c->size, sizeof c->data - c->size, 0);
    } while (n < 0 && errno == EINTR);
    c->size += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool skip(struct connection *c, uint64_t size)
{
    while (size > 0) {
        if (c->size == 0 && !receive(c))
            return false;
        size_t n = size < c->size ? (size_t)size : c->size;
        use_up(c, n);
        size -= n;
    }
    return true;
}

/* A line of a chunked body: false if there is none of a reasonable length. */
static bool next_line(struct connection *c, char *line, size_t room)
{
    char *feed;
    while ((feed = memchr(c->data, '\n', c->size)) == NULL) {
        if (c->size >= room || !receive(c))
            return false;
    }
    size_t n = (size_t)(feed - c->data);
    if (n >= room)
        return false;
    memcpy(line, c->data, n);
    line[n] = '\0';
    line[strcspn(line, "\r")] = '\0';
    use_up(c, n + 1);
    return true;
}

static bool skip_chunks(struct connection *c)
{
    char line[1024];
    uint64_t size;
    do {
        char *end;
        if (!next_line(c, line, sizeof line) || strspn(line, "0123456789abcdefABCDEF") == 0)
            return false;
        size = strtoull(line, &end, 16);
        if (size > 1 << 20 || (size > 0 && (!skip(c, size) || !next_line(c, line, sizeof line))))
            return false;
    } while (size > 0);
    do {
        if (!next_line(c, line, sizeof line))
            return false;
    } while (line[0] != '\0');
    return true;
}

/* The body of a request means nothing here; it is read, so that the next request can be found. */
static bool skip_body(struct connection *c)
{
    const struct request *r = &c->request;
    if (!r->chunked && r->length == 0)
        return true;
    if (c->close || r->length > 1 << 20)
        return false;
    if (r->expects && !r->http10 && c->size == 0 &&
        send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, 0) < 0)
        return false;
    return r->chunked ? skip_chunks(c) : skip(c, r->length);
}

static int answer(struct connection *c, int status)
{
    int file = -1;
    struct stat st;
    if (status == 200)
        status = permission(c->request.path, c->request.authorization);
    if (status == 200)
        status = open_file(&c->request, &file, &st);
    if (status != 200)
        return refuse(c, status);
    int rc = send_file(c, file, &st);
    close(file);
    return rc;
}

/* One request and its answer; false when the connection is done. */
static bool exchange(struct connection *c)
{
    size_t n;
    int status = 0;
    for (;;) {
        while (c->size > 0 &&
               (c->data[0] == '\n' || (c->size > 1 && memcmp(c->data, "\r\n", 2) == 0)))
            use_up(c, c->data[0] == '\n' ? 1 : 2);
        n = head_size(c->data, c->size);
        if (n > 0)
            break;
        if (memchr(c->data, '\n', c->size) == NULL && c->size > LINE_MAX_BYTES)
            status = 414;
        else if (c->size == sizeof c->data)
            status = 431;
        if (status != 0)
            return refuse(c, status), false;
        if (!receive(c))
            return false;
    }
    status = parse_head(c->data, n, &c->request);
    use_up(c, n);
    c->close = c->request.close || c->request.http10;
    if ((status == 200 || status == 405) && !skip_body(c))
        c->close = true;
    return answer(c, status) == 0 && !c->close;
}

static void serve(int fd)
{
    int on = 1;
    struct timeval idle = {.tv_sec = 60}, short_wait = {.tv_usec = 300000};
    struct connection *c = calloc(1, sizeof *c);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
    if (c != NULL) {
        c->fd = fd;
        while (exchange(c))
            ;
        shutdown(fd, SHUT_WR);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof short_wait);
        int64_t end = now_ms() + 2000;
        while (now_ms() < end && recv(fd, c->data, sizeof c->data, 0) > 0)
            ;
    }
    free(c);
    close(fd);
}

int main(int argc, char *argv[])
{
    if ((argc != 3 && argc != 4) || port_number(argv[1], 1) < 0) {
        fprintf(stderr, "usage: %s PORT DOCROOT [AUTHFILE]\n", program_invocation_short_name);
        return 2;
    }
    root = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || realpath(argv[2], docroot) == NULL)
        die(argv[2], strerror(errno));
    if (argc == 4)
        load_users(argv[3]);
    serve_by_thread(argv[1], serve);
}
