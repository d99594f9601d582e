/* scenario/http_read.c: start line, header section and framing of one HTTP/1.1 message, strictly by RFC 9112.
 *
 * The reader starts at the first byte each time it is asked, so that it has no state of its own; headers are short. It
 * distinguishes three things that a lenient reader mixes: what is broken already (no further byte can mend it), what is
 * complete, and what may still become complete. In the last case `part` says how far it got, which is all that can be
 * told when nothing more comes. */
#include "scenario/http_read.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

void http_broken(struct http_reading *ret, size_t at, const char *class_name, const char *format,
                 ...)
{
    va_list list;
    ret->state = HTTP_BROKEN;
    ret->at = at;
    ret->class_name = class_name;
    va_start(list, format);
    (void)vsnprintf(ret->what, sizeof ret->what, format, list);
    va_end(list);
}

bool http_is_token_char(unsigned char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 5.6.2 */
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr(others, c));
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Text without control characters other than TAB; bytes of 80 and above are obs-text. */
static bool is_clean(const uint8_t *bytes, size_t len, size_t *ret_at)
{
    for (*ret_at = 0; *ret_at < len; ++*ret_at)
        if ((bytes[*ret_at] < 0x20 && bytes[*ret_at] != '\t') || bytes[*ret_at] == 0x7f)
            return false;
    return true;
}

/* ---- start lines ---- */

static void read_status_line(const uint8_t *line, size_t len, struct http_reading *ret)
{
    size_t at = 0;
    if (len < 12 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' || !is_digit(line[9]) ||
        !is_digit(line[10]) || !is_digit(line[11]) || line[9] < '1' || line[9] > '5') {
        http_broken(ret, len < 8 ? len : 7, "status-line",
                    "the first line is not \"HTTP/1.1 SP three digits SP reason\"");
        return;
    }
    ret->minor = line[7] - '0';
    ret->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (len == 12)
        http_broken(ret, 12, "status-line-space", "no space after the status code");
    else if (line[12] != ' ')
        http_broken(ret, 12, "status-line", "no space after the three digits of the status code");
    else if (!is_clean(line + 13, len - 13, &at))
        http_broken(ret, 13 + at, "status-line", "a control character in the reason");
}

static bool is_version(const uint8_t *text, size_t len)
{
    return len == 8 && memcmp(text, "HTTP/1.", 7) == 0 && (text[7] == '0' || text[7] == '1');
}

static void read_request_line(const uint8_t *line, size_t len, struct http_reading *ret)
{
    size_t method = 0;
    while (method < len && http_is_token_char(line[method]))
        method++;
    if (method == 0 || method == len || line[method] != ' ') {
        http_broken(ret, method, NULL, "the request line does not begin with a method and a space");
        return;
    }
    size_t at = method + 1;
    while (at < len && line[at] > 0x20 && line[at] < 0x7f)
        at++;
    if (at == method + 1 || at == len || line[at] != ' ') {
        http_broken(ret, at, NULL, "the request line has no target between two spaces");
        return;
    }
    if (!is_version(line + at + 1, len - at - 1))
        http_broken(ret, at + 1, NULL, "the request line does not end with HTTP/1.1");
    else
        ret->minor = line[len - 1] - '0';
}

/* False: ret holds the answer. */
static bool read_start_line(const uint8_t *bytes, size_t len, bool is_request,
                            struct http_reading *ret)
{
    static const char prefix[] = "HTTP/1.";
    ret->part = HTTP_IN_START_LINE;
    for (size_t i = 0; !is_request && i < len && i < sizeof prefix - 1; i++) {
        if (bytes[i] != (uint8_t)prefix[i]) {
            http_broken(ret, i, "status-line", "the first line does not begin with HTTP/1.");
            return false;
        }
    }
    const uint8_t *end = len ? memchr(bytes, '\n', len) : NULL;
    if (!end && len > HTTP_MAX_HEAD_BYTES)
        http_broken(ret, len, NULL, "a first line of more than %zu bytes", HTTP_MAX_HEAD_BYTES);
    if (!end)
        return false; /* MORE, unless broken */
    const size_t line = (size_t)(end - bytes);
    if (line == 0 || bytes[line - 1] != '\r') {
        http_broken(ret, line, "lf-only", "the first line ends with LF alone");
        return false;
    }
    ret->line_len = line - 1;
    ret->fields_at = line + 1;
    if (is_request)
        read_request_line(bytes, ret->line_len, ret);
    else
        read_status_line(bytes, ret->line_len, ret);
    return ret->state != HTTP_BROKEN;
}

