/* hostile/attacks/escape.c: out of the box, through /proc, descriptors, mounts, namespaces, devices. */
#define _GNU_SOURCE
#include "attack.h"

static char page[65536];

static long read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    return fd < 0 ? -1 : read(fd, page, sizeof page - 1);
}

/* 39, 40, 41: whoever started us. PID 1 in a box; outside the shell that is PID 1 of the test's own namespace. */
static void init(char **none)
{
    (void)none;
    struct iovec here = {page, 16};
    struct iovec there = {(void *)0x400000, 16};
    long letters = 0;
    say("mem", open("/proc/1/mem", O_RDWR));
    say("environ", read_file("/proc/1/environ"));
    say("maps", read_file("/proc/1/maps"));
    say("fd", opendir("/proc/1/fd") ? 0 : -1);
    say("root", readlink("/proc/1/root", page, sizeof page));
    say("exe", readlink("/proc/1/exe", page, sizeof page));
    long n = read_file("/proc/1/cmdline");
    for (long i = 0; i < n; i++)
        letters += page[i] != 0;
    tell("cmdline", "%s", letters ? "ok" : "empty");
    long result = syscall(SYS_process_vm_readv, 1, &here, 1, &there, 1, 0);
    say("vm_readv", result < 0 && errno == EFAULT ? 0 : result);
    say("getfd", syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, 1, 0), 0, 0));
    say("seize", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
}

/* 42: what /proc tells of the machine. Arguments: texts that must not be found. */
static void snoop(char **words)
{
    static const char *const files[] = {"/proc/self/mountinfo", "/proc/self/environ",
                                        "/proc/1/environ", "/proc/self/cgroup", "/proc/mounts"};
    int others = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc))
        others += atoi(entry->d_name) > 1 && atoi(entry->d_name) != getpid();
    tell("others", "%s", others ? "ok" : "none");
    int found = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        long n = read_file(files[i]);
        for (char **word = words; n > 0 && *word; word++)
            found += memmem(page, (size_t)n, *word, strlen(*word)) != NULL;
    }
    tell("words", "%s", found ? "ok" : "none");
}

/* 43, 44: descriptors that somebody forgot, and a folder among them. */
static void descriptors(char **none)
{
    (void)none;
    int found = 0;
    int up = -1;
    for (int fd = 3; fd < 4096; fd++) {
        found += fcntl(fd, F_GETFD) != -1;
        if (fchdir(fd) == 0 && chdir("../../../../..") == 0 && access("etc/shadow", F_OK) == 0)
            up = 0;
    }
    tell("inherited", "%s", found ? "ok" : "none");
    errno = EBADF;
    say("folder", up);
}

/* 45: stdio opened once more, for writing. */
static void stdio(char **none)
{
    (void)none;
    struct stat status;
    bool files = false;
    for (int fd = 0; fd < 3; fd++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        files = files || (fstat(fd, &status) == 0 && !S_ISFIFO(status.st_mode));
        int again = open(path, fd ? O_RDONLY | O_NONBLOCK : O_RDWR | O_TRUNC | O_NONBLOCK);
        if (fd == 0 && again >= 0)
            (void)!write(again, "hacked\n", 7);
    }
    tell("kind", "%s", files ? "ok" : "pipes");
}

/* 46: keys pressed for whoever reads the terminal next. */
static void tty(char **none)
{
    (void)none;
    say("tiocsti", ioctl(0, TIOCSTI, "x"));
    say("high bits", syscall(SYS_ioctl, 0, TIOCSTI | (1UL << 32), "x"));
    say("tioclinux", ioctl(0, 0x541C, page));
    say("dev tty", open("/dev/tty", O_RDWR));
    say("ptmx", open("/dev/ptmx", O_RDWR));
    say("tiocsctty", ioctl(0, TIOCSCTTY, 1));
}

static long in_child(long child)
{
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid((pid_t)child, NULL, 0);
    return child;
}

