/* fork_server.h: one child process for each client. */
#ifndef FORK_SERVER_H
#define FORK_SERVER_H

#include <netinet/in.h>

/*
 * Accepts clients for ever; calls serve in a child process for each, which exits afterwards. SIGTERM and SIGINT end
 * the server and its children.
 */
void serve_by_fork(int listener, void (*serve)(int fd, const struct sockaddr_in *client));

#endif
