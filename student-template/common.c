#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int parse_port(const char *text)
{
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    /* strtol skips blanks and takes a sign; a port begins with a digit and ends with one. */
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || port < 1 || port > 65535)
        return -1;
    return (int)port;
}

int not_written(const char *program)
{
    fprintf(stderr, "%s: not written yet\n", program);
    return 1;
}
