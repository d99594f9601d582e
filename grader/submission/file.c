/* submission/file.c: one file of a hand-in: is it prebuilt, its bytes, its copy. */
#include "submission/intake.h"

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "submission/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)

/* Files that only a compiler, an assembler or a linker makes: what they begin with. */
static const struct {
    size_t len;
    const char *bytes;
} prebuilt_magics[] = {
    {4, "\177ELF"},          /* objects, programs, shared libraries (elf(5)) */
    {8, "!<arch>\n"},        /* static libraries (ar(5)) */
    {8, "!<thin>\n"},        /* the same, with its members elsewhere */
    {4, "BC\xc0\xde"},       /* LLVM bitcode */
    {4, "gpch"},             /* gcc's precompiled headers */
    {4, "\xfe\xed\xfa\xcf"}, /* Mach-O, either byte order: a build on a Mac */
    {4, "\xcf\xfa\xed\xfe"},
};

/* By name, whatever is in them: make(1) would take them for up to date. */
static const char *const prebuilt_names[] = {"*.o",  "*.a",   "*.so", "*.lo",
                                             "*.la", "*.gch", "*.pch"};

static bool is_prebuilt(const char *name, const char *head, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(prebuilt_names); i++)
        if (text_glob(prebuilt_names[i], name))
            return true;
    for (size_t i = 0; i < ARRAY_SIZE(prebuilt_magics); i++)
        if (len >= prebuilt_magics[i].len &&
            memcmp(head, prebuilt_magics[i].bytes, prebuilt_magics[i].len) == 0)
            return true;
    return false;
}

static int open_copy(const struct intake *intake, int to, const char *name, mode_t mode)
{
    AUTO_CLOSE int fd =
        openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, mode) != 0 ||
        (geteuid() == 0 && fchown(fd, intake->owner, intake->group) != 0))
        return err_sys(intake->err, ERR_HOST, errno, "copying the hand-in's '%s'", intake->path);
    return TAKE_FD(fd);
}

/* Bytes are counted as they come: the size that fstat(2) told may have been true only then. */
static int transfer(struct intake *intake, int from, int copy, char *chunk, size_t len,
                    struct sha256_ctx *content)
{
    while (len) {
        intake->submission->bytes += len;
        if (intake->submission->bytes > SUBMISSION_MAX_BYTES)
            return intake_refuse(intake, "too-large", "%s: the hand-in has more than 64 MiB");
        sha256_update(content, len, (const uint8_t *)chunk);
        if (copy >= 0 && io_write_full(copy, chunk, len) != 0)
            return err_sys(intake->err, ERR_HOST, errno, "copying the hand-in's '%s'",
                           intake->path);
        ssize_t n = io_read_full(from, chunk, CHUNK);
        if (n < 0)
            return intake_refuse_unreadable(intake, errno);
        len = (size_t)n;
    }
    return 0;
}

int intake_file(struct intake *intake, int fd, const struct stat *st, int to, const char *name)
{
    AUTO_CLOSE int from = fd;
    AUTO_CLOSE int copy = -1;
    AUTO_FREE char *chunk = xmalloc(CHUNK);
    if (st->st_size > 0 && (uint64_t)st->st_size > SUBMISSION_MAX_BYTES)
        return intake_refuse(intake, "too-large", "%s: the file alone has more than 64 MiB");
    ssize_t n = io_read_full(from, chunk, CHUNK);
    if (n < 0)
        return intake_refuse_unreadable(intake, errno);
    if (is_prebuilt(name, chunk, (size_t)n)) {
        intake_notice(intake, "%s was left out: programs are built from their source");
        return 0;
    }
    size_t stem = 0;
    if (unpack_is_archive_name(name, &stem))
        intake_notice(intake, "%s is an archive within the hand-in: it was not unpacked");
    bool executable = (st->st_mode & S_IXUSR) != 0;
    if (intake->copy && (copy = open_copy(intake, to, name, executable ? 0755 : 0644)) < 0)
        return -1;
    struct sha256_ctx content;
    sha256_init(&content);
    if (transfer(intake, from, copy, chunk, (size_t)n, &content) != 0)
        return -1;
    if (copy >= 0 && close(TAKE_FD(copy)) != 0)
        return err_sys(intake->err, ERR_HOST, errno, "copying the hand-in's '%s'", intake->path);
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&content, sizeof digest, digest);
    intake_hash(intake, executable ? 'x' : 'f', digest);
    return 0;
}
