/* sandbox/filter.c: which system calls there are in a box (seccomp(2), libseccomp), compiled once by the keeper.
 *
 * How it works: two filters, one on top of the other; the kernel takes the stricter answer. The first is an allowlist
 * whose default is ENOSYS, so that libraries fall back and calls newer than this table stay closed (EPERM there breaks
 * glibc). The second is open by default and refuses by argument, which rules of an allowlist, being OR-ed, cannot say.
 * Numbers of another ABI (i386, x32) end the process: they would be misread.
 *
 * ptrace is allowed: LeakSanitizer needs it, and there is nothing in the box but init (not dumpable) and the program's
 * own processes. clone3 is not: its flags lie in memory where a filter cannot look; glibc falls back to clone. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

static const char *const allowed[] = {
    /* files */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "open", "openat", "openat2", "creat", "close", "close_range", "lseek", "dup",
    "dup2", "dup3", "pipe", "pipe2", "fcntl", "flock", "fsync", "fdatasync", "sync_file_range",
    "ftruncate", "truncate", "fallocate", "fadvise64", "readahead", "sendfile", "splice", "tee",
    "copy_file_range", "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat",
    "faccessat2", "getcwd", "chdir", "fchdir", "mkdir", "mkdirat", "rmdir", "rename", "renameat",
    "renameat2", "link", "linkat", "unlink", "unlinkat", "symlink", "symlinkat", "readlink",
    "readlinkat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime",
    "utimes", "utimensat", "futimesat", "umask", "mknod", "mknodat", "getdents", "getdents64",
    "statfs", "fstatfs", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr",
    "flistxattr", "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "ioctl",
    /* memory, System V, message queues */
    "mmap", "munmap", "mprotect", "mremap", "msync", "madvise", "mincore", "brk", "mlock", "mlock2",
    "munlock", "mlockall", "munlockall", "pkey_alloc", "pkey_free", "pkey_mprotect", "membarrier",
    "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
    "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
    "mq_notify", "mq_getsetattr",
    /* processes and threads */
    "clone", "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "kill",
    "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "getpid", "getppid", "gettid",
    "getpgid", "setpgid", "getpgrp", "getsid", "setsid", "pidfd_open", "pidfd_send_signal", "prctl",
    "arch_prctl", "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "futex",
    "futex_waitv", "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
    "sched_setparam", "sched_getscheduler", "sched_setscheduler", "sched_get_priority_max",
    "sched_get_priority_min", "sched_rr_get_interval", "sched_getattr", "sched_setattr",
    "getpriority", "setpriority", "ioprio_get", "ioprio_set", "getrlimit", "setrlimit", "prlimit64",
    "getrusage", "times", "sysinfo", "uname", "getcpu", "restart_syscall", "seccomp",
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "ptrace",
    "personality", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid", "capget", "capset",
    /* signals, time, waiting */
    "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "pause", "alarm", "getitimer", "setitimer", "timer_create",
    "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete", "timerfd_create",
    "timerfd_settime", "timerfd_gettime", "signalfd", "signalfd4", "eventfd", "eventfd2",
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "poll",
    "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "getrandom",
    /* sockets */
    "socket", "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname",
    "getpeername", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
    "getsockopt", "setsockopt"};

