/*
 * response.c: a response arrives in pieces of any size, so everything is read through one buffer: a line is complete
 * when its line end is there, and what was received behind it is the next thing's beginning.
 */
#include "http/response.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static const char incomplete[] = "the connection ended before the response was complete";

/* More bytes into the buffer. NULL, or what is wrong. */
static const char *fill(struct input *input)
{
    ssize_t got;
    memmove(input->bytes, input->bytes + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
    do {
        got = recv(input->fd, input->bytes + input->end, sizeof input->bytes - input->end, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return strerror(errno);
    if (got == 0)
        return incomplete;
    input->end += (size_t)got;
    return NULL;
}

/* The next line, without its line end, terminated in the buffer. It is valid until the next call. */
static const char *next_line(struct input *input, char **line)
{
    for (;;) {
        char *from = input->bytes + input->start;
        char *end = memchr(from, '\n', input->end - input->start);
        if (end != NULL) {
            input->start = (size_t)(end - input->bytes) + 1;
            if (end > from && end[-1] == '\r')
                end--;
            *end = '\0';
            *line = from;
            return strlen(from) == (size_t)(end - from) ? NULL : "a 00 byte in a header";
        }
        if (input->end - input->start == sizeof input->bytes)
            return "a line is too long";
        const char *wrong = fill(input);
        if (wrong != NULL)
            return wrong;
    }
}

/* "HTTP/1.1 200 OK"; the reason may be missing. False: no status line. */
static bool take_status(const char *line, struct response *response)
{
    static const char digits[] = "0123456789";
    const char *code = line + 9;
    if (strlen(line) < 12 || strncmp(line, "HTTP/1.", 7) != 0 || strchr(digits, line[7]) == NULL ||
        line[8] != ' ' || strspn(code, digits) != 3 || (code[3] != ' ' && code[3] != '\0'))
        return false;
    response->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    snprintf(response->line, sizeof response->line, "%s", line);
    return response->status >= 100;
}

static const char *take_length(struct response *response, const char *value, bool *has_length)
{
    unsigned long long length = 0;
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 18 || value[digits] != '\0')
        return "Content-Length is no number";
    for (const char *at = value; *at != '\0'; at++)
        length = length * 10 + (unsigned)(*at - '0');
    if (*has_length && length != response->length)
        return "two different Content-Lengths";
    *has_length = true;
    response->length = length;
    return NULL;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    text[length] = '\0';
    return text;
}

/* All headers of one response. Chunked wins over a length (RFC 9112, 6.3). */
static const char *take_headers(struct input *input, struct response *response)
{
    bool has_length = false;
    bool chunked = false;
    for (unsigned count = 0; count < HEADERS_MAX; count++) {
        char *line;
        const char *wrong = next_line(input, &line);
        if (wrong != NULL)
            return wrong;
        if (line[0] == '\0') {
            response->framing = chunked ? BODY_CHUNKED : has_length ? BODY_LENGTH : BODY_TO_END;
            return NULL;
        }
        if (line[0] == ' ' || line[0] == '\t') /* the line before goes on: of no interest here */
            continue;
        char *colon = strchr(line, ':');
        if (colon == NULL)
            return "a header line without a colon";
        *colon = '\0';
        char *value = trim(colon + 1);
        if (strcasecmp(line, "Content-Length") == 0)
            wrong = take_length(response, value, &has_length);
        else if (strcasecmp(line, "Transfer-Encoding") == 0 && strcasecmp(value, "chunked") == 0)
            chunked = true;
        else if (strcasecmp(line, "Transfer-Encoding") == 0)
            wrong = "an unknown Transfer-Encoding";
        if (wrong != NULL)
            return wrong;
    }
    return "too many headers";
}

const char *response_head(struct input *input, struct response *response)
{
    do {
        char *line;
        const char *wrong = next_line(input, &line);
        if (wrong != NULL)
            return wrong;
        if (!take_status(line, response))
            return "this is no HTTP status line";
        wrong = take_headers(input, response);
        if (wrong != NULL)
            return wrong;
    } while (response->status < 200);
    if (response->status == 204 || response->status == 304) /* these never have a body */
        response->framing = BODY_NONE;
    return NULL;
}

/* Writes exactly `left` bytes. */
static const char *copy_bytes(struct input *input, unsigned long long left, FILE *to)
{
    while (left > 0) {
        size_t have = input->end - input->start;
        size_t n = left < have ? (size_t)left : have;
        fwrite(input->bytes + input->start, 1, n, to);
        input->start += n;
        left -= n;
        const char *wrong = left > 0 ? fill(input) : NULL;
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static const char *copy_to_end(struct input *input, FILE *to)
{
    const char *wrong = NULL;
    while (wrong == NULL) {
        fwrite(input->bytes + input->start, 1, input->end - input->start, to);
        input->start = input->end;
        wrong = fill(input);
    }
    return wrong == incomplete ? NULL
                               : wrong; /* here the end of the connection is the end of the body */
}

/* Hexadecimal, perhaps with an extension behind it. False: no size, or too large. */
static bool chunk_size(const char *line, unsigned long long *size)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    size_t digits = strspn(line, hex);
    const char *behind = line + digits + strspn(line + digits, " \t");
    if (digits == 0 || digits > 15 || (*behind != '\0' && *behind != ';'))
        return false;
    *size = 0;
    for (size_t i = 0; i < digits; i++) {
        size_t value = (size_t)(strchr(hex, line[i]) - hex);
        *size = *size * 16 + (value < 16 ? value : value - 6);
    }
    return true;
}

static const char *copy_chunks(struct input *input, FILE *to)
{
    unsigned long long size = 1;
    char *line;
    const char *wrong = NULL;
    while (wrong == NULL && size > 0) {
        wrong = next_line(input, &line);
        if (wrong == NULL && !chunk_size(line, &size))
            wrong = "a chunk has no size";
        if (wrong == NULL && size > 0) {
            wrong = copy_bytes(input, size, to);
            if (wrong == NULL)
                wrong = next_line(input, &line);
            if (wrong == NULL && line[0] != '\0')
                wrong = "a chunk is longer than its size";
        }
    }
    do { /* the trailer: headers behind the body, up to an empty line */
        if (wrong == NULL)
            wrong = next_line(input, &line);
    } while (wrong == NULL && line[0] != '\0');
    return wrong;
}

const char *response_body(struct input *input, const struct response *response, FILE *to)
{
    switch (response->framing) {
    case BODY_NONE:
        return NULL;
    case BODY_LENGTH:
        return copy_bytes(input, response->length, to);
    case BODY_CHUNKED:
        return copy_chunks(input, to);
    case BODY_TO_END:
        return copy_to_end(input, to);
    }
    return NULL;
}
