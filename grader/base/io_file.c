/* base/io_file.c: whole files and folders. See io.h. */
#include "base/io.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int io_read_file(const char *path, size_t max_bytes, struct buf *ret, enum err_kind kind,
                 struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_sys(err, kind, errno, "cannot open '%s'", path);
    struct buf bytes;
    buf_init(&bytes, max_bytes ? max_bytes : BUF_DEFAULT_MAX);
    char chunk[16384];
    ssize_t n;
    while ((n = io_read(fd, chunk, sizeof chunk)) > 0)
        if (!buf_add(&bytes, chunk, (size_t)n)) {
            buf_done(&bytes);
            return err_set(err, kind, "'%s' has more than %zu bytes", path, bytes.max);
        }
    if (n < 0) {
        int cause = errno;
        buf_done(&bytes);
        return err_sys(err, kind, cause, "cannot read '%s'", path);
    }
    buf_done(ret);
    *ret = bytes;
    return 0;
}

/* The folder of path, for fsync: "." where it has none. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* Writes, syncs and closes. A failing close(2) is a failing write (NFS, quota). */
static int fill_and_sync(int *fd, const void *bytes, size_t len)
{
    if (io_write_full(*fd, bytes, len) != 0 || fsync(*fd) != 0)
        return -1;
    return close(TAKE_FD(*fd));
}

/* Makes the new name last over a power failure. Some file systems cannot sync a folder (EINVAL): no loss of ours. */
static int sync_folder(const char *folder)
{
    AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 0 : -1; /* a folder that may be written but not listed */
    return fsync(fd) != 0 && errno != EINVAL ? -1 : 0;
}

/* A terminal, a pipe, /dev/null: written as they are, for renaming over them would destroy them. */
static int write_in_place(const char *path, const void *bytes, size_t len, struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || io_write_full(fd, bytes, len) != 0)
        return err_sys(err, ERR_HOST, errno, "cannot write '%s'", path);
    return 0;
}

/* A new file with its lock: until the lock goes nobody takes the file for a left one (temp.h). The caller frees *ret_name,
 * also after -1 with errno. */
static int open_new(const char *folder, char **ret_name)
{
    for (unsigned turn = 0; turn < 100; turn++) {
        free(*ret_name);
        /* short and free of path's own name, which may already be as long as a name can be */
        *ret_name = xasprintf("%s/" IO_NEW_PREFIX "%ld-%llx-%u", folder, (long)getpid(),
                              (unsigned long long)io_now_ns(), turn);
        AUTO_CLOSE int fd =
            open(*ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        struct stat st;
        if (fd < 0 && errno != EEXIST)
            return -1;
        if (fd < 0)
            continue;
        (void)flock(fd, LOCK_EX); /* where there are no locks, nobody removes anything either */
        if (fstat(fd, &st) != 0 || st.st_nlink > 0)
            return TAKE_FD(fd);
    }
    return -1;
}

static int replace(const char *path, const void *bytes, size_t len, struct err *err)
{
    AUTO_FREE char *folder = folder_of(path);
    AUTO_FREE char *temporary = NULL;
    AUTO_CLOSE int fd = open_new(folder, &temporary);
    if (fd < 0)
        return err_sys(err, ERR_HOST, errno, "cannot write '%s'", path);
    /* fd is closed, and its errors looked at, before the rename; the lock stays until after it */
    AUTO_CLOSE int lock = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (lock < 0 || fill_and_sync(&fd, bytes, len) != 0 || rename(temporary, path) != 0) {
        int cause = errno;
        (void)unlink(temporary); /* the old file stands; a left-over would only be litter */
        return err_sys(err, ERR_HOST, cause, "cannot write '%s'", path);
    }
    if (sync_folder(folder) != 0)
        return err_sys(err, ERR_HOST, errno, "cannot sync the folder of '%s'", path);
    return 0;
}

int io_write_file_atomic(const char *path, const void *bytes, size_t len, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return replace(path, bytes, len,
                       err); /* new, or a link that leads nowhere: the link is replaced */
    if (S_ISDIR(st.st_mode))
        return err_sys(err, ERR_HOST, EISDIR, "cannot write '%s'", path);
    if (!S_ISREG(st.st_mode))
        return write_in_place(path, bytes, len, err);
    AUTO_FREE char *real =
        realpath(path, NULL); /* a link stays a link, what it names is replaced */
    return replace(real ? real : path, bytes, len, err);
}

int io_mkdirs(const char *path, struct err *err)
{
    AUTO_FREE char *prefix = xstrdup(path);
    for (char *at = prefix; *at;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        char end = *at;
        *at = '\0';
        if (mkdir(prefix, 0777) != 0 && errno != EEXIST && errno != EISDIR)
            return err_sys(err, ERR_HOST, errno, "cannot make the folder '%s'", prefix);
        *at = end;
    }
    struct stat st;
    if (stat(path, &st) != 0)
        return err_sys(err, ERR_HOST, errno, "cannot make the folder '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return err_sys(err, ERR_HOST, ENOTDIR, "cannot make the folder '%s'", path);
    return 0;
}
