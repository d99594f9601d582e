/* http_auth.h: RFC 7617, users with prefixes. */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

/* Ends the process when the file cannot be read. */
void load_users(const char *file);
int permission(const char *path, const char *authorization); /* 200, 401, 403 */

#endif
