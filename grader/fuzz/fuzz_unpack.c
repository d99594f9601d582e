/* fuzz/fuzz_unpack.c: what the process that parses an archive sends, were it taken over by what it parses; and the names of
 * entries. Input: frames, each a byte of kind, one of detail, two of length (the lower first), the bytes; what is left of a
 * frame at the end is a pipe that breaks off. libarchive itself runs in that process, without rights. */
/* its frames are read by static functions */
#include "submission/unpack.c" /* NOLINT(bugprone-suspicious-include) */

#include "fuzz/fuzz.h"
#include "fuzz/receivers.h"

#define MAX_INPUT_BYTES                                                                            \
    ((size_t)16 << 10) /* with the longer heads, less than a pipe takes at once */

static void send_frames(int fd, const uint8_t *bytes, size_t len)
{
    while (len) {
        struct wire_head head = {.kind = fuzz_take(&bytes, &len),
                                 .detail = fuzz_take(&bytes, &len)};
        head.len = fuzz_take(&bytes, &len);
        head.len |= (uint32_t)fuzz_take(&bytes, &len) << 8;
        const size_t n = head.len < len ? head.len : len;
        FUZZ_HOLDS(io_write_full(fd, &head, sizeof head) == 0 && io_write_full(fd, bytes, n) == 0);
        bytes += n;
        len -= n;
    }
}

static void receive(int fd)
{
    struct seen seen = {.max_target = WIRE_MAX_BYTES};
    struct err err = {0};
    struct unpack_refusal refusal = {0};
    const char *form = NULL;
    const struct unpack_limits limits = {.entries = 16, .bytes = 4096};
    const struct unpack_ops ops = {
        .entry = see_entry, .data = see_data, .end = see_end, .self = &seen};
    struct unpacking unpacking = {.limits = &limits,
                                  .ops = &ops,
                                  .form = &form,
                                  .refusal = &refusal,
                                  .err = &err,
                                  .pipe = fd,
                                  .archive_bytes = 100};
    const int result = read_frames(&unpacking);
    FUZZ_HOLDS(unpacking.entries <= limits.entries + 1 && seen.bytes <= limits.bytes);
    FUZZ_HOLDS(result >= 0 || (refusal.kind && refusal.format && refusal.about));
    FUZZ_HOLDS(!unpacking.done || (form && !seen.in_entry));
    free(refusal.about);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int ends[2];
    if (len > MAX_INPUT_BYTES)
        return -1;
    FUZZ_HOLDS(pipe2(ends, O_CLOEXEC) == 0);
    AUTO_CLOSE int out = ends[0];
    if (len < MAX_INPUT_BYTES / 4) /* four bytes of input become twelve */
        send_frames(ends[1], bytes, len);
    (void)close(ends[1]);
    receive(out);
    AUTO_FREE char *name = xstrndup((const char *)bytes, len);
    check_name(name);
    return 0;
}
