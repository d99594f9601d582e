/* udp_echo_client.c: one datagram for each line of stdin (README, sheet 4). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc != 3 || parse_port(argv[2]) < 0) {
        fprintf(stderr, "usage: udp_echo_client HOST PORT\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. Send a line, wait for its echo, print it.
     *   2. Answers from strangers, and answers that are no echo, do not count.
     *   3. No answer within a second: send again, three tries in all.
     */
    return not_written("udp_echo_client");
}
