/* udp_echo_server.c: sends each datagram back (README, sheet 3). */
#include "common.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    if (argc != 2 || parse_port(argv[1]) < 0) {
        fprintf(stderr, "usage: udp_echo_server PORT\n");
        return 2;
    }

    /*
     * Your work starts here.
     *
     *   1. socket, bind; recvfrom says who has sent the datagram, sendto goes there.
     *   2. Datagrams of any size, from 0 to 65507 bytes.
     *   3. Errors concern one exchange, never the service.
     */
    return not_written("udp_echo_server");
}
