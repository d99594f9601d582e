/* echo.h: what the variants of the TCP echo server have in common. */
#ifndef REFERENCE_ECHO_ECHO_H
#define REFERENCE_ECHO_ECHO_H

#include "net/net.h"

struct echo_options {
    uint16_t port;
    bool names; /* -n: log names in place of addresses */
};

/* `[-n] PORT` -> options. 0, or 2 (the exit status for wrong usage) after a usage line on stderr. */
int echo_parse(int argc, char *argv[], struct echo_options *options);

/* Listens as the options say and, when the system chose the port, prints it on stdout. -1 after a message on stderr. */
int echo_listen(const struct echo_options *options);

/* Writes the log line `client ADDRESS PORT` on stderr. */
void echo_log(const struct net_peer *peer, bool names);

/* Sends everything back until the client ends or fails, one blocking call after the other. Does not close fd. */
void echo_serve(int fd);

#endif
