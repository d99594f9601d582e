/* http_parse.h: the head of a request, taken apart (RFC 9112), and paths. */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_MAX_BYTES = 8192, HEAD_MAX_BYTES = 40960 };

struct request {
    bool head, http10, close, chunked, expects, has_length;
    int hosts;
    uint64_t length;
    char path[LINE_MAX_BYTES]; /* decoded, without dots */
    char query[LINE_MAX_BYTES];
    char authorization[2048], range[256], since[64];
};

/* Takes apart size bytes, which end with an empty line, and changes them. 200 or the status of a refusal. */
int parse_head(char *head, size_t size, struct request *r);
/* How many bytes the head at data has, with its empty line; 0 if that has not come yet. */
size_t head_size(const char *data, size_t size);

#endif
