/* submission: archives that are too much, that were cut off, that were changed; and what the process that reads them can
 * do. */
#include "archive_lab.h"

#include "submission/contain.h"
#include "submission/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

TestSuite(submission_bombs, .init = lab_begin, .fini = lab_end, .timeout = 300);

static void expect_refusal(const char *kind)
{
    struct submission *submission = lab_take(&lab);
    cr_assert_not_null(submission->refusal, "it was accepted");
    cr_assert_str_eq(submission->refusal_kind, kind, "%s", submission->refusal);
    submission_free(submission);
}

/* ---- too much ---- */

Test(submission_bombs, zeros)
{
    static const char *const forms[] = {"zip", "tar.xz", "tar.bz2", "7z"};
    AUTO_FREE char *zeros = xcalloc(1, (size_t)10 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        pack(forms[i]);
        for (int file = 0; file < 3; file++) {
            AUTO_FREE char *name = xasprintf("zeros-%d", file);
            pack_entry(&packer, AE_IFREG, name, NULL, zeros, (size_t)10 << 20);
        }
        put();
        expect_refusal("bomb");
    }
}

Test(submission_bombs, a_few_zeros_are_none)
{
    AUTO_FREE char *zeros = xcalloc(1, (size_t)4 << 20);
    pack("tar.xz");
    pack_entry(&packer, AE_IFREG, "zeros", NULL, zeros, (size_t)4 << 20);
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    submission_free(submission);
}

Test(submission_bombs, too_many_bytes)
{
    AUTO_FREE char *bytes = xcalloc(1, (size_t)1 << 20);
    for (size_t i = 0; i < (size_t)1 << 20; i++)
        bytes[i] = (char)random();
    pack("tar");
    for (int i = 0; i < 66; i++) {
        AUTO_FREE char *name = xasprintf("%d", i);
        pack_entry(&packer, AE_IFREG, name, NULL, bytes, (size_t)1 << 20);
    }
    put();
    expect_refusal("too-large");
}

Test(submission_bombs, too_many_files)
{
    pack("zip");
    for (int i = 0; i <= SUBMISSION_MAX_FILES; i++) {
        AUTO_FREE char *name = xasprintf("%d", i);
        pack_file(&packer, name, "");
    }
    put();
    expect_refusal("too-many-files");
}

Test(submission_bombs, folders_that_are_only_implied_count)
{
    pack("tar.gz");
    for (int i = 0; i < SUBMISSION_MAX_FILES / 20; i++) {
        AUTO_FREE char *name = xasprintf("%d/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/f", i);
        pack_file(&packer, name, "");
    }
    put();
    expect_refusal("too-many-files");
}

Test(submission_bombs, what_is_left_out_has_an_end_too)
{
    AUTO_FREE char *bytes = xcalloc(1, (size_t)1 << 20);
    for (size_t i = 0; i < (size_t)1 << 20; i++)
        bytes[i] = (char)random();
    /* 30 MiB of history are no matter, */
    pack("tar");
    pack_file(&packer, "Makefile", "all:\n");
    for (int i = 0; i < 70; i++) {
        AUTO_FREE char *name = xasprintf(".git/objects/%d", i);
        pack_entry(&packer, AE_IFREG, name, NULL, bytes, (size_t)1 << 20);
    }
    put();
    struct submission *submission = lab_take(&lab);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    submission_free(submission);
    /* 50000 entries of it are */
    pack("tar");
    for (int i = 0; i <= 10 * SUBMISSION_MAX_FILES; i++)
        pack_file(&packer, ".git/x", "");
    put();
    expect_refusal("too-many-files");
}

/* ---- sizes that lie ---- */

/* Puts another number where the zip says 5 as the inflated size of its only file "f": in both of its headers. */
static void lie(char *bytes, size_t len, uint32_t size)
{
    int changed = 0;
    for (size_t i = 0; i + 30 < len; i++) {
        size_t at = memcmp(bytes + i, "PK\3\4", 4) == 0 ? 22 : 0;
        if (memcmp(bytes + i, "PK\1\2", 4) == 0)
            at = 24;
        uint32_t old;
        memcpy(&old, bytes + i + at, sizeof old);
        if (at == 0 || old != 5)
            continue;
        memcpy(bytes + i + at, &size, sizeof size);
        changed++;
    }
    cr_assert_geq(changed, 1);
}

