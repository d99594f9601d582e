/* build/tools.h: compilers that stand in for gcc and its kin, for a build of another kind. Private to build. */
#ifndef GRADER_BUILD_TOOLS_H
#define GRADER_BUILD_TOOLS_H

#include "base/err.h"
#include "build/build.h"

/* Scripts named gcc, cc, clang, g++, ... that call the real compiler as a kind of build needs it. First in the PATH of make
 * (in BOX_BIN_DIR) they are found whatever the Makefile calls its compiler, short of a full path; what a Makefile says of
 * CFLAGS stays as it is. */
struct tools {
    struct box_file *files; /* for box_spec.files */
    struct buf *texts;      /* of files[i] */
    size_t count;
};
void tools_make(enum build_kind kind, struct tools *ret); /* none for BUILD_PLAIN */
void tools_done(struct tools *tools);

/* Was this artefact made by a compiler of that kind? Of sanitizers, what the linker alone adds does not count; of another
 * machine, it is a program (elf(5), ET_EXEC or ET_DYN) for that machine. */
bool tools_made(int fd, enum build_kind kind);

#endif
