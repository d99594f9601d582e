/* submission/submission.h: a hand-in becomes a private copy with an identity and a digest. */
#ifndef GRADER_SUBMISSION_SUBMISSION_H
#define GRADER_SUBMISSION_SUBMISSION_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUBMISSION_MAX_FILES   5000 /* files and folders */
#define SUBMISSION_MAX_BYTES   ((uint64_t)64 << 20)
#define SUBMISSION_MAX_DEPTH   32
#define SUBMISSION_MAX_PATH    1024 /* bytes of a path below the hand-in */
#define SUBMISSION_MAX_NOTICES 20   /* the rest is counted */

struct submission {
    char *
        name; /* last component of the path as given, sanitized for display, without an archive's ending */
    char *path;     /* as given */
    char *copy_dir; /* the private copy: regular files and folders only; modes 0644/0755 */
    const char *
        form; /* "folder", "git" (a checkout), "zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "7z"; NULL: a file
                         of no form that could be told */
    char digest
        [65]; /* SHA-256 (hex) over names, modes and contents of the copy in sorted order; "" when refused */
    uint64_t files, bytes;
    char *
        refusal; /* not NULL: the hand-in is refused; one sentence naming the file and the reason */
    /* "link-leaves-tree", "link-loop", "device", "fifo", "socket", "too-many-files", "too-large", "too-deep",
     * "unreadable", "changed" (while it was read), "unknown-type"; of archives also: "not-an-archive",
     * "damaged-archive" (truncated, wrong checksum), "encrypted-archive", "nested-archive", "path-leaves-tree",
     * "bad-name", "duplicate" (a file and a folder of one name), "bomb"; "nothing-handed-in" (batch) */
    char *refusal_kind;
    /* NULL-terminated or NULL: what was left out (prebuilt objects and programs, links that name nothing, what an
     * operating system added), which folder was taken as the top, names that differ only in case, ... */
    char **notices;
};

/* Copies the hand-in `path`, a folder or an archive, into work_dir/source. Folders are opened with O_NOFOLLOW step by
 * step, files with O_NONBLOCK|O_NOFOLLOW; a link inside the tree that stays inside (openat2(2), RESOLVE_BENEATH) is
 * replaced by what it names, one that leaves it, and every device, socket and FIFO, refuses the hand-in (refusal), and so
 * does a hand-in that is itself a link. An archive (unpack.h) is unpacked to a folder below work_dir first, which is gone
 * afterwards; a folder with nothing but one archive in it counts as that archive. A folder that is alone at the top counts
 * as the hand-in. `.git` is left out; git is never run. Prebuilt objects and ELF files are left out with a notice:
 * programs are built from source. owner: the uid and gid the copy is given (chown when root).
 * -1: the path is missing, unreadable or neither file nor folder (ERR_USAGE), or the host failed (ERR_HOST). */
int submission_take(const char *path, const char *work_dir, uid_t owner, gid_t group,
                    struct submission **ret, struct err *err);
void submission_free(struct submission *submission);

/* A hand-in that was refused before it could be taken. */
struct submission *submission_refused(const char *path, const char *kind, const char *sentence);

/* The digest that submission_take() would give, without a copy; "" for a hand-in that it would refuse. Archives are
 * unpacked below work_dir for as long as it takes. Errors as there. */
int submission_digest(const char *path, const char *work_dir, char ret[65], struct err *err);

/* Foreign bytes as one line of printable UTF-8, at most max of them; a sentence about some (its format's only %s). The
 * caller frees. */
char *submission_showable(const char *bytes, size_t max);
char *submission_sentence(const char *format, const char *about)
    __attribute__((format(printf, 1, 0)));

/* The display name that submission_take() would give (the path need not exist). The caller frees. */
char *submission_name(const char *path);

#endif
