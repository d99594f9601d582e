/* http_auth.h: who may see which paths (sheet 6, RFC 7617). */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

int read_authfile(const char *name); /* 0, or -1 after a message */
/* 200, 401 or 403 for a decoded path without dots and the value of Authorization. */
int may_see(const char *path, const char *authorization);

#endif