/* Known to programs, never theirs to use: EPERM says so more clearly than ENOSYS. */
static const char *const forbidden[] = {"mount",
                                        "umount2",
                                        "pivot_root",
                                        "chroot",
                                        "unshare",
                                        "setns",
                                        "open_tree",
                                        "move_mount",
                                        "fsopen",
                                        "fsconfig",
                                        "fsmount",
                                        "fspick",
                                        "mount_setattr",
                                        "swapon",
                                        "swapoff",
                                        "reboot",
                                        "kexec_load",
                                        "kexec_file_load",
                                        "init_module",
                                        "finit_module",
                                        "delete_module",
                                        "acct",
                                        "quotactl",
                                        "settimeofday",
                                        "clock_settime",
                                        "clock_adjtime",
                                        "adjtimex",
                                        "sethostname",
                                        "setdomainname",
                                        "iopl",
                                        "ioperm",
                                        "syslog",
                                        "vhangup",
                                        "bpf",
                                        "perf_event_open",
                                        "userfaultfd",
                                        "add_key",
                                        "request_key",
                                        "keyctl",
                                        "kcmp",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "pidfd_getfd",
                                        "open_by_handle_at",
                                        "name_to_handle_at",
                                        "fanotify_init",
                                        "fanotify_mark",
                                        "modify_ldt",
                                        "migrate_pages",
                                        "move_pages",
                                        "mbind",
                                        "set_mempolicy",
                                        "get_mempolicy",
                                        "process_madvise",
                                        "sync",
                                        "syncfs",
                                        "vmsplice"};

/* cp -a, install and tar stay silent about this one */
static const char *const unsupported[] = {"setxattr",    "lsetxattr",    "fsetxattr",
                                          "removexattr", "lremovexattr", "fremovexattr"};

/* Calls that libseccomp 2.5 cannot name; the same numbers on every architecture since Linux 5.1. */
static const int allowed_numbers[] = {452 /* fchmodat2 */,     453 /* map_shadow_stack */,
                                      454 /* futex_wake */,    455 /* futex_wait */,
                                      456 /* futex_requeue */, 462 /* mseal */};

struct argument_rule {
    const char *call;
    int sys_errno; /* 0: the call seems to succeed and does nothing */
    unsigned n;
    struct scmp_arg_cmp compare[2];
};

/* The kernel reads these arguments as 32 bits; comparing 64 would let high bits through (CVE-2019-10063). */
#define LOW(arg, value)                                                                            \
    {                                                                                              \
        (arg), SCMP_CMP_MASKED_EQ, 0xffffffffU, (value)                                            \
    }
#define FLAG(arg, value)                                                                           \
    {                                                                                              \
        (arg), SCMP_CMP_MASKED_EQ, (value), (value)                                                \
    }

static const struct argument_rule argument_rules[] = {
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWUSER)}},
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWNS)}},
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWPID)}},
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWNET)}},
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWIPC)}},
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWUTS)}},
    {"clone", EPERM, 1, {FLAG(0, CLONE_NEWCGROUP)}},
    /* typing into a terminal; there is none in a box, and its caller might pass one */
    {"ioctl", EPERM, 1, {LOW(1, TIOCSTI)}},
    {"ioctl", EPERM, 1, {LOW(1, TIOCLINUX)}},
    {"ioctl", EPERM, 1, {LOW(1, TIOCSETD)}},
    {"ioctl", EPERM, 1, {LOW(1, TIOCCONS)}},
    /* the silence proof reads /proc of every process, and finds orphans at init (design §6) */
    {"prctl", 0, 1, {LOW(0, PR_SET_DUMPABLE)}},
    {"prctl", EPERM, 1, {LOW(0, PR_SET_CHILD_SUBREAPER)}},
    /* Init has the program's uid: a program could starve it or take its descriptors away, and its owner would call that
     * the host's fault. 1 is always init, for no process can make another pid namespace. */
    {"prlimit64", EPERM, 1, {LOW(0, 1)}},
    {"setpriority", EPERM, 2, {LOW(0, PRIO_PROCESS), LOW(1, 1)}},
    {"setpriority", EPERM, 1, {LOW(0, PRIO_USER)}},
    {"ioprio_set", EPERM, 2, {LOW(0, IOPRIO_WHO_PROCESS), LOW(1, 1)}},
    {"ioprio_set", EPERM, 1, {LOW(0, IOPRIO_WHO_USER)}},
    {"sched_setaffinity", EPERM, 1, {LOW(0, 1)}},
    {"sched_setattr", EPERM, 1, {LOW(0, 1)}},
    {"sched_setparam", EPERM, 1, {LOW(0, 1)}},
    {"sched_setscheduler", EPERM, 1, {LOW(0, 1)}},
    /* no executable stacks; the top bit stands for the query personality(0xffffffff), which has all bits set */
    {"personality",
     EPERM,
     1,
     {{0, SCMP_CMP_MASKED_EQ, 0x80000000U | READ_IMPLIES_EXEC, READ_IMPLIES_EXEC}}},
    {"setsockopt", ENOPROTOOPT, 2, {LOW(1, IPPROTO_TCP), LOW(2, TCP_ULP)}},
    {"setsockopt", EPERM, 2, {LOW(1, SOL_SOCKET), LOW(2, SO_ATTACH_FILTER)}},
    {"setsockopt", EPERM, 2, {LOW(1, SOL_SOCKET), LOW(2, SO_ATTACH_BPF)}},
    {"setsockopt", EPERM, 2, {LOW(1, SOL_SOCKET), LOW(2, SO_ATTACH_REUSEPORT_CBPF)}},
    {"setsockopt", EPERM, 2, {LOW(1, SOL_SOCKET), LOW(2, SO_ATTACH_REUSEPORT_EBPF)}},
};

