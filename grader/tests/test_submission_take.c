/* submission: the private copy, its identity, what is left out, limits. */
#include "submission/submission.h"

#include "base/io.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static char dir[64];  /* of the test */
static char *hand_in; /* dir/hand-in */
static char *work;    /* dir/work */

static void make_dirs(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/sockgrade-sub-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    hand_in = xasprintf("%s/hand-in", dir);
    work = xasprintf("%s/work", dir);
    cr_assert_eq(mkdir(hand_in, 0755), 0);
    cr_assert_eq(mkdir(work, 0755), 0);
}

static void remove_dirs(void)
{
    struct err err = {0};
    cr_assert_eq(io_remove_tree(dir, &err), 0, "%s", err.text);
    free(hand_in);
    free(work);
}

static char *in_hand_in(const char *name)
{
    return xasprintf("%s/%s", hand_in, name);
}

static void put(const char *name, const char *text)
{
    AUTO_FREE char *path = in_hand_in(name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(io_write_full(fd, text, strlen(text)), 0);
}

static void folder(const char *name)
{
    AUTO_FREE char *path = in_hand_in(name);
    cr_assert_eq(mkdir(path, 0755), 0);
}

static void link_to(const char *target, const char *name)
{
    AUTO_FREE char *path = in_hand_in(name);
    cr_assert_eq(symlink(target, path), 0);
}

static struct submission *take(void)
{
    struct submission *submission = NULL;
    struct err err = {0};
    struct err ignored = {0};
    AUTO_FREE char *copy = xasprintf("%s/source", work);
    cr_assert_eq(io_remove_tree(copy, &ignored), 0);
    cr_assert_eq(submission_take(hand_in, work, getuid(), getgid(), &submission, &err), 0, "%s",
                 err.text);
    cr_assert_not_null(submission);
    return submission;
}

static bool copied(const char *name, struct stat *ret)
{
    AUTO_FREE char *path = xasprintf("%s/source/%s", work, name);
    return lstat(path, ret) == 0;
}

static void expect_copy(const char *name, const char *text)
{
    AUTO_FREE char *path = xasprintf("%s/source/%s", work, name);
    AUTO_BUF struct buf bytes = {0};
    struct err err = {0};
    cr_assert_eq(io_read_file(path, 1 << 20, &bytes, ERR_HOST, &err), 0, "%s", err.text);
    cr_assert_str_eq(bytes.data ? bytes.data : "", text);
}

static bool has_notice(const struct submission *submission, const char *part)
{
    for (char **notice = submission->notices; notice && *notice; notice++)
        if (strstr(*notice, part))
            return true;
    return false;
}

/* A skipped test does not reach its end. */
static void skip(const char *reason)
{
    remove_dirs();
    cr_skip_test("%s", reason);
}

TestSuite(submission_take, .init = make_dirs, .fini = remove_dirs);

Test(submission_take, files_and_folders_are_copied)
{
    put("Makefile", "all:\n");
    folder("src");
    put("src/server.c", "int main(void) { return 0; }\n");
    put("src/empty.h", "");
    put("run.sh", "#!/bin/sh\n");
    AUTO_FREE char *script = in_hand_in("run.sh");
    cr_assert_eq(chmod(script, 04711), 0);
    struct submission *submission = take();
    struct stat st;
    cr_assert_null(submission->refusal);
    cr_assert_null(submission->notices);
    cr_assert_str_eq(submission->name, "hand-in");
    cr_assert_eq(submission->files, 5);
    cr_assert_eq(submission->bytes, 5 + 29 + 10);
    cr_assert_eq(strlen(submission->digest), 64);
    expect_copy("src/server.c", "int main(void) { return 0; }\n");
    expect_copy("src/empty.h", "");
    cr_assert(copied("run.sh", &st));
    cr_assert_eq(st.st_mode & 07777, 0755, "no set-uid bit, whatever it had");
    cr_assert(copied("Makefile", &st));
    cr_assert_eq(st.st_mode & 07777, 0644);
    cr_assert(copied("src", &st));
    cr_assert_eq(st.st_mode & 07777, 0755);
    submission_free(submission);
}

Test(submission_take, modes_do_not_depend_on_the_umask)
{
    put("Makefile", "all:\n");
    folder("src");
    (void)umask(0077);
    submission_free(take());
    struct stat st;
    cr_assert(copied("src", &st));
    cr_assert_eq(st.st_mode & 07777, 0755);
    cr_assert(copied("Makefile", &st));
    cr_assert_eq(st.st_mode & 07777, 0644);
}

Test(submission_take, an_empty_folder_is_a_hand_in)
{
    struct submission *submission = take();
    cr_assert_null(submission->refusal);
    cr_assert_eq(submission->files, 0);
    cr_assert_eq(strlen(submission->digest), 64);
    submission_free(submission);
}

Test(submission_take, git_is_left_out_silently)
{
    folder(".git");
    put(".git/config", "[core]\nfsmonitor = touch /tmp/owned\n");
    folder("sub");
    put("sub/.git", "gitdir: ../../elsewhere\n");
    put(".gitignore", "*.o\n");
    struct submission *submission = take();
    struct stat st;
    cr_assert_not(copied(".git", &st));
    cr_assert_not(copied("sub/.git", &st));
    cr_assert(copied(".gitignore", &st));
    cr_assert_null(submission->notices);
    submission_free(submission);
}

Test(submission_take, prebuilt_files_are_left_out_with_a_notice)
{
    put("server", "\177ELF and more");
    put("server.c", "int main;\n");
    put("util.o", "not even an object");
    put("libx.txt", "!<arch>\nmember");
    put("short", "\177EL");
    struct submission *submission = take();
    struct stat st;
    cr_assert_not(copied("server", &st));
    cr_assert_not(copied("util.o", &st));
    cr_assert_not(copied("libx.txt", &st));
    cr_assert(copied("short", &st));
    cr_assert(copied("server.c", &st));
    cr_assert(has_notice(submission, "server was left out"), "%s", submission->notices[0]);
    cr_assert(has_notice(submission, "util.o"));
    cr_assert(has_notice(submission, "libx.txt"));
    submission_free(submission);
}

Test(submission_take, many_notices_are_counted_not_listed)
{
    for (int i = 0; i < SUBMISSION_MAX_NOTICES + 15; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "f%02d.o", i);
        put(name, "x");
    }
    struct submission *submission = take();
    size_t count = 0;
    while (submission->notices[count])
        count++;
    cr_assert_eq(count, SUBMISSION_MAX_NOTICES + 1);
    cr_assert_str_eq(submission->notices[count - 1], "15 more were left out");
    submission_free(submission);
}

