/* submission/scratch.h: the entries of an archive become a tree below a folder that nobody else sees. */
#ifndef GRADER_SUBMISSION_SCRATCH_H
#define GRADER_SUBMISSION_SCRATCH_H

#include "submission/unpack.h"

/* What was noticed or refused: kind is NULL for a notice. The format gets `about` as its only %s. Returns -1. */
typedef int scratch_say(void *self, const char *kind, const char *format, const char *about);

struct scratch {
    int top; /* the open folder; borrowed */
    scratch_say *say;
    void *self;
    struct err *err;
    uint64_t files, bytes; /* kept so far */
    int file;              /* where data goes now; -1: nowhere */
    unsigned junk_said;    /* junk.h */
    char path[1025];       /* of the entry that is under way */
};

/* Makes one entry. Files are never written through a link, nor over anything: a second entry of the same name replaces the
 * first, which is noticed. Links are made as they are (the walk over the tree resolves them, or refuses). Devices, FIFOs
 * and sockets refuse; `.git` and what an operating system adds is left out. These are the functions of unpack_ops. */
int scratch_entry(void *self, const struct unpack_entry *entry);
int scratch_data(void *self, const void *bytes, size_t len);
int scratch_end(void *self);

#endif
