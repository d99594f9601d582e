/* wire.h: numbers as bytes, the most significant first (sheet 5); a buffered reader and writer. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

struct wire {
    int fd, broken;
    size_t from, to, out;
    unsigned char in_bytes[4096], out_bytes[1024];
};

/* Sends what is to be sent before it waits. 0, or -1 at the end. */
int wire_get(struct wire *w, void *data, size_t size);
void wire_put(struct wire *w, const void *data, size_t size);
int wire_flush(struct wire *w);

/* A number of size bytes, sign-extended if the type says so. */
int wire_get_number(struct wire *w, unsigned type, uint64_t *number);
void wire_put_number(struct wire *w, unsigned type, uint64_t number);
static inline void wire_put_byte(struct wire *w, unsigned byte)
{
    wire_put(w, &(unsigned char){(unsigned char)byte}, 1);
}

/* -1 if the text is no decimal number of the type. */
int number_from_text(const char *text, size_t size, unsigned type, uint64_t *number);

#endif
