/* sandbox/roots.c: the root trees, made once by the keeper, each the root of a mount namespace of its own.
 *
 * The keeper clones a box from within such a namespace: what the box's own one is copied from is then this tree, a few
 * mounts, and none of the host's. The keeper's first namespace, in which it sees the host's files, is used only for the
 * folders that a box is given.
 *
 * Everything lies in tmpfs mounts over /sys of the keeper's own mount namespace: /sys exists on every Linux, every uid
 * may walk through it, no box ever shows it, and nothing has to be removed afterwards, for it goes with the namespace.
 * (Below the caller's work folder a box's uid might not be allowed to walk, and kill -9 would leave a folder behind.)
 *
 * /usr for ROOT_LIBS: the loader and the libraries only, so that no tool can play the server for a client, or fetch an
 * answer for a server. The mounts of a tree are read-only; a box cannot change that: in its own, less privileged, user
 * namespace they are locked (mount_namespaces(7)). */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <sys/mount.h> and <linux/mount.h> cannot be included together with glibc 2.36 */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH     2
#define READ_ONLY_TREE (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static const struct etc_file {
    const char *name;
    const char *text;
} etc_files[] = {
    {"passwd",
     "student:x:0:0:student:/scratch:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
    {"group", "student:x:0:\nnogroup:x:65534:\n"},
    {"hosts", ""}, /* each box binds its own over it */
    {"hostname", "host\n"},
    {"host.conf", "multi on\n"},
    {"nsswitch.conf",
     "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n"},
    {"protocols", "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\n"},
    {"services",
     "echo 7/tcp\necho 7/udp\ndiscard 9/tcp\ndiscard 9/udp\ndaytime 13/tcp\ndaytime 13/udp\n"
     "chargen 19/tcp\nftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\ntime 37/tcp\ntime "
     "37/udp\n"
     "domain 53/tcp\ndomain 53/udp\ntftp 69/udp\nhttp 80/tcp\npop3 110/tcp\nntp 123/udp\n"
     "imap2 143/tcp\nhttps 443/tcp\n"},
    {"ld.so.cache", ""},
};

static const char *const folders[] = {"usr",
                                      "etc",
                                      "dev",
                                      "dev/shm",
                                      "proc",
                                      "tmp",
                                      BOX_BUILD_DIR + 1,
                                      BOX_BIN_DIR + 1,
                                      BOX_SCRATCH_DIR + 1,
                                      BOX_LOG_DIR + 1};

static const char *const devices[] = {"null", "zero", "full", "random", "urandom"};

static const struct link {
    const char *name, *target;
} links[] = {{"dev/fd", "/proc/self/fd"},
             {"dev/stdin", "/proc/self/fd/0"},
             {"dev/stdout", "/proc/self/fd/1"},
             {"dev/stderr", "/proc/self/fd/2"},
             {"etc/localtime", "/usr/share/zoneinfo/Etc/UTC"},
             {"etc/mtab", "/proc/self/mounts"}};

/* Where libraries are: Debian and its children, then everybody else's lib64; the loader's name points into them. */
static const char *const library_folders[] = {
    "usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/libexec/valgrind"};

static const char *const top_folders[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};

int mount_attributes(const char *path, uint64_t set, bool recursive)
{
    struct mount_attr attributes = {.attr_set = set};
    return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, recursive ? AT_RECURSIVE : 0,
                        &attributes, sizeof attributes);
}

int roots_detached(const char *dir)
{
    struct mount_attr attributes = {.attr_set = READ_ONLY_TREE};
    AUTO_CLOSE int fd =
        (int)syscall(SYS_open_tree, AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0 ||
        syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        return -1;
    return TAKE_FD(fd);
}

/* Binds the host's /NAME to TREE/NAME, read-only. */
static int bind_from_host(const char *tree, const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    (void)snprintf(from, sizeof from, "/%s", name);
    (void)snprintf(to, sizeof to, "%s/%s", tree, name);
    if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) != 0)
        return -1;
    return mount_attributes(to, READ_ONLY_TREE, true);
}