/* 55: namespaces of one's own, with all capabilities in them. */
static void namespaces(char **none)
{
    (void)none;
    uint64_t arguments[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    say("clone", in_child(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
    say("clone net", in_child(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0)));
    say("clone3", in_child(syscall(SYS_clone3, arguments, 64)));
    say("setns", setns(open("/proc/self/ns/uts", O_RDONLY), 0));
    say("unshare mount", unshare(CLONE_NEWNS));
    say("unshare net", unshare(CLONE_NEWNET));
    say("unshare user", unshare(CLONE_NEWUSER));
    tell("capabilities", "%s",
         read_file("/proc/self/status") > 0 && strstr(page, "CapEff:\t0000000000000000") ? "none"
                                                                                         : "ok");
}

/* 56: mounts, and writes to what is read-only. */
static void mounts(char **none)
{
    (void)none;
    struct {
        uint64_t set, clear, propagation, userns;
    } writable = {0, 1, 0, 0};
    say("tmpfs", mount("x", "/tmp", "tmpfs", 0, NULL));
    say("bind", mount("/usr", "/tmp", NULL, MS_BIND, NULL));
    say("remount", mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_BIND, NULL));
    say("umount", umount2("/tmp", MNT_DETACH));
    say("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/tmp", 1));
    int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
    say("fsopen", context);
    say("fsconfig", syscall(SYS_fsconfig, context, 6, NULL, NULL, 0));
    say("fsmount", syscall(SYS_fsmount, context, 0, 0));
    say("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0x8000, &writable, 32));
    say("chroot", chroot("/tmp"));
    say("sethostname", sethostname("owned", 5));
}

static void writes(char **folders)
{
    for (; *folders; folders++) {
        char path[256];
        snprintf(path, sizeof path, "%s/sg-hostile-written", *folders);
        say(*folders, open(path, O_CREAT | O_WRONLY, 0600));
    }
}

/* 57: a set-user-ID file made here is nobody's gain, and there is none to find. */
static void gadgets(char **none)
{
    (void)none;
    say("own", fchmod(open("/tmp/sg-hostile-suid", O_CREAT | O_RDWR, 0755), 04755));
    say("su", open("/usr/bin/su", O_RDONLY));
    say("shell", open("/bin/sh", O_RDONLY));
    tell("privileges", "%s", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "no new" : "ok");
}

/* 58 */
static void devices(char **none)
{
    (void)none;
    static const char *const names[] = {"mem", "kmsg", "kvm", "net/tun", "fuse", "vsock", "loop0"};
    int found = 0;
    int entries = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(page, sizeof page, "/dev/%s", names[i]);
        found += access(page, F_OK) == 0;
    }
    DIR *dev = opendir("/dev");
    for (struct dirent *entry = readdir(dev); entry; entry = readdir(dev))
        entries += entry->d_name[0] != '.';
    tell("found", "%s", found ? "ok" : "none");
    tell("entries", "%s", entries > 12 ? "ok" : "few");
    say("block", mknod("/tmp/sg-hostile-block", S_IFBLK | 0600, makedev(254, 0)));
    say("character", mknod("/tmp/sg-hostile-character", S_IFCHR | 0600, makedev(1, 1)));
    say("kcore", open("/proc/kcore", O_RDONLY));
    say("sysrq", open("/proc/sysrq-trigger", O_WRONLY));
    say("sysctl", open("/proc/sys/kernel/hostname", O_WRONLY));
}

/* 82: control groups, from within. */
static void cgroup(char **none)
{
    (void)none;
    say("sys", open("/sys/kernel", O_RDONLY));
    say("fs", open("/sys/fs/cgroup", O_RDONLY));
    say("mount v1", mount("x", "/tmp", "cgroup", 0, "memory"));
    long n = read_file("/proc/self/cgroup");
    page[n > 0 ? n : 0] = 0;
    bool top = true; /* of its own namespace: nothing above is named */
    for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n"))
        top = top && strcmp(strrchr(line, ':') + 1, "/") == 0;
    tell("path", "%s", top ? "top" : "ok");
}

/* 15, 69: files of the host's, by their names there. */
static void secrets(char **paths)
{
    int found = 0;
    int written = 0;
    for (; *paths; paths++) {
        long n = read_file(*paths);
        found += n > 0;
        if (n > 0)
            dprintf(2, "content: %.*s\n", (int)(n < 100 ? n : 100), page);
        int fd = open(*paths, O_WRONLY | O_APPEND);
        written += fd >= 0 && write(fd, "owned\n", 6) > 0;
    }
    tell("read", "%s", found ? "ok" : "none");
    tell("written", "%s", written ? "ok" : "none");
}

/* 103: the other programs beside this one. Argument: their folder. */
static void siblings(char **folder)
{
    char own[256];
    char other[256];
    snprintf(own, sizeof own, "%s/escape", *folder);
    snprintf(other, sizeof other, "%s/kernel", *folder);
    say("write", open(other, O_WRONLY));
    say("chmod", chmod(other, 0777));
    say("link", link(own, "sg-hostile-link"));
    say("replace", rename(own, other));
    say("remove", unlink(other));
}

static const struct mode modes[] = {
    {"init", init},
    {"snoop", snoop},
    {"descriptors", descriptors},
    {"stdio", stdio},
    {"tty", tty},
    {"mounts", mounts},
    {"namespaces", namespaces},
    {"writes", writes},
    {"gadgets", gadgets},
    {"devices", devices},
    {"cgroup", cgroup},
    {"secrets", secrets},
    {"siblings", siblings},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
