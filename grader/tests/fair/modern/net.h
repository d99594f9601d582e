/* net.h: sockets for IPv6 and IPv4, signals as descriptors, messages. */
#ifndef NET_H
#define NET_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

/* "0" is a port only where lowest is 0. */
int port_number(const char *text, int lowest);
/* Writes "program: what: why" once (threads may fail together) and ends the process with status 1. */
_Noreturn void die(const char *what, const char *why);
void warn_errno(const char *what);
/* A bound socket of the type for both families, or for IPv4 if there is no IPv6. Listens if it is a stream. */
int serve_on(const char *port, int type);
/* The descriptor of SIGTERM and SIGINT, which are blocked from now on, in threads too. SIGPIPE is ignored. */
int end_signals(void);
/* The first address that answers; for datagrams: the first that can be used. Ends the process otherwise. */
int connect_to(const char *host, const char *port, int type);
/* 0, or -1 and errno. */
int send_all(int fd, const void *data, size_t size, int flags);
int write_all(int fd, const void *data, size_t size);
int64_t now_ms(void);

#endif