Test(submission_take, links_that_stay_inside_become_what_they_name)
{
    folder("common");
    put("common/net.h", "#define N 1\n");
    folder("server");
    link_to("../common/net.h", "server/net.h");
    link_to("../common", "server/all");
    struct submission *submission = take();
    struct stat st;
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    expect_copy("server/net.h", "#define N 1\n");
    expect_copy("server/all/net.h", "#define N 1\n");
    cr_assert(copied("server/net.h", &st));
    cr_assert(S_ISREG(st.st_mode));
    cr_assert(copied("server/all", &st));
    cr_assert(S_ISDIR(st.st_mode));
    submission_free(submission);
}

Test(submission_take, a_link_that_names_nothing_is_left_out)
{
    link_to("user@host.1234:1600000000", ".#server.c"); /* what an editor leaves behind */
    put("Makefile", "all:\n");
    struct submission *submission = take();
    struct stat st;
    cr_assert_null(submission->refusal);
    cr_assert_not(copied(".#server.c", &st));
    cr_assert(has_notice(submission, ".#server.c"));
    submission_free(submission);
}

Test(submission_take, the_copy_belongs_to_the_given_owner)
{
    if (geteuid() != 0)
        skip("only root can give files away");
    put("Makefile", "all:\n");
    folder("src");
    put("src/a.c", "x");
    struct submission *submission = NULL;
    struct err err = {0};
    cr_assert_eq(submission_take(hand_in, work, 12345, 23456, &submission, &err), 0, "%s",
                 err.text);
    static const char *const names[] = {"", "src", "src/a.c"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct stat st;
        cr_assert(copied(names[i], &st));
        cr_assert_eq(st.st_uid, 12345, "%s", names[i]);
        cr_assert_eq(st.st_gid, 23456, "%s", names[i]);
    }
    submission_free(submission);
}

/* ---- digest ---- */

static void digest_of(char ret[65])
{
    struct err err = {0};
    cr_assert_eq(submission_digest(hand_in, work, ret, &err), 0, "%s", err.text);
}

Test(submission_take, the_digest_is_the_same_with_and_without_a_copy)
{
    put("Makefile", "all:\n");
    folder("src");
    put("src/b.c", "b");
    char alone[65];
    digest_of(alone);
    struct submission *submission = take();
    cr_assert_str_eq(submission->digest, alone);
    submission_free(submission);
}

