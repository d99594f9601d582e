/* tests of sandbox/: limits strike, each attacked for real; and a limit that strikes is named.
 *
 * Two suites run the same attacks: `limits` with whatever the machine has, `bare` without control groups, where
 * rlimits, the sizes of file systems and the watchdog are all there is. */
#include "tests/sandbox_lab.h"

#include <sched.h>
#include <sys/mount.h>

#define MIB ((uint64_t)1 << 20)

static struct lab lab;

static void open_lab(void)
{
    lab_open(&lab);
}

/* Out of sight is out of reach; an ordinary user has none, unless a service manager hands one out. */
static void open_bare_lab(void)
{
    if (geteuid() == 0) {
        cr_assert(unshare(CLONE_NEWNS) == 0);
        cr_assert(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        cr_assert(mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) == 0);
    }
    lab_open(&lab);
    if (geteuid() == 0)
        cr_assert_str_eq(sandbox_status(lab.sandbox)->limits, "rlimits");
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(limits, .init = open_lab, .fini = close_lab, .timeout = 240);
TestSuite(bare, .init = open_bare_lab, .fini = close_lab, .timeout = 240);

static bool has_groups(void)
{
    return strcmp(sandbox_status(lab.sandbox)->limits, "rlimits") != 0;
}

/* Runs main's body under these limits. Freed by the caller. */
static struct outcome *attack(const char *body, const struct box_limits *limits)
{
    struct outcome *outcome = xcalloc(1, sizeof *outcome);
    const char *argv[] = {BOX_BIN_DIR "/attack", NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir, .limits = *limits};
    lab_program(&lab, "attack", body);
    lab_run(&lab, &spec, outcome);
    return outcome;
}

static bool hit(const struct outcome *outcome, const char *limit)
{
    return outcome->usage.limit_hit && strcmp(outcome->usage.limit_hit, limit) == 0;
}

/* ---- processes ---- */

static const char fork_bomb[] = LAB_CODE({
    int count = 1;
    for (; count < 500; count++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0)
            for (;;)
                pause();
    }
    printf("%d %s\n", count, strerrorname_np(errno));
    kill(-1, SIGKILL);
});

static const char thread_bomb[] = LAB_CODE({
    int count = 1;
    pthread_t thread;
    int error = 0;
    for (; count < 500; count++) {
        error = pthread_create(&thread, NULL, (void *(*)(void *))pause, NULL);
        if (error)
            break;
    }
    printf("%d %s\n", count, strerrorname_np(error));
});

/* As root, too: the kernel exempts uid 0 from RLIMIT_NPROC, whatever namespace it is in. */
static void expect_few_processes(void)
{
    const struct box_limits limits = {.processes = 50};
    const char *bodies[] = {fork_bomb, thread_bomb};
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        AUTO_FREE struct outcome *outcome = attack(bodies[i], &limits);
        cr_expect_text(outcome, "50 EAGAIN\n");
        cr_expect(!has_groups() || hit(outcome, "processes"));
    }
}

Test(limits, of_processes)
{
    expect_few_processes();
}

Test(bare, of_processes)
{
    expect_few_processes();
}

/* Foreign processes of the same uid do not count, and each box has its own count. */
Test(bare, of_processes_is_of_each_box)
{
    const struct box_limits limits = {.processes = 50};
    lab_program(&lab, "many",
                "for (int i = 0; i < 40; i++) if (fork() == 0) pause(); puts(\"r\");"
                "fflush(stdout); pause();");
    struct box *other = lab_start(&lab, "many", NULL);
    AUTO_CLOSE int out = lab_await_ready(other);
    AUTO_FREE struct outcome *outcome = attack(fork_bomb, &limits);
    cr_expect_text(outcome, "50 EAGAIN\n");
    box_free(other, NULL);
}

Test(limits, the_host_sees_an_unprivileged_user)
{
    char path[64];
    struct stat status;
    lab_program(&lab, "wait", "puts(\"r\"); fflush(stdout); pause();");
    struct box *box = lab_start(&lab, "wait", NULL);
    AUTO_CLOSE int out = lab_await_ready(box);
    (void)snprintf(path, sizeof path, "/proc/%d", box_program_pid(box));
    cr_assert(stat(path, &status) == 0);
    cr_expect(status.st_uid == sandbox_uid(lab.sandbox) && status.st_uid != 0);
    cr_expect(status.st_gid == sandbox_gid(lab.sandbox) && status.st_gid != 0);
    box_free(box, NULL);
}

/* ---- memory ---- */

/* Each of these touches 400 MiB and keeps them until somebody stops it. */
static const char anonymous_memory[] = LAB_CODE({
    for (int i = 0; i < 400; i++)
        memset(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), i,
               1 << 20);
    pause();
});

