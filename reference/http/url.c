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

/* "example.org", "example.org:8080", "[::1]:8080" */
static bool take_authority(struct url *url, const char *from, size_t length)
{
    const char *end = from + length;
    const char *user = memchr(from, '@', length);
    if (user != NULL) /* user:password@ is for this side of the connection only */
        from = user + 1;
    if (!copy(url->authority, sizeof url->authority, from, (size_t)(end - from)))
        return false;

    bool brackets = from < end && *from == '[';
    const char *host = from + (brackets ? 1 : 0);
    const char *after = memchr(host, brackets ? ']' : ':', (size_t)(end - host));
    if (after == NULL)
        after = end;
    if (after == host || !copy(url->host, sizeof url->host, host, (size_t)(after - host)))
        return false;
    if (brackets && (after == end || (++after < end && *after != ':')))
        return false;
    if (after == end || after + 1 == end) /* no port, or a colon and nothing behind it */
        return copy(url->port, sizeof url->port, "80", 2);
    return copy(url->port, sizeof url->port, after + 1, (size_t)(end - after - 1)) &&
           net_parse_port(url->port) > 0;
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
