/* sanitize/parts.h: what the files of sanitize/ share. */
#ifndef GRADER_SANITIZE_PARTS_H
#define GRADER_SANITIZE_PARTS_H

#include "sanitize/sanitize.h"

/* A piece of the text that is read: no 0 byte behind it. */
struct span {
    const char *at;
    size_t len;
};

bool span_starts(struct span span, const char *prefix);
/* Where `word` begins in it, or NULL. */
const char *span_find(struct span span, const char *word);
/* Copied into size bytes, cut where it is too long. */
void span_copy(struct span span, char *to, size_t size);
/* A decimal number at its beginning; digits that it took in *ret_len (0: none, and 0 is returned; at most 9 are read). */
int span_number(struct span span, size_t *ret_len);

/* A stack frame "    #1 0x55... in FUNCTION FILE:LINE[:COLUMN]" or "... (MODULE+0x..)". False when the line is none. */
struct frame {
    struct span function;
    struct span file; /* below root, without it; len 0: not the student's */
    int line, column;
};
/* "FILE:LINE" or "FILE:LINE:COLUMN" fills file, line and column; the file stays empty without a line. */
void place_parse(struct span place, struct frame *ret);
/* What follows the root with which a path begins, without more slashes (between two names several are as good as one,
 * path_resolution(7)): never an absolute path. */
struct span place_below(struct span place, const char *root);
bool frame_parse(struct span line, const char *root, struct frame *ret);

/* The kind of a memory error from its headline, of undefined behaviour from its message. false: says nothing about the
 * program. The texts are static. */
bool kind_of_memory_error(struct span headline, const char **ret_kind);
const char *kind_of_undefined(struct span message);

#endif