/* ---- header lines ---- */

bool http_is_field(const uint8_t *line, size_t len, bool complete)
{
    size_t at = 0;
    while (at < len && http_is_token_char(line[at]))
        at++;
    if (at == len)
        return !complete;
    return at > 0 && line[at] == ':';
}

/* Why it is none: a name with a blank in it is a bad header line; anything else is taken for the body. */
static void explain_no_field(const uint8_t *line, size_t len, size_t at, bool is_request,
                             struct http_reading *ret)
{
    size_t colon = 0;
    if (line[0] == ' ' || line[0] == '\t') {
        http_broken(ret, at, NULL, "a header line begins with a blank");
        return;
    }
    while (colon < len && (http_is_token_char(line[colon]) || line[colon] == ' '))
        colon++;
    if (colon > 0 && colon < len && line[colon] == ':')
        http_broken(ret, at, NULL, "a blank in a header's name, or before its colon");
    else
        http_broken(ret, at, is_request ? "no-header-end" : "missing-blank-line",
                    "no header line, and no empty line before it");
}

static bool read_length(const uint8_t *value, size_t len, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(value[i]) || *ret > (UINT64_MAX - 9) / 10)
            return false;
        *ret = *ret * 10 + (uint64_t)(value[i] - '0');
    }
    return len > 0;
}

static bool read_line_end(const uint8_t *line, size_t len, size_t at, struct http_reading *ret)
{
    size_t dirty = 0;
    if (len == 0 || line[len - 1] != '\r')
        http_broken(ret, at + len, "lf-only", "a line ends with LF alone");
    else if (!is_clean(line, len - 1, &dirty))
        http_broken(ret, at + dirty, NULL, "a control character in a header line");
    return ret->state != HTTP_BROKEN;
}

/* Header lines up to the empty one. False: ret holds the answer. */
static bool read_fields(const uint8_t *bytes, size_t len, bool is_request, struct http_reading *ret)
{
    size_t at = ret->fields_at;
    ret->part = HTTP_IN_HEADER;
    for (;;) {
        const uint8_t *line = bytes + at;
        const uint8_t *end = at < len ? memchr(line, '\n', len - at) : NULL;
        if (at > HTTP_MAX_HEAD_BYTES || (!end && len - at > HTTP_MAX_HEAD_BYTES)) {
            http_broken(ret, at, SCENARIO_CLASS_ENDLESS, "a header of more than %zu bytes",
                        HTTP_MAX_HEAD_BYTES);
            return false;
        }
        if (!end) {
            ret->line_is_field = at < len && http_is_field(line, len - at, false);
            return false;
        }
        const size_t line_len = (size_t)(end - line); /* with its CR */
        if (line_len == 1 && line[0] == '\r') {
            ret->head_len = at + 2;
            return true;
        }
        if (line_len > 0 && !http_is_field(line, line_len, true)) {
            explain_no_field(line, line_len, at, is_request, ret);
            return false;
        }
        if (!read_line_end(line, line_len, at, ret))
            return false;
        at += line_len + 1;
    }
}

bool http_field(const uint8_t *fields, size_t len, const char *name, struct buf *ret)
{
    const size_t name_len = strlen(name);
    bool found = false;
    while (len > 0) {
        const uint8_t *end = memchr(fields, '\n', len);
        const size_t line_len = end ? (size_t)(end - fields) : len;
        if (line_len > name_len && fields[name_len] == ':' &&
            strncasecmp((const char *)fields, name, name_len) == 0) {
            size_t from = name_len + 1;
            size_t to = line_len;
            while (from < to && strchr(" \t", fields[from]))
                from++;
            while (to > from && strchr(" \t\r", fields[to - 1]))
                to--;
            if (found)
                (void)buf_add_str(ret, ", ");
            (void)buf_add(ret, fields + from, to - from);
            found = true;
        }
        const size_t used = end ? line_len + 1 : len;
        fields += used;
        len -= used;
    }
    return found;
}

