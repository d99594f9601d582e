/* tests of sandbox/: the holes that a naive launcher has. Each is attacked for real from within a box; where the attack
 * could fail for a reason of its own, the same is done to something that is the attacker's, and must work. */
#include "tests/sandbox_lab.h"

#include <sys/un.h>

static struct lab lab;
static int leaked; /* a folder of the host's, inheritable, as a careless shell leaves it behind */
static int
    leaked_pipe; /* the reading end; the writing end was inheritable, too, and is closed here */

/* Descriptors like those that shells were seen to leave open: low, and high. */
static void open_lab(void)
{
    int pipe_ends[2];
    leaked = open("/", O_RDONLY | O_DIRECTORY); /* NOLINT: inheritable is what is tested */
    cr_assert(leaked >= 0 && pipe(pipe_ends) == 0);
    cr_assert(fcntl(leaked, F_DUPFD, 10) >= 10 && fcntl(leaked, F_DUPFD, 251) >= 251);
    lab_open(&lab);
    leaked_pipe = pipe_ends[0];
    (void)close(pipe_ends[1]);
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(holes, .init = open_lab, .fini = close_lab, .timeout = 240);

/* ---- 1: PID 1 of the box, a copy of the keeper's memory ---- */

static const char memory_of_init[] = LAB_CODE({
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    const pid_t victims[] = {child, 1};
    const char *files[] = {"mem", "maps", "environ", "auxv", "pagemap"};
    const char *links[] = {"root", "cwd", "exe", "ns/mnt"};
    for (int v = 0; v < 2; v++) {
        char path[64];
        char byte;
        printf("of %s\n", v ? "init" : "its own");
        for (int i = 0; i < 5; i++) {
            snprintf(path, sizeof path, "/proc/%d/%s", victims[v], files[i]);
            say(files[i], open(path, i == 0 ? O_RDWR : O_RDONLY));
        }
        for (int i = 0; i < 4; i++) {
            snprintf(path, sizeof path, "/proc/%d/%s", victims[v], links[i]);
            say(links[i], readlink(path, &byte, 1));
        }
        snprintf(path, sizeof path, "/proc/%d/fd", victims[v]);
        say("fd", opendir(path) ? 0 : -1);
        say("seize", ptrace(PTRACE_SEIZE, victims[v], NULL, NULL));
        if (v == 0)
            ptrace(PTRACE_INTERRUPT, child, NULL, NULL);
        else
            say("attach", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    }
    int pidfd = syscall(SYS_pidfd_open, 1, 0);
    say("getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    kill(child, SIGKILL);
});

Test(holes, the_memory_of_init_is_out_of_reach)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, memory_of_init);
    cr_expect_text(outcome, "of its own\nmem: ok\nmaps: ok\nenviron: ok\nauxv: ok\npagemap: ok\n"
                            "root: ok\ncwd: ok\nexe: ok\nns/mnt: ok\nfd: ok\nseize: ok\n"
                            "of init\nmem: EACCES\nmaps: EACCES\nenviron: EACCES\nauxv: EACCES\n"
                            "pagemap: EACCES\nroot: EACCES\ncwd: EACCES\nexe: EACCES\n"
                            "ns/mnt: EACCES\nfd: EACCES\nseize: EPERM\nattach: EPERM\n"
                            "getfd: EPERM\n");
}

/* Not to read it, but to slow it down, starve it or have it killed: its owner would take that for the host's fault. */
static const char welfare_of_init[] = LAB_CODE({
    struct rlimit none = {0, 0};
    struct sched_param idle = {0};
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    say("own limit", prlimit(getpid(), RLIMIT_CORE, &none, NULL));
    say("own nice", setpriority(PRIO_PROCESS, 0, 1));
    say("own ioprio", syscall(SYS_ioprio_set, 1, 0, 3 << 13));
    say("own affinity", sched_setaffinity(0, sizeof first, &first));
    say("own idle", sched_setscheduler(0, SCHED_IDLE, &idle));
    say("files", prlimit(1, RLIMIT_NOFILE, &none, NULL));
    say("cpu", prlimit(1, RLIMIT_CPU, &none, NULL));
    say("nice", setpriority(PRIO_PROCESS, 1, 19));
    say("nice all", setpriority(PRIO_USER, 0, 19));
    say("idle", sched_setscheduler(1, SCHED_IDLE, &idle));
    say("affinity", sched_setaffinity(1, sizeof first, &first));
    say("ioprio", syscall(SYS_ioprio_set, 1, 1, 3 << 13));
    say("oom", open("/proc/1/oom_score_adj", O_WRONLY));
    say("autogroup", open("/proc/1/autogroup", O_WRONLY));
    say("clear", open("/proc/1/clear_refs", O_WRONLY));
});

Test(holes, the_welfare_of_init_is_out_of_reach)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, welfare_of_init);
    cr_expect_text(outcome,
                   "own limit: ok\nown nice: ok\nown ioprio: ok\nown affinity: ok\nown idle: ok\n"
                   "files: EPERM\ncpu: EPERM\nnice: EPERM\nnice all: EPERM\nidle: EPERM\n"
                   "affinity: EPERM\nioprio: EPERM\noom: EACCES\nautogroup: EACCES\n"
                   "clear: EACCES\n");
}

