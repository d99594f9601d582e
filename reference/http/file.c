/* file.c: no way out of the document root, and nothing but regular files. */
#define _XOPEN_SOURCE 700 /* realpath() is in the XSI part of POSIX.1-2008 */
#include "http/file.h"

#include "http/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    {".html", "text/html"},     {".txt", "text/plain"}, {".css", "text/css"},
    {".js", "text/javascript"}, {".png", "image/png"},  {".jpg", "image/jpeg"},
    {".gif", "image/gif"},
};

static const char *type_of(const char *path)
{
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(suffix, types[i].suffix) == 0)
            return types[i].type;
    return "application/octet-stream";
}

int file_root(const char *directory, char root[ROOT_BYTES])
{
    struct stat status;
    char *real = realpath(directory, NULL);
    int ret = -1;
    if (real == NULL)
        return -1;
    if (stat(real, &status) < 0)
        goto out;
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        goto out;
    }
    /* Paths begin with '/', hence the root must not end with one: "/" becomes "". */
    if (snprintf(root, ROOT_BYTES, "%s", strcmp(real, "/") == 0 ? "" : real) >= ROOT_BYTES) {
        errno = ENAMETOOLONG;
        goto out;
    }
    ret = 0;
out:;
    int error = errno;
    free(real);
    errno = error;
    return ret;
}

/* What a failed call says to the client. */
static int status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    default:
        return 500;
    }
}

/* "/srv/www" holds "/srv/www/x", but not "/srv/www-private/x": the slash belongs to the comparison. */
static bool inside(const char *root, const char *real)
{
    size_t length = strlen(root);
    return strncmp(real, root, length) == 0 && (real[length] == '/' || real[length] == '\0');
}

/* Opens the real path. O_NONBLOCK: opening a FIFO would otherwise wait for somebody to write into it. */
static int open_regular(const char *real, bool wants_directory, struct file *file)
{
    struct stat status;
    int fd = open(real, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return status_of(errno);
    int ret = 403;
    if (fstat(fd, &status) < 0)
        ret = 500;
    else if (S_ISDIR(status.st_mode) && !wants_directory)
        ret = 301;
    else if (S_ISREG(status.st_mode))
        ret = 200;
    if (ret != 200) {
        close(fd);
        return ret;
    }
    *file = (struct file){.fd = fd, .size = status.st_size, .modified = status.st_mtime};
    return 200;
}

int file_open(const char *root, const char *path, struct file *file)
{
    char name[ROOT_BYTES + PATH_BYTES + sizeof "index.html"];
    bool directory = path[strlen(path) - 1] == '/';
    int status = 404;
    snprintf(name, sizeof name, "%s%s%s", root, path, directory ? "index.html" : "");

    /* Symbolic links are followed here, so that what is compared with the root is where they really lead. */
    char *real = realpath(name, NULL);
    if (real == NULL)
        return status_of(errno);
    if (!inside(root, real)) {
        status = 403;
        goto out;
    }
    status = open_regular(real, directory, file);
    if (status == 200)
        file->type = type_of(real);
out:
    free(real);
    return status;
}
