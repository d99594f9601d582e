/* response.h: bytes of a connection -> response (RFC 9112, 4 to 8). */
#ifndef REFERENCE_HTTP_RESPONSE_H
#define REFERENCE_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { LINE_BYTES = 65536, HEADERS_MAX = 1000 };

/* What has been received and not yet used. Begin with all zero but for the fd. */
struct input {
    int fd;
    size_t start, end;
    char bytes[LINE_BYTES];
};

/* How the end of the body is found. */
enum framing { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_TO_END };

struct response {
    int status;
    char line[256]; /* the status line, cut if it is longer */
    enum framing framing;
    unsigned long long length; /* for BODY_LENGTH */
};

/* The status line and headers of the final response; 1xx responses before it are passed over. NULL, or what is wrong. */
const char *response_head(struct input *input, struct response *response);

/* Copies the body, and nothing behind it. NULL, or what is wrong: all bytes that came have been written then. */
const char *response_body(struct input *input, const struct response *response, FILE *to);

#endif
