/* http_request.h: reads one request from a stream and judges its syntax (RFC 9112). */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdio.h>

enum { LINE_LIMIT = 8192, HEADER_LIMIT = 32768 };

struct request {
    char method[32];
    char target[LINE_LIMIT]; /* as it came */
    char path[LINE_LIMIT];   /* decoded, without dots; ends with '/' if the target's path does */
    const char *query;       /* in target, with its '?', or "" */
    char authorization[1024];
    int minor;      /* HTTP/1.minor */
    int close;      /* the client wishes it, or its body is not going to be read */
    int hosts;      /* Host headers */
    int has_length; /* Content-Length was there: */
    unsigned long long length;
};

/* 200 or the status of a refusal; 0 when the stream ended before a request did. */
int read_request(FILE *in, struct request *r);

#endif
