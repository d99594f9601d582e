/* fuzz/fuzz_data.c: data D of the scenario language (hex with ??, base64, packed numbers, lists, repetitions) and the bytes
 * that a student sends in its place. Input: JSON of one D, a 00 byte, the bytes that came. */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "base/text.h"
#include "scenario/load.h"
#include "scenario/vars.h"

#define MAX_INPUT_BYTES ((size_t)16 << 10)
#define MAX_AMOUNT      1024 /* larger generated data costs time, and shows nothing new */

/* Are all sizes such that it can be resolved a thousand times in a second? */
static bool is_small(const struct data *data, uint64_t times)
{
    const bool sized = data->kind == DATA_GEN || data->kind == DATA_TIMES;
    const uint64_t size = data->size.text ? 7007 : data->size.value; /* ${port} */
    if (sized && (size > MAX_AMOUNT * 8 || size * times > MAX_AMOUNT * 64))
        return false;
    for (size_t i = 0; i < data->n_parts; i++)
        if (!is_small(data->parts[i], data->kind == DATA_TIMES ? size * times : times))
            return false;
    return true;
}

static void check_pattern(const struct pattern *pattern, const uint8_t *came, size_t len)
{
    AUTO_FREE char *text = pattern_describe(pattern);
    fuzz_check_line(text);
    FUZZ_HOLDS(pattern_mismatch(pattern, pattern->bytes, pattern->len) == SIZE_MAX);
    for (size_t i = 0; i < pattern->n_fields; i++)
        FUZZ_HOLDS(pattern->fields[i].at + pattern->fields[i].len <= pattern->len);
    const size_t diff = pattern_mismatch(pattern, came, len);
    if (diff == SIZE_MAX)
        return;
    FUZZ_HOLDS(diff < len && diff < pattern->len && came[diff] != pattern->bytes[diff]);
    AUTO_FREE char *field = pattern_field_diff(pattern, came, len, diff);
    fuzz_check_line(field);
    AUTO_BUF struct buf window = {0};
    text_hex_window(&window, came, len, diff, 0);
    fuzz_check_shown(window.data ? window.data : "", window.len);
}

static void resolve(const struct data *data, const uint8_t *came, size_t len)
{
    struct vars vars;
    struct err err = {0};
    struct pattern pattern = {0};
    vars_init(&vars, NULL);
    vars_set(&vars, "port", "7007");
    vars_set(&vars, "n", "12");
    const struct data_context context = {.vars = &vars, .seed = 1};
    if (data_resolve(data, &context, &pattern, &err) == 0)
        check_pattern(&pattern, came, len);
    else
        FUZZ_HOLDS(err.kind == ERR_USAGE);
    pattern_done(&pattern);
    vars_done(&vars);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > MAX_INPUT_BYTES)
        return -1;
    const uint8_t *end = len ? memchr(bytes, 0, len) : NULL;
    const size_t json_len = end ? (size_t)(end - bytes) : len;
    /* a list around it: the parser takes objects and lists only */
    AUTO_BUF struct buf text = {0};
    (void)(buf_add_char(&text, '[') && buf_add(&text, bytes, json_len) && buf_add_char(&text, ']'));
    char path[FUZZ_PATH_SIZE];
    AUTO_CLOSE int fd = fuzz_file(text.data, text.len, path);
    struct arena *arena = arena_new();
    struct source source;
    struct err err = {0};
    struct at first;
    FUZZ_HOLDS(source_open(&source, path, arena, &err) == 0);
    const struct at top = source_top(&source);
    if (source.root && at_first(&top, &first)) {
        const struct data *data = load_data(arena, &first);
        FUZZ_HOLDS(data || source.n_findings);
        if (source.n_findings == 0 && is_small(data, 1))
            resolve(data, end ? end + 1 : bytes + len, len - json_len - (end ? 1 : 0));
    }
    source_done(&source);
    arena_free(arena);
    return 0;
}