/* ---- framing: RFC 9112 6.3, in its order ---- */

static bool ends_with_chunked(const char *value)
{
    const char *comma = strrchr(value, ',');
    const char *last = comma ? comma + 1 : value;
    return strcasecmp(last + strspn(last, " \t"), "chunked") == 0;
}

static bool says_no_length(int status)
{
    return status / 100 == 1 || status == 204; /* RFC 9110 8.6 */
}

static void broken_length(const struct buf *value, struct http_reading *ret)
{
    AUTO_BUF struct buf shown = {0};
    text_escape(&shown, value->data, value->len, 24);
    http_broken(ret, ret->fields_at, NULL, "Content-Length is \"%s\"",
                shown.data ? shown.data : "");
}

/* What a header may not say of the body, whatever follows. */
static bool framing_is_broken(const struct buf *length, const struct buf *coding, bool never,
                              struct http_reading *ret)
{
    if (length->data && coding->data)
        http_broken(ret, ret->fields_at, NULL, "Content-Length beside Transfer-Encoding");
    else if (never && (length->data || coding->data))
        http_broken(ret, ret->fields_at, NULL, "a %d has no body, and says no length", ret->status);
    else if (length->data &&
             !read_length((const uint8_t *)length->data, length->len, &ret->content_length))
        broken_length(length, ret);
    return ret->state == HTTP_BROKEN;
}

static void choose_framing(const uint8_t *bytes, bool is_request, bool head,
                           struct http_reading *ret)
{
    AUTO_BUF struct buf length = {0};
    AUTO_BUF struct buf coding = {0};
    const uint8_t *fields = bytes + ret->fields_at;
    const size_t len = ret->head_len - ret->fields_at;
    const bool never = !is_request && says_no_length(ret->status);
    if (http_field(fields, len, "content-length", &length))
        (void)buf_add_str(&length, ""); /* data is set, even when the value is empty */
    if (http_field(fields, len, "transfer-encoding", &coding))
        (void)buf_add_str(&coding, "");
    ret->no_body = !is_request && (head || never || ret->status == 304);
    if (framing_is_broken(&length, &coding, never, ret))
        return;
    if (coding.data && ends_with_chunked(coding.data))
        ret->framing = HTTP_FRAMING_CHUNKED;
    else if (coding.data && is_request)
        http_broken(ret, ret->fields_at, NULL, "a request whose body has no end");
    else if (length.data || ret->no_body || is_request)
        ret->framing = HTTP_FRAMING_LENGTH;
    else
        ret->framing = HTTP_FRAMING_CLOSE;
}

static void read_body(const uint8_t *bytes, size_t len, bool eof, struct buf *decoded,
                      struct http_reading *ret)
{
    const size_t rest = len - ret->head_len;
    ret->body_at = ret->head_len;
    if (ret->no_body) {
        ret->state = HTTP_COMPLETE;
    } else if (ret->framing == HTTP_FRAMING_CHUNKED) {
        http_read_chunks(bytes, len, ret->head_len, decoded, ret);
        return;
    } else if (ret->framing == HTTP_FRAMING_LENGTH) {
        ret->part = HTTP_IN_BODY;
        ret->body_len = rest < ret->content_length ? rest : (size_t)ret->content_length;
        ret->state = rest < ret->content_length ? HTTP_MORE : HTTP_COMPLETE;
    } else {
        ret->part = HTTP_UNTIL_CLOSE;
        ret->body_len = rest;
        ret->state = eof ? HTTP_COMPLETE : HTTP_MORE;
    }
    http_bound_body(ret);
    ret->total = ret->head_len + ret->body_len;
}

void http_read(const uint8_t *bytes, size_t len, bool is_request, bool head, bool eof,
               struct buf *decoded, struct http_reading *ret)
{
    *ret = (struct http_reading){.state = HTTP_MORE};
    if (!read_start_line(bytes, len, is_request, ret) || !read_fields(bytes, len, is_request, ret))
        return;
    choose_framing(bytes, is_request, head, ret);
    if (ret->state != HTTP_BROKEN)
        read_body(bytes, len, eof, decoded, ret);
}
