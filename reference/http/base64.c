/* base64.c: four characters of six bits each are three bytes. */
#include "http/base64.h"

#include <string.h>

static int six_bits(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    return at == NULL ? -1 : (int)(at - alphabet);
}

int base64_decode(const char *text, char *decoded, size_t size)
{
    size_t length = strlen(text);
    size_t n = 0;
    unsigned bits = 0; /* collected, not yet given out */
    int have = 0;      /* how many */
    while (length > 0 && text[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        int value = six_bits(text[i]);
        if (value < 0)
            return -1;
        bits = (bits << 6 | (unsigned)value) & 0xffffU;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n + 1 >= size)
                return -1;
            decoded[n++] = (char)(bits >> have & 0xffU);
        }
    }
    decoded[n] = '\0';
    return (int)n;
}
