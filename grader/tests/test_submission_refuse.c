/* submission: everything that refuses a hand-in, by name; and a host that has no room. */
#include "submission/submission.h"

#include "base/io.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

static char dir[64];
static char *hand_in, *work;

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

/* The hand-in is refused for this reason, and the sentence names the file. */
static void expect_refusal(const char *kind, const char *part)
{
    struct submission *submission = NULL;
    struct err err = {0};
    cr_assert_eq(submission_take(hand_in, work, getuid(), getgid(), &submission, &err), 0, "%s",
                 err.text);
    cr_assert_not_null(submission->refusal, "it was accepted");
    cr_assert_str_eq(submission->refusal_kind, kind, "%s", submission->refusal);
    cr_assert(strstr(submission->refusal, part), "%s", submission->refusal);
    cr_assert_str_eq(submission->digest, "");
    submission_free(submission);
    char digest[65] = "x";
    cr_assert_eq(submission_digest(hand_in, work, digest, &err), 0, "%s", err.text);
    cr_assert_str_eq(digest, "");
}

/* A skipped test does not reach its end. */
static void skip(const char *reason)
{
    remove_dirs();
    cr_skip_test("%s", reason);
}

TestSuite(submission_refuse, .init = make_dirs, .fini = remove_dirs, .timeout = 60);

Test(submission_refuse, a_link_that_leaves_the_tree)
{
    link_to("/etc/passwd", "secrets.h");
    expect_refusal("link-leaves-tree", "secrets.h");
}

Test(submission_refuse, a_relative_link_that_leaves_the_tree)
{
    put("Makefile", "all:\n"); /* a folder that is alone would be taken as the hand-in */
    folder("a");
    link_to("../../work", "a/up");
    expect_refusal("link-leaves-tree", "a/up");
}

Test(submission_refuse, a_link_that_leaves_and_comes_back)
{
    put("x", "x");
    link_to("../hand-in/x", "boomerang");
    expect_refusal("link-leaves-tree", "boomerang");
}

Test(submission_refuse, a_link_through_proc)
{
    link_to("/proc/self/root", "root");
    expect_refusal("link-leaves-tree", "root");
}

Test(submission_refuse, a_link_to_a_folder_above_it)
{
    put("Makefile", "all:\n");
    folder("a");
    link_to("..", "a/up");
    expect_refusal("link-loop", "a/up");
}

Test(submission_refuse, a_link_to_itself)
{
    link_to("self", "self");
    expect_refusal("link-loop", "self");
}

Test(submission_refuse, two_folders_that_link_to_each_other)
{
    folder("a");
    folder("b");
    link_to("../b", "a/b");
    link_to("../a", "b/a");
    expect_refusal("link-loop", "a/b/a");
}

Test(submission_refuse, a_hand_in_that_is_a_link)
{
    put("Makefile", "all:\n");
    AUTO_FREE char *link = xasprintf("%s/link", dir);
    cr_assert_eq(symlink("hand-in", link), 0);
    free(hand_in);
    hand_in = xasprintf("%s///", link); /* slashes at the end do not make it followed */
    expect_refusal("link-leaves-tree", "symbolic link");
}

Test(submission_refuse, a_named_pipe)
{
    AUTO_FREE char *path = in_hand_in("input");
    cr_assert_eq(mkfifo(path, 0644), 0);
    expect_refusal("fifo", "input"); /* and it does not wait for a writer */
}

Test(submission_refuse, a_link_to_a_named_pipe)
{
    folder("a");
    AUTO_FREE char *path = in_hand_in("z-pipe");
    cr_assert_eq(mkfifo(path, 0644), 0);
    link_to("../z-pipe", "a/link");
    expect_refusal("fifo", "a/link");
}

Test(submission_refuse, a_socket)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FREE char *path = in_hand_in("s");
    cr_assert_lt((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", path),
                 sizeof address.sun_path);
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    expect_refusal("socket", "s");
}

Test(submission_refuse, a_device)
{
    AUTO_FREE char *path = in_hand_in("zero");
    if (mknod(path, S_IFCHR | 0666, makedev(1, 5)) != 0)
        skip("only root can make a device");
    expect_refusal("device", "zero");
}

Test(submission_refuse, too_many_files)
{
    for (int i = 0; i <= SUBMISSION_MAX_FILES; i++) {
        AUTO_FREE char *path = xasprintf("%s/%d", hand_in, i);
        cr_assert_eq(mkfifo(path, 0600), 0); /* none of them may even be looked at */
    }
    expect_refusal("too-many-files", "5000");
}

Test(submission_refuse, too_many_files_in_many_folders)
{
    for (int i = 0; i < 80; i++) {
        AUTO_FREE char *name = xasprintf("%d", i);
        folder(name);
        for (int k = 0; k < 63; k++) {
            AUTO_FREE char *file = xasprintf("%d/%d", i, k);
            put(file, "");
        }
    }
    expect_refusal("too-many-files", "5000");
}