static const char signals_to_init[] = LAB_CODE({
    kill(1, SIGKILL);
    kill(1, SIGSTOP);
    kill(1, SIGTERM);
    for (int i = 1; i <= SIGRTMAX; i++)
        kill(1, i);
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    signal(SIGTERM, SIG_IGN);
    kill(-1, SIGKILL);
    int status = 0;
    printf("%d\n", waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL);
    return 5;
});

/* kill(2) of everyone hits the siblings; init lives on, and still tells how the program ended. */
Test(holes, init_survives_the_signals_of_its_box)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, signals_to_init);
    cr_expect_text(outcome, "1\n");
    cr_expect(outcome->end.ended && !outcome->end.signaled && outcome->end.code == 5);
}

/* It needs none any more: whoever takes it over gains nothing. */
Test(holes, init_holds_no_capability)
{
    static const char *const lines[] = {"CapPrm:\t0000000000000000\n",
                                        "CapEff:\t0000000000000000\n",
                                        "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n"};
    char path[64];
    AUTO_BUF struct buf status;
    buf_init(&status, 0);
    lab_program(&lab, "wait", "puts(\"r\"); fflush(stdout); pause();");
    struct box *box = lab_start(&lab, "wait", NULL);
    AUTO_CLOSE int out = lab_await_ready(box);
    (void)snprintf(path, sizeof path, "/proc/%d/status", box_init_pid(box));
    cr_assert(io_read_file(path, 8192, &status, ERR_HOST, &lab.err) == 0, "%s", lab.err.text);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        cr_expect(strstr(status.data, lines[i]), "not %s: %s", lines[i], status.data);
    box_free(box, NULL);
}

/* ---- 2: descriptors ---- */

static const char stray_descriptors[] = LAB_CODE({
    char path[64];
    struct stat top;
    struct stat above;
    for (int fd = 0; fd < 4096; fd++) {
        if (fd > 2 && fcntl(fd, F_GETFD) != -1)
            printf("open: %d\n", fd);
        if (fchdir(fd) == 0 || openat(fd, "..", O_RDONLY) >= 0 || openat(fd, "etc", O_RDONLY) >= 0)
            printf("a folder: %d\n", fd);
    }
    say("fchdir", fchdir(open("/tmp", O_RDONLY)));
    say("up", chdir("../../../../../.."));
    stat("/", &top);
    stat("/..", &above);
    printf("%d\n", top.st_ino == above.st_ino && top.st_dev == above.st_dev);
    stat(".", &above);
    printf("%d\n", top.st_ino == above.st_ino && top.st_dev == above.st_dev);
    say("shadow", open("../etc/shadow", O_RDONLY));
    say("above", open("/proc/self/root/../etc/shadow", O_RDONLY));
});

Test(holes, no_descriptor_is_inherited)
{
    cr_assert(fcntl(leaked, F_GETFD) == 0, "the test leaks nothing");
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, stray_descriptors);
    cr_expect_text(outcome, "fchdir: ok\nup: ok\n1\n1\nshadow: ENOENT\nabove: ENOENT\n");
}

