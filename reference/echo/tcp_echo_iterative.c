/*
 * tcp_echo_iterative.c: lesson 1, one client after the other.
 *
 * The shortest server that is right for one client. All others wait in the kernel's backlog until it has finished:
 * a client that falls asleep stops the whole service. The next three lessons are about that.
 */
#include "echo/echo.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    struct echo_options options;
    int status = echo_parse(argc, argv, &options);
    if (status != 0)
        return status;
    net_server_signals();
    int listener = echo_listen(&options);
    if (listener < 0)
        return 1;

    for (;;) {
        struct net_peer peer;
        int client = net_accept(listener, &peer);
        if (client < 0) {
            if (net_out_of_room(
                    errno)) /* nothing of ours to close: look again in a while, not at once */
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            continue;
        }
        echo_log(&peer, options.names);
        echo_serve(client);
        close(client);
    }
}
