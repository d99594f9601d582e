/* base/io.h: short reads, short writes, EINTR and EAGAIN live here and nowhere else. */
#ifndef GRADER_BASE_IO_H
#define GRADER_BASE_IO_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* CLOCK_MONOTONIC in nanoseconds, since an unspecified start. */
uint64_t io_now_ns(void);

/* read(2) / write(2) without EINTR. Return as they do: -1 with errno (EAGAIN for a non-blocking fd). */
ssize_t io_read(int fd, void *bytes, size_t len);
ssize_t io_write(int fd, const void *bytes, size_t len);

/* Reads until len bytes or the end; returns the count, -1 with errno. For blocking descriptors. */
ssize_t io_read_full(int fd, void *bytes, size_t len);
/* Writes all; 0 or -1 with errno. For blocking descriptors. */
int io_write_full(int fd, const void *bytes, size_t len);

/* Waits until fd is ready for events (poll(2) bits) or deadline_ns (io_now_ns clock; UINT64_MAX: for ever) has passed.
 * Returns the revents, 0 at the deadline, -1 with errno. */
int io_poll(int fd, short events, uint64_t deadline_ns);

/* Sets or clears O_NONBLOCK; 0 or -1 with errno. */
int io_set_nonblock(int fd, bool on);

/* One message with up to IO_MAX_FDS descriptors (SCM_RIGHTS, unix(7)). 0 or -1 with errno. */
#define IO_MAX_FDS 64
int io_send_fds(int sock, const void *bytes, size_t len, const int *fds, size_t n_fds);
/* Receives one message; descriptors arrive close-on-exec. *ret_n_fds says how many came (at most max_fds; more are
 * closed). Returns the bytes, 0 at the end of the stream, -1 with errno. */
ssize_t io_recv_fds(int sock, void *bytes, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds);

/* The whole file (at most max_bytes, otherwise an error of the given kind). The caller owns ret's memory. */
int io_read_file(const char *path, size_t max_bytes, struct buf *ret, enum err_kind kind,
                 struct err *err);

/* Begins the name of a file that is not yet complete. Its writer holds a lock on it (flock(2)); see temp.h. */
#define IO_NEW_PREFIX ".new-"

/* Replaces path by these bytes so that a crash at any moment leaves the old file or the new one: a temporary name in
 * the same folder, fsync(2), rename(2), fsync of the folder. A symbolic link stays and the file that it names is replaced;
 * what is not a regular file (a terminal, a pipe, /dev/null) is written in place. Mode 0666 less umask. ERR_HOST. */
int io_write_file_atomic(const char *path, const void *bytes, size_t len, struct err *err);

/* mkdir -p, mode 0777 less umask. */
int io_mkdirs(const char *path, struct err *err);

/* Removes a tree, never following links and never leaving the file system of `path`; iterative in depth. What could
 * not be removed is left, and said. Owner-less permissions (mode 000 folders) are repaired on the way. */
int io_remove_tree(const char *path, struct err *err);

#endif
