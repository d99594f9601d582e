/* tcp_echo_server.c: sends back what each client sends (README, sheet 1). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc != 2 || parse_port(argv[1]) < 0) {
        fprintf(stderr, "usage: tcp_echo_server PORT\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. One client: socket, bind, listen, accept; receive and send until the client ends; close.
     *   2. The next client, and the one after it.
     *   3. Many clients at the same time: fork, threads or poll.
     *   4. Clients that vanish, fall asleep, or never read.
     */
    return not_written("tcp_echo_server");
}
