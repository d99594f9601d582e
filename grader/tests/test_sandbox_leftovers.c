/* tests of sandbox/: nothing of a box, a network or a sandbox outlives it, however it ends. */
#include "tests/sandbox_lab.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static struct lab lab;
static char
    lingerer[16]; /* the program's name, of this test process's alone: /proc is searched for it */

/* Ends at once, but leaves behind what is hard to be rid of: daemons that ignore every signal, a stopped process, a
 * network namespace held by a socket that is on its way to itself. */
static const char leave_behind[] = LAB_CODE({
    int pair[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    char room[CMSG_SPACE(sizeof pair)] = {0};
    struct msghdr message = {.msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof pair);
    memcpy(CMSG_DATA(head), pair, sizeof pair);
    sendmsg(pair[0], &message, 0);
    for (int i = 0; i < 5; i++)
        if (fork() == 0) {
            setsid();
            if (fork() != 0)
                _exit(0);
            for (int sig = 1; sig <= SIGRTMAX; sig++)
                signal(sig, SIG_IGN);
            prctl(PR_SET_PDEATHSIG, 0);
            for (int fd = 0; fd < 3; fd++)
                close(fd);
            if (i == 0)
                raise(SIGSTOP);
            for (;;)
                pause();
        }
});

static void open_lab(void)
{
    lab_open(&lab);
    (void)snprintf(lingerer, sizeof lingerer, "ling%d", getpid());
    lab_program(&lab, lingerer, leave_behind);
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(leftovers, .init = open_lab, .fini = close_lab, .timeout = 240);

static bool read_small(const char *path, struct buf *ret)
{
    buf_reset(ret);
    return io_read_file(path, 1 << 16, ret, ERR_HOST, NULL) == 0;
}

/* How many processes of that name the host has. */
static size_t count_named(const char *name)
{
    size_t count = 0;
    char path[64];
    AUTO_FREE char *line = xasprintf("%s\n", name);
    AUTO_BUF struct buf text;
    buf_init(&text, 0);
    DIR *proc = opendir("/proc");
    cr_assert(proc != NULL);
    for (const struct dirent *entry = readdir(proc); entry; entry = readdir(proc)) {
        (void)snprintf(path, sizeof path, "/proc/%.20s/comm", entry->d_name);
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && read_small(path, &text))
            count += text.len && strcmp(text.data, line) == 0;
    }
    (void)closedir(proc);
    return count;
}

/* The last child of a process with that name, or 0. */
static pid_t child_named(pid_t parent, const char *name)
{
    char path[64];
    AUTO_BUF struct buf list;
    AUTO_BUF struct buf text;
    AUTO_FREE char *line = xasprintf("%s\n", name);
    buf_init(&list, 0);
    buf_init(&text, 0);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    if (!read_small(path, &list) || !list.len)
        return 0;
    pid_t found = 0;
    for (char *at = list.data; *at;) {
        pid_t pid = (pid_t)strtol(at, &at, 10);
        at += strspn(at, " ");
        (void)snprintf(path, sizeof path, "/proc/%d/comm", pid);
        if (read_small(path, &text) && text.len && strcmp(text.data, line) == 0)
            found = pid;
    }
    return found;
}

static size_t count_descriptors(pid_t pid, const char *kind)
{
    char path[64];
    char target[64];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    cr_assert(dir != NULL, "%s: %s", path, strerror(errno));
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        count += n > 0 && strncmp(target, kind, strlen(kind)) == 0;
    }
    (void)closedir(dir);
    return count;
}

/* ---- control groups ---- */

static char group_name[32];
static size_t n_groups, n_box_groups;

static int visit_group(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    n_groups += strcmp(path + where->base, group_name) == 0;
    n_box_groups += strstr(path, group_name) && strncmp(path + where->base, "box-", 4) == 0;
    return 0;
}

