/* submission/unpack.c: starts the process that parses an archive, checks what it sends, counts, and says how it ended.
 *
 * How it works: the child (unpack_child.c, contained by contain.c) has the archive and the writing end of a pipe. Here its
 * frames are read one by one; each must be of the right form and in an order that makes sense, since a parser that was
 * taken over sends what it likes. Limits are kept here, on bytes that have really come. Whatever happens the child is
 * ended and waited for before the function returns. */
#include "submission/unpack.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "submission/contain.h"
#include "submission/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define MEMORY_BYTES ((uint64_t)512 << 20) /* xz and 7z dictionaries: 64 MiB at their best */
#define RATIO_FREE   ((uint64_t)8 << 20)   /* a page of zeros for a test is no bomb */

static const char *const form_names[FORM_COUNT] = {"zip",     "tar",    "tar.gz",
                                                   "tar.bz2", "tar.xz", "7z"};

static const struct {
    const char *kind, *format;
} failures[FAIL_COUNT] = {
    [FAIL_NO_ARCHIVE] =
        {"not-an-archive",
         "the file is no archive of a kind that is read (zip, tar, tar.gz, tar.bz2, "
         "tar.xz, 7z), or was cut off (%s)"},
    [FAIL_DAMAGED] = {"damaged-archive", "the archive is damaged: %s"},
    [FAIL_TRUNCATED] = {"damaged-archive", "the archive was cut off: its end is missing%s"},
    [FAIL_ENCRYPTED] = {"encrypted-archive", "the archive is protected by a password (%s)"},
    [FAIL_NESTED] = {"nested-archive", "the archive is %s; hand in a plain one"},
    [FAIL_NAME] = {"bad-name", "the archive cannot be read: %s"},
};

struct unpacking {
    const struct unpack_limits *limits;
    const struct unpack_ops *ops;
    const char **form;
    struct unpack_refusal *refusal;
    struct err *err;
    pid_t pid;
    int pipe;
    uint64_t archive_bytes, entries, bytes;
    char path[WIRE_MAX_TEXT + 1]; /* of the entry that is under way */
    bool in_entry, done;
};

static int refuse(struct unpacking *unpacking, const char *kind, const char *format,
                  const char *about)
{
    *unpacking->refusal =
        (struct unpack_refusal){.kind = kind, .format = format, .about = xstrdup(about)};
    return -1;
}

/* Not what this program sends: the parser was damaged by what it parsed. */
static int refuse_nonsense(struct unpacking *unpacking)
{
    return refuse(unpacking, "damaged-archive", "the archive could not be read: %s",
                  "reading it broke its reader");
}

/* ---- the child ---- */

/* Bytes of address space that this process has already, which the child inherits. */
static uint64_t own_address_space(void)
{
    AUTO_BUF struct buf text = {0};
    unsigned long long pages = 0;
    if (io_read_file("/proc/self/statm", 4096, &text, ERR_HOST, NULL) == 0 && text.data)
        pages = strtoull(text.data, NULL, 10);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static _Noreturn void child_run(const struct containment *containment, bool names_only)
{
    (void)setlocale(LC_ALL, "C.UTF-8"); /* libarchive has no names outside ASCII without it; */
    tzset(); /* it opens files, as this does: nothing can be opened later on */
    contain_self(containment);
    unpack_child_run(names_only);
}

static int start(struct unpacking *unpacking, int fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(unpacking->err, ERR_HOST, errno, "preparing to unpack");
    struct containment containment = {
        .in = fd,
        .out = ends[1],
        .parent = getpid(),
        .uid = unpacking->limits->uid,
        .gid = unpacking->limits->gid,
        .address_space = own_address_space() + MEMORY_BYTES,
        .cpu_seconds = unpacking->limits->cpu_seconds,
    };
    unpacking->pid = fork();
    if (unpacking->pid == 0)
        child_run(&containment, unpacking->limits->names_only);
    int cause = errno;
    (void)close(ends[1]);
    unpacking->pipe = ends[0];
    if (unpacking->pid < 0)
        return err_sys(unpacking->err, ERR_HOST, cause, "starting a process that unpacks");
    return 0;
}

/* The pipe has ended without a closing frame. */
static int explain_end(struct unpacking *unpacking, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CONTAIN_STATUS)
        return err_set(unpacking->err, ERR_HOST,
                       "the process that unpacks could not give up its rights (seccomp)");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return refuse(unpacking, "bomb", "unpacking the archive takes more than %s",
                      "the processor time that it may take");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return err_set(unpacking->err, ERR_HOST,
                       "the process that unpacks was killed, perhaps for lack of memory");
    return refuse_nonsense(unpacking);
}

