/* submission/folder.c: the walk over a hand-in.
 *
 * How it works: the entries of a folder are listed, sorted by their bytes (so that the digest does not depend on the file
 * system) and taken one by one. Folders are entered by openat(2) with O_NOFOLLOW from the folder above, so a path is never
 * resolved twice; the recursion is at most SUBMISSION_MAX_DEPTH deep and holds two descriptors a level. Only a symbolic
 * link is resolved by its path, by openat2(2) with RESOLVE_BENEATH, which refuses to leave the hand-in even when the tree
 * is changed meanwhile. What a name stood for in the listing is checked again on the open descriptor: no open(2) here can
 * block or reach a device. */
#include "submission/intake.h"

#include "base/mem.h"
#include "base/own.h"
#include "submission/junk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_FILE   (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The type of a listed entry that refuses the whole hand-in, and why. */
static const struct {
    mode_t type;
    const char *kind;
    const char *sentence;
} refused_types[] = {
    {S_IFIFO, "fifo", "%s is a named pipe (FIFO); a hand-in holds only files and folders"},
    {S_IFSOCK, "socket", "%s is a socket; a hand-in holds only files and folders"},
    {S_IFCHR, "device", "%s is a device; a hand-in holds only files and folders"},
    {S_IFBLK, "device", "%s is a device; a hand-in holds only files and folders"},
};

static int refuse_type(struct intake *intake, mode_t mode)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused_types); i++)
        if ((mode & S_IFMT) == refused_types[i].type)
            return intake_refuse(intake, refused_types[i].kind, refused_types[i].sentence);
    return intake_refuse(intake, "unknown-type", "%s is neither a file nor a folder");
}

/* ---- the listing ---- */

struct listing {
    char **names;
    size_t count, cap;
};

static void listing_done(struct listing *listing)
{
    while (listing->count)
        free(listing->names[--listing->count]);
    free((void *)listing->names);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_wanted(struct intake *intake, const char *name)
{
    if (strcmp(name, ".git") != 0)
        return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    if (intake->depth == 1 && strcmp(intake->submission->form, "folder") == 0)
        intake->submission->form = "git";
    return false;
}

/* Reads the names, at most as many as a whole hand-in may have: a folder of a million files ends here. */
static int read_names(struct intake *intake, DIR *folder, struct listing *ret)
{
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(folder))) {
        if (!is_wanted(intake, entry->d_name))
            continue;
        if (intake->submission->files + ret->count >= SUBMISSION_MAX_FILES)
            return intake_refuse(intake, "too-many-files", "%s: more than 5000 files and folders");
        if (ret->count == ret->cap) {
            ret->cap = ret->cap ? ret->cap * 2 : 16;
            ret->names = xreallocarray(ret->names, ret->cap, sizeof *ret->names);
        }
        ret->names[ret->count++] = xstrdup(entry->d_name);
    }
    if (errno)
        return intake_refuse_unreadable(intake, errno);
    if (ret->count)
        qsort((void *)ret->names, ret->count, sizeof *ret->names, by_bytes);
    return 0;
}

static int list_folder(struct intake *intake, int fd, struct listing *ret)
{
    int own = openat(fd, ".", OPEN_FOLDER); /* fdopendir(3) takes its descriptor over */
    DIR *folder = own < 0 ? NULL : fdopendir(own);
    if (!folder) {
        int cause = errno;
        if (own >= 0)
            (void)close(own);
        return intake_refuse_unreadable(intake, cause);
    }
    int result = read_names(intake, folder, ret);
    (void)closedir(folder);
    return result;
}

/* ---- the place of the walk ---- */

static int push_name(struct intake *intake, const char *name)
{
    size_t len = strlen(name);
    size_t slash = intake->path_len ? 1 : 0;
    if (intake->path_len + slash + len > SUBMISSION_MAX_PATH)
        return intake_refuse(intake, "too-deep", "%s: a path below it has more than 1024 bytes");
    if (slash)
        intake->path[intake->path_len++] = '/';
    memcpy(intake->path + intake->path_len, name, len + 1);
    intake->path_len += len;
    return 0;
}

static void pop_name(struct intake *intake, size_t len)
{
    intake->path_len = len;
    intake->path[len] = '\0';
}

/* A folder that the walk is already in can only be met again through a link. */
static int push_folder(struct intake *intake, const struct stat *st)
{
    for (size_t i = 0; i < intake->depth; i++)
        if (intake->above[i].dev == st->st_dev && intake->above[i].ino == st->st_ino)
            return intake_refuse(intake, "link-loop", "%s is a link to a folder that it is in");
    if (intake->depth > SUBMISSION_MAX_DEPTH)
        return intake_refuse(intake, "too-deep", "%s: more than 32 folders deep");
    intake->above[intake->depth].dev = st->st_dev;
    intake->above[intake->depth++].ino = st->st_ino;
    return 0;
}

