/* driver/fetch.h: one HTTP request by libcurl, on a socket of the peers' host and within the run's loop. Private to driver/.
 * (libcurl-multi(3): curl_multi_socket_action) */
#ifndef GRADER_DRIVER_FETCH_H
#define GRADER_DRIVER_FETCH_H

#include "driver/parts.h"

#include <curl/curl.h>

#define MAX_FETCH_WATCHES 4

struct fetch {
    struct run *run;
    struct lane *lane;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct buf head, body; /* head: the lines of the last response */
    struct watch watches[MAX_FETCH_WATCHES];
    uint64_t timer_ns; /* UINT64_MAX: none */
    uint64_t head_bytes,
        body_bytes;     /* as they came, all responses and the chunks' sizes together */
    unsigned responses; /* that have begun */
    bool done;
    CURLcode result;
    char error[CURL_ERROR_SIZE];
};

/* Builds the request; ERR_USAGE for a URL whose host is not a number (no resolver is asked), ERR_HOST. */
struct fetch *fetch_new(struct run *run, struct lane *lane, const char *url, struct err *err);
void fetch_free(struct fetch *fetch);
/* What the server sends without end, in words, once it is more than a client reads; NULL before. */
const char *fetch_endless(const struct fetch *fetch);
/* libcurl may have finished: looks. */
void fetch_look(struct fetch *fetch);

#endif
