/* What every program here needs: arguments, addresses, messages. */
#ifndef COMMON_H
#define COMMON_H
#include <netdb.h>
#include <stddef.h>
#include <sys/types.h>

extern const char *program;

int parse_port(const char *text);                        /* 1 to 65535, or -1 */
_Noreturn void usage(const char *words);                 /* status 2 */
_Noreturn void fail(const char *what, const char *why);  /* status 1 */
int bound_socket(int type, int port);                    /* all addresses, IPv4 */
int reach(const char *host, const char *port, int type); /* tries each address; -1: said why */
#endif
