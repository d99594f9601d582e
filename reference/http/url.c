/* url.c: from left to right: scheme, user (dropped), host, port, path and query, fragment (dropped). */
#include "http/url.h"

#include "net/net.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool copy(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        return false;
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

/* "" or ":" or ":8080" */
static bool take_port(struct url *url, const char *from, const char *end)
{
    if (end - from <= 1)
        return copy(url->port, sizeof url->port, "80", 2) && (from == end || *from == ':');
    return *from == ':' && copy(url->port, sizeof url->port, from + 1, (size_t)(end - from - 1)) &&
           net_parse_port(url->port) > 0;
}

/* "example.org", "example.org:8080", "[::1]:8080" */
static bool take_authority(struct url *url, const char *from, size_t length)
{
    const char *end = from + length;
    const char *user = memchr(from, '@', length);
    if (user != NULL) /* user:password@ is for this side of the connection only */
        from = user + 1;
    bool brackets =
        from < end && *from == '['; /* around an address of IPv6, which is full of colons */
    const char *host = brackets ? from + 1 : from;
    const char *behind = memchr(host, brackets ? ']' : ':', (size_t)(end - host));
    if (behind == NULL && brackets)
        return false;
    if (behind == NULL)
        behind = end;
    return behind > host &&
           copy(url->authority, sizeof url->authority, from, (size_t)(end - from)) &&
           copy(url->host, sizeof url->host, host, (size_t)(behind - host)) &&
           take_port(url, brackets ? behind + 1 : behind, end);
}

/* The part behind # names a place in the document: it stays here. */
static bool take_target(struct url *url, const char *from)
{
    size_t length = strcspn(from, "#");
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)from[i] <= ' ' || from[i] == 0x7f)
            return false;
    int written = snprintf(url->target, sizeof url->target, "%s%.*s", from[0] == '/' ? "" : "/",
                           (int)length, from);
    return written > 0 && (size_t)written < sizeof url->target;
}

bool url_parse(const char *text, struct url *url)
{
    static const char scheme[] = "http://";
    if (strncasecmp(text, scheme, strlen(scheme)) != 0)
        return false;
    const char *authority = text + strlen(scheme);
    size_t length = strcspn(authority, "/?#");
    if (strlen(text) >= URL_TARGET)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)authority[i] <= ' ' || authority[i] == 0x7f)
            return false;
    return take_authority(url, authority, length) && take_target(url, authority + length);
}
