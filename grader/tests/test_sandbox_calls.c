/* tests of sandbox/: which system calls a box has, which it has not, and how a program is told. */
#include "tests/sandbox_lab.h"

static struct lab lab;

static void open_lab(void)
{
    lab_open(&lab);
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(calls, .init = open_lab, .fini = close_lab, .timeout = 240);

/* io_uring would do socket calls that no filter sees; a list of what is forbidden would let newer calls pass. */
static const char missing_calls[] = LAB_CODE({
    long room[64] = {0};
    say("io_uring_setup", syscall(425, 8, room));
    say("io_uring_enter", syscall(426, 0, 0, 0, 0, NULL, 0));
    say("io_uring_register", syscall(427, 0, 0, NULL, 0));
    say("io_setup", syscall(SYS_io_setup, 8, room));
    say("clone3", syscall(435, room, 64));
    say("memfd_secret", syscall(447, 0));
    say("statmount", syscall(457, room, room, sizeof room, 0));
    say("listmount", syscall(458, room, room, 8, 0));
    say("lsm_list_modules", syscall(461, room, room, 0));
    say("open_tree_attr", syscall(467, 0, "/", 0, room, 32));
    say("of the future", syscall(999));
    say("known", syscall(SYS_getpid));
});

Test(calls, unknown_and_new_ones_do_not_exist)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, missing_calls);
    cr_expect_text(outcome,
                   "io_uring_setup: ENOSYS\nio_uring_enter: ENOSYS\nio_uring_register: ENOSYS\n"
                   "io_setup: ENOSYS\nclone3: ENOSYS\nmemfd_secret: ENOSYS\nstatmount: ENOSYS\n"
                   "listmount: ENOSYS\nlsm_list_modules: ENOSYS\nopen_tree_attr: ENOSYS\n"
                   "of the future: ENOSYS\nknown: ok\n");
}

static const char nested_namespaces[] = LAB_CODE({
    const int kinds[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                         CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};
    char text[64] = "";
    for (int i = 0; i < 7; i++) {
        say("unshare", unshare(kinds[i]));
        long pid = syscall(SYS_clone, kinds[i] | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0)
            _exit(0);
        say("clone", pid);
    }
    int fd = open("/proc/sys/user/max_user_namespaces", O_RDONLY);
    read(fd, text, sizeof text - 1);
    printf("%s", text);
    say("raise", open("/proc/sys/user/max_user_namespaces", O_WRONLY));
    say("enter", setns(open("/proc/self/ns/net", O_RDONLY), CLONE_NEWNET));
});

/* Both the filter and the count: the kernel behind a user namespace is the largest thing to attack. */
Test(calls, nested_namespaces_are_refused)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, nested_namespaces);
    cr_expect_text(outcome, "unshare: EPERM\nclone: EPERM\nunshare: EPERM\nclone: EPERM\n"
                            "unshare: EPERM\nclone: EPERM\nunshare: EPERM\nclone: EPERM\n"
                            "unshare: EPERM\nclone: EPERM\nunshare: EPERM\nclone: EPERM\n"
                            "unshare: EPERM\nclone: EPERM\n0\nraise: EACCES\nenter: EPERM\n");
}