static const char shared_memory[] = LAB_CODE({
    char *all = mmap(NULL, 400 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(all, 1, 400 << 20);
    pause();
});

static const char spread_memory[] = LAB_CODE({
    for (int p = 0; p < 8; p++)
        if (fork() == 0) {
            char *part =
                mmap(NULL, 50 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memset(part, p + 1, 50 << 20);
            for (;;)
                pause();
        }
    wait(NULL);
    pause();
});

/* No process has it mapped, and no file system holds it. */
static const char memory_in_memfds[] = LAB_CODE({
    char *piece = malloc(1 << 20);
    memset(piece, 1, 1 << 20);
    for (int i = 0; i < 40; i++) {
        int fd = memfd_create("memory", 0);
        if (fd < 0) {
            say("memfd_create", -1);
            return 0;
        }
        for (int j = 0; j < 10; j++)
            write(fd, piece, 1 << 20);
    }
    pause();
});

/* The box is killed as a whole. */
static void expect_memory_struck(const char *body)
{
    const struct box_limits limits = {.memory_bytes = 64 * MIB};
    AUTO_FREE struct outcome *outcome = attack(body, &limits);
    cr_expect(hit(outcome, "memory"), "limit: %s", outcome->usage.limit_hit);
    cr_expect(outcome->end.signaled && outcome->end.code == SIGKILL && !outcome->len, "%s",
              outcome->text);
}

Test(limits, of_anonymous_memory)
{
    expect_memory_struck(anonymous_memory);
}

Test(bare, of_anonymous_memory)
{
    expect_memory_struck(anonymous_memory);
}

Test(limits, of_shared_memory)
{
    expect_memory_struck(shared_memory);
}

Test(bare, of_shared_memory)
{
    expect_memory_struck(shared_memory);
}

/* Version 1 of control groups kills the largest process only, and the program here waits for ever after that. */
Test(limits, of_memory_spread_over_processes)
{
    expect_memory_struck(spread_memory);
}

Test(bare, of_memory_spread_over_processes)
{
    expect_memory_struck(spread_memory);
}

Test(limits, of_memory_in_memfds)
{
    if (has_groups())
        expect_memory_struck(memory_in_memfds);
}

/* Refused where nothing counts it. */
Test(bare, of_memory_in_memfds)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, memory_in_memfds);
    if (!has_groups())
        cr_expect_text(outcome, "memfd_create: ENOSYS\n");
}

/* 300 MiB by 30 processes, of which each has 10: more than the limit only if pages are counted more than once. */
static const char inherited_memory[] = LAB_CODE({
    const int kinds[] = {MAP_PRIVATE, MAP_SHARED};
    for (int i = 0; i < 2; i++)
        memset(mmap(NULL, 10 << 20, PROT_READ | PROT_WRITE, kinds[i] | MAP_ANONYMOUS, -1, 0), 1,
               10 << 20);
    for (int i = 0; i < 30; i++)
        if (fork() == 0)
            for (;;)
                pause();
    struct timespec looks = {0, 500000000};
    nanosleep(&looks, NULL);
    kill(-1, SIGKILL);
    puts("lived");
});

Test(bare, of_memory_counts_what_forked_workers_share_once)
{
    const struct box_limits limits = {.memory_bytes = 128 * MIB};
    AUTO_FREE struct outcome *outcome = attack(inherited_memory, &limits);
    cr_expect_text(outcome, "lived\n");
    cr_expect(outcome->usage.limit_hit == NULL);
}

/* The same workers, which end again and again while they are counted: what an ending process had is no more, and does not
 * count in full. */
static const char ending_workers[] = LAB_CODE({
    memset(mmap(NULL, 20 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1,
           20 << 20);
    for (int turn = 0; turn < 40; turn++) {
        struct timespec a_while = {0, 10000000 + turn * 500000};
        for (int i = 0; i < 30; i++)
            if (fork() == 0)
                for (;;)
                    pause();
        nanosleep(&a_while, NULL);
        kill(-1, SIGKILL);
        while (wait(NULL) > 0)
            ;
    }
    puts("lived");
});

Test(bare, of_memory_does_not_count_what_has_ended)
{
    const struct box_limits limits = {.memory_bytes = 128 * MIB};
    AUTO_FREE struct outcome *outcome = attack(ending_workers, &limits);
    cr_expect_text(outcome, "lived\n");
    cr_expect(outcome->usage.limit_hit == NULL);
}

/* ---- memory of the kernel's own making ---- */

static const char system_v[] = LAB_CODE({
    int64_t pages = 0;
    int64_t semaphores = 0;
    int64_t bytes = 0;
    char message[8200] = {1};
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
    int queues = 0;
    while (pages < 100000 && shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600) >= 0)
        pages += 256;
    while (semaphores < 1000000 && semget(IPC_PRIVATE, 250, IPC_CREAT | 0600) >= 0)
        semaphores += 250;
    for (int i = 0; i < 1000; i++) {
        int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
        while (queue >= 0 && msgsnd(queue, message, 8192 - 8, IPC_NOWAIT) == 0)
            bytes += 8192;
    }
    for (char name[16] = "/a"; queues < 300 && mq_open(name, O_CREAT, 0600, &attributes) >= 0;
         queues++)
        snprintf(name, sizeof name, "/q%d", queues);
    printf("%d %d %d %d\n", pages <= 16384, semaphores <= 32000, bytes <= 2 << 20, queues <= 16);
    printf("%d %d %d %d\n", pages >= 8192, semaphores >= 1000, bytes >= 16384, queues >= 4);
    say("shmall", open("/proc/sys/kernel/shmall", O_WRONLY));
});

