/*
 * tcp_echo_thread.c: lesson 3, a thread for each client.
 *
 * Threads share all memory: the buffer must belong to the thread (it is on its stack, in echo_serve), and what the
 * main thread hands over must be a copy. The loop around accept is in net/threads.c, for other servers use it too.
 */
#include "echo/echo.h"
#include "net/threads.h"

#include <unistd.h>

static void serve(int client, const struct net_peer *peer, void *context)
{
    const struct echo_options *options = context;
    echo_log(peer, options->names);
    echo_serve(client);
    close(client);
}

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
    serve_with_threads(listener, serve, &options);
}