/* Else they would reach a box by the next slip; and a pipe of the caller's would never end. */
Test(holes, nothing_of_the_callers_is_kept_open)
{
    lab_program(&lab, "wait", "puts(\"r\"); fflush(stdout); pause();");
    struct box *box = lab_start(&lab, "wait", NULL);
    AUTO_CLOSE int out = lab_await_ready(box);
    int ready = io_poll(leaked_pipe, POLLIN, io_now_ns() + LAB_PATIENCE);
    cr_expect(ready > 0 && (ready & POLLHUP) != 0, "somebody holds the pipe: %d", ready);
    box_free(box, NULL);
}

/* Only the program holds its pipes: when it closes them its owner sees the end, though box and keeper live on. */
Test(holes, the_programs_pipes_are_its_alone)
{
    lab_program(&lab, "close", "close(0); close(1); close(2); for (;;) pause();");
    const char *argv[] = {BOX_BIN_DIR "/close", NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir, .keep_stdin = true};
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    AUTO_CLOSE int in = box_take_stdin(box);
    AUTO_CLOSE int out = box_take_stdout(box);
    AUTO_CLOSE int err_out = box_take_stderr(box);
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    cr_expect((io_poll(out, POLLIN, deadline) & POLLHUP) != 0);
    cr_expect((io_poll(err_out, POLLIN, deadline) & POLLHUP) != 0);
    cr_expect((io_poll(in, 0, deadline) & POLLERR) != 0);
    struct box_exit end;
    cr_expect(box_poll_exit(box, &end, &lab.err) == 0 && !end.ended);
    box_free(box, NULL);
}

/* ---- 3: stdio, opened once more through /proc ---- */

static const char reopened_stdio[] = LAB_CODE({
    for (int fd = 0; fd < 3; fd++) {
        char path[64];
        char target[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        readlink(path, target, sizeof target - 1);
        printf("%d %.6s\n", fd, target);
        fflush(stdout);
        int again = open(path, O_RDWR | O_TRUNC | O_NONBLOCK);
        ftruncate(again, 0);
        pwrite(again, "hacked", 6, 0);
        write(fd == 0 ? again : -1, "hacked", 6);
    }
});

static void make_stdio(int fd, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/%s", lab.dir, name);
    lab_file(&lab, lab.dir, name, "precious", 0666);
    AUTO_CLOSE int file = open(path, O_RDWR | O_CLOEXEC);
    cr_assert(file >= 0 && dup2(file, fd) == fd);
}

/* The owner's own stdin and stdout are files, as under a batch system. */
Test(holes, files_behind_stdio_cannot_be_rewritten)
{
    static const char *const names[] = {"input", "output", "errors"};
    for (int fd = 0; fd < 3; fd++)
        make_stdio(fd, names[fd]);
    sandbox_close(lab.sandbox);
    struct sandbox_options options = {.work_dir = lab.dir};
    cr_assert(sandbox_open(&options, &lab.sandbox, &lab.err) == 0, "%s", lab.err.text);
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, reopened_stdio);
    for (int fd = 0; fd < 3; fd++) {
        AUTO_BUF struct buf text;
        buf_init(&text, 0);
        AUTO_FREE char *path = xasprintf("%s/%s", lab.dir, names[fd]);
        cr_assert(io_read_file(path, 64, &text, ERR_HOST, &lab.err) == 0, "%s", lab.err.text);
        cr_expect_str_eq(text.data, "precious");
    }
    cr_expect_text(outcome, "0 pipe:[\n1 pipe:[\n2 pipe:[\n");
}

/* ---- 6: the arguments of whoever started PID 1 ---- */

static const char arguments_of_init[] = LAB_CODE({
    char text[65536];
    const char *paths[] = {"/proc/self/cmdline", "/proc/1/cmdline"};
    for (int i = 0; i < 2; i++) {
        int letters = 0;
        ssize_t n = read(open(paths[i], O_RDONLY), text, sizeof text);
        for (ssize_t at = 0; at < n; at++)
            letters += text[at] != 0;
        printf("%d %d\n", n >= 0, i == 0 ? letters > 0 : letters);
    }
    ssize_t n = read(open("/proc/1/comm", O_RDONLY), text, sizeof text);
    printf("%.*s", (int)n, text);
});

Test(holes, the_launchers_arguments_are_wiped)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, arguments_of_init);
    cr_expect_text(outcome, "1 1\n1 0\ninit\n");
}

static const char other_processes[] = LAB_CODE({
    DIR *proc = opendir("/proc");
    for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc))
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
            strtol(entry->d_name, NULL, 10) != getpid())
            printf("%s\n", entry->d_name);
    printf("parent %d\n", getppid());
});