/* Before Linux 5.19 a namespace's owner may not set these: there only a control group bounds them. */
static bool owns_settings(void)
{
    AUTO_FREE struct outcome *outcome = lab_shell(&lab, "cat /proc/sys/kernel/shmall");
    return strcmp(outcome->text, "16384\n") == 0;
}

Test(bare, of_system_v_memory_and_message_queues)
{
    if (!owns_settings())
        return;
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, system_v);
    cr_expect_text(outcome, "1 1 1 1\n1 1 1 1\nshmall: EROFS\n");
}

/* ---- files, descriptors, time ---- */

static const char file_bombs[] = LAB_CODE({
    char *piece = malloc(1 << 20);
    memset(piece, 1, 1 << 20);
    int64_t kept = 0;
    int files = 0;
    char name[32];
    signal(SIGXFSZ, SIG_IGN);
    const char *folders[] = {"/scratch", "/tmp", "/dev/shm"};
    for (int f = 0; f < 3; f++)
        for (int i = 0; i < 20; i++) {
            snprintf(name, sizeof name, "%s/%d", folders[f], i);
            int fd = open(name, O_CREAT | O_WRONLY, 0600);
            ssize_t n = 1;
            for (int64_t one = 0; n > 0; one += n, kept += n > 0 ? n : 0)
                if (one >= 5 << 20)
                    n = printf("too long\n") & 0;
                else
                    n = write(fd, piece, 1 << 20);
            close(fd);
        }
    say("full", pwrite(open("/scratch/19", O_WRONLY), piece, 1 << 20, 0));
    say("long", pwrite(open("/scratch/0", O_WRONLY), piece, 1, 4 << 20));
    printf("%d\n", kept >= 15 << 20 && kept <= 20 << 20);
    for (; files < 100000; files++) {
        snprintf(name, sizeof name, "/tmp/f%d", files);
        if (mknod(name, S_IFREG | 0600, 0) != 0)
            break;
    }
    say("many", -1);
    int last = 0;
    for (int fd = 0; fd >= 0 && last < 200; fd = dup(0))
        last = fd;
    say("dup", -1);
    printf("%d\n", last);
});

/* One size bounds all the folders together. */
Test(limits, of_files)
{
    const struct box_limits limits = {
        .scratch_bytes = 20 * MIB, .file_bytes = 4 * MIB, .open_files = 90};
    AUTO_FREE struct outcome *outcome = attack(file_bombs, &limits);
    cr_expect_text(outcome, "full: ENOSPC\nlong: EFBIG\n1\nmany: ENOSPC\ndup: EMFILE\n89\n");
}

Test(limits, of_files_is_named)
{
    static const char body[] =
        LAB_CODE({ ftruncate(open("f", O_CREAT | O_WRONLY, 0600), 5 << 20); });
    const struct box_limits limits = {.file_bytes = 4 * MIB};
    AUTO_FREE struct outcome *outcome = attack(body, &limits);
    cr_expect(outcome->end.signaled && outcome->end.code == SIGXFSZ);
    cr_expect(hit(outcome, "file size"), "limit: %s", outcome->usage.limit_hit);
}

Test(limits, of_cpu_time_is_named)
{
    const struct box_limits limits = {.cpu_seconds = 1};
    AUTO_FREE struct outcome *outcome = attack("for (;;) ;", &limits);
    cr_expect(outcome->end.signaled && outcome->end.code == SIGXCPU);
    cr_expect(hit(outcome, "cpu"), "limit: %s", outcome->usage.limit_hit);
}

static const char unlimiting[] = LAB_CODE({
    const int limits[] = {RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_CORE};
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    for (int i = 0; i < 5; i++)
        say("raise", setrlimit(limits[i], &all));
    say("address",
        (long)mmap(NULL, 1 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 1 == 0 ? -1 : 0);
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    printf("%d\n", (int)core.rlim_max);
    fflush(stdout);
    abort();
});

/* A core pattern that is a pipe, which would run on the host, passes over the limit 0, but not over 1. */
Test(limits, cannot_be_raised)
{
    const struct box_limits limits = {.address_bytes = 512 * MIB};
    AUTO_FREE struct outcome *outcome = attack(unlimiting, &limits);
    cr_expect_text(outcome, "raise: EPERM\nraise: EPERM\nraise: EPERM\nraise: EPERM\nraise: EPERM\n"
                            "address: ENOMEM\n1\n");
}
