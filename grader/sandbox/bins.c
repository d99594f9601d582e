/* sandbox/bins.c: the artefacts of a hand-in, copied into memory of the keeper's once, for all boxes that run them.
 *
 * A box that is shown a folder of the host sees in /proc/self/mountinfo where on the host that is: the name of a user, of
 * a course, of a hand-in. So it is shown a copy, in a tmpfs of the keeper's, whose place tells nothing. The copy is made
 * anew when the folder has changed; a folder that holds more than files, or too much, is shown as it is. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BINS_DIR  ROOTS_DIR "/bin"
#define MAX_BYTES ((off_t)256 << 20)
#define MAX_FILES 256

static void fold(uint64_t *print, uint64_t value)
{
    *print = (*print ^ value) *
             1099511628211U; /* FNV-1a, by words: told apart are versions, not enemies */
}

/* What the folder looks like from outside; 0 for one that is not to be copied. */
static uint64_t fingerprint(DIR *dir)
{
    struct stat st;
    off_t bytes = 0;
    unsigned files = 0;
    if (fstat(dirfd(dir), &st) != 0)
        return 0;
    uint64_t print = 14695981039346656037U;
    fold(&print, st.st_dev);
    fold(&print, st.st_ino);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode) || (bytes += st.st_size) > MAX_BYTES || ++files > MAX_FILES)
            return 0;
        for (const char *at = entry->d_name; *at; at++)
            fold(&print, (unsigned char)*at);
        fold(&print, st.st_ino);
        fold(&print, (uint64_t)st.st_size);
        fold(&print, st.st_mode);
        fold(&print, (uint64_t)st.st_ctim.tv_sec);
        fold(&print, (uint64_t)st.st_ctim.tv_nsec);
    }
    return print ? print : 1;
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
    struct stat st;
    AUTO_CLOSE int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    AUTO_CLOSE int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0 || fstat(from, &st) != 0)
        return -1;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(to, from, NULL, (size_t)left);
        if (n <= 0 && errno != EINTR)
            return -1;
        left -= n > 0 ? n : 0;
    }
    return fchmod(to, st.st_mode & 0777);
}

static int copy_all(DIR *dir, const char *to)
{
    if (mkdir(to, 0755) != 0)
        return -1;
    AUTO_CLOSE int to_dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to_dir < 0)
        return -1;
    rewinddir(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            copy_file(dirfd(dir), to_dir, entry->d_name) != 0)
            return -1;
    return 0;
}

int bins_init(struct err *err)
{
    if (mkdir(BINS_DIR, 0755) != 0 ||
        mount("box", BINS_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: mounting a tmpfs");
    return 0;
}

/* Boxes that still run the program of a former version have it mounted: the kernel keeps the folder's files for them
 * only as long as they are open, so versions go in turn, and late. */
static const char *copy_of(struct bins *bins, DIR *dir, uint64_t print, char *path, size_t size)
{
    for (unsigned i = 0; i < MAX_VERSIONS; i++)
        if (bins->prints[i] == print) {
            (void)snprintf(path, size, BINS_DIR "/%u", i);
            return path;
        }
    unsigned slot = bins->next++ % MAX_VERSIONS;
    (void)snprintf(path, size, BINS_DIR "/%u", slot);
    if (bins->prints[slot])
        (void)io_remove_tree(path, NULL);
    bins->prints[slot] = 0;
    if (copy_all(dir, path) != 0) {
        (void)io_remove_tree(path, NULL);
        return NULL;
    }
    bins->prints[slot] = print;
    return path;
}

int bins_mount(struct bins *bins, const char *dir)
{
    char path[64];
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd); /* takes the descriptor over */
    if (!list)
        return -1;
    uint64_t print = fingerprint(list);
    const char *copy = print ? copy_of(bins, list, print, path, sizeof path) : NULL;
    (void)closedir(list);
    return roots_detached(copy ? copy : dir);
}
