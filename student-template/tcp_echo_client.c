/* tcp_echo_client.c: copies stdin to a server and its answers to stdout (README, sheet 2). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc != 3 || parse_port(argv[2]) < 0) {
        fprintf(stderr, "usage: tcp_echo_client HOST PORT\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. getaddrinfo, then connect to one address after the other until one answers.
     *   2. Send what stdin gives, and print what comes back, both at once.
     *   3. At the end of stdin: shutdown(SHUT_WR), and go on reading.
     */
    return not_written("tcp_echo_client");
}
