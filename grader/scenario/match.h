/* scenario/match.h: one expectation against what an endpoint has brought so far. Pure: no I/O, no time.
 *
 * The driver asks after every arrival; the answer says whether more input could still change it. */
#ifndef GRADER_SCENARIO_MATCH_H
#define GRADER_SCENARIO_MATCH_H

#include "scenario/data.h"
#include "scenario/scenario.h"

/* What an endpoint has brought and has not yet been consumed by an earlier expectation. */
struct arrival {
    const uint8_t *bytes;
    size_t len;
    bool
        datagrams; /* UDP: bytes/len is the oldest unread datagram (with any_order the wanted one, if it is there), or
                     * n_datagrams is 0 */
    size_t n_datagrams;
    bool eof, reset; /* the stream has ended (after the bytes) */
    bool settled; /* nothing more will come without new input: proven silent, idle, or deadline */
    /* Optional: match_result.agreed of the last call for the same expectation and the same bytes (which may have grown
     * since): they are not compared again. 0 otherwise. Without it a long answer in small pieces costs its square. */
    size_t agreed;
};

enum match_state {
    MATCH_MORE, /* undecided: wait */
    MATCH_YES,  /* holds; `consumed` bytes belong to it */
    MATCH_NO,   /* cannot hold any more */
};

struct match_result {
    enum match_state state;
    size_t consumed;      /* bytes (or 1 datagram) to take from the endpoint when state is YES */
    enum outcome outcome; /* when NO: which way it failed */
    size_t diff_at;       /* first wrong byte, SIZE_MAX if none */
    const char *
        class_name; /* recognised by the matcher itself (HTTP syntax: "lf-only", "status-line", ...), static; or NULL */
    const char *
        generic_class; /* when neither an alternative nor a hint of the scenario says more ("status-code", "content-length-too-big", "http-closed"), static; or NULL */
    size_t agreed;     /* bytes that need no second look, see struct arrival */
    char expected[240]; /* one line for a person, filled when NO */
    char observed[240];
    char got[48], want[48]; /* {got} and {want} of sentences ("404", "200"), or "" */
    struct
    { /* window of the bytes that differ (an HTTP body's, for instance); NULL: arrival.bytes */
        const uint8_t *bytes;
        size_t len;
    } difference;
};

/* An expectation with its data resolved. */
struct resolved {
    const struct expectation *expectation; /* NULL for a fetch */
    const struct http_want *http;          /* the expectation's, or the fetch's; NULL */
    struct pattern data;                   /* of .data or of .http->body */
    char *matches;                         /* expanded */
    char *request_line;                    /* expanded */
    struct resolved_header {
        char *name;
        char *pattern;
    } * headers;
    size_t n_headers;
    struct buf
        *decoded; /* private: the last chunked body; match_result.difference may point into it */
};
int expectation_resolve(const struct expectation *expectation, const struct data_context *context,
                        struct resolved *ret, struct err *err);
/* The same for what a fetch wants. */
int http_want_resolve(const struct http_want *want, const struct data_context *context,
                      struct resolved *ret, struct err *err);
void resolved_done(struct resolved *resolved);

/* Once arrival.settled is true the answer is never MATCH_MORE. Silence: while nothing came and the arrival is not
 * settled the answer is MORE. */
void match(const struct resolved *resolved, const struct arrival *arrival,
           struct match_result *ret);

/* The result of a fetch (status, headers, body already separated by libcurl) against what was wanted. */
struct http_message {
    int status;
    const char *header_lines; /* "Name: value\r\n" ... of the final response */
    const uint8_t *body;
    size_t body_len;
};
void match_http_message(const struct resolved *resolved, const struct http_message *message,
                        struct match_result *ret);

#endif
