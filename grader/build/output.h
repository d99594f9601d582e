/* build/output.h: what make prints: counted, its head and tail kept, its compiler messages picked out. Private to build. */
#ifndef GRADER_BUILD_OUTPUT_H
#define GRADER_BUILD_OUTPUT_H

#include "base/mem.h"
#include "build/build.h"

#include <stddef.h>
#include <stdint.h>

#define OUTPUT_MAX_WARNINGS ((size_t)100)
#define OUTPUT_MAX_LINE     ((size_t)4096) /* of a line that is looked at for a compiler message */

struct output {
    uint64_t total; /* bytes seen */
    struct buf head;
    char *tail; /* a ring of the last bytes after the head */
    uint64_t tail_seen;
    struct buf line; /* the line that is being put together */
    struct build_warning *warnings;
    size_t n_warnings;
};

void output_init(struct output *output);
void output_done(struct output *output);

void output_add(struct output *output, const char *bytes, size_t len);

/* Call once, at the end: the last line may lack its newline. Hands the log (at most BUILD_MAX_LOG bytes of printable
 * UTF-8) and the warnings over to the build. */
void output_finish(struct output *output, struct build *build);

/* Reads one line (without newline) as a compiler message "FILE:LINE:COLUMN: KIND: TEXT" of gcc or clang, KIND one of
 * warning, error, fatal error. The text keeps its kind. False when it is none. The caller frees file and text. */
bool output_parse_warning(const char *line, size_t len, struct build_warning *ret);

#endif
