/* submission/scratch.c: see scratch.h. Every folder on the way to an entry is opened from the one above it with O_NOFOLLOW, so
 * no link that an archive makes is ever followed while it is unpacked. */
#include "submission/scratch.h"

#include "base/io.h"
#include "base/own.h"
#include "submission/junk.h"
#include "submission/submission.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

_Static_assert(sizeof((struct scratch *)0)->path == SUBMISSION_MAX_PATH + 1, "a path fits");

static int refuse(const struct scratch *scratch, const char *kind, const char *format)
{
    return scratch->say(scratch->self, kind, format, scratch->path);
}

static int fail_host(const struct scratch *scratch)
{
    return err_sys(scratch->err, ERR_HOST, errno, "unpacking '%s'", scratch->path);
}

/* ---- types that refuse the whole ---- */

static const struct {
    enum unpack_type type;
    const char *kind, *format;
} refused_types[] = {
    {UNPACK_FIFO, "fifo", "%s is a named pipe (FIFO); a hand-in holds only files and folders"},
    {UNPACK_SOCKET, "socket", "%s is a socket; a hand-in holds only files and folders"},
    {UNPACK_DEVICE, "device", "%s is a device; a hand-in holds only files and folders"},
    {UNPACK_OTHER, "unknown-type", "%s is neither a file nor a folder"},
};

static int check_type(const struct scratch *scratch, enum unpack_type type)
{
    for (size_t i = 0; i < ARRAY_SIZE(refused_types); i++)
        if (refused_types[i].type == type)
            return refuse(scratch, refused_types[i].kind, refused_types[i].format);
    return 0;
}

/* ---- the way to an entry ---- */

/* The path split at its slashes, in place. At most one more component than is allowed is kept. */
struct components {
    char text[SUBMISSION_MAX_PATH + 1];
    const char *names[SUBMISSION_MAX_DEPTH + 2];
    size_t count;
};

static void split(const char *path, struct components *ret)
{
    (void)snprintf(ret->text, sizeof ret->text, "%s", path);
    ret->count = 0;
    char *rest = NULL;
    for (char *name = strtok_r(ret->text, "/", &rest); name && ret->count < ARRAY_SIZE(ret->names);
         name = strtok_r(NULL, "/", &rest))
        if (strcmp(name, ".") != 0)
            ret->names[ret->count++] = name;
}

static bool is_left_out(struct scratch *scratch, const struct components *components)
{
    for (size_t i = 0; i < components->count; i++) {
        const char *name = components->names[i];
        if (strcmp(name, ".git") == 0)
            return true;
        if (!junk_is(name))
            continue;
        if (junk_is_news(&scratch->junk_said, name))
            (void)scratch->say(scratch->self, NULL, JUNK_NOTICE, name);
        return true;
    }
    return false;
}

static int count_one(struct scratch *scratch)
{
    if (++scratch->files > SUBMISSION_MAX_FILES)
        return refuse(scratch, "too-many-files", "%s: more than 5000 files and folders");
    return 0;
}

/* Opens the folder of that name below `at`, making it when it is not there. */
static int enter_folder(struct scratch *scratch, int at, const char *name)
{
    if (mkdirat(at, name, 0700) == 0) {
        if (count_one(scratch) != 0)
            return -1;
    } else if (errno != EEXIST) {
        return fail_host(scratch);
    }
    int fd = openat(at, name, OPEN_FOLDER);
    if (fd >= 0)
        return fd;
    if (errno == ELOOP || errno == ENOTDIR)
        return refuse(scratch, "link-leaves-tree",
                      "%s lies below an entry of the archive that is a link or a file");
    return fail_host(scratch);
}

/* The open folder that the last component is in; the caller closes it. */
static int enter(struct scratch *scratch, const struct components *components)
{
    int at = openat(scratch->top, ".", OPEN_FOLDER);
    if (at < 0)
        return fail_host(scratch);
    for (size_t i = 0; at >= 0 && i + 1 < components->count; i++) {
        int next = enter_folder(scratch, at, components->names[i]);
        (void)close(at);
        at = next;
    }
    return at;
}

/* ---- one entry ---- */

