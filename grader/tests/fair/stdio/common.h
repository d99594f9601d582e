/* common.h: what several of the programs need. */
#ifndef COMMON_H
#define COMMON_H

#include <stddef.h>

extern const char *program; /* each program's own name, for its messages */

int parse_port(const char *text);                     /* 1 to 65535, or -1 */
int fail(const char *what);                           /* "program: what: strerror"; returns 1 */
int complain(const char *what, const char *why);      /* "program: what: why"; returns 1 */
int write_all(int fd, const void *data, size_t size); /* 0, or -1 and errno */
int tcp_connect(const char *host, const char *port); /* a connected socket, or -1 after a message */
int tcp_listen(int port);                            /* a listening socket, or -1 after a message */

#endif
