/* hostile/attacks/kernel.c: system calls that widen what can be attacked. */
#define _GNU_SOURCE
#include "attack.h"

#include <linux/io_uring.h>
#include <sys/personality.h>

static char bytes[4096];

/* 59 */
static void keys(char **none)
{
    (void)none;
    say("add_key", syscall(SYS_add_key, "user", "sg-hostile", "x", 1, -3));
    say("request_key", syscall(SYS_request_key, "user", "sg-hostile", NULL, -3));
    say("keyctl", syscall(SYS_keyctl, 0, -3, 1));
}

/* Not every file system of a machine outside has handles. */
static long name_to_handle(void)
{
    static const char *const places[] = {"/tmp", "/dev/shm", "/sys/fs/cgroup/pids", "/run"};
    long got = -1;
    for (size_t i = 0; i < sizeof places / sizeof *places && got != 0; i++) {
        int handle[64] = {64};
        int mount_id = 0;
        got = syscall(SYS_name_to_handle_at, AT_FDCWD, places[i], handle, &mount_id, 0);
        if (got != 0 && errno == EPERM)
            break;
    }
    return got;
}

/* 60 */
static void surface(char **none)
{
    (void)none;
    struct io_uring_params ring = {0};
    struct {
        uint32_t type, size;
        uint64_t config;
        char rest[112];
    } counter = {1, 128, 0, {0}};
    counter.rest[24] = 0x60; /* exclude_kernel, exclude_hv */
    say("io_uring", syscall(SYS_io_uring_setup, 8, &ring));
    say("perf", syscall(SYS_perf_event_open, &counter, 0, -1, -1, 0));
    say("userfaultfd", syscall(SYS_userfaultfd, 1));
    say("bpf", syscall(SYS_bpf, 0, bytes, 64));
    say("kexec", syscall(SYS_kexec_load, 0, 0, 0, 0));
    say("syslog", syscall(SYS_syslog, 10, NULL, 0));
    say("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 2, 0, 0));
    say("fanotify", syscall(SYS_fanotify_init, 0x200, 0));
    say("name_to_handle", name_to_handle());
    say("vmsplice", syscall(SYS_vmsplice, -1, NULL, 0, 0) < 0 && errno == EBADF ? 0 : -1);
}

/* 61: numbers that older libraries cannot name. */
static void newer(char **none)
{
    (void)none;
    struct {
        uint32_t size, zero;
        uint64_t id, param, namespace;
    } request = {24, 0, UINT64_MAX, 0, 0};
    say("listmount", syscall(458, &request, bytes, 16, 0));
    say("lsm_list_modules", syscall(461, NULL, NULL, 0) < 0 && errno == EFAULT ? 0 : -1);
    long result = syscall(SYS_clone3, NULL, 0);
    say("clone3", result < 0 && errno == EINVAL ? 0 : result);
    say("999", syscall(999));
}

/* 62: the same kernel, asked in another tongue. */
static void tongues(char **none)
{
    (void)none;
    for (int i = 0; i < 2; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            long result = 0;
#ifdef __x86_64__
            if (i == 0)
                __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
            else
                result = syscall(0x40000000 | 39);
#endif
            _exit(result > 0 ? 0 : 1);
        }
        waitpid(child, &status, 0);
        tell(i ? "x32" : "i386", "%s",
             status == 0           ? "ok"
             : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                   : "refused");
    }
}

/* 63 */
static void stacks(char **none)
{
    (void)none;
    say("query", personality(0xffffffff));
    say("exec", personality(READ_IMPLIES_EXEC));
}

static const struct mode modes[] = {
    {"keys", keys},       {"surface", surface}, {"newer", newer},
    {"tongues", tongues}, {"stacks", stacks},   {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
