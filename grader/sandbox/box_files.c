/* sandbox/box_files.c: what lies in a box's folder before its program starts: a scenario's files, a build's sources. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_DEPTH 64

/* ---- a scenario's files ---- */

static int open_beneath(int dir, const char *path, uint64_t flags, uint64_t mode)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC, .mode = mode, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* Opens the folder that is to hold path, making it where it is missing; *ret_name is the last part. */
static int open_parent(int root, const char *path, const char **ret_name)
{
    char part[PATH_MAX];
    const char *name = path;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = (size_t)(slash - path);
        if (len == 0 || len >= sizeof part) {
            errno = EINVAL; /* an absolute path is an error of the caller's */
            return -1;
        }
        memcpy(part, path, len);
        part[len] = '\0';
        if (mkdirat(root, part, 0755) != 0 && errno != EEXIST)
            return -1;
        name = slash + 1;
    }
    *ret_name = name;
    if (name == path)
        return open_beneath(root, ".", O_PATH | O_DIRECTORY, 0);
    return open_beneath(root, part, O_PATH | O_DIRECTORY, 0);
}

static int make_regular(int dir, const char *name, const struct box_file *file)
{
    unsigned mode = file->mode ? file->mode : 0644;
    AUTO_CLOSE int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (file->kind == BOX_FILE_DATA && io_write_full(fd, file->bytes, (size_t)file->len) != 0)
        return -1;
    if (file->kind == BOX_FILE_SPARSE && ftruncate(fd, (off_t)file->len) != 0)
        return -1;
    return fchmod(fd, mode & 07777);
}

static int make_file(int root, const struct box_file *file)
{
    const char *name = NULL;
    AUTO_CLOSE int dir = open_parent(root, file->path, &name);
    if (dir < 0)
        return -1;
    switch (file->kind) {
    case BOX_FILE_DATA:
    case BOX_FILE_SPARSE:
        return make_regular(dir, name, file);
    case BOX_FILE_LINK:
        return symlinkat(file->bytes, dir, name);
    case BOX_FILE_FIFO:
        return mkfifoat(dir, name, file->mode ? file->mode & 07777 : 0644);
    }
    errno = EINVAL;
    return -1;
}

int box_make_files(struct box_plan *plan)
{
    const char *folder = plan->spec.kind == BOX_BUILD ? BOX_BIN_DIR : BOX_SCRATCH_DIR;
    AUTO_CLOSE int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -1;
    mode_t old = umask(0);
    int result = 0;
    for (size_t i = 0; i < plan->spec.n_files && result == 0; i++)
        result = make_file(root, &plan->spec.files[i]);
    (void)umask(old);
    return result;
}

/* ---- a build's sources ---- */

static int copy_folder(int from, int to, unsigned depth);

static int copy_bytes(int from, int to)
{
    for (;;) {
        ssize_t n = sendfile(to, from, NULL, 1 << 20);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
    }
}

/* Times are kept: make(1) compares them. */
static int finish_copy(int fd, const struct stat *status)
{
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    return fchmod(fd, (status->st_mode & 0777) | S_IRUSR | S_IWUSR) != 0 ? -1 : futimens(fd, times);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *status)
{
    AUTO_CLOSE int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    AUTO_CLOSE int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0)
        return -1;
    return copy_bytes(from, to) != 0 ? -1 : finish_copy(to, status);
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);
    if (n < 0)
        return -1;
    target[n] = '\0';
    return symlinkat(target, to_dir, name);
}

static int copy_subfolder(int from_dir, int to_dir, const char *name, const struct stat *status,
                          unsigned depth)
{
    if (mkdirat(to_dir, name, 0700) != 0)
        return -1;
    AUTO_CLOSE int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_CLOSE int to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || to < 0 || copy_folder(from, to, depth + 1) != 0)
        return -1;
    const struct timespec times[2] = {status->st_atim, status->st_mtim};
    return fchmod(to, (status->st_mode & 0777) | S_IRWXU) != 0 ? -1 : futimens(to, times);
}

/* Devices, sockets and FIFOs are left out. */
static int copy_entry(int from, int to, const char *name, unsigned depth)
{
    struct stat status;
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (S_ISREG(status.st_mode))
        return copy_file(from, to, name, &status);
    if (S_ISDIR(status.st_mode))
        return copy_subfolder(from, to, name, &status, depth);
    return S_ISLNK(status.st_mode) ? copy_link(from, to, name) : 0;
}

static int copy_folder(int from, int to, unsigned depth)
{
    if (depth > MAX_DEPTH) {
        errno = ELOOP;
        return -1;
    }
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again); /* takes the descriptor over */
    if (!dir)
        return -1;
    int result = 0;
    errno = 0;
    for (const struct dirent *entry = readdir(dir); entry && result == 0; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = copy_entry(from, to, entry->d_name, depth);
    int saved = errno;
    (void)closedir(dir);
    errno = saved;
    return result;
}

int box_copy_sources(struct box_plan *plan)
{
    if (plan->source_fd < 0)
        return 0;
    AUTO_CLOSE int to = open(BOX_BUILD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE int from = TAKE_FD(plan->source_fd);
    return to < 0 ? -1 : copy_folder(from, to, 0);
}