/* Two files that another system would take for one: perhaps the student has seen only one of them. */
static int by_letters(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int note_twins(struct intake *intake, const struct listing *listing)
{
    if (listing->count < 2)
        return 0;
    AUTO_FREE char **names = xcalloc(listing->count, sizeof *names);
    memcpy((void *)names, (void *)listing->names, listing->count * sizeof *names);
    qsort((void *)names, listing->count, sizeof *names, by_letters);
    size_t place = intake->path_len;
    for (size_t i = 1; i < listing->count; i++) {
        if (strcasecmp(names[i - 1], names[i]) != 0)
            continue;
        if (push_name(intake, names[i]) != 0)
            return -1;
        intake_notice(intake, "%s: another name beside it differs only in upper and lower case");
        pop_name(intake, place);
    }
    return 0;
}

/* ---- the entries ---- */

static int make_folder(const struct intake *intake, int parent, const char *name)
{
    int fd = -1;
    if (mkdirat(parent, name, 0755) != 0 || (fd = openat(parent, name, OPEN_FOLDER)) < 0 ||
        fchmod(fd, 0755) != 0 ||
        (geteuid() == 0 && fchown(fd, intake->owner, intake->group) != 0)) {
        (void)err_sys(intake->err, ERR_HOST, errno, "copying the hand-in's '%s'", intake->path);
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    return fd;
}

static int take_folder(struct intake *intake, int from, int to, const char *name)
{
    AUTO_CLOSE int copy = -1;
    if (intake->copy && (copy = make_folder(intake, to, name)) < 0)
        return -1;
    intake_hash(intake, 'd', NULL);
    return intake_folder(intake, from, copy);
}

/* What was opened is what counts, whatever it was when it was listed. */
static int take_open(struct intake *intake, int fd, int to, const char *name)
{
    AUTO_CLOSE int from = fd;
    struct stat st;
    if (fstat(from, &st) != 0)
        return intake_refuse_unreadable(intake, errno);
    if (S_ISREG(st.st_mode))
        return intake_file(intake, TAKE_FD(from), &st, to, name);
    if (S_ISDIR(st.st_mode))
        return take_folder(intake, from, to, name);
    return refuse_type(intake, st.st_mode);
}

static int open_beneath(const struct intake *intake, uint64_t flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (int turn = 0; turn < 100; turn++) {
        long fd = syscall(SYS_openat2, intake->top_fd, intake->path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN) /* EAGAIN: something was renamed meanwhile (openat2(2)) */
            return (int)fd;
    }
    return -1;
}

/* Looks at what the link names before it is opened: opening a FIFO or a device has effects. */
static int take_link(struct intake *intake, int to, const char *name)
{
    AUTO_CLOSE int target = open_beneath(intake, O_PATH);
    struct stat st;
    if (target < 0 && errno == ENOENT) {
        intake_notice(intake, "%s: a link that names nothing was left out");
        return 0;
    }
    if (target < 0 && errno == EXDEV)
        return intake_refuse(intake, "link-leaves-tree",
                             "%s is a link that leads out of the hand-in");
    if (target < 0 && errno == ELOOP)
        return intake_refuse(intake, "link-loop", "%s is a link that leads to itself");
    if (target < 0 || fstat(target, &st) != 0)
        return intake_refuse_unreadable(intake, errno);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return refuse_type(intake, st.st_mode);
    int from = open_beneath(intake, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (from < 0)
        return intake_refuse_unreadable(intake, errno);
    return take_open(intake, from, to, name);
}

static int take_entry(struct intake *intake, int from, int to, const char *name)
{
    struct stat st;
    if (junk_is(name)) {
        if (junk_is_news(&intake->junk_said, name))
            intake_notice(intake, JUNK_NOTICE);
        return 0;
    }
    intake->submission->files++;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return intake_refuse_unreadable(intake, errno);
    if (S_ISLNK(st.st_mode))
        return take_link(intake, to, name);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return refuse_type(intake, st.st_mode);
    int fd = openat(from, name, S_ISDIR(st.st_mode) ? OPEN_FOLDER : OPEN_FILE);
    if (fd < 0)
        return intake_refuse_unreadable(intake, errno);
    return take_open(intake, fd, to, name);
}

int intake_folder(struct intake *intake, int from, int to)
{
    struct stat st;
    if (fstat(from, &st) != 0)
        return intake_refuse_unreadable(intake, errno);
    if (push_folder(intake, &st) != 0)
        return -1;
    struct listing listing = {0};
    size_t place = intake->path_len;
    int result = list_folder(intake, from, &listing);
    if (result == 0)
        result = note_twins(intake, &listing);
    for (size_t i = 0; result == 0 && i < listing.count; i++) {
        result = push_name(intake, listing.names[i]);
        if (result == 0)
            result = take_entry(intake, from, to, listing.names[i]);
        pop_name(intake, place);
    }
    listing_done(&listing);
    intake->depth--;
    return result;
}
