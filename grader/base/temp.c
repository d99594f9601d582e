/* base/temp.c: see temp.h.
 *
 * Between making and locking lies a moment in which another process may take what is new for what was left, and remove it.
 * Whoever makes something therefore looks again once it has the lock: is what the name leads to still what was locked? If
 * not, it makes another. Whoever removes holds the lock while it does. Only what belongs to our own user is looked at:
 * anybody may put a folder into /tmp. A file system without locks: nothing is ever taken for left. */
#include "base/temp.h"

#include "base/io.h"
#include "base/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MAX_TURNS 100

/* Opened and locked: nobody else uses it. -1 otherwise. */
static int lock_left(int folder, const char *name, int type)
{
    AUTO_CLOSE int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | type);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
        flock(fd, LOCK_EX | LOCK_NB) != 0)
        return -1;
    return TAKE_FD(fd);
}

static void sweep(const char *base, const char *pattern, bool folders)
{
    DIR *listing = opendir(base);
    const struct dirent *entry;
    while (listing && (entry = readdir(listing))) {
        if (fnmatch(pattern, entry->d_name, 0) != 0)
            continue;
        AUTO_CLOSE int lock = lock_left(dirfd(listing), entry->d_name, folders ? O_DIRECTORY : 0);
        AUTO_FREE char *path = xasprintf("%s/%s", base, entry->d_name);
        if (lock >= 0 && folders)
            (void)io_remove_tree(path, NULL); /* the next one tries again */
        else if (lock >= 0)
            (void)unlink(path);
    }
    if (listing)
        (void)closedir(listing);
}

/* A fresh folder with its lock. 0; 1: somebody took it for a left one; -1 with errno. */
static int make_locked(struct temp *temp)
{
    if (!mkdtemp(temp->path))
        return -1;
    struct stat there, locked;
    AUTO_CLOSE int fd = open(temp->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 1;
    if (fd >= 0)
        (void)flock(fd, LOCK_EX); /* where there are no locks, nobody removes anything either */
    if (fd < 0 || fstat(fd, &locked) != 0 || fchmod(fd, 0711) != 0) {
        int saved = errno;
        (void)rmdir(temp->path);
        errno = saved;
        return -1;
    }
    if (stat(temp->path, &there) != 0 || there.st_ino != locked.st_ino)
        return 1;
    temp->lock = TAKE_FD(fd);
    return 0;
}

int temp_make(const char *base, const char *prefix, struct temp *ret, struct err *err)
{
    AUTO_FREE char *pattern = xasprintf("%s-\?\?\?\?\?\?", prefix);
    sweep(base, pattern, true);
    for (unsigned turn = 0; turn < MAX_TURNS; turn++) {
        *ret = (struct temp){.path = xasprintf("%s/%s-XXXXXX", base, prefix), .lock = -1};
        int made = make_locked(ret);
        int cause = errno;
        if (made == 0)
            return 0;
        free(TAKE_PTR(ret->path));
        if (made < 0)
            return err_sys(err, ERR_HOST, cause, "cannot make a temporary folder in '%s'", base);
    }
    return err_set(err, ERR_HOST, "a temporary folder in '%s' is removed again and again", base);
}

void temp_done(struct temp *temp)
{
    if (!temp->path)
        return;
    (void)io_remove_tree(temp->path, NULL);
    free(TAKE_PTR(temp->path));
    (void)close(TAKE_FD(temp->lock));
}

void temp_sweep_files(const char *folder)
{
    sweep(folder, IO_NEW_PREFIX "*", false);
}