/* What has this name already makes room, unless it is a folder. */
static int make_room(const struct scratch *scratch, int at, const char *name)
{
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : fail_host(scratch);
    if (S_ISDIR(st.st_mode))
        return refuse(scratch, "duplicate", "%s is a file and a folder in the same archive");
    (void)scratch->say(scratch->self, NULL, "%s is in the archive more than once: the last counts",
                       scratch->path);
    return unlinkat(at, name, 0) == 0 ? 0 : fail_host(scratch);
}

static int make_folder(const struct scratch *scratch, int at, const char *name)
{
    struct stat st;
    if (mkdirat(at, name, 0700) == 0)
        return 0;
    if (errno != EEXIST || fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_host(scratch);
    if (!S_ISDIR(st.st_mode))
        return refuse(scratch, "duplicate", "%s is a file and a folder in the same archive");
    return 0;
}

static int make_file(struct scratch *scratch, int at, const char *name, bool program)
{
    scratch->file = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           program ? 0700 : 0600);
    return scratch->file < 0 ? fail_host(scratch) : 0;
}

/* Another name of a file that came before. It is resolved without following any link (openat2(2)) and linked by its
 * descriptor, so that what was looked at is what is linked. */
static int make_hard_link(const struct scratch *scratch, const char *target, int at,
                          const char *name)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    AUTO_CLOSE int fd = (int)syscall(SYS_openat2, scratch->top, target, &how, sizeof how);
    struct stat st;
    char self[40];
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(scratch, "link-leaves-tree",
                      "%s is a hard link to something that is no file of the archive");
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, at, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : fail_host(scratch);
}

static int make_link(const struct scratch *scratch, const char *target, int at, const char *name)
{
    if (!*target) /* symlink(2) makes no empty one */
        return refuse(scratch, "link-leaves-tree", "%s is a link that names nothing");
    return symlinkat(target, at, name) == 0 ? 0 : fail_host(scratch);
}

static int make(struct scratch *scratch, const struct unpack_entry *entry, int at, const char *name)
{
    if (entry->type == UNPACK_FOLDER)
        return make_folder(scratch, at, name);
    if (make_room(scratch, at, name) != 0)
        return -1;
    if (entry->type == UNPACK_LINK)
        return make_link(scratch, entry->target, at, name);
    if (entry->type == UNPACK_HARD_LINK)
        return make_hard_link(scratch, entry->target, at, name);
    return make_file(scratch, at, name, entry->type == UNPACK_PROGRAM);
}

int scratch_entry(void *self, const struct unpack_entry *entry)
{
    struct scratch *scratch = self;
    struct components components = {0};
    const char *kind = NULL;
    const char *fault = unpack_path_fault(entry->path, &kind);
    if (fault)
        return scratch->say(scratch->self, kind, fault, entry->path);
    (void)snprintf(scratch->path, sizeof scratch->path, "%s", entry->path);
    split(entry->path, &components);
    if (components.count == 0 && entry->type == UNPACK_FOLDER)
        return 0; /* "./": the top itself */
    if (components.count == 0)
        return refuse(scratch, "duplicate", "%s: an entry stands for the whole archive");
    if (is_left_out(scratch, &components))
        return 0;
    if (check_type(scratch, entry->type) != 0)
        return -1;
    if (components.count > SUBMISSION_MAX_DEPTH + 1)
        return refuse(scratch, "too-deep", "%s: more than 32 folders deep");
    AUTO_CLOSE int at = count_one(scratch) == 0 ? enter(scratch, &components) : -1;
    return at < 0 ? -1 : make(scratch, entry, at, components.names[components.count - 1]);
}

int scratch_data(void *self, const void *bytes, size_t len)
{
    struct scratch *scratch = self;
    if (scratch->file < 0)
        return 0;
    scratch->bytes += len;
    if (scratch->bytes > SUBMISSION_MAX_BYTES)
        return refuse(scratch, "too-large", "%s: the hand-in has more than 64 MiB");
    return io_write_full(scratch->file, bytes, len) == 0 ? 0 : fail_host(scratch);
}

int scratch_end(void *self)
{
    struct scratch *scratch = self;
    int fd = TAKE_FD(scratch->file);
    if (fd >= 0 && close(fd) != 0)
        return fail_host(scratch);
    return 0;
}
