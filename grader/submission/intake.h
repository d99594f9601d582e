/* submission/intake.h: one intake under way; shared by the files of this stage only. */
#ifndef GRADER_SUBMISSION_INTAKE_H
#define GRADER_SUBMISSION_INTAKE_H

#include "submission/submission.h"

#include <nettle/sha2.h>
#include <sys/stat.h>

struct intake {
    struct submission *submission;
    int top_fd;           /* the hand-in's own folder: links are resolved beneath it */
    bool copy;            /* false: only the digest is wanted; destinations are -1 */
    const char *work_dir; /* an archive is unpacked below it */
    char *scratch_dir;    /* there; NULL: none */
    uid_t owner;
    gid_t group;
    struct sha256_ctx hash;
    /* Where the walk stands: the path below the top, and the folders that lead there (a link to one of them would
     * never end). */
    char path[SUBMISSION_MAX_PATH + 1];
    size_t path_len;
    struct {
        dev_t dev;
        ino_t ino;
    } above[SUBMISSION_MAX_DEPTH + 1];
    size_t depth;
    size_t n_notices;
    unsigned junk_said; /* junk.h */
    struct err *err;
};

/* Every function of this stage returns 0, or -1 when the walk is over: then either the refusal or err is set. */

/* Refuses the hand-in. The format gets the current path, made safe to show, as its only argument (%s). */
int intake_refuse(struct intake *intake, const char *kind, const char *format)
    __attribute__((format(printf, 3, 0)));
/* The same for an open(2) or read(2) that failed on a file of the hand-in: the student's fault, or the host's when
 * the host has run out of something. */
int intake_refuse_unreadable(struct intake *intake, int sys_errno);
/* Notes something that was left out; the format as above. */
void intake_notice(struct intake *intake, const char *format) __attribute__((format(printf, 2, 0)));

/* archive.c: unpacks the archive `fd` (consumed) into a folder below work_dir and opens that. */
int intake_archive(struct intake *intake, int fd, int *ret_top);
void intake_archive_done(struct intake *intake);

/* top.c: moves top_fd down to where the files begin: into a folder that is alone at the top (with a notice), at most four
 * times. *ret_archive: an archive that is alone there, opened (the current path is its name), else -1. */
void intake_find_top(struct intake *intake, int *ret_archive);

/* Copies what is below the open folder `from` to the open folder `to` (-1 when nothing is copied). */
int intake_folder(struct intake *intake, int from, int to);

/* Copies one open regular file (consumed in any case) to the folder `to` under `name`, or leaves it out with a notice. */
int intake_file(struct intake *intake, int fd, const struct stat *st, int to, const char *name);

/* Adds one entry to the digest: 'd' a folder, 'f' a file, 'x' an executable file. content: 32 bytes, NULL for 'd'. */
void intake_hash(struct intake *intake, char type, const uint8_t *content);

#endif