static const char forbidden_calls[] = LAB_CODE({
    long room[64] = {0};
    say("mount", mount("none", "/tmp", "tmpfs", 0, ""));
    say("remount", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
    say("umount", umount2("/proc", MNT_DETACH));
    say("pivot_root", syscall(SYS_pivot_root, ".", "."));
    say("chroot", chroot("/tmp"));
    say("open_tree", syscall(428, AT_FDCWD, "/", 1));
    say("fsopen", syscall(430, "tmpfs", 0));
    say("bpf", syscall(SYS_bpf, 0, room, 64));
    say("perf_event_open", syscall(SYS_perf_event_open, room, 0, -1, -1, 0));
    say("userfaultfd", syscall(SYS_userfaultfd, 0));
    say("keyctl", syscall(SYS_keyctl, 0, -3, 1));
    say("add_key", syscall(SYS_add_key, "user", "a", "b", 1, -3));
    say("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, room, 0));
    say("sethostname", sethostname("x", 1));
    say("mknod", mknod("null", S_IFCHR | 0666, 1 << 8 | 3));
    say("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    say("setuid", setuid(1));
    say("setgroups", setgroups(0, NULL));
    say("setxattr", setxattr("/tmp", "user.a", "b", 1, 0));
});

Test(calls, administration_is_refused)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, forbidden_calls);
    cr_expect_text(outcome,
                   "mount: EPERM\nremount: EPERM\numount: EPERM\npivot_root: EPERM\n"
                   "chroot: EPERM\nopen_tree: EPERM\nfsopen: EPERM\nbpf: EPERM\n"
                   "perf_event_open: EPERM\nuserfaultfd: EPERM\nkeyctl: EPERM\nadd_key: EPERM\n"
                   "open_by_handle_at: EPERM\nsethostname: EPERM\nmknod: EPERM\n"
                   "subreaper: EPERM\nsetuid: EINVAL\nsetgroups: EPERM\nsetxattr: EOPNOTSUPP\n");
}

/* The kernel reads 32 bits where a filter sees 64. fd 0 is no terminal: ENOTTY would mean that the call got through. */
static const char refused_arguments[] = LAB_CODE({
    const unsigned long high = 1UL << 32;
    long room[64] = {0};
    int tcp = socket(AF_INET, SOCK_STREAM, 0);
    say("TIOCSTI", syscall(SYS_ioctl, 0, 0x5412UL, "x"));
    say("TIOCSTI high", syscall(SYS_ioctl, 0, high | 0x5412UL, "x"));
    say("TIOCLINUX high", syscall(SYS_ioctl, 0, high | 0x541CUL, room));
    say("FIONREAD", ioctl(0, FIONREAD, room));
    say("NEWUSER high", syscall(SYS_clone, high | CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
    say("READ_IMPLIES_EXEC", syscall(SYS_personality, 0x0400000));
    say("ADDR_NO_RANDOMIZE", syscall(SYS_personality, 0x0040000));
    say("query", syscall(SYS_personality, 0xffffffff));
    say("TCP_ULP", setsockopt(tcp, IPPROTO_TCP, 31, "tls", 4));
    say("ATTACH_FILTER", setsockopt(tcp, SOL_SOCKET, 26, room, 16));
    say("NODELAY", setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)));
});

Test(calls, arguments_are_looked_at)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, refused_arguments);
    cr_expect_text(outcome, "TIOCSTI: EPERM\nTIOCSTI high: EPERM\nTIOCLINUX high: EPERM\n"
                            "FIONREAD: ok\nNEWUSER high: EPERM\nREAD_IMPLIES_EXEC: EPERM\n"
                            "ADDR_NO_RANDOMIZE: ok\nquery: ok\nTCP_ULP: ENOPROTOOPT\n"
                            "ATTACH_FILTER: EPERM\nNODELAY: ok\n");
}

/* vsock is the hypervisor's and has no namespaces; the others are kernel code that no exercise needs. */
static const char socket_families[] = LAB_CODE({
    const struct {
        const char *name;
        int family;
        int type;
        int protocol;
    } all[] = {{"unix", AF_UNIX, SOCK_STREAM, 0},        {"tcp", AF_INET, SOCK_STREAM, 0},
               {"udp6", AF_INET6, SOCK_DGRAM, 0},        {"route", AF_NETLINK, SOCK_RAW, 0},
               {"sock_diag", AF_NETLINK, SOCK_RAW, 4},   {"netfilter", AF_NETLINK, SOCK_RAW, 12},
               {"packet", AF_PACKET, SOCK_RAW, 0},       {"vsock", AF_VSOCK, SOCK_STREAM, 0},
               {"alg", AF_ALG, SOCK_SEQPACKET, 0},       {"mptcp", AF_INET, SOCK_STREAM, 262},
               {"sctp", AF_INET6, SOCK_STREAM, 132},     {"raw", AF_INET, SOCK_RAW, 1},
               {"bluetooth", AF_BLUETOOTH, SOCK_RAW, 1}, {"can", AF_CAN, SOCK_RAW, 1}};
    for (int i = 0; i < 14; i++)
        say(all[i].name, socket(all[i].family, all[i].type, all[i].protocol));
    int pair[2];
    say("high", syscall(SYS_socket, 1UL << 32 | AF_VSOCK, SOCK_STREAM, 0));
    say("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
});

Test(calls, other_socket_families_are_refused)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, socket_families);
    cr_expect_text(outcome,
                   "unix: ok\ntcp: ok\nudp6: ok\nroute: ok\nsock_diag: EPROTONOSUPPORT\n"
                   "netfilter: EPROTONOSUPPORT\npacket: EAFNOSUPPORT\nvsock: EAFNOSUPPORT\n"
                   "alg: EAFNOSUPPORT\nmptcp: EPROTONOSUPPORT\nsctp: EPROTONOSUPPORT\n"
                   "raw: EPERM\nbluetooth: EAFNOSUPPORT\ncan: EAFNOSUPPORT\nhigh: EAFNOSUPPORT\n"
                   "pair: ok\n");
}

#ifdef __x86_64__
/* Numbers of another ABI mean other calls: 0x80 with 20 is getpid of i386, which is writev here. */
Test(calls, those_of_another_abi_end_the_program)
{
    static const char *const attacks[] = {
        "long r; __asm__ volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(20)); puts(\"lived\");",
        "syscall(0x40000000 + SYS_getpid); puts(\"lived\");"};
    for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
        AUTO_FREE struct outcome *outcome = lab_attack(&lab, attacks[i]);
        cr_expect_text(outcome, "");
        cr_expect(outcome->end.signaled && outcome->end.code == SIGSYS, "%d", outcome->end.code);
    }
}
#endif

