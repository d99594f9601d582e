/* net.c: ports, addresses, and how sockets come into being. */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 128,    /* how many clients may wait in the kernel until accept() takes them */
    HOST_TEXT = 1025, /* the longest host name that getnameinfo() gives, and the terminator */
    PORT_TEXT = 32,
};

int net_parse_port(const char *text)
{
    /* strtol alone would take " 80", "+80" and "80x": look at the characters first. */
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return -1;
    errno = 0;
    long port = strtol(text, NULL, 10);
    if (errno != 0 || port > 65535)
        return -1;
    return (int)port;
}

static int fail(char why[NET_WHY], const char *what, const char *reason)
{
    snprintf(why, NET_WHY, "%s: %s", what, reason);
    return -1;
}

/* A program that this one starts must not inherit its sockets. */
static int close_on_exec(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int switch_on(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* bind() to every address of this host. Ports and addresses in a sockaddr are in network byte order. */
static int bind_any(int fd, int family, uint16_t port)
{
    struct sockaddr_in6 any6 = {
        .sin6_family = AF_INET6, .sin6_addr = in6addr_any, .sin6_port = htons(port)};
    struct sockaddr_in any4 = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY), .sin_port = htons(port)};

    if (family == AF_INET)
        return bind(fd, (const struct sockaddr *)&any4, sizeof any4);
    /* With V6ONLY off one IPv6 socket serves IPv4 too; such a client has an address like ::ffff:10.0.0.1. */
    if (switch_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0)
        return -1;
    return bind(fd, (const struct sockaddr *)&any6, sizeof any6);
}

/* A socket of the family, bound to the port. -1 with errno. */
static int bound_socket(int family, int type, uint16_t port)
{
    int fd = socket(family, type, 0);
    if (fd < 0)
        return -1;
    if (close_on_exec(fd) < 0)
        goto out;
    /*
     * TCP keeps the port of an ended connection in TIME_WAIT for a minute; without SO_REUSEADDR a server could not be
     * started again meanwhile. On UDP the same option would let a second program steal the port: not there.
     */
    if (type == SOCK_STREAM && switch_on(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
        goto out;
    if (bind_any(fd, family, port) < 0)
        goto out;
    return fd;
out:;
    int error = errno; /* close() may change it */
    close(fd);
    errno = error;
    return -1;
}

static int open_port(int type, uint16_t port, char why[NET_WHY])
{
    char what[64];
    snprintf(what, sizeof what, "%s port %u", type == SOCK_STREAM ? "TCP" : "UDP", (unsigned)port);

    int fd = bound_socket(AF_INET6, type, port);
    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = bound_socket(AF_INET, type, port); /* a host without IPv6 */
    if (fd < 0)
        return fail(why, what, strerror(errno));
    return fd;
}

int net_bind_udp(uint16_t port, char why[NET_WHY])
{
    return open_port(SOCK_DGRAM, port, why);
}

int net_listen(uint16_t port, char why[NET_WHY])
{
    int fd = open_port(SOCK_STREAM, port, why);
    if (fd < 0)
        return -1;
    if (listen(fd, BACKLOG) < 0) {
        fail(why, "listen", strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

int net_local_port(int fd)
{
    struct sockaddr_storage here;
    socklen_t length = sizeof here;
    if (getsockname(fd, (struct sockaddr *)&here, &length) < 0)
        return -1;
    if (here.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&here)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&here)->sin_port);
}

int net_accept(int listener, struct net_peer *peer)
{
    peer->length = sizeof peer->address; /* in: room, out: used; to be set before each call */
    int fd = accept(listener, (struct sockaddr *)&peer->address, &peer->length);
    if (fd < 0)
        return -1;
    /* Neither can fail on a fresh TCP socket; a server that could not set them would still serve. */
    (void)close_on_exec(fd);
    (void)switch_on(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* small answers leave at once */
    return fd;
}

bool net_out_of_room(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int net_connect(const char *host, const char *port, int type, char why[NET_WHY])
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = type};
    struct addrinfo *list = NULL;
    int fd = -1;
    int error = 0;

    int status = getaddrinfo(host, port, &hints, &list);
    if (status != 0) /* getaddrinfo has error codes of its own; errno says nothing */
        return fail(why, host, status == EAI_SYSTEM ? strerror(errno) : gai_strerror(status));

    for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (fd >= 0 && close_on_exec(fd) == 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        error = errno;
        if (fd >= 0)
            close(fd); /* after a failed connect a socket cannot be used again */
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0)
        fail(why, host, strerror(error));
    return fd;
}

/* ::ffff:10.0.0.1 is 10.0.0.1 in the clothes of IPv6: show what the client itself would say. */
static struct net_peer without_mapping(const struct net_peer *peer)
{
    struct net_peer plain = *peer;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&peer->address;
    if (peer->address.ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return plain;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = six->sin6_port};
    memcpy(&four.sin_addr, six->sin6_addr.s6_addr + 12, sizeof four.sin_addr);
    memcpy(&plain.address, &four, sizeof four);
    plain.length = sizeof four;
    return plain;
}

void net_peer_text(const struct net_peer *peer, bool names, char text[NET_PEER_TEXT])
{
    char host[HOST_TEXT];
    char port[PORT_TEXT];
    struct net_peer plain = without_mapping(peer);
    int flags = NI_NUMERICSERV | (names ? 0 : NI_NUMERICHOST);
    if (getnameinfo((const struct sockaddr *)&plain.address, plain.length, host, sizeof host, port,
                    sizeof port, flags) != 0)
        snprintf(text, NET_PEER_TEXT, "unknown 0");
    else
        snprintf(text, NET_PEER_TEXT, "%s %s", host, port);
}

int net_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* _exit() is on the short list of functions that a signal handler may call; exit() and printf() are not. */
static void end_at_once(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

void net_server_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction end = {.sa_handler = end_at_once};
    /* Of a connection that is gone send() says EPIPE, and that is enough. */
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
}
