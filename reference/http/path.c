/* path.c: RFC 3986: percent-decoding (2.1), dot segments (5.2.4). */
#include "http/path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* http://host/path in place of /path is legal in every request (RFC 9112, 3.2.2). NULL: neither form. */
static const char *skip_authority(const char *target)
{
    if (target[0] == '/')
        return target;
    if (strncasecmp(target, "http://", 7) != 0)
        return NULL;
    const char *host = target + 7;
    size_t length = strcspn(host, "/?");
    if (length == 0)
        return NULL;
    return host[length] == '/' ? host + length : "/";
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Decodes up to the query. 200 or the status of the error. */
static int decode(const char *from, char path[PATH_BYTES])
{
    size_t length = 0;
    for (; *from != '\0' && *from != '?'; from++) {
        int byte = (unsigned char)*from;
        if (*from == '#') /* the part behind # is the client's own affair and never sent */
            return 400;
        if (*from == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);
            byte = high * 16 + low;
            if (low < 0 || byte == 0) /* to open(), a 00 would be the end of the name */
                return 400;
            from += 2;
        }
        if (length + 1 >= PATH_BYTES)
            return 404;
        path[length++] = (char)byte;
    }
    path[length] = '\0';
    return 200;
}

/* Takes the last segment away, but never the root: "/a/b/" -> "/a/", "/" -> "/". */
static size_t up(const char *path, size_t length)
{
    if (length > 1)
        length--;
    while (path[length - 1] != '/')
        length--;
    return length;
}

/* Copies segment by segment over the path itself; what is kept always ends with '/' until the last name. */
static void remove_dot_segments(char path[PATH_BYTES])
{
    const char *from = path + 1;
    size_t length = 1; /* the leading '/' */
    while (*from != '\0') {
        size_t segment = strcspn(from, "/");
        bool last = from[segment] == '\0';
        if (segment == 2 && memcmp(from, "..", 2) == 0) {
            length = up(path, length);
        } else if (segment > 0 && !(segment == 1 && from[0] == '.')) {
            memmove(path + length, from, segment);
            length += segment;
            if (!last)
                path[length++] = '/';
        }
        from += segment + (last ? 0 : 1);
    }
    path[length] = '\0';
}

int path_from_target(const char *target, char path[PATH_BYTES])
{
    const char *raw = skip_authority(target);
    if (raw == NULL)
        return 400;
    int status = decode(raw, path);
    if (status == 200)
        remove_dot_segments(path);
    return status;
}

void path_escape(const char *path, char escaped[ESCAPED_BYTES])
{
    static const char plain[] = "-._~/0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = 0;
    for (; *path != '\0'; path++) {
        if (strchr(plain, *path) != NULL)
            escaped[length++] = *path;
        else
            length +=
                (size_t)snprintf(escaped + length, 4, "%%%02X", (unsigned)(unsigned char)*path);
    }
    escaped[length] = '\0';
}
