/* sanitize/sanitize.h: what AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer have written, read.
 *
 * The text is foreign: the program under test may write anything into its log. So reading is a pure function of a buffer,
 * every loop and every copy is bounded, and nothing that is found here is trusted further than to be shown. Formats are
 * those of gcc's runtimes (libsanitizer of gcc 10 to 14). */
#ifndef GRADER_SANITIZE_SANITIZE_H
#define GRADER_SANITIZE_SANITIZE_H

#include <stdbool.h>
#include <stddef.h>

enum sanitizer_class { SANITIZER_MEMORY_ERROR, SANITIZER_UNDEFINED, SANITIZER_LEAK };
#define SANITIZER_CLASSES 3
const char *sanitizer_class_name(
    enum sanitizer_class class); /* "memory-error", "undefined-behaviour", "memory-leak" */

#define SANITIZER_MAX_FINDINGS ((size_t)32) /* of one log */
#define SANITIZER_MAX_EXCERPT  ((size_t)1500)

/* One report. All texts end with a 0 byte; they may hold any other. */
struct sanitizer_finding {
    enum sanitizer_class class;
    char kind
        [64]; /* the sanitizer's word: "heap-buffer-overflow", "signed-integer-overflow"; a leak: "direct-leak" */
    char file
        [256]; /* of the student's source, relative to `root`; "" where no frame of it is known */
    int line, column;  /* 0: not known */
    char function[96]; /* "" unknown */
    char excerpt[SANITIZER_MAX_EXCERPT +
                 1]; /* the report's telling lines, addresses and foreign frames left out */
    size_t excerpt_len;
};

/* Reads a log. `root` is where the sources were built ("/build/"): frames below it are the student's. Reports that are cut
 * off are read as far as they go. Left out is what says nothing about the program: memory that ran out, warnings,
 * failures of the sanitizer itself, leaks of which no frame is the student's. Returns how many findings there are, at most
 * `max`. */
size_t sanitize_parse(const char *text, size_t len, const char *root, struct sanitizer_finding *ret,
                      size_t max);

/* Undefined behaviour that is a memory error a moment later (a null pointer, a bad index): where a memory error is known on
 * the same line, both are one mistake. */
bool sanitize_foretells_memory_error(const struct sanitizer_finding *finding);

/* Environment of a program under test, NULL-terminated, static: where reports go (log_dir/san.PID), that undefined behaviour
 * does not end it, and what its own __asan_default_options may not change. */
const char *const *sanitize_environment(void);
#define SANITIZE_LOG_DIR    "/log"
#define SANITIZE_LOG_PREFIX "san."

#endif
