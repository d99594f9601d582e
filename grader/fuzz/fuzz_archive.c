/* fuzz/fuzz_archive.c: an archive from its bytes to what is taken from it: libarchive and the process around it, which here is
 * this one (its files are in memory, its end is a jump), and then whoever reads its frames. Input: the archive. */
#include "fuzz/fuzz.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <archive.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_INPUT_BYTES ((size_t)128 << 10)
#define MAX_FRAMES      ((size_t)4 << 20) /* bytes; a bomb ends there */
#define MAX_HELD        16

/* The process: what it reads, what it writes, what it holds when it ends. */
static struct child {
    const uint8_t *bytes;
    size_t len, at;
    struct buf frames;
    void *held[MAX_HELD];
    size_t n_held;
    struct archive *archive;
    jmp_buf end;
} child;

static _Noreturn void child_exit(int status)
{
    FUZZ_HOLDS(status == 0);
    longjmp(child.end, 1);
}

static void *child_hold(void *memory)
{
    FUZZ_HOLDS(child.n_held < MAX_HELD);
    child.held[child.n_held++] = memory;
    return memory;
}

/* What its scopes end before the process does. */
static void child_free(void *place)
{
    for (size_t i = 0; i < child.n_held; i++)
        if (child.held[i] == *(void **)place)
            child.held[i] = NULL;
    own_free(place);
}

static ssize_t child_read(void *to, size_t max)
{
    const size_t left = child.at < child.len ? child.len - child.at : 0;
    const size_t n = left < max ? left : max;
    if (n)
        memcpy(to, child.bytes + child.at, n);
    child.at += n;
    return (ssize_t)n;
}

static off_t child_seek(off_t offset, int whence)
{
    const off_t base = whence == SEEK_SET   ? 0
                       : whence == SEEK_END ? (off_t)child.len
                                            : (off_t)child.at;
    off_t to = 0;
    if (__builtin_add_overflow(base, offset, &to) || to < 0) {
        errno = EINVAL;
        return -1;
    }
    child.at = (size_t)to;
    return to;
}

static int child_write(const void *bytes, size_t len)
{
    return buf_add(&child.frames, bytes, len) ? 0 : -1;
}

static struct archive *child_archive(void)
{
    child.archive = archive_read_new();
    return child.archive;
}

#define _exit(status)                 child_exit(status)
#define io_read(fd, to, max)          child_read(to, max)
#define io_read_full(fd, to, max)     child_read(to, max)
#define lseek(fd, offset, whence)     child_seek(offset, whence)
#define io_write_full(fd, bytes, len) child_write(bytes, len)
#define archive_read_new()            child_archive()
#define xmalloc(size)                 child_hold(xmalloc(size))
#define xstrndup(text, max)           ((char *)child_hold(xstrndup(text, max)))
#define own_free                      child_free
#define fail                          child_fail
#include "submission/unpack_child.c" /* NOLINT(bugprone-suspicious-include) */
#undef _exit
#undef io_read
#undef io_read_full
#undef lseek
#undef io_write_full
#undef archive_read_new
#undef xmalloc
#undef xstrndup
#undef own_free
#undef fail
#undef CHUNK

/* its frames are read by static functions */
#define unpack_child_run unpack_child_elsewhere
_Noreturn void unpack_child_elsewhere(bool names_only);
#include "submission/unpack.c" /* NOLINT(bugprone-suspicious-include) */
#undef unpack_child_run

_Noreturn void unpack_child_elsewhere(bool names_only)
{
    (void)names_only;
    abort(); /* no process is started here */
}

#include "fuzz/receivers.h"

static void run_child(const uint8_t *bytes, size_t len, bool names_only)
{
    child = (struct child){.bytes = bytes, .len = len};
    buf_init(&child.frames, MAX_FRAMES);
    if (setjmp(child.end) == 0)
        unpack_child_run(names_only);
    if (child.archive)
        (void)archive_read_free(child.archive);
    for (size_t i = 0; i < child.n_held; i++)
        free(child.held[i]);
}

/* The process sends what makes sense, whatever it was given; unless it was cut short it says how it went. */
static void receive(uint64_t archive_bytes, struct seen *seen)
{
    struct err err = {0};
    struct unpack_refusal refusal = {0};
    const char *form = NULL;
    const struct unpack_limits limits = {.entries = UINT64_MAX, .bytes = UINT64_MAX};
    const struct unpack_ops ops = {
        .entry = see_entry, .data = see_data, .end = see_end, .self = seen};
    AUTO_CLOSE int fd = memfd_create("frames", MFD_CLOEXEC);
    struct unpacking unpacking = {.limits = &limits,
                                  .ops = &ops,
                                  .form = &form,
                                  .refusal = &refusal,
                                  .err = &err,
                                  .pipe = fd,
                                  .archive_bytes = archive_bytes};
    FUZZ_HOLDS(fd >= 0 &&
               io_write_full(fd, child.frames.data ? child.frames.data : "", child.frames.len) ==
                   0 &&
               lseek(fd, 0, SEEK_SET) == 0);
    (void)read_frames(&unpacking);
    FUZZ_HOLDS(!err_is_set(&err));
    FUZZ_HOLDS(!refusal.kind || !strstr(refusal.format, "could not be read"));
    FUZZ_HOLDS(unpacking.done || refusal.kind || child.frames.dropped);
    FUZZ_HOLDS(!unpacking.done || (form && !seen->in_entry));
    free(refusal.about);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0 || len > MAX_INPUT_BYTES)
        return -1;
    for (int names_only = 0; names_only < 2; names_only++) {
        struct seen seen = {.max_target = WIRE_MAX_TEXT};
        run_child(bytes, len, names_only);
        receive(len, &seen);
        FUZZ_HOLDS(!names_only || seen.bytes == 0);
        buf_done(&child.frames);
    }
    return 0;
}
