/* path.h: request target -> the path that is meant. */
#ifndef REFERENCE_HTTP_PATH_H
#define REFERENCE_HTTP_PATH_H

#include <stddef.h>

enum {
    PATH_BYTES = 4096, /* no file has a longer path */
    /* an escaped path: three characters for each, and one slash more */
    ESCAPED_BYTES = 3 * PATH_BYTES + 2,
};

/*
 * Cuts off scheme, host and query, decodes %xx, removes dot segments and double slashes. The path begins with '/' and
 * never leaves the root. 200, or the status of the error. Whatever is decided about a request (which file, who may see
 * it) is decided on this path, for /private and /%70rivate and /x/../private are the same.
 */
int path_from_target(const char *target, char path[PATH_BYTES]);

/* The path as it may stand in a header: everything but letters, digits and "-._~/" becomes %xx. */
void path_escape(const char *path, char escaped[ESCAPED_BYTES]);

#endif
