/* base/text.h: foreign bytes made safe to show. Nothing that a student's program prints reaches JSON, a terminal or a
 * CI log in any other way. */
#ifndef GRADER_BASE_TEXT_H
#define GRADER_BASE_TEXT_H

#include "base/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends bytes as printable ASCII: \n \r \t \\ \" and \xNN for everything else outside 0x20..0x7e.
 * At most max_bytes of the input are shown; then " … (N more bytes)" follows. */
void text_escape(struct buf *out, const void *bytes, size_t len, size_t max_bytes);

/* The same for text of several lines that a person reads (compiler messages, stderr): newlines and tabs stay, valid
 * UTF-8 above 0x9f stays except for bidirectional and line-separator controls, all else becomes \xNN. */
void text_sanitize(struct buf *out, const void *bytes, size_t len, size_t max_bytes);

/* A hex window of up to 4 lines of 16 bytes around offset `at`, with the text beside it and a caret line under the byte
 * at `at` (no caret if at == SIZE_MAX). The first byte is the offset-th of something longer: lines are numbered so. Lines
 * end with \n. */
void text_hex_window(struct buf *out, const void *bytes, size_t len, size_t at, uint64_t offset);

bool text_is_utf8(const void *bytes, size_t len);

/* A JSON string, or null for NULL. Names of files and sentences about them are UTF-8 by the time they come here; what is
 * not, after all, becomes null rather than a hole in the report. The caller owns it. */
json_t *text_to_json(const char *text);

/* Edit distance (Levenshtein) for "did you mean". */
size_t text_distance(const char *a, const char *b);
/* The nearest of the candidates, or NULL when none is near (more than a third of the letters differ). */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* Shell-style pattern (fnmatch(3), no flags): true when text matches. */
bool text_glob(const char *pattern, const char *text);

/* A double, int64 or uint64 parsed from the whole string; false when anything is left or out of range. */
bool text_to_u64(const char *text, unsigned long long *ret);
bool text_to_double(const char *text, double *ret);

#endif
