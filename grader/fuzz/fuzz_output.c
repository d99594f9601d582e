/* fuzz/fuzz_output.c: what make prints. First byte: the size of the pieces in which it comes; second: how often it comes
 * again (a flood from a small input). */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "build/output.h"

#define MAX_INPUT_BYTES ((size_t)32 << 10)

static void add_all(struct output *output, const uint8_t *bytes, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        const size_t n = len - at < piece ? len - at : piece;
        AUTO_FREE char *copy = xmalloc(n); /* a look beyond the piece is seen */
        memcpy(copy, bytes + at, n);
        output_add(output, copy, n);
    }
}

static void check_build(const struct build *build)
{
    FUZZ_HOLDS(build->log.len <= BUILD_MAX_LOG && build->log.dropped == 0);
    fuzz_check_shown(build->log.data ? build->log.data : "", build->log.len);
    FUZZ_HOLDS(build->n_warnings <= OUTPUT_MAX_WARNINGS);
    for (size_t i = 0; i < build->n_warnings; i++) {
        FUZZ_HOLDS(build->warnings[i].file[0] && build->warnings[i].text[0]);
        FUZZ_HOLDS(build->warnings[i].line >= 0 && build->warnings[i].column >= 0);
        fuzz_check_line(build->warnings[i].file);
        fuzz_check_line(build->warnings[i].text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const size_t piece = (size_t)fuzz_take(&bytes, &len) * 16 + 1;
    const size_t times = fuzz_take(&bytes, &len) % 8 + 1;
    if (len > MAX_INPUT_BYTES)
        return -1;
    struct output output;
    struct build build = {0};
    output_init(&output);
    for (size_t i = 0; i < times; i++)
        add_all(&output, bytes, len, piece);
    FUZZ_HOLDS(output.total == len * times);
    output_finish(&output, &build);
    output_done(&output);
    check_build(&build);
    for (size_t i = 0; i < build.n_warnings; i++) {
        free(build.warnings[i].file);
        free(build.warnings[i].text);
    }
    free(build.warnings);
    buf_done(&build.log);
    return 0;
}