static int make_file(const char *tree, const char *name, const char *text)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", tree, name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return fd < 0 ? -1 : io_write_full(fd, text, strlen(text));
}

/* mkdir -p below the tree */
static int make_folder(const char *tree, const char *name)
{
    char path[PATH_MAX];
    int root = snprintf(path, sizeof path, "%s/", tree);
    for (const char *at = name; at && root > 0;) {
        const char *slash = strchr(at, '/');
        int len = slash ? (int)(slash - name) : (int)strlen(name);
        (void)snprintf(path, sizeof path, "%s/%.*s", tree, len, name);
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return -1;
        at = slash ? slash + 1 : NULL;
    }
    return 0;
}

static int make_etc(const char *tree)
{
    char name[64];
    for (size_t i = 0; i < ARRAY_SIZE(etc_files); i++) {
        (void)snprintf(name, sizeof name, "etc/%s", etc_files[i].name);
        if (make_file(tree, name, etc_files[i].text) != 0)
            return -1;
    }
    /* without the cache the loader finds only its default folders; without it at all, on some systems, nothing is lost */
    return access("/etc/ld.so.cache", R_OK) == 0 ? bind_from_host(tree, "etc/ld.so.cache") : 0;
}

static int make_dev(const char *tree)
{
    char from[64];
    char to[128];
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        (void)snprintf(from, sizeof from, "dev/%s", devices[i]);
        (void)snprintf(to, sizeof to, "%s/dev/%s", tree, devices[i]);
        if (make_file(tree, from, "") != 0)
            return -1;
        (void)snprintf(from, sizeof from, "/dev/%s", devices[i]);
        if (mount(from, to, NULL, MS_BIND, NULL) != 0 ||
            mount_attributes(to, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false) != 0)
            return -1;
    }
    return 0;
}

static int make_links(const char *tree)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", tree, links[i].name);
        if (symlink(links[i].target, path) != 0)
            return -1;
    }
    return 0;
}

/* /lib and its kind are links into /usr on merged systems, and stay links; else folders like those of /usr. */
static int make_top_folder(const char *tree, const char *name, bool whole)
{
    char from[64];
    char to[PATH_MAX];
    char target[PATH_MAX];
    struct stat status;
    (void)snprintf(from, sizeof from, "/%s", name);
    (void)snprintf(to, sizeof to, "%s/%s", tree, name);
    if (lstat(from, &status) != 0)
        return 0;
    if (S_ISLNK(status.st_mode)) {
        ssize_t n = readlink(from, target, sizeof target - 1);
        if (n < 0)
            return -1;
        target[n] = '\0';
        return symlink(target, to);
    }
    if (!whole && strncmp(name, "lib", 3) != 0)
        return 0;
    return make_folder(tree, name) != 0 ? -1 : bind_from_host(tree, name);
}

static int make_usr(const char *tree, bool whole)
{
    for (size_t i = 0; i < ARRAY_SIZE(top_folders); i++)
        if (make_top_folder(tree, top_folders[i], whole) != 0)
            return -1;
    if (whole) {
        /* Debian's cc, awk and which are links through here */
        if (access("/etc/alternatives", R_OK) == 0 &&
            (make_folder(tree, "etc/alternatives") != 0 ||
             bind_from_host(tree, "etc/alternatives") != 0))
            return -1;
        return bind_from_host(tree, "usr");
    }
    for (size_t i = 0; i < ARRAY_SIZE(library_folders); i++) {
        char from[PATH_MAX];
        (void)snprintf(from, sizeof from, "/%s", library_folders[i]);
        if (access(from, R_OK | X_OK) == 0 && (make_folder(tree, library_folders[i]) != 0 ||
                                               bind_from_host(tree, library_folders[i]) != 0))
            return -1;
    }
    return 0;
}

