/* http_client.c: fetches one URL (README, sheet 7). */
#include "common.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char *argv[])
{
    static const char scheme[] = "http://";
    if (argc != 2 || strncmp(argv[1], scheme, strlen(scheme)) != 0 ||
        argv[1][strlen(scheme)] == '\0') {
        fprintf(stderr, "usage: http_client http://HOST[:PORT][/PATH]\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. Take the URL apart: host, port, path and query.
     *   2. Connect, send the request with Host and Connection: close.
     *   3. Read the header section to its end, then the body: by Content-Length, by chunks, or to the end.
     *   4. The exit status: 0, 1, 4.
     */
    return not_written("http_client");
}