Test(submission_bombs, a_declared_size_that_lies)
{
    static const uint32_t sizes[] = {0, 1, 4, 6, 1 << 30, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        pack("zip");
        pack_file(&packer, "f", "12345");
        pack_end(&packer);
        lie(packer.bytes, packer.len, sizes[i]);
        lab_put(&lab, packer.bytes, packer.len);
        pack_free(&packer);
        struct submission *submission = lab_take(&lab);
        /* what is accepted is the file, not a part of it and nothing more */
        AUTO_FREE char *text = submission->refusal ? NULL : lab_read(&lab, "f");
        if (!submission->refusal)
            cr_assert_str_eq(text, "12345", "size %u", sizes[i]);
        submission_free(submission);
    }
}

/* ---- cut off, changed ---- */

static void small_archive(const char *form)
{
    pack(form);
    pack_file(&packer, "Makefile", "all: server\nserver: server.c\n\tcc -o $@ $<\n");
    pack_file(&packer, "server.c", "#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n");
    pack_end(&packer);
}

static char *digest_of(const char *bytes, size_t len)
{
    char digest[65];
    struct err err = {0};
    lab_put(&lab, bytes, len);
    cr_assert_eq(submission_digest(lab.path, lab.work, digest, &err), 0, "%s", err.text);
    return xstrdup(digest);
}

/* No beginning of an archive is taken for a hand-in with fewer or shorter files. */
Test(submission_bombs, an_archive_that_was_cut_off)
{
    static const char *const forms[] = {"zip",     "stored-zip", "tar", "tar.gz",
                                        "tar.bz2", "tar.xz",     "7z"};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        small_archive(forms[i]);
        AUTO_FREE char *whole = digest_of(packer.bytes, packer.len);
        cr_assert_eq(strlen(whole), 64, "%s", forms[i]);
        size_t step = packer.len > 600 ? 37 : 1;
        for (size_t len = packer.len - 1; len > step; len -= step) {
            AUTO_FREE char *digest = digest_of(packer.bytes, len);
            cr_assert(*digest == '\0' || strcmp(digest, whole) == 0,
                      "%s: %zu of %zu bytes were accepted as another hand-in", forms[i], len,
                      packer.len);
        }
        for (size_t len = 512; strcmp(forms[i], "tar") == 0 && len + 1024 < packer.len;
             len += 512) {
            AUTO_FREE char *digest = digest_of(packer.bytes, len);
            cr_assert_str_eq(digest, "", "tar: %zu bytes were accepted", len);
        }
        pack_free(&packer);
    }
}

Test(submission_bombs, a_zip_without_its_last_bytes_is_refused)
{
    small_archive("zip");
    lab_put(&lab, packer.bytes, packer.len - 30);
    pack_free(&packer);
    expect_refusal("not-an-archive");
}

/* One byte is changed at each place: that is a refusal or a hand-in, never a crash, a fault of the host, or a leftover. */
Test(submission_bombs, an_archive_that_was_changed)
{
    static const char *const forms[] = {"zip", "7z", "tar.xz"};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        small_archive(forms[i]);
        for (size_t at = 0; at < packer.len; at++) {
            char old = packer.bytes[at];
            packer.bytes[at] = (char)random();
            free(digest_of(packer.bytes, packer.len));
            packer.bytes[at] = old;
        }
        pack_free(&packer);
    }
    cr_assert_eq(rmdir(lab.work), 0, "something is left");
    cr_assert_eq(mkdir(lab.work, 0755), 0);
}

/* ---- the process that reads ---- */

/* The children of this process. */
static pid_t only_child(void)
{
    AUTO_FREE char *path = xasprintf("/proc/self/task/%d/children", getpid());
    AUTO_BUF struct buf text = {0};
    cr_assert_eq(io_read_file(path, 4096, &text, ERR_HOST, NULL), 0);
    return (pid_t)strtol(text.data, NULL, 10);
}

static int kill_reader(void *self, const struct unpack_entry *entry)
{
    (void)entry;
    cr_assert_eq(kill(only_child(), *(const int *)self), 0);
    return 0;
}

static int ignore_data(void *self, const void *bytes, size_t len)
{
    (void)self;
    (void)bytes;
    (void)len;
    return 0;
}

