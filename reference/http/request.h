/*
 * request.h: bytes -> request (RFC 9112, sections 2 to 6). No input or output, no allocation.
 *
 * TCP delivers a request in pieces of any size. The caller collects them in one buffer and calls request_parse() after
 * each; every line is understood once, as soon as its line end is there.
 */
#ifndef REFERENCE_HTTP_REQUEST_H
#define REFERENCE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum {
    REQUEST_MAX = 32768, /* request line and header section together */
    /* what request_parse() returns besides the status of an error reply */
    REQUEST_MORE = 0,
    REQUEST_DONE = 1,
};

/* Begin with all zero. The texts point into the caller's buffer. */
struct request {
    size_t used;        /* bytes understood so far; when done, the body begins here */
    const char *method; /* NULL until the request line is there */
    const char *target;
    int minor; /* of the version 1.minor */
    unsigned hosts;
    bool close;             /* the connection ends after this request */
    bool expect;            /* the client waits for our word before it sends the body */
    bool transfer_encoding; /* the body has a coding in place of a length */
    bool has_length;
    unsigned long long length;     /* of the body */
    const char *authorization;     /* NULL: no such line */
    const char *if_modified_since; /* NULL: no such line */
};

/* REQUEST_MORE, REQUEST_DONE, or the status of the error. Changes the buffer: lines are terminated in place. */
int request_parse(struct request *request, char *data, size_t size);

#endif
