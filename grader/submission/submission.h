/* submission/submission.h: a hand-in becomes a private copy with an identity and a digest. */
#ifndef GRADER_SUBMISSION_SUBMISSION_H
#define GRADER_SUBMISSION_SUBMISSION_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUBMISSION_MAX_FILES 5000
#define SUBMISSION_MAX_BYTES ((uint64_t)64 << 20)
#define SUBMISSION_MAX_DEPTH 32

struct submission {
    char *name;     /* last component of the path as given, sanitized for display */
    char *path;     /* as given */
    char *copy_dir; /* the private copy: regular files and folders only; modes 0644/0755 */
    char digest
        [65]; /* SHA-256 (hex) over names, modes and contents in sorted order; "" when refused */
    uint64_t files, bytes;
    char *
        refusal; /* not NULL: the hand-in is refused; one sentence naming the file and the reason */
    char *
        refusal_kind; /* "link-leaves-tree", "device", "fifo", "socket", "too-many-files", "too-large", "too-deep", "unreadable", ... */
    char **
        notices; /* NULL-terminated or NULL: things left out (.git, object files and prebuilt programs) */
};

/* Copies the folder `path` into work_dir/source. Folders are opened with O_NOFOLLOW step by step, files with
 * O_NONBLOCK|O_NOFOLLOW; a link inside the tree that stays inside is replaced by what it names, one that leaves it, and
 * every device, socket and FIFO, refuses the hand-in (refusal). `.git` is left out. Prebuilt objects and ELF files are
 * left out with a notice: programs are built from source. owner: the uid and gid the copy is given (chown when root).
 * -1: the path is missing or unreadable (ERR_USAGE), or the host failed (ERR_HOST). */
int submission_take(const char *path, const char *work_dir, uid_t owner, gid_t group,
                    struct submission **ret, struct err *err);
void submission_free(struct submission *submission);

#endif