static int ignore_end(void *self)
{
    (void)self;
    return 0;
}

/* A big archive, so that its reader cannot have finished when its first entry arrives. */
static int unpack_and_kill(int sig, struct unpack_refusal *refusal, struct err *err)
{
    AUTO_FREE char *bytes = xcalloc(1, (size_t)1 << 20);
    pack("tar");
    for (int i = 0; i < 4; i++)
        pack_entry(&packer, AE_IFREG, "x", NULL, bytes, (size_t)1 << 20);
    put();
    AUTO_CLOSE int fd = open(lab.path, O_RDONLY | O_CLOEXEC);
    const char *form = NULL;
    struct unpack_limits limits = {.entries = 10, .bytes = UINT64_MAX, .cpu_seconds = 20};
    struct unpack_ops ops = {
        .entry = kill_reader, .data = ignore_data, .end = ignore_end, .self = &sig};
    int result = unpack_archive(fd, &limits, &ops, &form, refusal, err);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
    return result;
}

Test(submission_bombs, a_reader_that_crashes_is_a_refusal)
{
    struct unpack_refusal refusal;
    struct err err = {0};
    cr_assert_eq(unpack_and_kill(SIGSEGV, &refusal, &err), -1);
    cr_assert_str_eq(refusal.kind, "damaged-archive");
    cr_assert_eq(err.kind, ERR_NONE);
    free(refusal.about);
    cr_assert_eq(unpack_and_kill(SIGXCPU, &refusal, &err), -1);
    cr_assert_str_eq(refusal.kind, "bomb");
    free(refusal.about);
}

Test(submission_bombs, a_reader_that_the_machine_kills_is_no_fault_of_the_student)
{
    struct unpack_refusal refusal;
    struct err err = {0};
    cr_assert_eq(unpack_and_kill(SIGKILL, &refusal, &err), -1);
    cr_assert_null(refusal.kind);
    cr_assert_eq(err.kind, ERR_HOST, "%s", err.text);
}

/* Runs in the contained process: the number of the first thing that it should not be able to do, else 0. */
static int forbidden(pid_t parent)
{
    char byte;
    struct rlimit limit;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EPERM)
        return 1;
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
        return 2;
    if (kill(parent, 0) == 0 || errno != EPERM)
        return 3;
    if (ptrace(PTRACE_ATTACH, parent, NULL, NULL) == 0)
        return 4;
    if (fork() >= 0)
        return 5;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return 6;
    if (unlink("/tmp/x") == 0 || errno != EPERM)
        return 7;
    if (getrlimit(RLIMIT_AS, &limit) == 0 || errno != EPERM)
        return 8;
    for (int fd = 3; fd < 100; fd++)
        if (read(fd, &byte, 1) >= 0 || errno != EBADF)
            return 9;
    if (read(STDIN_FILENO, &byte, 1) != 1 || byte != 'x')
        return 10;
    void *more =
        mmap(NULL, (size_t)64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#ifndef __SANITIZE_ADDRESS__
    if (more != MAP_FAILED)
        return 11;
#endif
    (void)more;
    return 0;
}

Test(submission_bombs, a_contained_process_can_do_nothing_else)
{
    lab_put(&lab, "x", 1);
    AUTO_CLOSE int in = open(lab.path, O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int secret = open("/etc/passwd", O_RDONLY); /* not even close-on-exec */
    int ends[2];
    cr_assert_geq(secret, 0);
    cr_assert_eq(pipe(ends), 0);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        struct containment containment = {.in = in,
                                          .out = ends[1],
                                          .parent = parent,
                                          .uid = 12345,
                                          .gid = 12345,
                                          .address_space = (uint64_t)32 << 20,
                                          .cpu_seconds = 10};
        contain_self(&containment);
        int wrong = forbidden(parent);
        (void)!write(STDOUT_FILENO, &wrong, sizeof wrong);
        _exit(0);
    }
    (void)close(ends[1]);
    int wrong = -1;
    cr_assert_eq(read(ends[0], &wrong, sizeof wrong), (ssize_t)sizeof wrong, "it ended early");
    cr_assert_eq(wrong, 0, "it can do what number %d is", wrong);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    (void)close(ends[0]);
}
