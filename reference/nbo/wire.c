/* wire.c: numbers <-> bytes in network order, numbers <-> decimal text. */
#include "nbo/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wire_type(uint8_t code, struct number_type *type)
{
    /* uint8_t, not char: where char is signed, 0x82 would be -126. */
    type->code = code;
    type->size = code & 0x7fU;
    type->is_signed = (code & 0x80U) != 0;
    return type->size == 2 || type->size == 4 || type->size == 8;
}

uint16_t wire_get16(const uint8_t *from)
{
    uint16_t number;
    memcpy(&number, from, sizeof number);
    return ntohs(number);
}

uint32_t wire_get32(const uint8_t *from)
{
    uint32_t number;
    memcpy(&number, from, sizeof number);
    return ntohl(number);
}

/* POSIX has no conversion for 64 bits: two halves, the high one first. */
uint64_t wire_get64(const uint8_t *from)
{
    uint32_t halves[2];
    memcpy(halves, from, sizeof halves);
    return (uint64_t)ntohl(halves[0]) << 32 | ntohl(halves[1]);
}

void wire_put16(uint8_t *to, uint16_t number)
{
    uint16_t ordered = htons(number);
    memcpy(to, &ordered, sizeof ordered);
}

void wire_put32(uint8_t *to, uint32_t number)
{
    uint32_t ordered = htonl(number);
    memcpy(to, &ordered, sizeof ordered);
}

void wire_put64(uint8_t *to, uint64_t number)
{
    uint32_t halves[2] = {htonl((uint32_t)(number >> 32)), htonl((uint32_t)number)};
    memcpy(to, halves, sizeof halves);
}

/* The cast to the signed type of the same size, and then to 64 bits, is what repeats the sign bit. */
uint64_t wire_get(const uint8_t *from, struct number_type type)
{
    if (type.size == 2)
        return type.is_signed ? (uint64_t)(int16_t)wire_get16(from) : wire_get16(from);
    if (type.size == 4)
        return type.is_signed ? (uint64_t)(int32_t)wire_get32(from) : wire_get32(from);
    return wire_get64(from);
}

void wire_put(uint8_t *to, struct number_type type, uint64_t number)
{
    if (type.size == 2)
        wire_put16(to, (uint16_t)number);
    else if (type.size == 4)
        wire_put32(to, (uint32_t)number);
    else
        wire_put64(to, number);
}

void wire_get_record(const uint8_t from[RECORD_BYTES], struct record *record)
{
    record->id = from[0];
    record->time = wire_get32(from + 1);
    record->port = wire_get16(from + 5);
    record->balance = (int64_t)wire_get64(from + 7);
    record->delta = (int16_t)wire_get16(from + 15);
}

void wire_put_record_reversed(uint8_t to[RECORD_BYTES], const struct record *record)
{
    wire_put16(to, (uint16_t)record->delta);
    wire_put64(to + 2, (uint64_t)record->balance);
    wire_put16(to + 10, record->port);
    wire_put32(to + 12, record->time);
    to[16] = record->id;
}

static bool fits(long long number, unsigned size)
{
    long long limit = (long long)1 << (8 * size - 1);
    return number >= -limit && number < limit;
}

bool text_to_number(const char *text, struct number_type type, uint64_t *number)
{
    /* strtoull() would also take blanks, a plus and, for unsigned numbers, a minus. */
    const char *digits = text + (type.is_signed && text[0] == '-' ? 1 : 0);
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || digits[length] != '\0')
        return false;
    errno = 0;
    if (type.is_signed) {
        long long value = strtoll(text, NULL, 10);
        *number = (uint64_t)value;
        return errno == 0 && (type.size == 8 || fits(value, type.size));
    }
    unsigned long long value = strtoull(text, NULL, 10);
    *number = value;
    return errno == 0 && (type.size == 8 || value >> (8 * type.size) == 0);
}

size_t number_to_text(char text[TEXT_MAX + 1], struct number_type type, uint64_t number)
{
    int length = type.is_signed ? snprintf(text, TEXT_MAX + 1, "%" PRId64, (int64_t)number)
                                : snprintf(text, TEXT_MAX + 1, "%" PRIu64, number);
    return length > 0 ? (size_t)length : 0;
}
