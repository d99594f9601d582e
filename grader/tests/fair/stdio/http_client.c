/* http_client.c: fetches one URL with GET (RFC 9112), reading with stdio. */
#include "common.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

const char *program = "http_client";

struct url {
    char host[256], port[8];
    int bracket;
    const char *path; /* path and query; begins with '/' or '?' or is empty */
    int path_size;
};

struct response {
    char status_line[8192];
    int status;
    int chunked, unknown_coding;
    int has_length;
    unsigned long long length;
};

static int parse_url(const char *text, struct url *u)
{
    if (strncasecmp(text, "http://", 7) != 0)
        return -1;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 127)
            return -1;
    }
    const char *host = text + 7, *end = host + strcspn(host, "/?#");
    for (const char *c = host; c < end; c++) {
        if (*c == '@')
            host = c + 1; /* a user's name is not sent */
    }
    u->bracket = *host == '[';
    host += u->bracket;
    size_t n = strcspn(host, u->bracket ? "]/?#" : ":/?#");
    const char *port = host + n;
    if (n == 0 || n >= sizeof u->host || (u->bracket && *port++ != ']'))
        return -1;
    memcpy(u->host, host, n);
    strcpy(u->port, "80");
    if (*port == ':' && ++port < end) {
        if (end - port > 5)
            return -1;
        snprintf(u->port, sizeof u->port, "%.*s", (int)(end - port), port);
        port = end;
    }
    u->path = end;
    u->path_size = (int)strcspn(end, "#");
    return port == end && parse_port(u->port) > 0 ? 0 : -1;
}

static int send_request(int fd, const struct url *u)
{
    FILE *out = fdopen(dup(fd), "w");
    if (out == NULL)
        return -1;
    int has_port = atoi(u->port) != 80;
    fprintf(out, "GET %s%.*s HTTP/1.1\r\nHost: %s%s%s%s%s\r\n", *u->path == '/' ? "" : "/",
            u->path_size, u->path, u->bracket ? "[" : "", u->host, u->bracket ? "]" : "",
            has_port ? ":" : "", has_port ? u->port : "");
    fputs("User-Agent: stdio/1.0\r\nAccept: */*\r\nConnection: close\r\n\r\n", out);
    return fclose(out);
}

/* A line without CRLF or LF; its length, or -1. */
static int read_line(FILE *in, char *line, size_t room)
{
    size_t n = 0;
    int c;
    while ((c = getc(in)) != EOF && c != '\n') {
        if (n == room - 1 || c == '\0')
            return -1;
        line[n++] = (char)c;
    }
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return c == EOF ? -1 : (int)n;
}

static int header(struct response *r, char *line)
{
    char *value = strchr(line, ':');
    if (*line == ' ' || *line == '\t')
        return 0; /* the continuation of a header; none that matters here has one */
    if (value == NULL || value == line || value[-1] == ' ' || value[-1] == '\t')
        return -1;
    *value++ = '\0';
    value += strspn(value, " \t");
    size_t n = strlen(value);
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        value[--n] = '\0';
    if (strcasecmp(line, "Transfer-Encoding") == 0) {
        if (strcasecmp(value, "chunked") == 0 && !r->chunked)
            r->chunked = 1;
        else
            r->unknown_coding = 1;
    } else if (strcasecmp(line, "Content-Length") == 0) {
        if (n == 0 || n > 18 || strspn(value, "0123456789") != n)
            return -1;
        unsigned long long length = strtoull(value, NULL, 10);
        if (r->has_length && length != r->length)
            return -1;
        r->has_length = 1;
        r->length = length;
    }
    return 0;
}

static int read_head(FILE *in, struct response *r)
{
    char line[16384];
    int n, headers = 0;
    memset(r, 0, sizeof *r);
    if (read_line(in, r->status_line, sizeof r->status_line) < 0)
        return -1;
    const char *s = r->status_line;
    if (strncmp(s, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)s[7]) || s[8] != ' ' ||
        strspn(s + 9, "0123456789") != 3 || (s[12] != ' ' && s[12] != '\0') || s[9] == '0')
        return -1;
    r->status = atoi(s + 9);
    while ((n = read_line(in, line, sizeof line)) > 0) {
        if (++headers > 1000 || header(r, line) < 0)
            return -1;
    }
    return n;
}

static int copy(FILE *in, unsigned long long size)
{
    char piece[1024];
    while (size > 0) {
        size_t n = fread(piece, 1, size < sizeof piece ? (size_t)size : sizeof piece, in);
        if (n == 0)
            return -1;
        fwrite(piece, 1, n, stdout);
        size -= n;
    }
    return 0;
}

static int read_chunks(FILE *in)
{
    char line[16384];
    for (;;) {
        if (read_line(in, line, sizeof line) < 0)
            return -1;
        size_t digits = strspn(line, "0123456789abcdefABCDEF");
        const char *rest = line + digits + strspn(line + digits, " \t");
        if (digits == 0 || digits > 15 || (*rest != '\0' && *rest != ';'))
            return -1;
        unsigned long long size = strtoull(line, NULL, 16);
        if (size == 0)
            break;
        if (copy(in, size) < 0 || read_line(in, line, sizeof line) != 0)
            return -1;
    }
    int n, trailers = 0;
    while ((n = read_line(in, line, sizeof line)) > 0 && ++trailers < 1000)
        ;
    return n == 0 ? 0 : -1;
}

static int read_to_end(FILE *in)
{
    char piece[1024];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        fwrite(piece, 1, n, stdout);
    return ferror(in) ? -1 : 0;
}

static int read_body(FILE *in, const struct response *r)
{
    if (r->status == 204 || r->status == 304)
        return 0;
    if (r->unknown_coding)
        return -1;
    if (r->chunked)
        return read_chunks(in);
    return r->has_length ? copy(in, r->length) : read_to_end(in);
}

int main(int argc, char *argv[])
{
    static struct url url;
    static struct response response;
    if (argc != 2 || parse_url(argv[1], &url) < 0) {
        fprintf(stderr, "usage: %s http://HOST[:PORT][/PATH][?QUERY]\n", program);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int fd = tcp_connect(url.host, url.port), rc;
    if (fd < 0)
        return 1;
    struct timeval patience = {.tv_sec = 30};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    FILE *in = fdopen(fd, "r");
    if (in == NULL || send_request(fd, &url) != 0)
        return fail("request");
    int informal = 0;
    do {
        rc = read_head(in, &response);
    } while (rc == 0 && response.status < 200 && response.status != 101 && ++informal < 100);
    if (rc < 0 || response.status < 200)
        return complain("answer", "no complete and well-formed header");
    rc = read_body(in, &response);
    fclose(in);
    if (fflush(stdout) != 0)
        return fail("stdout");
    if (rc < 0)
        return complain("answer", "its body is incomplete or malformed");
    if (response.status >= 400)
        fprintf(stderr, "%s\n", response.status_line);
    return response.status >= 400 ? 4 : 0;
}