static const char mounts_that_are_not_safe[] = LAB_CODE({
    char line[4096];
    FILE *file = fopen("/proc/self/mounts", "r");
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        char point[4096];
        char options[4096];
        sscanf(line, "%*s %4095s %*s %4095s", point, options);
        count++;
        if (!strstr(options, "nosuid"))
            printf("%s: suid\n", point);
        if (!strstr(options, "nodev") && strncmp(point, "/dev/", 5) != 0)
            printf("%s: dev\n", point);
        if (strncmp(options, "ro", 2) != 0)
            printf("%s\n", point);
    }
    printf("%d\n", count > 5);
});

Test(calls, every_mount_is_without_suid_and_devices)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, mounts_that_are_not_safe);
    /* the first /proc and /tmp lie under the second ones: see below */
    cr_expect_text(outcome,
                   "/dev/null\n/dev/zero\n/dev/full\n/dev/random\n/dev/urandom\n/proc\n/tmp\n"
                   "/scratch\n/dev/shm\n/tmp\n/proc\n1\n");
}

/* The box's own folders lie in one tmpfs whose root is covered, the keeper's /proc under the box's. */
Test(calls, what_is_covered_stays_so)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, LAB_CODE({
        char line[256];
        int n = 0;
        DIR *dir = opendir("/tmp");
        for (struct dirent *e = readdir(dir); e; e = readdir(dir))
            n++;
        printf("%d\n", n);
        dir = opendir("/proc");
        for (struct dirent *e = readdir(dir); e; e = readdir(dir))
            if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
                n++;
        printf("%d\n", n);
        FILE *file = fopen("/proc/1/comm", "r");
        fputs(fgets(line, sizeof line, file), stdout);
        printf("%d %d\n", umount2("/tmp", MNT_DETACH), umount2("/proc", MNT_DETACH));
    }));
    cr_expect_text(outcome, "2\n4\ninit\n-1 -1\n");
}

/* The program's folder on the host is in here as often as it is mounted, with its place in its file system. */
Test(calls, mounts_do_not_tell_places_of_the_host)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, LAB_CODE({
        char line[4096];
        int seen = 0;
        FILE *file = fopen("/proc/self/mountinfo", "r");
        while (fgets(line, sizeof line, file)) {
            seen += strstr(line, " /hand-in ") != NULL;
            if (strstr(line, "sandbox-lab") || strstr(line, "/bin "))
                fputs(line, stdout);
        }
        printf("%d\n", seen);
    }));
    cr_expect_text(outcome, "1\n");
}

/* ---- what must work all the same ---- */

/* LeakSanitizer stops its own process by ptrace(2) and aborts without it; the others need terabytes of addresses. */
Test(calls, sanitizers_run)
{
    static const struct {
        const char *option, *body, *says;
    } cases[] = {
        {"-fsanitize=address", "puts(\"fine\");", "fine\n"},
        {"-fsanitize=address", "char *volatile p = malloc(7); p = NULL;",
         "LeakSanitizer: detected"},
        {"-fsanitize=address", "char *volatile p = malloc(7); return p[7];",
         "heap-buffer-overflow"},
        {"-fsanitize=undefined", "volatile int i = 1 << 30; i *= 4;", "signed integer overflow"},
        {"-fsanitize=thread", "puts(\"fine\");", "fine\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
        const char *argv[] = {BOX_BIN_DIR "/sanitized", NULL};
        struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
        lab_program_with(&lab, "sanitized", cases[i].body, cases[i].option);
        lab_run(&lab, &spec, outcome);
        cr_expect(strstr(outcome->text, cases[i].says), "%s, case %zu: %s %d: %s", cases[i].option,
                  i, outcome->end.signaled ? "signal" : "status", outcome->end.code, outcome->text);
    }
}

static const char shared_memory[] = LAB_CODE({
    sem_t *sem = sem_open("/lab", O_CREAT | O_EXCL, 0600, 0);
    say("sem_open", sem == SEM_FAILED ? -1 : 0);
    int fd = shm_open("/lab", O_CREAT | O_RDWR, 0600);
    say("shm_open", fd);
    say("ftruncate", ftruncate(fd, 4096));
    volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fork() == 0) {
        *shared = 7;
        sem_post(sem);
        _exit(0);
    }
    say("sem_wait", sem_wait(sem));
    printf("%d\n", *shared);
});

/* Both live in /dev/shm. */
Test(calls, posix_semaphores_and_shared_memory_work)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, shared_memory);
    cr_expect_text(outcome, "sem_open: ok\nshm_open: ok\nftruncate: ok\nsem_wait: ok\n7\n");
}
