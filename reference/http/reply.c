/* reply.c: the status line and the headers, the empty line, the body in pieces. */
#include "http/reply.h"

#include "net/net.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 32768 };

/* Bytes on their way: the header and the beginning of the body leave in one send(). */
struct out {
    size_t length;
    char bytes[PIECE];
};

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
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
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

void http_date(time_t when, char text[HTTP_DATE_BYTES])
{
    struct tm utc;
    text[0] = '\0';
    if (gmtime_r(&when, &utc) !=
        NULL) /* the names are English: this program never calls setlocale() */
        strftime(text, HTTP_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

/* Adds a line. The headers of one reply are far smaller than a piece, even with the longest Location. */
static void line(struct out *out, const char *format, ...)
{
    size_t room = sizeof out->bytes - out->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out->bytes + out->length, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length + 2 > room)
        return;
    out->length += (size_t)length;
    memcpy(out->bytes + out->length, "\r\n", 2);
    out->length += 2;
}

static void header(struct out *out, const struct reply *reply, const char *type, off_t length)
{
    char date[HTTP_DATE_BYTES];
    line(out, "HTTP/1.1 %d %s", reply->status, reason(reply->status));
    http_date(time(NULL), date);
    line(out, "Date: %s", date);
    if (reply->status != 304) { /* a 304 never has a body */
        line(out, "Content-Type: %s", type);
        line(out, "Content-Length: %lld", (long long)length);
    }
    if (reply->status == 200 || reply->status == 304) {
        http_date(reply->file.modified, date);
        line(out, "Last-Modified: %s", date);
    }
    if (reply->status == 301)
        line(out, "Location: %s", reply->location);
    if (reply->status == 401)
        line(out, "WWW-Authenticate: Basic realm=\"docs\"");
    if (reply->status == 405)
        line(out, "Allow: GET, HEAD");
    if (reply->close)
        line(out, "Connection: close");
    line(out, "%s", "");
}

/* Everything but a file: a line of text says what went wrong. */
static int send_message(int fd, const struct reply *reply, struct out *out)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%d %s\n", reply->status, reason(reply->status));
    header(out, reply, "text/plain", length);
    if (!reply->head && reply->status != 304)
        out->length += (size_t)snprintf(out->bytes + out->length, PIECE - out->length, "%s", text);
    return net_send_all(fd, out->bytes, out->length);
}

/* Piece by piece, never more than was announced: the file may grow or shrink while we read it. */
static int send_file(int fd, const struct reply *reply, struct out *out)
{
    off_t left = reply->head ? 0 : reply->file.size;
    header(out, reply, reply->file.type, reply->file.size);
    while (left > 0) {
        size_t room = sizeof out->bytes - out->length;
        size_t want = left < (off_t)room ? (size_t)left : room;
        ssize_t got = read(reply->file.fd, out->bytes + out->length, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <=
            0) /* it shrank: the length is already said, only the end of the connection tells the truth */
            return -1;
        if (net_send_all(fd, out->bytes, out->length + (size_t)got) < 0)
            return -1;
        out->length = 0;
        left -= got;
    }
    return out->length > 0 ? net_send_all(fd, out->bytes, out->length) : 0;
}

int reply_send(int fd, struct reply *reply)
{
    struct out out = {.length = 0};
    if (reply->file.fd < 0 || reply->status != 200) {
        int status = send_message(fd, reply, &out);
        if (reply->file.fd >= 0)
            close(reply->file.fd);
        return status;
    }
    int status = send_file(fd, reply, &out);
    close(reply->file.fd);
    return status;
}
