/* sandbox/probe.c: what this machine can do, one thing at a time, for `sockgrade doctor`.
 *
 * How it works: everything is tried for real, in a throw-away child that first becomes the boxes' uid and then enters one
 * namespace after the other; a grandchild, PID 1 of the new pid namespace, tries what needs them all. Each result is sent
 * through a pipe as one struct sandbox_probe, in a write below PIPE_BUF. A child that dies leaves what it had sent. */
#include "sandbox/box.h"
#include "sandbox/rtnl.h"

#include "base/io.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    int pipe;
    uid_t uid;
    gid_t gid;
};

static void say(const struct place *place, const char *name, bool required, bool ok,
                const char *detail)
{
    struct sandbox_probe probe = {.ok = ok, .required = required};
    (void)snprintf(probe.name, sizeof probe.name, "%s", name);
    (void)snprintf(probe.detail, sizeof probe.detail, "%s", detail);
    (void)io_write_full(place->pipe, &probe, sizeof probe);
}

/* result: 0, or -1 with errno; the remedy follows the cause. Returns whether it was ok. */
static bool say_result(const struct place *place, const char *name, bool required, int result,
                       const char *found, const char *remedy)
{
    int saved = errno;
    char text[256];
    if (result == 0)
        (void)snprintf(text, sizeof text, "%s", found);
    else
        (void)snprintf(text, sizeof text, "%s: %s", strerror(saved), remedy);
    say(place, name, required, result == 0, text);
    return result == 0;
}

/* ---- in the grandchild: all namespaces are entered, it is PID 1 ---- */

static int try_tmpfs(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
                   mount("probe", ROOTS_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") != 0
               ? -1
               : 0;
}

static int try_read_only(void)
{
    return mkdir(ROOTS_DIR "/usr", 0755) != 0 ||
                   mount("/usr", ROOTS_DIR "/usr", NULL, MS_BIND | MS_REC, NULL) != 0
               ? -1
               : mount_attributes(ROOTS_DIR "/usr", 1 /* MOUNT_ATTR_RDONLY */, true);
}

static int try_proc(void)
{
    return mkdir(ROOTS_DIR "/proc", 0755) != 0
               ? -1
               : mount("proc", ROOTS_DIR "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static int try_veth(void)
{
    static const unsigned char macs[2][MAC_BYTES] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
    const struct veth_end here = {"eth0", 100, macs[0]};
    const struct veth_end there = {"eth0", 100, macs[1]};
    AUTO_CLOSE int other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (other < 0 || unshare(CLONE_NEWNET) != 0)
        return -1;
    struct mnl_socket *sock = rtnl_open();
    int result = sock ? rtnl_veth(sock, &here, &there, other) : -1;
    int saved = errno;
    if (sock)
        (void)mnl_socket_close(sock);
    errno = saved;
    return result;
}

static int try_packet(void)
{
    AUTO_CLOSE int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : 0;
}

static int try_setting(void)
{
    return write_text(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

static int try_pivot(void)
{
    return chdir(ROOTS_DIR) != 0 ? -1 : (int)syscall(SYS_pivot_root, ".", ".");
}

static int try_filter(void)
{
    struct filters filters;
    if (filters_compile(true, &filters, NULL) != 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ? -1 : filters_attach(&filters);
}

static const struct trial {
    const char *name;
    bool required;
    int (*run)(void);
    const char *found, *remedy;
} trials[] = {
    {"tmpfs", true, try_tmpfs, "mounted", "needed for the root tree"},
    {"read-only /usr", true, try_read_only, "bound (mount_setattr)", "needs Linux 5.12 or newer"},
    {"/proc", false, try_proc, "mounted",
     "the visible /proc is masked: LeakSanitizer and what else reads it fails; container: add "
     "--security-opt systempaths=unconfined"},
    {"settings of a host", false, try_setting, "writable",
     "/proc/sys is read-only: no ports below 1024; container: add --security-opt "
     "systempaths=unconfined"},
    {"veth", false, try_veth, "two hosts can be joined",
     "no veth in this kernel: client and server share one host"},
    {"packet capture", false, try_packet, "AF_PACKET works", "no capture of packets"},
    {"pivot_root", false, try_pivot, "works", "chroot is used instead"},
    {"system call filter", true, try_filter, "compiled and attached",
     "the kernel needs CONFIG_SECCOMP_FILTER"},
};

static _Noreturn void try_inside(const struct place *place)
{
    for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
        (void)say_result(place, trials[i].name, trials[i].required, trials[i].run(),
                         trials[i].found, trials[i].remedy);
    _exit(0);
}

/* ---- in the child ---- */

static const struct kind_of_namespace {
    const char *name;
    int flag;
} kinds[] = {{"mount namespace", CLONE_NEWNS},      {"network namespace", CLONE_NEWNET},
             {"IPC namespace", CLONE_NEWIPC},       {"UTS namespace", CLONE_NEWUTS},
             {"cgroup namespace", CLONE_NEWCGROUP}, {"PID namespace", CLONE_NEWPID}};

static void wait_for(pid_t pid)
{
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int map_ids(const struct place *place)
{
    AUTO_CLOSE int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return proc < 0 ? -1 : ids_map(proc, place->uid, place->gid);
}

static bool try_user(const struct place *place)
{
    char text[512];
    if (ids_become(place->uid, place->gid) != 0)
        return say_result(place, "unused uid", true, -1, "", "cannot give up root");
    if (unshare(CLONE_NEWUSER) != 0) {
        explain_namespaces(errno, text, sizeof text);
        say(place, "user namespace", true, false, text);
        return false;
    }
    if (map_ids(place) != 0) {
        explain_map(errno, text, sizeof text);
        say(place, "user namespace", true, false, text);
        return false;
    }
    (void)snprintf(text, sizeof text, "entered, as uid %u", place->uid);
    say(place, "user namespace", true, true, text);
    return true;
}

static _Noreturn void try_all(const struct place *place)
{
    bool ok = try_user(place);
    for (size_t i = 0; i < ARRAY_SIZE(kinds) && ok; i++)
        ok = say_result(place, kinds[i].name, true, unshare(kinds[i].flag), "entered",
                        "this kernel or container refuses it");
    pid_t inside = ok ? fork() : -1;
    if (inside == 0)
        try_inside(place);
    wait_for(inside);
    _exit(0);
}

size_t sandbox_probe(struct sandbox_probe *ret, size_t max)
{
    int ends[2];
    struct place place = {.pipe = -1};
    if (max == 0 || ids_choose(0, &place.uid, &place.gid, NULL) != 0 || pipe2(ends, O_CLOEXEC) != 0)
        return 0;
    place.pipe = ends[1];
    pid_t child = fork();
    if (child == 0)
        try_all(&place);
    (void)close(ends[1]);
    size_t count = 0;
    struct sandbox_probe one;
    while (child > 0 && io_read_full(ends[0], &one, sizeof one) == (ssize_t)sizeof one)
        if (count < max)
            ret[count++] = one;
    (void)close(ends[0]);
    wait_for(child);
    return count;
}