static int make_tree(const char *tree, bool whole, struct err *err)
{
    if (mkdir(tree, 0755) != 0 ||
        mount("box", tree, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,nr_inodes=256,mode=755") != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: mounting '%s'", tree);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        if (make_folder(tree, folders[i]) != 0)
            return err_sys(err, ERR_HOST, errno, "sandbox: making '%s/%s'", tree, folders[i]);
    if (make_etc(tree) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: making '%s/etc'", tree);
    if (make_dev(tree) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: making '%s/dev'", tree);
    if (make_links(tree) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: making links in '%s'", tree);
    if (make_usr(tree, whole) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: binding /usr into '%s'", tree);
    if (mount_attributes(tree, READ_ONLY_TREE, false) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: making '%s' read-only", tree);
    return 0;
}

static int roots_make(struct err *err)
{
    if (mount("box", ROOTS_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,nr_inodes=64,mode=755") !=
        0)
        return err_sys(err, ERR_HOST, errno, "sandbox: mounting a tmpfs");
    return make_tree(ROOT_LIBS, false, err) != 0 ? -1 : make_tree(ROOT_WHOLE, true, err);
}

/* pivot_root(2) with both arguments "." stacks the old root on the new one, from where it is detached. Where a container
 * refuses it, the tree is moved over / instead: the same for a program without capabilities. */
static int enter_tree(const char *tree, int *ret_pivot_errno)
{
    *ret_pivot_errno = 0;
    if (chdir(tree) != 0)
        return -1;
    if (syscall(SYS_pivot_root, ".", ".") == 0)
        return umount2(".", MNT_DETACH) != 0 ? -1 : chdir("/");
    *ret_pivot_errno = errno;
    return mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ? -1 : chdir("/");
}

/* A box may mount its own /proc only where another one is in sight, so the keeper's is there, under it. Whoever may not
 * mount that one has no /proc: programs run without it, but for LeakSanitizer and what else reads it. */
static int make_namespace(struct keeper *keeper, enum root root, struct err *err)
{
    const char *tree = root == ROOT_OF_RUN ? ROOT_LIBS : ROOT_WHOLE;
    int pivot_errno = 0;
    char proc[PATH_MAX];
    (void)snprintf(proc, sizeof proc, "%s/proc", tree);
    if (unshare(CLONE_NEWNS) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: making a mount namespace");
    keeper->hello.has_proc =
        mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
    if (!keeper->hello.has_proc && root == ROOT_OF_RUN)
        keeper_lacks(keeper,
                     "sandbox: /proc cannot be mounted (%s: the visible /proc is masked); "
                     "continuing without /proc. Container: add --security-opt "
                     "systempaths=unconfined",
                     strerror(errno));
    if (enter_tree(tree, &pivot_errno) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: entering '%s'", tree);
    if (pivot_errno && root == ROOT_OF_RUN)
        keeper_lacks(keeper, "sandbox: pivot_root refused (%s); using chroot",
                     strerror(pivot_errno));
    int fd = openat(keeper->host_proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : err_sys(err, ERR_HOST, errno, "sandbox: opening a mount namespace");
}

int roots_init(struct keeper *keeper, struct err *err)
{
    if (roots_make(err) != 0)
        return -1;
    keeper->host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (keeper->host_mounts < 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: opening a mount namespace");
    for (int i = 0; i < ROOTS; i++) {
        keeper->roots[i] = make_namespace(keeper, (enum root)i, err);
        if (keeper->roots[i] < 0 || roots_leave(keeper, err) != 0)
            return -1;
    }
    return 0;
}

int roots_enter(const struct keeper *keeper, enum root root, struct err *err)
{
    return setns(keeper->roots[root], CLONE_NEWNS) == 0
               ? 0
               : err_sys(err, ERR_HOST, errno, "sandbox: entering a root tree");
}

int roots_leave(const struct keeper *keeper, struct err *err)
{
    return setns(keeper->host_mounts, CLONE_NEWNS) == 0
               ? 0
               : err_sys(err, ERR_HOST, errno, "sandbox: leaving a root tree");
}
