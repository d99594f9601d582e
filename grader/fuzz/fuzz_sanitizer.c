/* fuzz/fuzz_sanitizer.c: a sanitizer's log, which the program under test may have written itself. */
#include "fuzz/fuzz.h"

#include "sanitize/sanitize.h"

#include <string.h>

#define MAX_INPUT_BYTES ((size_t)32 << 10)
#define MAX_FINDINGS    4 /* fewer than a log may have: the limit is met */

static void check_finding(const struct sanitizer_finding *finding)
{
    FUZZ_HOLDS((unsigned)finding->class < SANITIZER_CLASSES);
    FUZZ_HOLDS(sanitizer_class_name(finding->class)[0]);
    FUZZ_HOLDS(strnlen(finding->kind, sizeof finding->kind) < sizeof finding->kind);
    FUZZ_HOLDS(strnlen(finding->file, sizeof finding->file) < sizeof finding->file);
    FUZZ_HOLDS(strnlen(finding->function, sizeof finding->function) < sizeof finding->function);
    FUZZ_HOLDS(finding->line >= 0 && finding->column >= 0);
    FUZZ_HOLDS(finding->excerpt_len <= SANITIZER_MAX_EXCERPT);
    FUZZ_HOLDS(finding->excerpt[finding->excerpt_len] == '\0');
    FUZZ_HOLDS(strncmp(finding->file, "/build/", 7) != 0); /* it is relative to the root */
    (void)sanitize_foretells_memory_error(finding);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct sanitizer_finding list[MAX_FINDINGS];
    if (len > MAX_INPUT_BYTES)
        return -1;
    const size_t count = sanitize_parse((const char *)bytes, len, "/build/", list, MAX_FINDINGS);
    FUZZ_HOLDS(count <= MAX_FINDINGS);
    for (size_t i = 0; i < count; i++)
        check_finding(&list[i]);
    return 0;
}
