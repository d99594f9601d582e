/* submission/submission.c: the intake as a whole, its identity, what is said about it. */
#include "submission/intake.h"

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "submission/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAME_SHOWN 200

/* One line, whatever the bytes are. */
char *submission_showable(const char *bytes, size_t max)
{
    AUTO_BUF struct buf out = {0};
    size_t len = strlen(bytes);
    if (strpbrk(bytes, "\n\t\r"))
        text_escape(&out, bytes, len, max);
    else
        text_sanitize(&out, bytes, len, max);
    return buf_take(&out);
}

/* The format comes from this stage's own literals; the attribute in intake.h checks them there. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
char *submission_sentence(const char *format, const char *about)
{
    AUTO_FREE char *shown = submission_showable(about, MAX_NAME_SHOWN);
    return xasprintf(format, shown);
}
#pragma GCC diagnostic pop

static char *about_path(const struct intake *intake, const char *format)
{
    return submission_sentence(format, *intake->path ? intake->path : "the hand-in itself");
}

int intake_refuse(struct intake *intake, const char *kind, const char *format)
{
    intake->submission->refusal = about_path(intake, format);
    intake->submission->refusal_kind = xstrdup(kind);
    return -1;
}

int intake_refuse_unreadable(struct intake *intake, int sys_errno)
{
    switch (sys_errno) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case ESTALE:
        return err_sys(intake->err, ERR_HOST, sys_errno, "reading '%s' of the hand-in '%s'",
                       intake->path, intake->submission->path);
    case ENOENT:
    case ELOOP:
    case ENOTDIR:
        return intake_refuse(intake, "changed", "%s changed while it was read");
    default:
        return intake_refuse(intake, "unreadable", "%s cannot be read (its permissions forbid it)");
    }
}

void intake_notice(struct intake *intake, const char *format)
{
    size_t at = intake->n_notices++;
    if (at >= SUBMISSION_MAX_NOTICES)
        return;
    char ***list = &intake->submission->notices;
    *list = xreallocarray(*list, at + 3, sizeof **list); /* room for the closing line and NULL */
    (*list)[at] = about_path(intake, format);
    (*list)[at + 1] = NULL;
}

static void close_notices(struct intake *intake)
{
    if (intake->n_notices <= SUBMISSION_MAX_NOTICES)
        return;
    char **list = intake->submission->notices;
    list[SUBMISSION_MAX_NOTICES] =
        xasprintf("%zu more were left out", intake->n_notices - SUBMISSION_MAX_NOTICES);
    list[SUBMISSION_MAX_NOTICES + 1] = NULL;
}

/* ---- identity ---- */

/* The path without the slashes at its end: "link/" would be followed, "link" is not. */
static char *without_slashes(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return xstrndup(path, len);
}

char *submission_name(const char *path)
{
    AUTO_FREE char *bare = without_slashes(path);
    const char *slash = strrchr(bare, '/');
    const char *last = slash && slash[1] ? slash + 1 : bare;
    if (strcmp(last, ".") != 0 && strcmp(last, "..") != 0) {
        size_t stem = 0;
        (void)unpack_is_archive_name(last, &stem);
        AUTO_FREE char *name = xstrndup(last, stem);
        return submission_showable(name, MAX_NAME_SHOWN);
    }
    AUTO_FREE char *real = realpath(bare, NULL);
    slash = real ? strrchr(real, '/') : NULL;
    return submission_showable(slash && slash[1] ? slash + 1 : bare, MAX_NAME_SHOWN);
}

void intake_hash(struct intake *intake, char type, const uint8_t *content)
{
    /* the length first: no name can be taken for the end of another entry */
    char head[32];
    int len = snprintf(head, sizeof head, "%c%zu:", type, intake->path_len);
    sha256_update(&intake->hash, (size_t)len, (const uint8_t *)head);
    sha256_update(&intake->hash, intake->path_len, (const uint8_t *)intake->path);
    if (content)
        sha256_update(&intake->hash, SHA256_DIGEST_SIZE, content);
}

static void finish_digest(struct intake *intake)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&intake->hash, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(intake->submission->digest + 2 * i, 3, "%02x", digest[i]);
}

/* ---- the whole ---- */

/* Opens the hand-in: *ret_archive where it is a file, top_fd where it is a folder. A link is the student's doing (or of
 * whoever unpacked it): refused, not followed. */
