/*
 * wire.h: numbers as they travel.
 *
 * On the wire every number is big-endian (network byte order); in memory it is as this machine likes it. These are
 * the only functions of the two programs that know the difference. A pointer into a message may be odd, hence the
 * bytes are copied with memcpy() and never read through a cast pointer.
 */
#ifndef REFERENCE_NBO_WIRE_H
#define REFERENCE_NBO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum operation { OP_ADD = 1, OP_SHOW = 2, OP_READ = 3, OP_SUM = 4, OP_RECORD = 5 };

enum {
    STATUS_OK = 0,
    STATUS_BAD = 1,
    RECORD_BYTES = 17,
    TEXT_MAX = 255, /* a length on the wire is one byte */
};

/* The type byte: its low seven bits are the size, its top bit says "signed". */
struct number_type {
    uint8_t code;
    unsigned size; /* 2, 4 or 8 bytes */
    bool is_signed;
};

struct record {
    uint8_t id;
    uint32_t time;
    uint16_t port;
    int64_t balance;
    int16_t delta;
};

/* False: there is no such type. */
bool wire_type(uint8_t code, struct number_type *type);

uint16_t wire_get16(const uint8_t *from);
uint32_t wire_get32(const uint8_t *from);
uint64_t wire_get64(const uint8_t *from);
void wire_put16(uint8_t *to, uint16_t number);
void wire_put32(uint8_t *to, uint32_t number);
void wire_put64(uint8_t *to, uint64_t number);

/* A number of the type as 64 bits: a negative one is sign-extended. */
uint64_t wire_get(const uint8_t *from, struct number_type type);

/* The low bytes of the number, as many as the type has. */
void wire_put(uint8_t *to, struct number_type type, uint64_t number);

/* Field by field: a struct in memory may have holes between its fields, the message has none. */
void wire_get_record(const uint8_t from[RECORD_BYTES], struct record *record);
void wire_put_record_reversed(uint8_t to[RECORD_BYTES], const struct record *record);

/* Decimal text -> number. False: no number, or too large for the type. */
bool text_to_number(const char *text, struct number_type type, uint64_t *number);

/* Number -> decimal text of at most 20 characters and the terminator. Returns the length. */
size_t number_to_text(char text[TEXT_MAX + 1], struct number_type type, uint64_t number);

#endif
