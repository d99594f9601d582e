/* file.h: path -> open file below the document root. */
#ifndef REFERENCE_HTTP_FILE_H
#define REFERENCE_HTTP_FILE_H

#include <sys/types.h>
#include <time.h>

enum { ROOT_BYTES = 4096 };

struct file {
    int fd;
    off_t size;
    time_t modified;
    const char *type; /* the Content-Type */
};

/* Makes the document root absolute and free of links, and ready for file_open(). 0, or -1 with errno. */
int file_root(const char *directory, char root[ROOT_BYTES]);

/*
 * Opens what a normalised path (path.h) names: the file, or index.html for a path ending with '/'.
 * 200 and an open file · 301 it is a directory, and wants a '/' · 403 · 404 · 500.
 */
int file_open(const char *root, const char *path, struct file *file);

#endif