static int open_top(struct intake *intake, const char *path, int *ret_archive)
{
    AUTO_FREE char *bare = without_slashes(path);
    struct stat st;
    if (lstat(bare, &st) != 0)
        return err_sys(intake->err, ERR_USAGE, errno, "hand-in '%s'", path);
    if (S_ISLNK(st.st_mode))
        return intake_refuse(intake, "link-leaves-tree",
                             "%s is a symbolic link; hand in the folder or the archive");
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(intake->err, ERR_USAGE, "hand-in '%s': neither a folder nor an archive",
                       path);
    AUTO_CLOSE int fd = open(bare, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_sys(intake->err, ERR_USAGE, errno, "hand-in '%s'", path);
    if (S_ISDIR(st.st_mode))
        intake->top_fd = TAKE_FD(fd);
    else if (S_ISREG(st.st_mode))
        *ret_archive = TAKE_FD(fd);
    else
        return intake_refuse(intake, "changed", "%s changed while it was read");
    return 0;
}

/* One archive is opened, and none within it: how deep somebody nests them is nothing that we follow. */
static int open_archive(struct intake *intake, int fd)
{
    int top = -1;
    AUTO_CLOSE int inner = -1;
    if (intake_archive(intake, fd, &top) != 0)
        return -1;
    if (intake->top_fd >= 0)
        (void)close(intake->top_fd);
    intake->top_fd = top;
    intake_find_top(intake, &inner);
    if (inner >= 0)
        return intake_refuse(intake, "nested-archive",
                             "%s is an archive within the archive; hand in the files themselves");
    return 0;
}

static int open_files(struct intake *intake, const char *path)
{
    int archive = -1;
    intake->submission->form = "folder";
    if (open_top(intake, path, &archive) != 0)
        return -1;
    if (archive < 0)
        intake_find_top(intake, &archive);
    return archive < 0 ? 0 : open_archive(intake, archive);
}

static int make_copy_dir(const struct intake *intake, int *ret_fd)
{
    const char *dir = intake->submission->copy_dir;
    if (mkdir(dir, 0755) != 0 ||
        (*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
        fchmod(*ret_fd, 0755) != 0 ||
        (geteuid() == 0 && fchown(*ret_fd, intake->owner, intake->group) != 0))
        return err_sys(intake->err, ERR_HOST, errno, "cannot make the private copy '%s'", dir);
    return 0;
}

static int run(struct intake *intake, const char *path)
{
    AUTO_CLOSE int to = -1;
    if (open_files(intake, path) != 0 || (intake->copy && make_copy_dir(intake, &to) != 0))
        return -1;
    sha256_init(&intake->hash);
    if (intake_folder(intake, intake->top_fd, to) != 0)
        return -1;
    finish_digest(intake);
    return 0;
}

/* 0 also for a refusal: that is a result. */
static int run_and_close(struct intake *intake, const char *path)
{
    int result = run(intake, path);
    if (intake->top_fd >= 0)
        (void)close(intake->top_fd);
    intake_archive_done(intake);
    close_notices(intake);
    return result != 0 && !intake->submission->refusal ? -1 : 0;
}

int submission_take(const char *path, const char *work_dir, uid_t owner, gid_t group,
                    struct submission **ret, struct err *err)
{
    struct submission *submission = xcalloc(1, sizeof *submission);
    submission->name = submission_name(path);
    submission->path = xstrdup(path);
    submission->copy_dir = xasprintf("%s/source", work_dir);
    struct intake intake = {.submission = submission,
                            .top_fd = -1,
                            .copy = true,
                            .work_dir = work_dir,
                            .owner = owner,
                            .group = group,
                            .err = err};
    if (run_and_close(&intake, path) != 0) {
        submission_free(submission);
        return -1;
    }
    *ret = submission;
    return 0;
}

struct submission *submission_refused(const char *path, const char *kind, const char *sentence)
{
    struct submission *submission = xcalloc(1, sizeof *submission);
    submission->name = submission_name(path);
    submission->path = xstrdup(path);
    submission->refusal_kind = xstrdup(kind);
    submission->refusal = xstrdup(sentence);
    return submission;
}

int submission_digest(const char *path, const char *work_dir, char ret[65], struct err *err)
{
    struct submission *submission = xcalloc(1, sizeof *submission);
    submission->path = xstrdup(path);
    struct intake intake = {
        .submission = submission, .top_fd = -1, .work_dir = work_dir, .err = err};
    int result = run_and_close(&intake, path);
    memcpy(ret, submission->digest, sizeof submission->digest);
    submission_free(submission);
    return result;
}

void submission_free(struct submission *submission)
{
    if (!submission)
        return;
    free(submission->name);
    free(submission->path);
    free(submission->copy_dir);
    free(submission->refusal);
    free(submission->refusal_kind);
    for (char **notice = submission->notices; notice && *notice; notice++)
        free(*notice);
    free((void *)submission->notices);
    free(submission);
}
