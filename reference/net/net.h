/*
 * net.h: the small layer that every program of this folder stands on.
 *
 * Nothing here prints or ends the program. A function that can fail returns -1; those with a `why` put one line
 * "what: reason" into it, and main() prints "program: what: reason".
 */
#ifndef REFERENCE_NET_NET_H
#define REFERENCE_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
    NET_WHY = 256,        /* size of a `why` buffer */
    NET_PEER_TEXT = 1100, /* size for net_peer_text: the longest host name, a space, a port */
};

/* Who is at the other end: filled in by accept and recvfrom, in network byte order. */
struct net_peer {
    struct sockaddr_storage address;
    socklen_t length;
};

/* "1".."65535" -> the number; "0" -> 0; anything else (empty, sign, blank, trailing junk, too large) -> -1. */
int net_parse_port(const char *text);

/* A listening TCP socket on all addresses of this host, IPv4 and IPv6. Port 0: the system chooses. */
int net_listen(uint16_t port, char why[NET_WHY]);

/* A UDP socket bound to the port on all addresses of this host. */
int net_bind_udp(uint16_t port, char why[NET_WHY]);

/* The local port of a socket, in host byte order; -1 with errno. */
int net_local_port(int fd);

/* The next client; -1 with errno. Use net_out_of_room() to learn whether trying again at once makes sense. */
int net_accept(int listener, struct net_peer *peer);

/* True for the errors of accept that last until somebody closes a descriptor or frees memory. */
bool net_out_of_room(int error);

/* Connects to the first address of the host that answers. `type`: SOCK_STREAM or SOCK_DGRAM. */
int net_connect(const char *host, const char *port, int type, char why[NET_WHY]);

/* "ADDRESS PORT", or "NAME PORT" when names are wanted and there is one. */
void net_peer_text(const struct net_peer *peer, bool names, char text[NET_PEER_TEXT]);

/* Sends everything, however often send() must be called. 0, or -1 with errno. */
int net_send_all(int fd, const void *data, size_t size);

/* Receives `size` bytes, fewer only when the peer has ended. The number received, or -1 with errno. */
ssize_t net_receive_all(int fd, void *data, size_t size);

/* Closes so that what was sent still arrives, although the peer may have sent more than we have read. */
void net_close_in_stages(int fd);

/* Switches blocking off. 0, or -1 with errno. */
int net_nonblocking(int fd);

/* What every server wants: SIGPIPE is ignored, SIGTERM and SIGINT end the program with status 0. */
void net_server_signals(void);

#endif
