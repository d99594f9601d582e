/* scenario/gen.c: generated data and packed numbers. */
#include "base/random.h"
#include "scenario/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t gen_mix(uint64_t run_seed, uint64_t seed)
{
    return random_at(run_seed, 1) + seed;
}

static void fill_random(uint64_t seed, uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 8) {
        const uint64_t word = random_at(seed, at / 8 + 1);
        for (size_t i = 0; i < 8 && at + i < len; i++)
            bytes[at + i] = (uint8_t)(word >> (8 * i));
    }
}

static void fill_text(uint64_t seed, uint8_t *bytes, size_t len)
{
    fill_random(seed, bytes, len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(' ' + bytes[i] % 95);
}

/* Lines of 0 to 71 printable characters; the last byte is always a newline. */
static void fill_lines(uint64_t seed, uint8_t *bytes, size_t len)
{
    fill_text(seed, bytes, len);
    size_t at = 0;
    for (uint64_t line = 1; at < len; line++) {
        at += (size_t)(random_at(seed, line) % 72);
        bytes[at < len ? at : len - 1] = '\n';
        at++;
    }
    if (len)
        bytes[len - 1] = '\n';
}

void gen_fill(enum data_gen gen, uint64_t seed, uint8_t *bytes, size_t len)
{
    switch (gen) {
    case GEN_RANDOM:
        fill_random(seed, bytes, len);
        break;
    case GEN_TEXT:
        fill_text(seed, bytes, len);
        break;
    case GEN_LINES:
        fill_lines(seed, bytes, len);
        break;
    case GEN_COUNT:
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)i;
        break;
    case GEN_ZERO:
        if (len)
            memset(bytes, 0, len);
        break;
    }
}

size_t pack_size(const char *type)
{
    static const struct {
        const char *type;
        size_t size;
    } sizes[] = {{"u8", 1}, {"u16", 2}, {"u32", 4}, {"u64", 8},
                 {"i8", 1}, {"i16", 2}, {"i32", 4}, {"i64", 8}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(sizes[i].type, type) == 0)
            return sizes[i].size;
    return 0;
}

static bool parse_signed(const char *text, size_t size, uint64_t *ret)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    const int64_t max = size == 8 ? INT64_MAX : (INT64_C(1) << (8 * size - 1)) - 1;
    *ret = (uint64_t)value;
    return end != text && *end == '\0' && errno == 0 && value <= max && value >= -max - 1;
}

static bool parse_unsigned(const char *text, size_t size, uint64_t *ret)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    const uint64_t max = size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;
    *ret = value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value <= max;
}

bool pack_number(const char *type, const char *text, uint8_t ret[8], size_t *ret_size)
{
    const size_t size = pack_size(type);
    uint64_t value = 0;
    if (size == 0)
        return false;
    if (type[0] == 'i' ? !parse_signed(text, size, &value) : !parse_unsigned(text, size, &value))
        return false;
    for (size_t i = 0; i < size; i++)
        ret[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    *ret_size = size;
    return true;
}