/* Counts the groups of the sandbox with that janitor, and those of its boxes, in all hierarchies. */
static void count_groups(pid_t janitor)
{
    n_groups = n_box_groups = 0;
    (void)snprintf(group_name, sizeof group_name, "sockgrade-%d", janitor);
    (void)nftw("/sys/fs/cgroup", visit_group, 20, FTW_PHYS);
}

static bool has_groups(void)
{
    return strcmp(sandbox_status(lab.sandbox)->limits, "rlimits") != 0;
}

/* ---- a box ---- */

/* Returns when all five are there, and those between them and the program are not. */
static struct box *start_lingerers(void)
{
    struct box *box = lab_start(&lab, lingerer, lab.network);
    lab_await_exit(&lab, box, &(struct box_exit){0});
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    while (count_named(lingerer) != 5)
        cr_assert(io_now_ns() < deadline, "%zu linger", count_named(lingerer));
    return box;
}

Test(leftovers, processes_end_with_their_box)
{
    lab_network(&lab);
    pid_t janitor = child_named(getpid(), "janitor");
    struct box *box = start_lingerers();
    pid_t init = box_init_pid(box);
    count_groups(janitor);
    cr_expect((n_groups > 0) == has_groups() && (n_box_groups > 0) == has_groups(), "%zu %zu",
              n_groups, n_box_groups);
    box_free(box, NULL);
    cr_expect(count_named(lingerer) == 0, "%zu live on", count_named(lingerer));
    cr_expect(kill(init, 0) == -1 && errno == ESRCH, "init lives on");
    count_groups(janitor);
    cr_expect(n_box_groups == 0, "%zu groups", n_box_groups);
}

/* Neither boxes that ran nor boxes whose program is missing. */
Test(leftovers, descriptors_and_namespaces_are_given_back)
{
    pid_t janitor = child_named(getpid(), "janitor");
    pid_t keeper = child_named(janitor, "keeper");
    cr_assert(janitor > 0 && keeper > 0, "%d %d", janitor, keeper);
    lab_program(&lab, "true", "return 0;");
    size_t own = 0;
    size_t keepers = 0;
    for (int i = 0; i < 30; i++) {
        const char *const argv[] = {i % 3 ? BOX_BIN_DIR "/true" : BOX_BIN_DIR "/missing", NULL};
        struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
        struct box *box = NULL;
        struct err err = {0};
        lab_network(&lab);
        spec.network = i % 2 ? lab.network : NULL;
        cr_expect((box_start(lab.sandbox, &spec, &box, &err) == 0) == (i % 3 != 0), "%s", err.text);
        if (box)
            lab_await_exit(&lab, box, &(struct box_exit){0});
        box_free(box, NULL);
        network_free(lab.network);
        lab.network = NULL;
        size_t nets = count_descriptors(keeper, "net:");
        cr_expect(nets <= 11, "%zu: the keeper's own and five pairs at most", nets);
        size_t others = count_descriptors(keeper, "") - nets;
        own = i == 0 ? count_descriptors(getpid(), "") : own;
        keepers = i == 0 ? others : keepers;
        cr_expect(count_descriptors(getpid(), "") == own);
        cr_expect(others <= keepers + 4, "%zu, at first %zu", others, keepers);
    }
    count_groups(janitor);
    cr_expect(n_box_groups == 0, "%zu groups", n_box_groups);
}

/* ---- a sandbox ---- */

static void expect_sandbox_gone(pid_t janitor, pid_t keeper)
{
    cr_expect(kill(janitor, 0) == -1 && errno == ESRCH, "the janitor lives on");
    cr_expect(kill(keeper, 0) == -1 && errno == ESRCH, "the keeper lives on");
    cr_expect(count_named(lingerer) == 0, "%zu live on", count_named(lingerer));
    count_groups(janitor);
    cr_expect(n_groups == 0, "%zu groups", n_groups);
}

