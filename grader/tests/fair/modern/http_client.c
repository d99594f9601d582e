/* http_client.c: sheet 7 with a buffer of its own, a deadline, and -L. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, TEXT = 8192, REDIRECTS = 5 };

struct url {
    char host[NI_MAXHOST], port[6], path[TEXT]; /* path with query, begins with '/' */
    bool brackets;
};

struct answer {
    int fd, status;
    size_t from, to;
    bool chunked, has_length;
    unsigned long long length;
    char line[TEXT], status_line[TEXT], location[TEXT], data[16384];
};

static bool parse_url(const char *text, struct url *u)
{
    if (strncasecmp(text, "http://", 7) != 0)
        return false;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 0x7f)
            return false;
    }
    char authority[TEXT];
    const char *rest = text + 7;
    size_t n = strcspn(rest, "/?#");
    snprintf(authority, sizeof authority, "%.*s", (int)n, rest);
    rest += n;
    char *host = strrchr(authority, '@') != NULL ? strrchr(authority, '@') + 1 : authority;
    char *port = strrchr(host, ':'), *bracket = strchr(host, ']');
    u->brackets = host[0] == '[';
    if (u->brackets) {
        if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
            return false;
        port = bracket[1] == ':' ? bracket + 1 : NULL;
        *bracket = '\0';
        host++;
    }
    strcpy(u->port, "80");
    if (port != NULL) {
        *port++ = '\0';
        if (*port != '\0' && port_number(port, 1) < 0)
            return false;
        if (*port != '\0')
            snprintf(u->port, sizeof u->port, "%d", port_number(port, 1));
    }
    if (*host == '\0' || strlen(host) >= sizeof u->host || strlen(rest) + 2 > sizeof u->path)
        return false;
    strcpy(u->host, host);
    snprintf(u->path, sizeof u->path, "%s%.*s", *rest == '/' ? "" : "/", (int)strcspn(rest, "#"),
             rest);
    return true;
}

