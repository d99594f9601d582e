/* threads.h: a server with one thread for each client. */
#ifndef REFERENCE_NET_THREADS_H
#define REFERENCE_NET_THREADS_H

#include "net/net.h"

/* Serves one client from its first byte to its last, and closes fd. Runs in a thread of its own. */
typedef void serve_client(int fd, const struct net_peer *peer, void *context);

/* Accepts clients for ever. `context` goes to every serve_client. */
void serve_with_threads(int listener, serve_client *serve, void *context);

#endif
