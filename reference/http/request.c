/* request.c: the request line, then one header line after the other, then the empty line. */
#include "http/request.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 18 }; /* so many nines still fit into 64 bits */

/* The characters of methods and header names (RFC 9110, 5.6.2). */
static bool is_token_char(char c)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return c != '\0' && strchr(allowed, c) != NULL;
}

static size_t token_length(const char *text, size_t size)
{
    size_t length = 0;
    while (length < size && is_token_char(text[length]))
        length++;
    return length;
}

static bool all_between(const char *text, unsigned char low, unsigned char high)
{
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < low || (unsigned char)*at > high)
            return false;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/" digit "." digit, in capitals: no more and no less (RFC 9112, 2.3). */
static int take_version(struct request *request, const char *version)
{
    if (strlen(version) != 8 || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7]))
        return 400;
    if (version[5] != '1')
        return 505;
    request->minor = version[7] - '0';
    request->close = request->minor == 0; /* only 1.1 keeps the connection open unasked */
    return 0;
}

/* method SP target SP version */
static int take_request_line(struct request *request, char *line, size_t length)
{
    size_t method = token_length(line, length);
    if (method == 0 || line[method] != ' ')
        return 400;
    char *target = line + method + 1;
    char *version = strchr(target, ' ');
    if (version == NULL || version == target)
        return 400;
    line[method] = '\0';
    *version++ = '\0';
    if (!all_between(target, 0x21,
                     0x7e)) /* a space would be a fourth word, and is in the version now */
        return 400;
    request->method = line;
    request->target = target;
    return take_version(request, version);
}

static int take_host(struct request *request, const char *value)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "-._~%!$&'()*+,;=:[]";
    request->hosts++;
    return request->hosts > 1 || value[strspn(value, allowed)] != '\0' ? 400 : 0;
}

/* A list of words, in any case: `foo, Close` (RFC 9110, 7.6.1). */
static int take_connection(struct request *request, const char *value)
{
    static const char between[] = ", \t";
    for (value += strspn(value, between); *value != '\0'; value += strspn(value, between)) {
        size_t length = strcspn(value, between);
        if (length == 5 && strncasecmp(value, "close", 5) == 0)
            request->close = true;
        value += length;
    }
    return 0;
}

/* Digits and nothing else, once: two readers who disagree about a length can be played against each other. */
static int take_length(struct request *request, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    if (request->has_length || digits == 0 || digits > LENGTH_DIGITS || value[digits] != '\0')
        return 400;
    request->has_length = true;
    for (const char *at = value; *at != '\0'; at++)
        request->length = request->length * 10 + (unsigned)(*at - '0');
    return 0;
}

static int take_transfer_encoding(struct request *request, const char *value)
{
    request->transfer_encoding = true;
    return strcasecmp(value, "chunked") == 0 ? 0 : 501;
}

static int take_expect(struct request *request, const char *value)
{
    (void)value;
    request->expect = true;
    return 0;
}

static int take_authorization(struct request *request, const char *value)
{
    request->authorization = value;
    return 0;
}

static int take_if_modified_since(struct request *request, const char *value)
{
    request->if_modified_since = value;
    return 0;
}

/* The headers that mean something here; all others are ignored (RFC 9110, 5.1). */
static const struct {
    const char *name;
    int (*take)(struct request *request, const char *value);
} headers[] = {
    {"Host", take_host},
    {"Connection", take_connection},
    {"Content-Length", take_length},
    {"Transfer-Encoding", take_transfer_encoding},
    {"Expect", take_expect},
    {"Authorization", take_authorization},
    {"If-Modified-Since", take_if_modified_since},
};

/* Blanks around a value do not belong to it (RFC 9110, 5.5). */
static char *trim(char *value)
{
    value += strspn(value, " \t");
    size_t length = strlen(value);
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    value[length] = '\0';
    return value;
}

/* name ":" value. A blank before the name (an old way to continue a line) or before the colon is refused. */
static int take_header(struct request *request, char *line, size_t length)
{
    size_t name = token_length(line, length);
    if (name == 0 || line[name] != ':')
        return 400;
    line[name] = '\0';
    char *value = trim(line + name + 1);
    for (const char *at = value; *at != '\0'; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return 400;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (strcasecmp(line, headers[i].name) == 0) /* names are case-insensitive */
            return headers[i].take(request, value);
    return 0;
}

/* The empty line: HTTP/1.1 wants exactly one Host (RFC 9112, 3.2). */
static int take_end(const struct request *request)
{
    return request->minor > 0 && request->hosts != 1 ? 400 : REQUEST_DONE;
}

/* The line end is still missing: is what we have worth waiting for? */
static int unfinished(const struct request *request, const char *line, size_t length, size_t size)
{
    if (request->method != NULL)
        return size >= REQUEST_MAX ? 431 : REQUEST_MORE;
    /* Something that is no HTTP at all need not be waited for; a lone CR may begin an empty line. */
    size_t method = token_length(line, length);
    if (method < length && line[method] != ' ' && !(method == 0 && length == 1 && line[0] == '\r'))
        return 400;
    return size >= REQUEST_MAX ? 414 : REQUEST_MORE;
}

static int take_line(struct request *request, char *line, size_t length)
{
    if (strlen(line) != length) /* a 00 byte inside */
        return 400;
    if (request->method == NULL) /* empty lines before a request are ignored (RFC 9112, 2.2) */
        return length == 0 ? 0 : take_request_line(request, line, length);
    return length == 0 ? take_end(request) : take_header(request, line, length);
}

int request_parse(struct request *request, char *data, size_t size)
{
    int status = 0;
    while (status == 0) {
        char *line = data + request->used;
        size_t left = size - request->used;
        const char *end = memchr(line, '\n', left);
        if (end == NULL)
            return unfinished(request, line, left, size);
        size_t length = (size_t)(end - line);
        if (length == 0 || line[length - 1] != '\r') /* a line ends with CR LF */
            return 400;
        line[length - 1] = '\0';
        request->used += length + 1;
        status = take_line(request, line, length - 1);
    }
    return status;
}