static void send_request(int fd, const struct url *u)
{
    char text[TEXT + NI_MAXHOST + 256];
    bool standard = strcmp(u->port, "80") == 0;
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: %s%s%s%s%s\r\nConnection: close\r\nAccept: */*\r\n"
                     "User-Agent: modern/2\r\n\r\n",
                     u->path, u->brackets ? "[" : "", u->host, u->brackets ? "]" : "",
                     standard ? "" : ":", standard ? "" : u->port);
    if (send_all(fd, text, (size_t)n, 0) < 0)
        die("send", strerror(errno));
}

/* False at the end of the stream; ends the process for errors and silence. */
static bool fill(struct answer *a)
{
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    int rc;
    do {
        rc = poll(&p, 1, PATIENCE_MS);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0)
        die("answer", strerror(ETIMEDOUT));
    ssize_t n = recv(a->fd, a->data, sizeof a->data, 0);
    if (n < 0)
        die("recv", strerror(errno));
    a->from = 0;
    a->to = (size_t)n;
    return n > 0;
}

static int next(struct answer *a)
{
    if (a->from == a->to && !fill(a))
        die("answer", "it ended too early");
    return (unsigned char)a->data[a->from++];
}

/* Reads a line into a->line, without its end. */
static void read_line(struct answer *a)
{
    size_t n = 0;
    int c;
    while ((c = next(a)) != '\n') {
        if (c == '\0' || n == sizeof a->line - 1)
            die("answer", "a line that is too long, or binary");
        a->line[n++] = (char)c;
    }
    if (n > 0 && a->line[n - 1] == '\r')
        n--;
    a->line[n] = '\0';
}

static void take_header(struct answer *a)
{
    char *value = strchr(a->line, ':');
    if (a->line[0] == ' ' || a->line[0] == '\t')
        return;
    if (value == NULL || value == a->line || strchr(" \t", value[-1]))
        die("answer", "a header line without a name");
    *value++ = '\0';
    value += strspn(value, " \t");
    size_t n = strlen(value);
    while (n > 0 && strchr(" \t", value[n - 1]))
        value[--n] = '\0';
    if (strcasecmp(a->line, "content-length") == 0) {
        if (n == 0 || n > 18 || strspn(value, "0123456789") != n)
            die("answer", "a Content-Length that is no number");
        unsigned long long length = strtoull(value, NULL, 10);
        if (a->has_length && a->length != length)
            die("answer", "two lengths");
        a->has_length = true;
        a->length = length;
    } else if (strcasecmp(a->line, "transfer-encoding") == 0) {
        if (strcasecmp(value, "chunked") != 0)
            die("answer", "a transfer coding that nobody asked for");
        a->chunked = true;
    } else if (strcasecmp(a->line, "location") == 0) {
        strcpy(a->location, value);
    }
}

static void read_head(struct answer *a)
{
    int end = 0, headers = 0;
    char version;
    a->chunked = a->has_length = false;
    a->location[0] = '\0';
    read_line(a);
    if (sscanf(a->line, "HTTP/1.%c %3d%n", &version, &a->status, &end) != 2 || end != 12 ||
        a->status < 100 || a->status > 599 || (a->line[12] != ' ' && a->line[12] != '\0'))
        die("answer", "no status line of HTTP/1.1");
    strcpy(a->status_line, a->line);
    for (read_line(a); a->line[0] != '\0'; read_line(a)) {
        if (++headers > 500)
            die("answer", "too many headers");
        take_header(a);
    }
}

static void print(const void *data, size_t size)
{
    if (write_all(STDOUT_FILENO, data, size) < 0)
        die("stdout", strerror(errno));
}

static void copy(struct answer *a, unsigned long long size)
{
    while (size > 0) {
        if (a->from == a->to && !fill(a))
            die("answer", "the body is incomplete");
        size_t n = a->to - a->from < size ? a->to - a->from : (size_t)size;
        print(a->data + a->from, n);
        a->from += n;
        size -= n;
    }
}

static void copy_chunks(struct answer *a)
{
    for (;;) {
        unsigned long long size = 0;
        int digits = 0, c;
        read_line(a);
        for (const char *p = a->line; (c = *p) != '\0' && strchr("0123456789abcdefABCDEF", c);
             p++) {
            size = size * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
            digits++;
        }
        const char *rest = a->line + digits + strspn(a->line + digits, " \t");
        if (digits == 0 || digits > 15 || (*rest != ';' && *rest != '\0'))
            die("answer", "a chunk without a size");
        if (size == 0)
            break;
        copy(a, size);
        if ((c = next(a)) == '\r')
            c = next(a);
        if (c != '\n')
            die("answer", "a chunk longer than its size");
    }
    do {
        read_line(a);
    } while (a->line[0] != '\0');
}

static void copy_body(struct answer *a)
{
    if (a->status == 204 || a->status == 304)
        return;
    if (a->chunked) {
        copy_chunks(a);
    } else if (a->has_length) {
        copy(a, a->length);
    } else {
        do {
            copy(a, a->to - a->from);
        } while (fill(a));
    }
}

/* Where Location leads from u (RFC 3986 5.2, as far as it is needed for http). */
static bool follow(struct url *u, const char *location)
{
    char text[2 * TEXT + NI_MAXHOST + 64];
    char base[NI_MAXHOST + 16];
    snprintf(base, sizeof base, "%s%s%s:%s", u->brackets ? "[" : "", u->host,
             u->brackets ? "]" : "", u->port);
    size_t path = strcspn(u->path, "?"), folder = path;
    while (folder > 0 && u->path[folder - 1] != '/')
        folder--;
    if (strncmp(location, "//", 2) == 0)
        snprintf(text, sizeof text, "http:%s", location);
    else if (location[0] == '/')
        snprintf(text, sizeof text, "http://%s%s", base, location);
    else if (strstr(location, "://") != NULL)
        snprintf(text, sizeof text, "%s", location);
    else
        snprintf(text, sizeof text, "http://%s%.*s%s", base,
                 (int)(*location == '?' ? path : folder), u->path, location);
    return *location != '\0' && parse_url(text, u);
}

static bool is_redirect(const struct answer *a)
{
    return a->location[0] != '\0' && (a->status == 301 || a->status == 302 || a->status == 303 ||
                                      a->status == 307 || a->status == 308);
}

int main(int argc, char *argv[])
{
    static struct answer a;
    static struct url url;
    bool redirects = argc == 3 && strcmp(argv[1], "-L") == 0;
    if (argc != 2 + redirects || !parse_url(argv[argc - 1], &url)) {
        fprintf(stderr, "usage: %s [-L] http://HOST[:PORT][/PATH][?QUERY]\n",
                program_invocation_short_name);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (int hops = 0;; hops++) {
        a = (struct answer){.fd = connect_to(url.host, url.port, SOCK_STREAM)};
        send_request(a.fd, &url);
        do {
            read_head(&a);
        } while (a.status < 200 && a.status != 101);
        if (a.status == 101)
            die("answer", "a switch of protocols that nobody asked for");
        if (!redirects || !is_redirect(&a))
            break;
        close(a.fd);
        if (hops == REDIRECTS)
            die("answer", "too many redirects");
        if (!follow(&url, a.location))
            die(a.location, "cannot go there");
    }
    copy_body(&a);
    close(a.fd);
    if (a.status >= 400)
        fprintf(stderr, "%s\n", a.status_line);
    return a.status >= 400 ? 4 : 0;
}
