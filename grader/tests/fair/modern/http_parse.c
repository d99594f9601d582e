#include "http_parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t head_size(const char *data, size_t size)
{
    const char *at = data, *end = data + size, *feed;
    while ((feed = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at = feed + 1;
        if (at < end && *at == '\n')
            return (size_t)(at + 1 - data);
        if (at + 1 < end && at[0] == '\r' && at[1] == '\n')
            return (size_t)(at + 2 - data);
    }
    return 0;
}

static bool is_token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)s[i]) && (s[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", s[i])))
            return false;
    }
    return n > 0;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %xx in place; false for bad ones, for %00, and for what is no character of a target. */
static bool decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if ((unsigned char)*from <= ' ' || *from == 127)
            return false;
        *to = *from;
        if (*from == '%') {
            int high = hex(from[1]), low = high < 0 ? -1 : hex(from[2]);
            if (low < 0 || high + low == 0)
                return false;
            *to = (char)(high << 4 | low);
            from += 2;
        }
        to++;
    }
    *to = '\0';
    return true;
}

/* RFC 3986 5.2.4 in place, and "//" becomes "/". The text begins with '/'. */
static void remove_dots(char *text)
{
    char *to = text;
    const char *from = text;
    while (*from != '\0') {
        size_t n = 1 + strcspn(from + 1, "/"); /* "/segment" */
        bool last = from[n] == '\0';
        if ((n == 1 && !last) || (n == 2 && from[1] == '.')) {
            if (last)
                *to++ = '/';
        } else if (n == 3 && from[1] == '.' && from[2] == '.') {
            while (to > text && *--to != '/')
                ;
            if (last)
                *to++ = '/';
        } else {
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    *to = '\0';
}

static int parse_target(const char *target, struct request *r)
{
    if (strncasecmp(target, "http://", 7) == 0) {
        const char *host = target + 7;
        target = host + strcspn(host, "/?");
        if (target == host)
            return 400;
    } else if (*target != '/') {
        return 400;
    }
    size_t n = strcspn(target, "?");
    snprintf(r->path, sizeof r->path, "%.*s", (int)n, n == 0 ? "/" : target);
    if (n == 0)
        strcpy(r->path, "/");
    snprintf(r->query, sizeof r->query, "%s", target + n);
    if (!decode(r->path))
        return 400;
    remove_dots(r->path);
    return 200;
}

static int method_status(const char *method, size_t n, struct request *r)
{
    static const char *const others[] = {"POST",  "PUT",   "DELETE", "CONNECT",
                                         "TRACE", "PATCH", "OPTIONS"};
    r->head = n == 4 && memcmp(method, "HEAD", 4) == 0;
    if (r->head || (n == 3 && memcmp(method, "GET", 3) == 0))
        return 200;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strlen(others[i]) == n && memcmp(method, others[i], n) == 0)
            return 405;
    }
    return 501;
}

/* 400 and 505 count at once; another refusal waits for the headers. */
static int request_line(char *line, struct request *r)
{
    char *target = strchr(line, ' ');
    if (target == NULL || !is_token(line, (size_t)(target - line)))
        return 400;
    int status = method_status(line, (size_t)(target - line), r);
    *target++ = '\0';
    char *version = strchr(target, ' ');
    if (version == NULL || version == target)
        return 400;
    *version++ = '\0';
    unsigned major, minor;
    int end = 0;
    if (strlen(version) != 8 || sscanf(version, "HTTP/%1u.%1u%n", &major, &minor, &end) != 2 ||
        end != 8)
        return 400;
    if (major != 1)
        return 505;
    r->http10 = minor == 0;
    return status == 200 ? parse_target(target, r) : status;
}

static bool good_host(const char *host)
{
    size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
    if (*host == '[') {
        if (host[n] == '\0' || strspn(host + 1, "0123456789abcdefABCDEF:.") != n - 1)
            return false;
        n++;
    }
    for (size_t i = 0; *host != '[' && i < n; i++) {
        if (!isalnum((unsigned char)host[i]) && !strchr("-._~!$&'()*+,;=%", host[i]))
            return false;
    }
    if (host[n] == '\0')
        return true;
    return host[n] == ':' && strspn(host + n + 1, "0123456789") == strlen(host + n + 1);
}

static bool lists(const char *value, const char *word)
{
    size_t size = strlen(word), n;
    for (; *value != '\0'; value += n + (value[n] == ',')) {
        value += strspn(value, " \t");
        n = strcspn(value, ",");
        size_t trimmed = n;
        while (trimmed > 0 && strchr(" \t", value[trimmed - 1]))
            trimmed--;
        if (trimmed == size && strncasecmp(value, word, size) == 0)
            return true;
    }
    return false;
}

static bool take_length(const char *value, struct request *r)
{
    if (*value == '\0' || strlen(value) > 18 || value[strspn(value, "0123456789")] != '\0')
        return false;
    uint64_t length = strtoull(value, NULL, 10);
    if (r->has_length && r->length != length)
        return false;
    r->has_length = true;
    r->length = length;
    return true;
}

static int field(char *line, size_t size, struct request *r)
{
    char *value = strchr(line, ':');
    if (value == NULL || !is_token(line, (size_t)(value - line)) || strlen(line) != size)
        return 400;
    *value++ = '\0';
    value += strspn(value, " \t");
    for (char *end = line + size; end > value && strchr(" \t", end[-1]);)
        *--end = '\0';
    if (strcasecmp(line, "host") == 0)
        return ++r->hosts == 1 && good_host(value) ? 200 : 400;
    if (strcasecmp(line, "content-length") == 0)
        return take_length(value, r) ? 200 : 400;
    if (strcasecmp(line, "transfer-encoding") == 0) {
        r->chunked = strcasecmp(value, "chunked") == 0;
        return r->chunked ? 200 : 501;
    }
    if (strcasecmp(line, "connection") == 0)
        r->close = r->close || lists(value, "close");
    else if (strcasecmp(line, "expect") == 0)
        r->expects = strcasecmp(value, "100-continue") == 0;
    else if (strcasecmp(line, "authorization") == 0)
        snprintf(r->authorization, sizeof r->authorization, "%s", value);
    else if (strcasecmp(line, "range") == 0)
        snprintf(r->range, sizeof r->range, "%s", value);
    else if (strcasecmp(line, "if-modified-since") == 0)
        snprintf(r->since, sizeof r->since, "%s", value);
    return 200;
}

int parse_head(char *head, size_t size, struct request *r)
{
    int status = 0, bad = 200;
    size_t headers = 0;
    *r = (struct request){0};
    for (char *line = head, *end; line < head + size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(head + size - line));
        size_t n = (size_t)(end - line);
        if (n > 0 && line[n - 1] == '\r')
            n--;
        line[n] = '\0';
        if (strlen(line) != n || memchr(line, '\r', n) != NULL)
            return 400;
        if (status == 0)
            status = n > LINE_MAX_BYTES - 2 ? 414 : request_line(line, r);
        else if (n > 0 && bad == 200)
            bad = field(line, n, r);
        headers += n;
        if (status == 400 || status == 505 || status == 414)
            return status;
    }
    if (bad != 200 || (!r->http10 && r->hosts == 0))
        return bad != 200 ? bad : 400;
    if (r->chunked && r->has_length)
        r->close = true; /* RFC 9112 6.1: perhaps smuggling */
    return headers > HEAD_MAX_BYTES ? 431 : status;
}
