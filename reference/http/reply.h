/* reply.h: reply -> bytes on the connection (RFC 9112, 4 to 6; RFC 9110, 6 to 8). */
#ifndef REFERENCE_HTTP_REPLY_H
#define REFERENCE_HTTP_REPLY_H

#include "http/file.h"
#include "http/path.h"

#include <stdbool.h>

enum { HTTP_DATE_BYTES = 40 };

struct reply {
    int status;
    bool close;                   /* say that the connection ends here */
    bool head;                    /* the answer to HEAD: all headers, no body */
    struct file file;             /* the body of a 200; otherwise the fd is -1 */
    char location[ESCAPED_BYTES]; /* for 301 */
};

/* "Mon, 04 Feb 2008 13:09:03 GMT": always GMT, always English. */
void http_date(time_t when, char text[HTTP_DATE_BYTES]);

/* Sends the reply and closes its file. 0, or -1 when the connection cannot be used any more. */
int reply_send(int fd, struct reply *reply);

#endif
