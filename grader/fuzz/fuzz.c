/* fuzz/fuzz.c: see fuzz.h. */
#include "fuzz/fuzz.h"

#include "base/io.h"
#include "base/text.h"

#include <sys/mman.h>

int fuzz_file(const void *bytes, size_t len, char ret[FUZZ_PATH_SIZE])
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    FUZZ_HOLDS(fd >= 0 && io_write_full(fd, bytes, len) == 0);
    (void)snprintf(ret, FUZZ_PATH_SIZE, "/proc/self/fd/%d", fd);
    return fd;
}

void fuzz_check_shown(const char *text, size_t len)
{
    FUZZ_HOLDS(text_is_utf8(text, len));
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        FUZZ_HOLDS((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t');
    }
}

void fuzz_check_line(const char *text)
{
    if (!text)
        return;
    fuzz_check_shown(text, strlen(text));
    FUZZ_HOLDS(!strchr(text, '\n'));
}

uint8_t fuzz_take(const uint8_t **bytes, size_t *len)
{
    if (*len == 0)
        return 0;
    --*len;
    return *(*bytes)++;
}
