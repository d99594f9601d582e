/* sanitize/kinds.c: the sanitizers' words for what they find. */
#include "base/own.h"
#include "sanitize/parts.h"

#include <string.h>

const char *sanitizer_class_name(enum sanitizer_class class)
{
    static const char *const names[] = {
        [SANITIZER_MEMORY_ERROR] = "memory-error",
        [SANITIZER_UNDEFINED] = "undefined-behaviour",
        [SANITIZER_LEAK] = "memory-leak",
    };
    return names[class];
}

/* What follows "ERROR: AddressSanitizer: " (asan_errors.cpp). NULL: not held against the program. The first that fits. */
static const struct {
    const char *words, *kind;
} memory_errors[] = {
    {"heap-buffer-overflow", "heap-buffer-overflow"},
    {"stack-buffer-overflow", "stack-buffer-overflow"},
    {"stack-buffer-underflow", "stack-buffer-underflow"},
    {"global-buffer-overflow", "global-buffer-overflow"},
    {"dynamic-stack-buffer-overflow", "dynamic-stack-buffer-overflow"},
    {"container-overflow", "container-overflow"},
    {"intra-object-overflow", "intra-object-overflow"},
    {"heap-use-after-free", "heap-use-after-free"},
    {"stack-use-after-return", "stack-use-after-return"},
    {"stack-use-after-scope", "stack-use-after-scope"},
    {"use-after-poison", "use-after-poison"},
    {"initialization-order-fiasco", "initialization-order-fiasco"},
    {"attempting double-free", "double-free"},
    {"attempting free on address which was not malloc", "bad-free"},
    {"alloc-dealloc-mismatch", "alloc-dealloc-mismatch"},
    {"attempting to call malloc_usable_size", "bad-malloc-usable-size"},
    {"negative-size-param", "negative-size-param"},
    {"memcpy-param-overlap", "memcpy-param-overlap"},
    {"strcpy-param-overlap", "strcpy-param-overlap"},
    {"strncpy-param-overlap", "strncpy-param-overlap"},
    {"strcat-param-overlap", "strcat-param-overlap"},
    {"strncat-param-overlap", "strncat-param-overlap"},
    {"bad parameters to", "bad-parameters"},
    {"stack-overflow", "stack-overflow"},
    {"SEGV", "segmentation-fault"},
    {"BUS", "bus-error"},
    {"ILL", "illegal-instruction"},
    {"FPE", "arithmetic-trap"},
    {"unknown-crash", "unknown-crash"},
    {"wild-", "wild-access"},
};

bool kind_of_memory_error(struct span headline, const char **ret_kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(memory_errors); i++)
        if (span_starts(headline, memory_errors[i].words)) {
            *ret_kind = memory_errors[i].kind;
            return true;
        }
    /* "strcpy-param-overlap" has brothers for each function that copies */
    if (span_find(headline, "-param-overlap")) {
        *ret_kind = "param-overlap";
        return true;
    }
    return false;
}

/* Words of the message (ubsan_handlers.cpp) where the report's summary, which names the kind, is missing. */
static const struct {
    const char *words, *kind;
} undefined[] = {
    {"signed integer overflow", "signed-integer-overflow"},
    {"negation of", "signed-integer-overflow"},
    {"division by zero", "integer-divide-by-zero"},
    {"shift exponent", "invalid-shift-exponent"},
    {"left shift of", "invalid-shift-base"},
    {"out of bounds for type", "out-of-bounds-index"},
    {"null pointer", "null-pointer-use"},
    {"misaligned address", "misaligned-pointer-use"},
    {"insufficient space", "insufficient-object-size"},
    {"variable length array", "non-positive-vla-index"},
    {"not a valid value for type", "invalid-value-load"},
    {"end of a value-returning function", "missing-return"},
    {"unreachable program point", "unreachable-call"},
    {"applying non-zero offset", "pointer-overflow"},
    {"applying zero offset to null pointer", "null-pointer-offset"},
    {"pointer index expression", "pointer-overflow"},
    {"outside the range of representable values", "float-cast-overflow"},
    {"passing zero to", "invalid-builtin-use"},
};

const char *kind_of_undefined(struct span message)
{
    for (size_t i = 0; i < ARRAY_SIZE(undefined); i++)
        if (span_find(message, undefined[i].words))
            return undefined[i].kind;
    return "undefined-behavior";
}
