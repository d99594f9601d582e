/* url.h: http://host[:port][/path][?query][#fragment] -> what a request needs (RFC 3986; RFC 9110, 4.2). */
#ifndef REFERENCE_HTTP_URL_H
#define REFERENCE_HTTP_URL_H

#include <stdbool.h>

enum { URL_HOST = 256, URL_PORT = 8, URL_TARGET = 8192 };

struct url {
    char host[URL_HOST]; /* a name or an address; an IPv6 address without its brackets */
    char port[URL_PORT]; /* "80" if there is none */
    char authority[URL_HOST + URL_PORT]; /* as the Host header wants it */
    char target[URL_TARGET];             /* path and query; "/" for an empty path */
};

/* False: no such URL, or too long. */
bool url_parse(const char *text, struct url *url);

#endif
