#include "nbo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int type_is_known(int type)
{
    int size = type & 0x7f;
    return size == 2 || size == 4 || size == 8;
}

int get_number(FILE *in, int type, uint64_t *number)
{
    uint16_t two;
    uint32_t four[2];
    switch (type) {
    case 0x02:
    case 0x82:
        if (fread(&two, sizeof two, 1, in) != 1)
            return -1;
        *number = type & 0x80 ? (uint64_t)(int16_t)ntohs(two) : ntohs(two);
        return 0;
    case 0x04:
    case 0x84:
        if (fread(four, 4, 1, in) != 1)
            return -1;
        *number = type & 0x80 ? (uint64_t)(int32_t)ntohl(four[0]) : ntohl(four[0]);
        return 0;
    default:
        if (fread(four, 8, 1, in) != 1)
            return -1;
        *number = (uint64_t)ntohl(four[0]) << 32 | ntohl(four[1]);
        return 0;
    }
}

void put_number(FILE *out, int type, uint64_t number)
{
    uint16_t two = htons((uint16_t)number);
    uint32_t four[2] = {htonl((uint32_t)(number >> 32)), htonl((uint32_t)number)};
    switch (type & 0x7f) {
    case 2:
        fwrite(&two, sizeof two, 1, out);
        break;
    case 4:
        fwrite(&four[1], sizeof four[1], 1, out);
        break;
    default:
        fwrite(four, sizeof four, 1, out);
    }
}

int parse_number(const char *text, int type, uint64_t *number)
{
    int bits = 8 * (type & 0x7f), is_signed = type & 0x80, minus = is_signed && *text == '-';
    const char *digits = text + minus;
    char *end;
    if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return -1;
    errno = 0;
    if (is_signed) {
        int64_t limit = INT64_MAX >> (64 - bits), value = strtoll(text, &end, 10);
        if (errno != 0 || value > limit || value < -limit - 1)
            return -1;
        *number = (uint64_t)value;
        return 0;
    }
    *number = strtoull(text, &end, 10);
    return errno != 0 || *number > UINT64_MAX >> (64 - bits) ? -1 : 0;
}

int format_number(char text[24], int type, uint64_t number)
{
    if (type & 0x80)
        return snprintf(text, 24, "%" PRId64, (int64_t)number);
    return snprintf(text, 24, "%" PRIu64, number);
}
