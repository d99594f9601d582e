/* http_server.c: gives files by HTTP/1.1 (README, sheet 6). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc < 3 || argc > 4 || parse_port(argv[1]) < 0) {
        fprintf(stderr, "usage: http_server PORT DOCROOT [AUTHFILE]\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. Read until the empty line; answer GET for one file, with Content-Length.
     *   2. 404 and the other errors; HEAD; index.html; the media types.
     *   3. The next request on the same connection; several connections at a time.
     *   4. Paths: decode, remove dots, stay inside DOCROOT.
     *   5. Who may see what: AUTHFILE.
     */
    return not_written("http_server");
}
