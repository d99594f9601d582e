/* base64.h: the coding of user names and passwords in HTTP (RFC 4648, 4). It hides nothing from anybody. */
#ifndef REFERENCE_HTTP_BASE64_H
#define REFERENCE_HTTP_BASE64_H

#include <stddef.h>

/* Decodes the text into at most size - 1 characters and terminates them. Their number; -1: no base64, or too long. */
int base64_decode(const char *text, char *decoded, size_t size);

#endif
