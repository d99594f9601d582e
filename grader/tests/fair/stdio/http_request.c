#include "http_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_ENDED = -1, LINE_LONG = -2, LINE_BAD = -3 };

/* One line without its CRLF or LF. Its length, or one of the above. */
static int read_line(FILE *in, char *line, int room)
{
    int n = 0, c;
    while ((c = getc(in)) != EOF && c != '\n') {
        if (n == room - 1)
            return LINE_LONG;
        line[n++] = (char)c;
    }
    if (c == EOF)
        return LINE_ENDED;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    return memchr(line, '\0', (size_t)n) != NULL || memchr(line, '\r', (size_t)n) != NULL ? LINE_BAD
                                                                                          : n;
}

static int is_token(const char *text)
{
    if (*text == '\0')
        return 0;
    for (; *text != '\0'; text++) {
        if (!isalnum((unsigned char)*text) && strchr("!#$%&'*+-.^_`|~", *text) == NULL)
            return 0;
    }
    return 1;
}

static int status_of_method(const char *method)
{
    static const char *const known[] = {"POST",    "PUT",   "DELETE", "CONNECT",
                                        "OPTIONS", "TRACE", "PATCH"};
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return 200;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(method, known[i]) == 0)
            return 405;
    }
    return 501;
}

/* Decodes FROM up to END into a path without "//", "." and ".."; 400 for bad escapes. */
static int decode_path(const char *from, const char *end, char *path)
{
    static char text[LINE_LIMIT];
    char *to = text, *saved = NULL;
    for (; from < end; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        if (!isxdigit((unsigned char)from[1]) || !isxdigit((unsigned char)from[2]))
            return 400;
        *to = (char)strtol((char[]){from[1], from[2], '\0'}, NULL, 16);
        if (*to++ == '\0')
            return 400;
        from += 2;
    }
    *to = '\0';
    int directory = to[-1] == '/' || (to - text >= 2 && strcmp(to - 2, "/.") == 0) ||
                    (to - text >= 3 && strcmp(to - 3, "/..") == 0);
    *path = '\0';
    char *last = path;
    for (char *part = strtok_r(text, "/", &saved); part != NULL;
         part = strtok_r(NULL, "/", &saved)) {
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            last = strrchr(path, '/') != NULL ? strrchr(path, '/') : path;
            *last = '\0';
            continue;
        }
        last += strlen(last);
        *last = '/';
        strcpy(last + 1, part);
    }
    if (directory)
        strcat(path, "/");
    return 200;
}

static int parse_target(struct request *r)
{
    const char *path = r->target;
    if (strncasecmp(path, "http://", 7) == 0) {
        if (strchr("/?", path[7]) != NULL)
            return 400;
        path += 7 + strcspn(path + 7, "/?");
        if (*path != '/')
            path = ""; /* nothing before the query is the root */
    } else if (*path != '/') {
        return 400;
    }
    const char *end = path + strcspn(path, "?");
    r->query = strchr(r->target, '?') != NULL ? strchr(r->target, '?') : "";
    if (end == path) {
        strcpy(r->path, "/");
        return 200;
    }
    return decode_path(path, end, r->path);
}

static int parse_request_line(struct request *r, char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c))
            return 400;
    }
    char *target = strchr(line, ' '), *version = strrchr(line, ' ');
    if (target == NULL || target == version)
        return 400;
    *target++ = '\0';
    *version++ = '\0';
    if (is_token(line))
        snprintf(r->method, sizeof r->method, "%.31s", line);
    if (!is_token(line) || *target == '\0' || strchr(target, ' ') != NULL)
        return 400;
    if (strlen(version) != 8 || strncmp(version, "HTTP/", 5) != 0 ||
        !isdigit((unsigned char)version[5]) || version[6] != '.' ||
        !isdigit((unsigned char)version[7]))
        return 400;
    if (version[5] != '1')
        return 505;
    r->minor = version[7] - '0';
    strcpy(r->target, target);
    int status = status_of_method(line);
    return status == 200 ? parse_target(r) : status;
}

static int host_is_good(const char *host)
{
    const char *end = host;
    if (*host == '[') {
        end = host + 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (*end++ != ']')
            return 0;
    } else {
        while (isalnum((unsigned char)*end) || (*end != '\0' && strchr("-._~%!$&'()*+,;=", *end)))
            end++;
    }
    if (*end == ':')
        end += 1 + strspn(end + 1, "0123456789");
    return *end == '\0';
}

static int has_word(const char *list, const char *word)
{
    size_t size = strlen(word);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t n = strcspn(list, ", \t");
        if (n == size && strncasecmp(list, word, n) == 0)
            return 1;
        list += n;
    }
    return 0;
}

static int content_length(struct request *r, const char *value)
{
    if (*value == '\0' || strlen(value) > 18 || strspn(value, "0123456789") != strlen(value))
        return 400;
    unsigned long long length = strtoull(value, NULL, 10);
    if (r->has_length && length != r->length)
        return 400;
    r->has_length = 1;
    r->length = length;
    return 200;
}

static int header(struct request *r, char *line)
{
    char *value = strchr(line, ':');
    if (value == NULL)
        return 400;
    *value++ = '\0';
    if (!is_token(line)) /* also a space before the colon, and a continuation line */
        return 400;
    value += strspn(value, " \t");
    char *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    if (strcasecmp(line, "Host") == 0)
        return ++r->hosts > 1 || !host_is_good(value) ? 400 : 200;
    if (strcasecmp(line, "Content-Length") == 0)
        return content_length(r, value);
    if (strcasecmp(line, "Transfer-Encoding") == 0)
        r->close = 1; /* such a body is not read: the connection ends */
    if (strcasecmp(line, "Connection") == 0 && has_word(value, "close"))
        r->close = 1;
    if (strcasecmp(line, "Authorization") == 0)
        snprintf(r->authorization, sizeof r->authorization, "%s", value);
    return 200;
}

static int refusal(int n, int when_long)
{
    return n == LINE_ENDED ? 0 : n == LINE_LONG ? when_long : 400;
}

int read_request(FILE *in, struct request *r)
{
    static char line[HEADER_LIMIT];
    int n, status, bad = 200, total = 0;
    memset(r, 0, sizeof *r);
    r->query = "";
    do { /* RFC 9112 2.2: an empty line before a request is no error */
        n = read_line(in, line, LINE_LIMIT);
    } while (n == 0);
    if (n < 0)
        return refusal(n, 414);
    status = parse_request_line(r, line);
    if (status == 400 || status == 505)
        return status; /* what follows may be anything */
    while ((n = read_line(in, line, HEADER_LIMIT)) > 0) {
        total += n + 2;
        if (total > HEADER_LIMIT)
            return 431;
        if (bad == 200)
            bad = header(r, line);
    }
    if (n < 0)
        return refusal(n, 431);
    if (bad != 200 || (r->minor >= 1 && r->hosts == 0))
        return 400;
    return status;
}