Test(holes, no_process_of_the_hosts_is_seen)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, other_processes);
    cr_expect_text(outcome, "1\nparent 1\n");
}

/* ---- what two boxes could meet in ---- */

static const char meeting_points[] = LAB_CODE({
    struct sockaddr_un name = {AF_UNIX, "\0sockgrade-lab"};
    bool first = argv[0][strlen(argv[0]) - 1] == '1';
    int flags = first ? IPC_CREAT | 0666 : 0666;
    int oflags = first ? O_CREAT | O_RDWR : O_RDWR;
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
    if (first) {
        int listener = socket(AF_UNIX, SOCK_STREAM, 0);
        say("bind", bind(listener, (struct sockaddr *)&name, sizeof name));
        say("listen", listen(listener, 5));
    }
    say("abstract",
        connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&name, sizeof name));
    say("shmget", shmget(77, 4096, flags));
    say("msgget", msgget(77, flags));
    say("semget", semget(77, 1, flags));
    say("shm_open", shm_open("/meet", oflags, 0666));
    say("mq_open", mq_open("/meet", oflags, 0666, &attributes));
    say("tmp", open("/tmp/meet", oflags, 0666));
    say("scratch", open("meet", oflags, 0666));
    if (first)
        pause();
});

/* Two boxes at a time: on networks of their own, and on none. */
Test(holes, boxes_do_not_meet)
{
    lab_program(&lab, "box1", meeting_points);
    lab_program(&lab, "box2", meeting_points);
    for (int with_network = 0; with_network < 2; with_network++) {
        struct network *networks[2] = {NULL, NULL};
        for (int i = 0; i < 2 && with_network; i++)
            cr_assert(network_new(lab.sandbox, &networks[i], &lab.err) == 0, "%s", lab.err.text);
        struct box *first = lab_start(&lab, "box1", networks[0]);
        char text[512] = "";
        AUTO_CLOSE int out = box_take_stdout(first);
        for (size_t len = 0; !strstr(text, "scratch: ok\n");) {
            cr_assert(io_poll(out, POLLIN, io_now_ns() + LAB_PATIENCE) > 0, "%s", text);
            ssize_t n = io_read(out, text + len, sizeof text - 1 - len);
            cr_assert(n > 0, "%s", text);
            len += (size_t)n;
        }
        cr_expect_str_eq(text, "bind: ok\nlisten: ok\nabstract: ok\nshmget: ok\nmsgget: ok\n"
                               "semget: ok\nshm_open: ok\nmq_open: ok\ntmp: ok\nscratch: ok\n");
        struct box *second = lab_start(&lab, "box2", networks[1]);
        AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
        lab_drain(second, outcome);
        cr_expect_text(outcome, "abstract: ECONNREFUSED\nshmget: ENOENT\nmsgget: ENOENT\n"
                                "semget: ENOENT\nshm_open: ENOENT\nmq_open: ENOENT\n"
                                "tmp: ENOENT\nscratch: ENOENT\n");
        box_free(first, NULL);
        box_free(second, NULL);
        for (int i = 0; i < 2; i++)
            network_free(networks[i]);
    }
}

/* X servers, D-Bus and container runtimes listen on such names. */
Test(holes, abstract_sockets_of_the_host_are_out_of_reach)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    (void)snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "sockgrade-%d", getpid());
    AUTO_FREE char *attack =
        xasprintf("struct sockaddr_un name = {AF_UNIX, \"\\0sockgrade-%d\"};\n"
                  "int sock = socket(AF_UNIX, SOCK_STREAM, 0);\n"
                  "say(\"connect\", connect(sock, (struct sockaddr *)&name, sizeof name));",
                  getpid());
    AUTO_CLOSE int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    AUTO_CLOSE int own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, (struct sockaddr *)&name, sizeof name) == 0);
    cr_assert(listen(listener, 5) == 0);
    cr_expect(connect(own, (struct sockaddr *)&name, sizeof name) == 0);
    AUTO_FREE struct outcome *alone = lab_attack(&lab, attack);
    cr_expect_text(alone, "connect: ECONNREFUSED\n");
    lab_network(&lab);
    AUTO_FREE struct outcome *joined = lab_attack(&lab, attack);
    cr_expect_text(joined, "connect: ECONNREFUSED\n");
}