static int add_rule(scmp_filter_ctx filter, uint32_t action, int number)
{
    int result =
        number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(filter, action, number, 0, NULL);
    return result == -EDOM ? 0 : result; /* no such call on this architecture */
}

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int result = add_rule(filter, action, seccomp_syscall_resolve_name(names[i]));
        if (result != 0)
            return result;
    }
    return 0;
}

static int build_allow(scmp_filter_ctx filter, bool memfd)
{
    int result = add_names(filter, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE(allowed));
    if (result == 0)
        result = add_names(filter, SCMP_ACT_ERRNO(EPERM), forbidden, ARRAY_SIZE(forbidden));
    if (result == 0)
        result =
            add_names(filter, SCMP_ACT_ERRNO(EOPNOTSUPP), unsupported, ARRAY_SIZE(unsupported));
    for (size_t i = 0; i < ARRAY_SIZE(allowed_numbers) && result == 0; i++)
        result = add_rule(filter, SCMP_ACT_ALLOW, allowed_numbers[i]);
    if (result == 0 && memfd)
        result = add_rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create));
    return result;
}

/* Refuses the families whose number has, under a mask, this value; what is compared is the low half of the register. */
struct family_rule {
    scmp_datum_t mask, value;
};

static int refuse_families(scmp_filter_ctx filter, int call, const struct family_rule *rules,
                           size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct scmp_arg_cmp compare = {0, SCMP_CMP_MASKED_EQ, rules[i].mask, rules[i].value};
        result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1, &compare);
    }
    return result;
}

/* What remains of 0 to 63 is AF_UNIX 1, AF_INET 2, AF_INET6 10 and AF_NETLINK 16, and for socketpair(2) AF_UNIX; above 63
 * (in truth above 45) the kernel knows no family. Rules by bits are a quarter of one rule a family: every box pays for
 * the length of its filter, which the kernel translates anew for each. */
static int build_socket_rules(scmp_filter_ctx filter)
{
    static const struct family_rule sockets[] = {{0x3f, 0},    {0x3f, 8},    {0x03, 0x03},
                                                 {0x04, 0x04}, {0x09, 0x09}, {0x11, 0x11},
                                                 {0x12, 0x12}, {0x18, 0x18}, {0x20, 0x20}};
    static const struct family_rule pairs[] = {{0x3f, 0},    {0x02, 0x02}, {0x04, 0x04},
                                               {0x08, 0x08}, {0x10, 0x10}, {0x20, 0x20}};
    int result = refuse_families(filter, SCMP_SYS(socket), sockets, ARRAY_SIZE(sockets));
    if (result == 0)
        result = refuse_families(filter, SCMP_SYS(socketpair), pairs, ARRAY_SIZE(pairs));
    /* above IPPROTO_ICMPV6 lie SCTP, UDP-Lite, MPTCP: their kernel workers are outside the silence proof */
    static const int inet[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < ARRAY_SIZE(inet) && result == 0; i++) {
        struct scmp_arg_cmp compare[] = {LOW(0, (scmp_datum_t)inet[i]),
                                         {2, SCMP_CMP_GT, IPPROTO_ICMPV6, 0}};
        result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket),
                                        2, compare);
    }
    /* netlink: only NETLINK_ROUTE (0), which getaddrinfo(3) and getifaddrs(3) use */
    struct scmp_arg_cmp netlink[] = {LOW(0, AF_NETLINK), {2, SCMP_CMP_GT, 0, 0}};
    if (result == 0)
        result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket),
                                        2, netlink);
    return result;
}

