/* submission/unpack.h: an archive becomes a sequence of entries. Its bytes are parsed by libarchive in a process of their
 * own that has no rights left (contain.h): it reads the archive, writes to one pipe, and can do nothing else. Whatever it
 * sends is checked here as if it came from the student, which it may. */
#ifndef GRADER_SUBMISSION_UNPACK_H
#define GRADER_SUBMISSION_UNPACK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* For one hand-in. */
#define UNPACK_RATIO                                                                               \
    250 /* sources compress by 20 at most, a page of zeros for a test is below 8 MiB */
#define UNPACK_CPU_SECONDS 20

enum unpack_type {
    UNPACK_FILE,
    UNPACK_PROGRAM, /* a file with its owner's execute bit */
    UNPACK_FOLDER,
    UNPACK_LINK,      /* symbolic */
    UNPACK_HARD_LINK, /* another name of an earlier entry */
    UNPACK_FIFO,
    UNPACK_SOCKET,
    UNPACK_DEVICE,
    UNPACK_OTHER,
    UNPACK_TYPES
};

struct unpack_entry {
    enum unpack_type type;
    const char *path;   /* as the archive says it: any bytes, see unpack_path_fault() */
    const char *target; /* of a link, else "" */
};

/* Why an archive is refused. */
struct unpack_refusal {
    const char *kind;   /* as refusal_kind in submission.h; NULL: it is not refused */
    const char *format; /* the sentence; its only %s is `about` */
    char *about;        /* a path of the archive or libarchive's own words; the caller frees */
};

/* Who takes the entries. Each returns 0, or -1 to end the unpacking (the reason is its own to keep). */
struct unpack_ops {
    int (*entry)(void *self, const struct unpack_entry *entry);
    int (*data)(void *self, const void *bytes, size_t len); /* of the file that came last */
    int (*end)(void *self); /* of an entry: all its bytes have come, and its checksum is right */
    void *self;
};

struct unpack_limits {
    uint64_t entries;
    uint64_t bytes;       /* inflated, over all files; whatever sizes the archive declares */
    unsigned ratio;       /* at most so many times the archive's own size, beyond 8 MiB; 0: any */
    unsigned cpu_seconds; /* of processor time */
    bool names_only; /* no data is inflated (but for what a compressed tar needs) and none comes */
    uid_t uid;       /* as root: as whom the archive is parsed; 0: as nobody */
    gid_t gid;
};

/* Reads the archive from the open regular file `fd` (zip, tar, tar.gz, tar.bz2, tar.xz, 7z). *ret_form becomes its name in
 * that list once it is known. What goes beyond the limits, or needs more than 512 MiB of memory, is refused.
 * 0: read to its end. -1: ret->kind is set, or an op ended it, or err is set (ERR_HOST). */
int unpack_archive(int fd, const struct unpack_limits *limits, const struct unpack_ops *ops,
                   const char **ret_form, struct unpack_refusal *ret, struct err *err);

/* NULL when the path may be made below a folder, else the format of the sentence that refuses it, and the kind: it is
 * absolute (`/`, `\`, `C:\`), leads up, or is too long. Both slashes count: another system's names mean what they meant
 * there. */
const char *unpack_path_fault(const char *path, const char **ret_kind);

/* Does a name end like an archive's (also of kinds that are not read)? ret_stem: how many bytes come before that end. */
bool unpack_is_archive_name(const char *name, size_t *ret_stem);

#endif
