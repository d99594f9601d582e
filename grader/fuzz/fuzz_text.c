/* fuzz/fuzz_text.c: foreign bytes made safe to show, and the small readers of numbers and patterns. First byte: where the
 * hex window stands. */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "base/text.h"
#include "observe/internal.h"

#define MAX_INPUT_BYTES ((size_t)8 << 10)

static void check_shown(const uint8_t *bytes, size_t len, size_t at)
{
    AUTO_BUF struct buf escaped = {0};
    AUTO_BUF struct buf sanitized = {0};
    AUTO_BUF struct buf again = {0};
    AUTO_BUF struct buf window = {0};
    text_escape(&escaped, bytes, len, 4096);
    fuzz_check_line(escaped.data);
    text_sanitize(&sanitized, bytes, len, MAX_INPUT_BYTES);
    fuzz_check_shown(sanitized.data ? sanitized.data : "", sanitized.len);
    text_sanitize(&again, sanitized.data ? sanitized.data : "", sanitized.len, 4 * MAX_INPUT_BYTES);
    FUZZ_HOLDS(again.len == sanitized.len && (!again.data || !sanitized.data ||
                                              memcmp(again.data, sanitized.data, again.len) == 0));
    text_hex_window(&window, bytes, len, at < len ? at : SIZE_MAX, at);
    fuzz_check_shown(window.data ? window.data : "", window.len);
}

static void check_words(const char *text)
{
    static const char *const words[] = {"send", "expect", "open", "close"};
    unsigned long long number = 0;
    double real = 0;
    const char *nearest = text_nearest(text, words, ARRAY_SIZE(words));
    FUZZ_HOLDS(!nearest || text_distance(text, nearest) <= strlen(nearest));
    FUZZ_HOLDS(text_distance(text, text) == 0);
    if (text_to_u64(text, &number))
        FUZZ_HOLDS(text[0] >= '0' && text[0] <= '9');
    if (text_to_double(text, &real))
        FUZZ_HOLDS(real == real && real - real == 0); /* a number, and finite */
}

/* A process may call itself anything in 15 bytes (prctl(2)): its numbers in /proc must be found all the same. */
static void check_name_of_process(const char *name)
{
    char stat[200];
    char status[200];
    unsigned long long parent = 0;
    if (strchr(name, '\n'))
        return; /* the kernel escapes it in status */
    (void)snprintf(stat, sizeof stat, "17 (%.15s) S 4711 17 18 0 -1 4194304", name);
    (void)snprintf(status, sizeof status, "Name:\t%.15s\nUmask:\t0022\nPPid:\t4711\n", name);
    FUZZ_HOLDS(obs_stat_field(stat, 4) == 4711);
    FUZZ_HOLDS(obs_status_field(status, "PPid", 10, &parent) && parent == 4711);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const size_t at = fuzz_take(&bytes, &len);
    if (len > MAX_INPUT_BYTES)
        return -1;
    AUTO_FREE char *text = xstrndup((const char *)bytes, len < 200 ? len : 200);
    check_shown(bytes, len, at);
    check_words(text);
    check_name_of_process(text);
    return 0;
}
