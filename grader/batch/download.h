/* batch/download.h: one operand of `batch` that may be a download, and its entries; shared by the roster_*.c files only. */
#ifndef GRADER_BATCH_DOWNLOAD_H
#define GRADER_BATCH_DOWNLOAD_H

#include "batch/roster.h"

#include "submission/names.h"

#include <stdbool.h>

#define DOWNLOAD_MAX_MEMBERS 20000
#define DOWNLOAD_MAX_ENTRIES 500000 /* of an archive */

/* One entry at the top of a download, or one operand. */
struct member {
    char *name;           /* last component; any bytes */
    char *path;           /* where it is; NULL: in the archive */
    bool folder, archive; /* archive: by its name */
    bool makefile, git;   /* of a folder: what is in it */
    bool junk;            /* nobody handed it in */
    bool known;           /* parts are set: it is of somebody */
    bool taken;           /* into the hand-in of its group */
    struct name_parts parts;
    size_t group;
};

struct download {
    const char *path; /* the operand; NULL: the operands themselves are the members */
    bool is_archive;
    char *inner;          /* "" or "folder/": where the members are */
    const char *form;     /* NULL: no download */
    bool makefile_at_top; /* it is one hand-in, whatever else is in it */
    bool sources_at_top;
    struct member *members;
    size_t count, cap;
    char *unreadable;       /* of an archive: why it could not be listed; NULL: no word on that */
    char *metadata_problem; /* of a list of its submitters; NULL: there is none, or it was read */
};
void download_done(struct download *source);

/* roster_list.c: fills the members. False when it cannot be read (whoever grades it says why). */
bool download_list(struct download *source);
/* The same for the folder that is all there is in it: a download may be wrapped, as a hand-in may be. False: it is not. */
bool download_list_within(const struct download *source, struct download *ret);
struct member *download_add(struct download *source, const char *name, size_t len);

/* roster_form.c: sets form and the members' parts; pattern: the teacher's, or NULL. */
void download_recognise(struct download *source, const struct name_pattern *pattern);
/* The same for one operand that is a member of the source without a path. */
void download_recognise_operand(struct member *member, const struct name_pattern *pattern,
                                const char **ret_form);

/* roster_metadata.c: of a Gradescope download: sets the members' parts by its list of submitters, where there is one. -1: the
 * host failed. */
int metadata_take(struct download *source, struct err *err);
/* The same from the list itself; what is wrong with it (the caller frees), or NULL. */
char *metadata_read(struct download *source, const char *bytes, size_t len);

/* What the entries of one student became. */
struct group {
    struct origin origin;
    char *path; /* NULL until it is known */
    char *dir;  /* below temp_dir, where files are put; NULL: it needs none */
};
struct groups {
    struct group *items;
    size_t count;
};
/* roster_group.c: who has which members, and which of them count. */
void groups_make(struct download *source, struct groups *ret);

/* roster_take.c: gives each group its path: takes members out of the archive, puts loose files together. */
int groups_take(struct download *source, struct groups *groups, const char *temp_dir,
                struct err *err);

#endif