static size_t entries_of(const char *path)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    cr_assert(dir != NULL);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/* Boxes and networks that were not freed end with it, too; what is then left of them is this process's memory. */
Test(leftovers, everything_ends_with_the_sandbox)
{
    static struct box *box;
    static struct network *network;
    AUTO_BUF struct buf mounts;
    AUTO_BUF struct buf mounts_after;
    buf_init(&mounts, 0);
    buf_init(&mounts_after, 0);
    size_t entries = entries_of(lab.dir);
    cr_assert(read_small("/proc/self/mountinfo", &mounts));
    pid_t janitor = child_named(getpid(), "janitor");
    pid_t keeper = child_named(janitor, "keeper");
    lab_network(&lab);
    network = lab.network;
    box = start_lingerers();
    cr_expect(janitor > 0 && keeper > 0 && network);
    sandbox_close(lab.sandbox);
    lab.sandbox = NULL;
    lab.network = NULL;
    expect_sandbox_gone(janitor, keeper);
    cr_expect(entries_of(lab.dir) == entries, "files are left");
    cr_assert(read_small("/proc/self/mountinfo", &mounts_after));
    cr_expect_str_eq(mounts_after.data, mounts.data);
    cr_expect(kill(box_init_pid(box), 0) == -1 && errno == ESRCH);
}

/* Without a working janitor or keeper there are errors, and nobody waits for ever. */
static void expect_survival(pid_t victim)
{
    struct network *network = NULL;
    lab_network(&lab);
    struct box *box = start_lingerers();
    struct box *other = NULL;
    const char *const argv[] = {BOX_BIN_DIR "/true", NULL};
    struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
    struct err err = {0};
    AUTO_CLOSE int init = (int)syscall(SYS_pidfd_open, box_init_pid(box), 0);
    cr_assert(victim > 0 && kill(victim, SIGKILL) == 0);
    cr_expect(io_poll(init, POLLIN, io_now_ns() + LAB_PATIENCE) > 0, "init lives on");
    cr_expect(box_signal(box, SIGTERM, &err) == 0, "%s", err.text);
    cr_expect(network_new(lab.sandbox, &network, &err) == -1 && err.kind == ERR_HOST);
    cr_expect(box_start(lab.sandbox, &spec, &other, &err) == -1 && other == NULL);
    box_free(box, NULL);
    cr_expect(count_named(lingerer) == 0, "%zu live on", count_named(lingerer));
}

Test(leftovers, the_keeper_may_be_killed)
{
    pid_t janitor = child_named(getpid(), "janitor");
    pid_t keeper = child_named(janitor, "keeper");
    expect_survival(keeper);
    network_free(lab.network);
    sandbox_close(lab.sandbox);
    lab.sandbox = NULL;
    lab.network = NULL;
    expect_sandbox_gone(janitor, keeper);
}

/* Its owner then removes the control groups, as nobody else would. */
Test(leftovers, the_janitor_may_be_killed)
{
    pid_t janitor = child_named(getpid(), "janitor");
    expect_survival(janitor);
    network_free(lab.network);
    sandbox_close(lab.sandbox);
    lab.sandbox = NULL;
    lab.network = NULL;
    count_groups(janitor);
    cr_expect(n_groups == 0, "%zu groups", n_groups);
}

/* ---- kill -9 ---- */

/* A process that owns a sandbox and uses it until it is killed. */
static _Noreturn void use_for_ever(int pipe)
{
    struct sandbox *sandbox = NULL;
    struct network *network = NULL;
    struct box *first = NULL;
    struct sandbox_options options = {.work_dir = lab.dir};
    AUTO_FREE char *program = xasprintf("%s/%s", BOX_BIN_DIR, lingerer);
    const char *const argv[] = {program, NULL};
    if (sandbox_open(&options, &sandbox, NULL) != 0 || network_new(sandbox, &network, NULL) != 0)
        _exit(1);
    struct box_spec spec = {
        .kind = BOX_RUN, .network = network, .argv = argv, .bin_dir = lab.bin_dir};
    if (box_start(sandbox, &spec, &first, NULL) != 0)
        _exit(2);
    (void)io_write_full(pipe, "r", 1);
    for (;;) {
        struct box *box = NULL;
        struct network *more = NULL;
        if (network_new(sandbox, &more, NULL) != 0 || box_start(sandbox, &spec, &box, NULL) != 0)
            _exit(3);
        box_free(box, NULL);
        network_free(more);
    }
}

