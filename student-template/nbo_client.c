/* nbo_client.c: asks an nbo_server to calculate (README, sheet 5). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc != 3 || parse_port(argv[2]) < 0) {
        fprintf(stderr, "usage: nbo_client HOST PORT\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. Read a line: add|show|read|sum TYPE NUMBERS...
     *   2. Encode the request field by field, receive the reply, print the result in decimal.
     */
    return not_written("nbo_client");
}
