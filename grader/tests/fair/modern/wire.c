#include "wire.h"

#include "net.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

int wire_flush(struct wire *w)
{
    if (w->out > 0 && send_all(w->fd, w->out_bytes, w->out, 0) < 0)
        w->broken = 1;
    w->out = 0;
    return w->broken ? -1 : 0;
}

void wire_put(struct wire *w, const void *data, size_t size)
{
    for (const unsigned char *at = data; size > 0; size--) {
        if (w->out == sizeof w->out_bytes)
            wire_flush(w);
        w->out_bytes[w->out++] = *at++;
    }
}

int wire_get(struct wire *w, void *data, size_t size)
{
    for (unsigned char *at = data; size > 0; size--) {
        while (w->from == w->to) {
            ssize_t n = wire_flush(w) < 0 ? 0 : recv(w->fd, w->in_bytes, sizeof w->in_bytes, 0);
            if (n == 0 || (n < 0 && errno != EINTR))
                return -1;
            w->from = 0;
            w->to = n > 0 ? (size_t)n : 0;
        }
        *at++ = w->in_bytes[w->from++];
    }
    return 0;
}

int wire_get_number(struct wire *w, unsigned type, uint64_t *number)
{
    unsigned char bytes[8];
    unsigned size = type & 0x7f;
    if (wire_get(w, bytes, size) < 0)
        return -1;
    *number = (type & 0x80) && (bytes[0] & 0x80) ? UINT64_MAX : 0;
    for (unsigned i = 0; i < size; i++)
        *number = *number << 8 | bytes[i];
    return 0;
}

void wire_put_number(struct wire *w, unsigned type, uint64_t number)
{
    for (int shift = 8 * (int)(type & 0x7f) - 8; shift >= 0; shift -= 8)
        wire_put_byte(w, (unsigned)(number >> shift) & 0xff);
}

int number_from_text(const char *text, size_t size, unsigned type, uint64_t *number)
{
    bool is_signed = type & 0x80, minus = is_signed && size > 0 && text[0] == '-';
    uint64_t limit = UINT64_MAX >> (64 - 8 * (type & 0x7f)), value = 0;
    if (is_signed)
        limit = limit / 2 + minus;
    if (size == (size_t)minus)
        return -1;
    for (size_t i = minus; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        unsigned digit = (unsigned)(text[i] - '0');
        if (value > (limit - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    *number = minus ? -value : value;
    return 0;
}
