/* submission/archive.c: a hand-in that is an archive: unpacked into a folder of its own below the work folder; the walk then
 * copies from there, as it does from any other folder. */
#include "submission/intake.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "submission/scratch.h"
#include "submission/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is left out (.git) is unpacked to nowhere, but not without end. */
#define MAX_ENTRIES ((uint64_t)10 * SUBMISSION_MAX_FILES)
#define MAX_BYTES   (4 * SUBMISSION_MAX_BYTES)

static int say(void *self, const char *kind, const char *format, const char *about)
{
    struct intake *intake = self;
    (void)snprintf(intake->path, sizeof intake->path, "%s", about);
    if (kind)
        (void)intake_refuse(intake, kind, format);
    else
        intake_notice(intake, format);
    intake->path[0] = '\0';
    return -1;
}

/* An empty folder for what is unpacked. */
static int make_scratch(struct intake *intake, int *ret_fd)
{
    intake->scratch_dir = xasprintf("%s/unpacked-XXXXXX", intake->work_dir);
    if (!mkdtemp(intake->scratch_dir)) {
        int cause = errno;
        free(intake->scratch_dir);
        intake->scratch_dir = NULL;
        return err_sys(intake->err, ERR_HOST, cause, "cannot make a folder to unpack into");
    }
    *ret_fd = open(intake->scratch_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_sys(intake->err, ERR_HOST, errno, "opening '%s'", intake->scratch_dir);
    return 0;
}

int intake_archive(struct intake *intake, int fd, int *ret_top)
{
    AUTO_CLOSE int archive = fd;
    AUTO_CLOSE int top = -1;
    if (make_scratch(intake, &top) != 0)
        return -1;
    struct scratch scratch = {
        .top = top, .say = say, .self = intake, .err = intake->err, .file = -1};
    struct unpack_ops ops = {
        .entry = scratch_entry, .data = scratch_data, .end = scratch_end, .self = &scratch};
    struct unpack_limits limits = {
        .entries = MAX_ENTRIES,
        .bytes = MAX_BYTES,
        .ratio = UNPACK_RATIO,
        .cpu_seconds = UNPACK_CPU_SECONDS,
        .uid = intake->owner,
        .gid = intake->group,
    };
    struct unpack_refusal refusal;
    int result =
        unpack_archive(archive, &limits, &ops, &intake->submission->form, &refusal, intake->err);
    if (scratch.file >= 0)
        (void)close(scratch.file); /* cut short: nothing of it is kept */
    if (refusal.kind)
        (void)say(intake, refusal.kind, refusal.format, refusal.about);
    free(refusal.about);
    if (result != 0)
        return -1;
    *ret_top = TAKE_FD(top);
    return 0;
}

void intake_archive_done(struct intake *intake)
{
    if (intake->scratch_dir)
        (void)io_remove_tree(intake->scratch_dir,
                             NULL); /* it goes with the work folder at the latest */
    free(intake->scratch_dir);
    intake->scratch_dir = NULL;
}