Test(submission_refuse, too_deep)
{
    AUTO_CLOSE int fd = open(hand_in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 500; i++) {
        cr_assert_eq(mkdirat(fd, "d", 0755), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = next;
    }
    expect_refusal("too-deep", "32");
}

Test(submission_refuse, paths_that_are_too_long)
{
    put("Makefile", "all:\n");
    AUTO_CLOSE int fd = open(hand_in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char name[251];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(mkdirat(fd, name, 0755), 0);
        int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = next;
    }
    expect_refusal("too-deep", "1024");
}

Test(submission_refuse, one_file_that_is_too_large)
{
    AUTO_FREE char *path = in_hand_in("sparse");
    put("sparse", "");
    cr_assert_eq(truncate(path, (off_t)1 << 40), 0); /* a terabyte of hole: it must not be read */
    expect_refusal("too-large", "sparse");
}

Test(submission_refuse, files_that_are_too_large_together)
{
    for (int i = 0; i < 3; i++) {
        AUTO_FREE char *name = xasprintf("part%d", i);
        AUTO_FREE char *path = in_hand_in(name);
        put(name, "");
        cr_assert_eq(truncate(path, (off_t)30 << 20), 0);
    }
    expect_refusal("too-large", "part2");
}

Test(submission_refuse, a_file_that_may_not_be_read)
{
    if (geteuid() == 0)
        skip("root may read everything");
    put("locked", "x");
    AUTO_FREE char *path = in_hand_in("locked");
    cr_assert_eq(chmod(path, 0), 0);
    expect_refusal("unreadable", "locked");
}

Test(submission_refuse, a_folder_that_may_not_be_entered)
{
    if (geteuid() == 0)
        skip("root may enter everything");
    folder("locked");
    AUTO_FREE char *path = in_hand_in("locked");
    cr_assert_eq(chmod(path, 0), 0);
    expect_refusal("unreadable", "locked");
}

Test(submission_refuse, a_hand_in_that_may_not_be_read)
{
    if (geteuid() == 0)
        skip("root may read everything");
    cr_assert_eq(chmod(hand_in, 0), 0);
    struct submission *submission = NULL;
    struct err err = {0};
    cr_assert_eq(submission_take(hand_in, work, getuid(), getgid(), &submission, &err), -1);
    cr_assert_eq(err.kind, ERR_USAGE);
    cr_assert_eq(err.sys_errno, EACCES);
    cr_assert_eq(chmod(hand_in, 0755), 0);
}

/* ---- a tree that changes while it is read ---- */

static atomic_bool stop;

static void *swap(void *unused)
{
    (void)unused;
    AUTO_FREE char *path = in_hand_in("x");
    AUTO_FREE char *link = in_hand_in("y");
    while (!atomic_load(&stop))
        (void)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, link, RENAME_EXCHANGE);
    return NULL;
}

Test(submission_refuse, nothing_leaks_in_through_a_race)
{
    AUTO_FREE char *secret = xasprintf("%s/secret", dir);
    cr_assert_eq(mkdir(secret, 0755), 0);
    AUTO_FREE char *file = xasprintf("%s/secret/key", dir);
    struct err err = {0};
    cr_assert_eq(io_write_file_atomic(file, "key", 3, &err), 0);
    folder("x");
    link_to(secret, "y");
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, swap, NULL), 0);
    for (int turn = 0; turn < 300; turn++) {
        struct submission *submission = NULL;
        AUTO_FREE char *copy = xasprintf("%s/source", work);
        cr_assert_eq(io_remove_tree(copy, &err), 0, "%s", err.text);
        cr_assert_eq(submission_take(hand_in, work, getuid(), getgid(), &submission, &err), 0, "%s",
                     err.text);
        submission_free(submission);
        AUTO_FREE char *by_x = xasprintf("%s/x/key", copy);
        AUTO_FREE char *by_y = xasprintf("%s/y/key", copy);
        cr_assert(access(by_x, F_OK) != 0 && access(by_y, F_OK) != 0, "the secret was copied");
    }
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
}

/* ---- a host without room ---- */

static void expect_host_fault(int cause)
{
    struct submission *submission = NULL;
    struct err err = {0};
    int result = submission_take(hand_in, work, getuid(), getgid(), &submission, &err);
    cr_assert_eq(result, -1);
    cr_assert_null(submission);
    cr_assert_eq(err.kind, ERR_HOST, "%s", err.text);
    cr_assert_eq(err.sys_errno, cause, "%s", err.text);
    cr_assert(strstr(err.text, "large.c"), "%s", err.text);
}

static void put_large(void)
{
    AUTO_FREE char *path = in_hand_in("large.c");
    put("large.c", "");
    cr_assert_eq(truncate(path, 4 << 20), 0);
}

Test(submission_refuse, a_file_size_limit_of_the_host_is_no_fault_of_the_student)
{
    put_large();
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1 << 20;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_host_fault(EFBIG);
}

static bool write_proc(const char *path, const char *text)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && io_write_full(fd, text, strlen(text)) == 0;
}

/* A file system of one megabyte on `work`, in a mount namespace of this process alone. */
static bool make_small_disk(void)
{
    AUTO_FREE char *uids = xasprintf("%d %d 1", (int)getuid(), (int)getuid());
    AUTO_FREE char *gids = xasprintf("%d %d 1", (int)getgid(), (int)getgid());
    if (unshare(CLONE_NEWNS) != 0) { /* not root: as the root of a user namespace */
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        (void)write_proc("/proc/self/setgroups", "deny");
        if (!write_proc("/proc/self/uid_map", uids) || !write_proc("/proc/self/gid_map", gids))
            return false;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", work, "tmpfs", 0, "size=1m") == 0;
}

Test(submission_refuse, a_full_disk_is_no_fault_of_the_student)
{
    put_large();
    if (!make_small_disk())
        skip("this machine has no user namespaces");
    expect_host_fault(ENOSPC);
    cr_assert_eq(umount2(work, MNT_DETACH), 0);
}
