/* fuzz/fuzz.h: what the fuzz targets share.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput(): it feeds the bytes to what reads foreign bytes, checks
 * what must hold whatever they are, and leaves nothing allocated. Linked with libFuzzer it searches (`make fuzz`); linked
 * with replay.c, by any compiler, it reads the inputs of corpus/NAME/ again, among them all that were once mistakes. */
#ifndef GRADER_FUZZ_FUZZ_H
#define GRADER_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's name and form (llvm.org/docs/LibFuzzer.html). 0; -1: the input is no use and not worth keeping. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A property that no input may break: says which and aborts, so that the input is kept. */
#define FUZZ_HOLDS(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The bytes as a file without a name, for what reads a path: writes the path into ret. Returns a descriptor to be closed
 * by the caller, after which the path leads nowhere. Never fails (aborts). */
#define FUZZ_PATH_SIZE 40
int fuzz_file(const void *bytes, size_t len, char ret[FUZZ_PATH_SIZE]);

/* What is shown to people: valid UTF-8 whose only control characters are newlines and tabs. */
void fuzz_check_shown(const char *text, size_t len);
/* The same on one line. text may be NULL. */
void fuzz_check_line(const char *text);

/* Takes one byte off the front; 0 when there is none. */
uint8_t fuzz_take(const uint8_t **bytes, size_t *len);

#endif
