/* nbo.h: numbers in network byte order on a stdio stream (sheet 5). */
#ifndef NBO_H
#define NBO_H

#include <stdint.h>
#include <stdio.h>

enum { ADD = 1, SHOW, READ, SUM, RECORD };

int type_is_known(int type);
/* A number of the type, sign-extended to 64 bits. 0, or -1 at the stream's end. */
int get_number(FILE *in, int type, uint64_t *number);
void put_number(FILE *out, int type, uint64_t number);
/* Decimal text to a number and back; -1 when it is no number of the type. */
int parse_number(const char *text, int type, uint64_t *number);
int format_number(char text[24], int type, uint64_t number);

#endif