Test(submission_take, the_digest_does_not_depend_on_order_time_or_place)
{
    put("b.c", "b");
    put("a.c", "a");
    char first[65], second[65];
    digest_of(first);
    cr_assert_eq(io_remove_tree(hand_in, NULL), 0);
    free(hand_in);
    hand_in = xasprintf("%s/another-name", dir);
    cr_assert_eq(mkdir(hand_in, 0700), 0);
    put("a.c", "a");
    put("b.c", "b");
    AUTO_FREE char *path = in_hand_in("a.c");
    cr_assert_eq(chmod(path, 0600), 0, "who may read it does not count");
    digest_of(second);
    cr_assert_str_eq(first, second);
}

Test(submission_take, the_digest_sees_every_change)
{
    char seen[8][65];
    size_t n = 0;
    put("a", "1");
    digest_of(seen[n++]);
    put("a", "2");
    digest_of(seen[n++]);
    put("b", "2");
    digest_of(seen[n++]);
    AUTO_FREE char *path = in_hand_in("b");
    cr_assert_eq(chmod(path, 0755), 0);
    digest_of(seen[n++]);
    cr_assert_eq(unlink(path), 0);
    folder("b");
    digest_of(seen[n++]);
    put("b/f", "");
    digest_of(seen[n++]);
    AUTO_FREE char *a = in_hand_in("a");
    AUTO_FREE char *moved = in_hand_in("b/a");
    cr_assert_eq(rename(a, moved), 0);
    digest_of(seen[n++]);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(seen[i], seen[k], "%zu and %zu", i, k);
}

/* ---- names ---- */

Test(submission_take, evil_names_are_kept_in_the_copy_and_escaped_in_words)
{
    static const char *const names[] = {
        "new\nline",       "-rf",         "$(reboot)",      "`id`; rm *", "quote'\"", "\xff\xfe.c",
        "rtl\xe2\x80\xae", "\x1b[31mred", "\xc3\xbc ber.c", "a\\b",       "*"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *object = xasprintf("%s.o", names[i]);
        put(names[i], names[i]);
        put(object, "x"); /* left out, so that its name comes up in a notice */
    }
    struct submission *submission = take();
    cr_assert_null(submission->refusal);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        expect_copy(names[i], names[i]);
    for (char **notice = submission->notices; *notice; notice++)
        for (const char *at = *notice; *at; at++)
            cr_assert((unsigned char)*at >= 0x20 && *at != 0x7f && *at != '\xff', "%s", *notice);
    for (char **notice = submission->notices; *notice; notice++)
        cr_assert_null(strstr(*notice, "\xe2\x80\xae"), "a direction override: %s", *notice);
    submission_free(submission);
}

Test(submission_take, the_display_name_is_one_safe_line)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"a/b", "b"}, {"a/b///", "b"}, {"plain", "plain"}, {"x/new\nline", "new\\nline"},
        {"/", "/"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *name = submission_name(cases[i].path);
        cr_assert_str_eq(name, cases[i].name);
    }
    cr_assert_eq(chdir(hand_in), 0);
    AUTO_FREE char *here = submission_name(".");
    cr_assert_str_eq(here, "hand-in");
    cr_assert_eq(chdir("/"), 0);
    AUTO_FREE char *bad = submission_name("a/\xff\x1b[0m");
    cr_assert_null(strchr(bad, '\x1b'));
    cr_assert_null(strchr(bad, '\xff'));
}

/* ---- what is no hand-in at all ---- */

Test(submission_take, a_missing_path_or_a_pipe_is_an_error_of_usage)
{
    static const char *const names[] = {"absent", "pipe", "absent/below"};
    AUTO_FREE char *pipe = in_hand_in("pipe");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = in_hand_in(names[i]);
        struct submission *submission = NULL;
        struct err err = {0};
        cr_assert_eq(submission_take(path, work, getuid(), getgid(), &submission, &err), -1);
        cr_assert_null(submission);
        cr_assert_eq(err.kind, ERR_USAGE, "%s", err.text);
        cr_assert(strstr(err.text, names[i]), "%s", err.text);
    }
}

Test(submission_take, a_copy_that_cannot_be_made_is_a_fault_of_the_host)
{
    put("a", "x");
    struct submission *submission = NULL;
    struct err err = {0};
    AUTO_FREE char *nowhere = xasprintf("%s/nowhere", dir);
    cr_assert_eq(submission_take(hand_in, nowhere, getuid(), getgid(), &submission, &err), -1);
    cr_assert_eq(err.kind, ERR_HOST, "%s", err.text);
    cr_assert_eq(err.sys_errno, ENOENT);
}

Test(submission_take, nothing_is_left_open)
{
    put("a", "x");
    folder("b");
    link_to("../b", "b/loop"); /* refused in the middle of the walk */
    int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(before);
    submission_free(take());
    char digest[65];
    digest_of(digest);
    cr_assert_str_eq(digest, "");
    int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(after, before, "a descriptor leaked");
    (void)close(after);
}
