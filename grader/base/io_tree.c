/* base/io_tree.c: io_remove_tree() of io.h.
 *
 * How it works: one descriptor stands in the folder that is being emptied. Its files are unlinked as they are listed,
 * its folders are noted in a frame; then the descriptor goes down into the next of them by openat(2), and comes up again
 * by "..", which is compared with the device and inode number noted on the way down. So neither the depth (a program can
 * make folders far below PATH_MAX) nor the width costs descriptors or stack, and a tree that is moved about under our
 * feet cannot lead us out of it: the walk ends there instead. */
#include "base/io.h"

#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct frame {
    dev_t dev;
    ino_t ino;
    char **names; /* folders still to be removed; the last one is the next */
    size_t n_names, cap;
};

struct walk {
    struct frame *frames;
    size_t depth, cap;
    int fd;         /* the folder of the top frame */
    dev_t dev;      /* of the whole tree: other file systems are not entered */
    int sys_errno;  /* the first failure, */
    char name[256]; /* and the entry that it was about */
};

static void note_failure(struct walk *walk, const char *name, int sys_errno)
{
    if (walk->sys_errno)
        return;
    walk->sys_errno = sys_errno;
    (void)snprintf(walk->name, sizeof walk->name, "%s", name);
}

/* Opens a folder of the tree for listing, giving its owner the right to (mode 000 keeps no one out of a clean-up). */
static int open_folder(int parent, const char *name, struct stat *ret)
{
    AUTO_CLOSE int place = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0 || fstat(place, ret) != 0)
        return -1;
    if ((ret->st_mode & S_IRWXU) != S_IRWXU) {
        char self[40];
        (void)snprintf(self, sizeof self, "/proc/self/fd/%d", place);
        (void)chmod(self, S_IRWXU); /* where it does not help, the next call says why */
    }
    return openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void note_folder(struct frame *frame, const char *name)
{
    if (frame->n_names == frame->cap) {
        frame->cap = frame->cap ? frame->cap * 2 : 8;
        frame->names = xreallocarray(frame->names, frame->cap, sizeof *frame->names);
    }
    frame->names[frame->n_names++] = xstrdup(name);
}

/* Unlinks the files of the folder, notes its folders. */
static void empty_folder(struct walk *walk, struct frame *frame)
{
    int copy = openat(walk->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    if (!listing) {
        note_failure(walk, ".", errno);
        if (copy >= 0)
            (void)close(copy);
        return;
    }
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(listing))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (entry->d_type == DT_DIR)
            note_folder(frame, name);
        else if (unlinkat(walk->fd, name, 0) != 0) {
            if (errno == EISDIR)
                note_folder(frame, name); /* a file system that does not tell d_type */
            else
                note_failure(walk, name, errno);
        }
    }
    if (errno)
        note_failure(walk, ".", errno);
    (void)closedir(listing);
}

/* Enters a folder: a new frame, and fd becomes the walk's own. */
static void enter(struct walk *walk, int fd, const struct stat *st)
{
    if (walk->depth == walk->cap) {
        walk->cap = walk->cap ? walk->cap * 2 : 16;
        walk->frames = xreallocarray(walk->frames, walk->cap, sizeof *walk->frames);
    }
    struct frame *frame = &walk->frames[walk->depth++];
    *frame = (struct frame){.dev = st->st_dev, .ino = st->st_ino};
    if (walk->fd >= 0)
        (void)close(walk->fd);
    walk->fd = fd;
    empty_folder(walk, frame);
}

/* Comes up from an emptied folder and removes it. False when the way up is not the way that led down. */
static bool leave(struct walk *walk)
{
    struct frame *done = &walk->frames[--walk->depth];
    free((void *)done->names);
    if (walk->depth == 0)
        return true;
    struct frame *above = &walk->frames[walk->depth - 1];
    int up = openat(walk->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (up < 0 || fstat(up, &st) != 0 || st.st_dev != above->dev || st.st_ino != above->ino) {
        note_failure(walk, "..", up < 0 ? errno : ESTALE);
        if (up >= 0)
            (void)close(up);
        return false;
    }
    (void)close(walk->fd);
    walk->fd = up;
    AUTO_FREE char *name = above->names[--above->n_names];
    if (unlinkat(walk->fd, name, AT_REMOVEDIR) != 0)
        note_failure(walk, name, errno);
    return true;
}

/* Goes down into the next folder of the top frame, or drops it from the list where it cannot be entered. */
static void descend(struct walk *walk)
{
    struct frame *frame = &walk->frames[walk->depth - 1];
    const char *name = frame->names[frame->n_names - 1];
    if (unlinkat(walk->fd, name, AT_REMOVEDIR) != 0) {
        struct stat st = {0};
        int fd = open_folder(walk->fd, name, &st);
        if (fd >= 0 && st.st_dev == walk->dev) {
            enter(walk, fd, &st);
            return;
        }
        note_failure(walk, name, fd < 0 ? errno : EXDEV);
        if (fd >= 0)
            (void)close(fd);
    }
    free(frame->names[--frame->n_names]);
}

static void walk_done(struct walk *walk)
{
    while (walk->depth) {
        struct frame *frame = &walk->frames[--walk->depth];
        while (frame->n_names)
            free(frame->names[--frame->n_names]);
        free((void *)frame->names);
    }
    free(walk->frames);
    if (walk->fd >= 0)
        (void)close(walk->fd);
}

int io_remove_tree(const char *path, struct err *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    struct stat st;
    int fd = open_folder(AT_FDCWD, path, &st);
    if (fd < 0)
        return err_sys(err, ERR_HOST, errno, "cannot remove '%s'", path);
    struct walk walk = {.fd = -1, .dev = st.st_dev};
    enter(&walk, fd, &st);
    bool sure = true;
    while (sure && walk.depth) {
        if (walk.frames[walk.depth - 1].n_names)
            descend(&walk);
        else
            sure = leave(&walk);
    }
    walk_done(&walk);
    if (walk.sys_errno)
        return err_sys(err, ERR_HOST, walk.sys_errno, "cannot remove '%s' of '%s'", walk.name,
                       path);
    if (rmdir(path) != 0)
        return err_sys(err, ERR_HOST, errno, "cannot remove '%s'", path);
    return 0;
}