/* Ends the child, whether or not it has ended itself; returns its status. */
static int end_child(struct unpacking *unpacking)
{
    int status = 0;
    if (unpacking->pipe >= 0)
        (void)close(unpacking->pipe);
    if (unpacking->pid <= 0)
        return 0;
    while (waitpid(unpacking->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* ---- its frames ---- */

static int take_form(struct unpacking *unpacking, const struct wire_head *head)
{
    if (*unpacking->form || head->detail >= FORM_COUNT)
        return refuse_nonsense(unpacking);
    *unpacking->form = form_names[head->detail];
    return 0;
}

static int take_entry(struct unpacking *unpacking, const struct wire_head *head, const char *bytes)
{
    size_t path_len = strnlen(bytes, head->len);
    if (!*unpacking->form || unpacking->in_entry || head->detail >= UNPACK_TYPES || head->len < 2 ||
        bytes[head->len - 1] != '\0' || path_len > WIRE_MAX_TEXT || path_len + 1 >= head->len)
        return refuse_nonsense(unpacking);
    memcpy(unpacking->path, bytes, path_len + 1);
    unpacking->in_entry = true;
    if (++unpacking->entries > unpacking->limits->entries)
        return refuse(unpacking, "too-many-files", "%s: the archive has too many entries",
                      unpacking->path);
    struct unpack_entry entry = {
        .type = (enum unpack_type)head->detail,
        .path = unpacking->path,
        .target = bytes + path_len + 1,
    };
    return unpacking->ops->entry(unpacking->ops->self, &entry);
}

static int take_data(struct unpacking *unpacking, const struct wire_head *head, const char *bytes)
{
    if (!unpacking->in_entry)
        return refuse_nonsense(unpacking);
    unpacking->bytes += head->len;
    unsigned ratio = unpacking->limits->ratio;
    if (ratio && unpacking->bytes > RATIO_FREE &&
        unpacking->bytes / ratio > unpacking->archive_bytes)
        return refuse(unpacking, "bomb",
                      "%s: the archive inflates to more than 250 times its own size",
                      unpacking->path);
    if (unpacking->bytes > unpacking->limits->bytes)
        return refuse(unpacking, "too-large", "%s: the archive inflates to too many bytes",
                      unpacking->path);
    return unpacking->ops->data(unpacking->ops->self, bytes, head->len);
}

static int take_end(struct unpacking *unpacking)
{
    if (!unpacking->in_entry)
        return refuse_nonsense(unpacking);
    unpacking->in_entry = false;
    return unpacking->ops->end(unpacking->ops->self);
}

static int take_failure(struct unpacking *unpacking, const struct wire_head *head,
                        const char *bytes)
{
    if (head->detail >= FAIL_COUNT || head->len == 0 || bytes[head->len - 1] != '\0')
        return refuse_nonsense(unpacking);
    return refuse(unpacking, failures[head->detail].kind, failures[head->detail].format, bytes);
}

static int take_frame(struct unpacking *unpacking, const struct wire_head *head, const char *bytes)
{
    switch (head->kind) {
    case WIRE_FORM:
        return take_form(unpacking, head);
    case WIRE_ENTRY:
        return take_entry(unpacking, head, bytes);
    case WIRE_DATA:
        return take_data(unpacking, head, bytes);
    case WIRE_END:
        return take_end(unpacking);
    case WIRE_DONE:
        if (!*unpacking->form || unpacking->in_entry)
            return refuse_nonsense(unpacking);
        unpacking->done = true;
        return 0;
    case WIRE_FAIL:
        return take_failure(unpacking, head, bytes);
    default:
        return refuse_nonsense(unpacking);
    }
}

/* 1: taken, 0: the pipe has ended, -1: refused or failed. */
static int next_frame(struct unpacking *unpacking, char *bytes)
{
    struct wire_head head;
    ssize_t n = io_read_full(unpacking->pipe, &head, sizeof head);
    if (n < 0)
        return err_sys(unpacking->err, ERR_HOST, errno, "reading from the process that unpacks");
    if (n < (ssize_t)sizeof head)
        return 0;
    if (head.len > WIRE_MAX_BYTES)
        return refuse_nonsense(unpacking);
    n = io_read_full(unpacking->pipe, bytes, head.len);
    if (n < 0)
        return err_sys(unpacking->err, ERR_HOST, errno, "reading from the process that unpacks");
    if (n < (ssize_t)head.len)
        return 0;
    return take_frame(unpacking, &head, bytes) == 0 ? 1 : -1;
}

static int run(struct unpacking *unpacking)
{
    AUTO_FREE char *bytes = xmalloc(WIRE_MAX_BYTES);
    int result = 1;
    while (result == 1 && !unpacking->done)
        result = next_frame(unpacking, bytes);
    if (result < 0) /* nobody reads any more what it sends */
        (void)kill(unpacking->pid, SIGKILL);
    int status = end_child(unpacking);
    if (result < 0 || unpacking->done)
        return result < 0 ? -1 : 0;
    return explain_end(unpacking, status);
}

int unpack_archive(int fd, const struct unpack_limits *limits, const struct unpack_ops *ops,
                   const char **ret_form, struct unpack_refusal *ret, struct err *err)
{
    struct unpacking unpacking = {
        .limits = limits, .ops = ops, .form = ret_form, .refusal = ret, .err = err, .pipe = -1};
    struct stat st;
    *ret = (struct unpack_refusal){0};
    *ret_form = NULL;
    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_HOST, errno, "looking at an archive");
    unpacking.archive_bytes = (uint64_t)st.st_size;
    if (st.st_size == 0)
        return refuse(&unpacking, "not-an-archive", "%s is empty", "the file");
    if (start(&unpacking, fd) != 0) {
        (void)end_child(&unpacking);
        return -1;
    }
    return run(&unpacking);
}
