/* nbo_server.c: numbers in network byte order (README, sheet 5). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc != 2 || parse_port(argv[1]) < 0) {
        fprintf(stderr, "usage: nbo_server PORT\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. Receive exactly as many bytes as a field has, however they arrive.
     *   2. SHOW and READ for one type: each needs the conversion in one direction only.
     *   3. The other types, then ADD, SUM and RECORD.
     *   4. Several requests on a connection, several connections at a time.
     */
    return not_written("nbo_server");
}
