/* fuzz/fuzz_http.c: the strict HTTP/1.1 reader. First byte: request, HEAD, end of stream; then the message.
 *
 * What must hold beside memory: offsets lie inside the bytes, and the answer on a part is the answer on the whole: what is
 * broken stays broken, what is complete stays complete, however the bytes are cut by the network. */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "scenario/http_read.h"

#define MAX_INPUT_BYTES ((size_t)16 << 10)
#define MAX_CUTS        64

struct kind {
    bool is_request, head;
};

static void check_reading(const struct http_reading *got, size_t len)
{
    FUZZ_HOLDS(got->line_len <= len && got->fields_at <= len && got->head_len <= len);
    FUZZ_HOLDS(got->body_at <= len && got->body_len <= len - got->body_at);
    if (got->state == HTTP_BROKEN)
        FUZZ_HOLDS(got->at <= len && got->what[0]);
    if (got->state == HTTP_COMPLETE)
        FUZZ_HOLDS(got->total <= len && got->head_len > 0 && got->head_len <= got->total);
}

/* The first `cut` bytes, with more to come. */
static void check_part(const uint8_t *bytes, size_t cut, struct kind kind,
                       const struct http_reading *whole)
{
    struct http_reading part;
    AUTO_FREE uint8_t *copy = xmalloc(cut ? cut : 1); /* a look beyond the cut is seen */
    memcpy(copy, bytes, cut);
    http_read(copy, cut, kind.is_request, kind.head, false, NULL, &part);
    check_reading(&part, cut);
    if (part.state == HTTP_BROKEN)
        FUZZ_HOLDS(whole->state == HTTP_BROKEN);
    if (part.state == HTTP_COMPLETE)
        FUZZ_HOLDS(whole->state == HTTP_COMPLETE && whole->total == part.total &&
                   whole->status == part.status);
}

static void check_fields(const uint8_t *bytes, const struct http_reading *got)
{
    static const char *const names[] = {"content-length", "transfer-encoding", "content-type", "x"};
    for (size_t i = 0; i < ARRAY_SIZE(names) && got->head_len > got->fields_at; i++) {
        AUTO_BUF struct buf value = {0};
        (void)http_field(bytes + got->fields_at, got->head_len - got->fields_at, names[i], &value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t flags = fuzz_take(&bytes, &len);
    const struct kind kind = {.is_request = flags & 1, .head = flags & 2};
    if (len > MAX_INPUT_BYTES)
        return -1;
    AUTO_BUF struct buf decoded = {0};
    struct http_reading whole;
    struct http_reading again;
    buf_init(&decoded, MAX_INPUT_BYTES);
    http_read(bytes, len, kind.is_request, kind.head, flags & 4, &decoded, &whole);
    check_reading(&whole, len);
    check_fields(bytes, &whole);
    FUZZ_HOLDS(decoded.dropped == 0 && decoded.len <= len);
    http_read(bytes, len, kind.is_request, kind.head, flags & 4, NULL, &again);
    FUZZ_HOLDS(again.state == whole.state && again.total == whole.total && again.at == whole.at);
    const size_t stride = len / MAX_CUTS + 1;
    for (size_t cut = flags >> 3; cut < len; cut += stride)
        check_part(bytes, cut, kind, &whole);
    return 0;
}