static int build_arguments(scmp_filter_ctx filter, bool memfd)
{
    (void)memfd;
    for (size_t i = 0; i < ARRAY_SIZE(argument_rules); i++) {
        const struct argument_rule *rule = &argument_rules[i];
        int result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)rule->sys_errno),
                                            seccomp_syscall_resolve_name(rule->call), rule->n,
                                            rule->compare);
        if (result != 0)
            return result;
    }
    return build_socket_rules(filter);
}

/* ITIMER_REAL only: the other two count CPU time, of which a sleeping program uses none. */
static int build_timers(scmp_filter_ctx filter, bool memfd)
{
    (void)memfd;
    const struct scmp_arg_cmp real = LOW(0, ITIMER_REAL);
    int result = seccomp_rule_add_array(filter, SCMP_ACT_NOTIFY, SCMP_SYS(setitimer), 1, &real);
    static const int whole[] = {SCMP_SYS(alarm), SCMP_SYS(timer_settime), SCMP_SYS(timer_delete),
                                SCMP_SYS(timerfd_create)};
    for (size_t i = 0; i < ARRAY_SIZE(whole) && result == 0; i++)
        result = add_rule(filter, SCMP_ACT_NOTIFY, whole[i]);
    return result;
}

static int export(scmp_filter_ctx filter, struct sock_fprog *ret)
{
    AUTO_CLOSE int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = seccomp_export_bpf(filter, fd);
    if (result != 0)
        return result;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || lseek(fd, 0, SEEK_SET) != 0)
        return -errno;
    struct sock_filter *code = xmalloc((size_t)size);
    if (io_read_full(fd, code, (size_t)size) != size) {
        free(code);
        return -EIO;
    }
    *ret =
        (struct sock_fprog){.len = (unsigned short)((size_t)size / sizeof *code), .filter = code};
    return 0;
}

static int compile(uint32_t otherwise, int (*build)(scmp_filter_ctx, bool), bool memfd,
                   struct sock_fprog *ret)
{
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (!filter)
        return -ENOMEM;
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0) /* a binary tree instead of 300 comparisons */
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = build(filter, memfd);
    if (result == 0)
        result = export(filter, ret);
    seccomp_release(filter);
    return result;
}

int filters_compile(bool memfd, struct filters *ret, struct err *err)
{
    int result = compile(SCMP_ACT_ERRNO(ENOSYS), build_allow, memfd, &ret->allow);
    if (result == 0)
        result = compile(SCMP_ACT_ALLOW, build_arguments, memfd, &ret->arguments);
    if (result == 0)
        result = compile(SCMP_ACT_ALLOW, build_timers, memfd, &ret->timers);
    return result == 0 ? 0 : err_sys(err, ERR_HOST, -result, "sandbox: compiling the filter");
}

int filters_attach(const struct filters *filters)
{
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filters->arguments) != 0)
        return -1;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filters->allow) != 0 ? -1 : 0;
}

/* Compiled in the program's own process: which calls are traced is the scenario's, and few scenarios trace any. */
int filters_attach_trace(const int *calls, size_t n_calls)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter) {
        errno = ENOMEM;
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < n_calls && result == 0; i++)
        result = add_rule(filter, SCMP_ACT_TRACE(0), calls[i]);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    errno = -result;
    return result == 0 ? 0 : -1;
}

int filters_attach_timers(const struct filters *filters)
{
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &filters->timers);
}