/* At any moment: while boxes and networks are made and freed. */
Test(leftovers, nothing_is_left_when_the_owner_is_killed)
{
    for (int round = 0; round < 10; round++) {
        char byte = 0;
        int ends[2];
        cr_assert(pipe2(ends, O_CLOEXEC) == 0);
        pid_t owner = fork();
        cr_assert(owner >= 0);
        if (owner == 0)
            use_for_ever(ends[1]);
        (void)close(ends[1]);
        cr_assert(io_poll(ends[0], POLLIN, io_now_ns() + LAB_PATIENCE) > 0 &&
                  io_read(ends[0], &byte, 1) == 1);
        (void)close(ends[0]);
        pid_t janitor = child_named(owner, "janitor");
        pid_t keeper = child_named(janitor, "keeper");
        AUTO_CLOSE int end = (int)syscall(SYS_pidfd_open, janitor, 0);
        cr_assert(end >= 0 && keeper > 0);
        struct timespec moment = {.tv_nsec = round * 1700000L};
        (void)nanosleep(&moment, NULL);
        cr_assert(kill(owner, SIGKILL) == 0 && waitpid(owner, NULL, 0) == owner);
        cr_assert(io_poll(end, POLLIN, io_now_ns() + LAB_PATIENCE) > 0, "the janitor waits");
        cr_expect(kill(keeper, 0) == -1 && errno == ESRCH, "the keeper lives on");
        cr_expect(count_named(lingerer) == 0, "%zu live on", count_named(lingerer));
        count_groups(janitor);
        cr_expect(n_groups == 0, "%zu groups", n_groups);
    }
}

/* ---- who is whose ---- */

static void *open_in_thread(void *error)
{
    struct sandbox_options options = {.work_dir = lab.dir};
    (void)sandbox_open(&options, &lab.sandbox, error);
    return NULL;
}

/* A parent-death signal is about the thread that forked, not about its process (prctl(2)). */
Test(leftovers, the_thread_that_opened_may_end)
{
    pthread_t thread;
    struct err err = {0};
    sandbox_close(lab.sandbox);
    lab.sandbox = NULL;
    cr_assert(pthread_create(&thread, NULL, open_in_thread, &err) == 0);
    cr_assert(pthread_join(thread, NULL) == 0);
    cr_assert(lab.sandbox != NULL, "%s", err.text);
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, "puts(\"fine\");");
    cr_expect_text(outcome, "fine\n");
}

/* A copy of a large process is dear: no box has what its owner took since the sandbox was opened. */
Test(leftovers, boxes_are_not_forked_from_their_owner)
{
    char path[64];
    AUTO_BUF struct buf status;
    buf_init(&status, 0);
    size_t size = (size_t)256 << 20;
    AUTO_FREE char *ballast = xmalloc(size);
    memset(ballast, 1, size);
    struct box *box = start_lingerers();
    (void)snprintf(path, sizeof path, "/proc/%d/status", box_init_pid(box));
    cr_assert(read_small(path, &status));
    const char *parent = strstr(status.data, "PPid:");
    const char *bytes = strstr(status.data, "VmRSS:");
    cr_assert(parent && bytes);
    cr_expect(strtol(parent + 5, NULL, 10) ==
              child_named(child_named(getpid(), "janitor"), "keeper"));
    cr_expect(strtoull(bytes + 6, NULL, 10) * 1024 < size, "%.40s", bytes);
    box_free(box, NULL);
}
