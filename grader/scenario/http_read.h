/* scenario/http_read.h: a strict reader of one HTTP/1.1 message (RFC 9112). Private to scenario/.
 *
 * Strict where clients are lenient: it is the judge of what a student's program sends. libcurl, for comparison, forgives
 * bare LF, folded lines, two Content-Lengths and bytes behind the body. */
#ifndef GRADER_SCENARIO_HTTP_READ_H
#define GRADER_SCENARIO_HTTP_READ_H

#include "base/mem.h"
#include "scenario/scenario.h"

#define HTTP_MAX_HEAD_BYTES ((size_t)256 << 10)
#define HTTP_MAX_SIZE_BYTES                                                                        \
    ((size_t)1 << 20) /* of the lines of a message's chunks, without their data */

enum http_state { HTTP_MORE, HTTP_COMPLETE, HTTP_BROKEN };
enum http_part {
    HTTP_IN_START_LINE,
    HTTP_IN_HEADER,
    HTTP_IN_BODY,
    HTTP_IN_CHUNKS,
    HTTP_UNTIL_CLOSE
};

struct http_reading {
    enum http_state state;
    enum http_part part; /* how far it got */
    /* BROKEN */
    const char *class_name; /* or NULL */
    size_t at;              /* offset of the fault */
    char what[160];
    /* from the start line on */
    int status;       /* of a response */
    int minor;        /* HTTP/1.minor */
    size_t line_len;  /* of the start line, without its end */
    size_t fields_at; /* offset of the first header line */
    size_t head_len;  /* with the empty line; 0 while the header is incomplete */
    bool
        line_is_field; /* HTTP_IN_HEADER: the unfinished last line may still become a header line */
    /* from the header on */
    bool no_body; /* by its status, or since it answers HEAD */
    enum http_framing framing;
    uint64_t content_length;  /* HTTP_FRAMING_LENGTH */
    size_t body_at, body_len; /* in the bytes; chunked: see decoded */
    size_t total;             /* COMPLETE: bytes of the message */
};

/* Reads from the first byte. eof: nothing follows (it ends a close-delimited body). head: the response answers HEAD.
 * A chunked body is decoded into *decoded (which may be NULL). */
void http_read(const uint8_t *bytes, size_t len, bool is_request, bool head, bool eof,
               struct buf *decoded, struct http_reading *ret);

/* The values of a header, in lower case, joined by ", "; false when there is none. fields: header lines. */
bool http_field(const uint8_t *fields, size_t len, const char *name, struct buf *ret);

/* Is it, so far, a header line: a token and a colon? */
bool http_is_field(const uint8_t *line, size_t len, bool complete);
bool http_is_token_char(unsigned char c);

/* http_chunks.c. Reads a chunked body from offset `at` on: sets state, total, and what is wrong. */
void http_read_chunks(const uint8_t *bytes, size_t len, size_t at, struct buf *decoded,
                      struct http_reading *ret);
/* A body that is larger than any that a scenario can want is one without end: broken. */
void http_bound_body(struct http_reading *ret);
void http_broken(struct http_reading *ret, size_t at, const char *class_name, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

#endif
