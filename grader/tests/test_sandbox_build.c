/* tests of sandbox/: a build's box, and what is taken out of it. */
#include "tests/sandbox_lab.h"

#include <time.h>

static struct lab lab;

static void open_lab(void)
{
    lab_open(&lab);
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(build, .init = open_lab, .fini = close_lab, .timeout = 240);

/* Runs the shell script among the sources to its end; its output is in *ret. The box is the caller's. */
static struct box *build(const char *script, struct outcome *ret)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct box_spec spec = {.kind = BOX_BUILD, .argv = argv, .source_dir = lab.src_dir};
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    memset(ret, 0, sizeof *ret);
    lab_await_exit(&lab, box, &ret->end);
    return box;
}

/* cc is a link through /etc/alternatives on Debian. */
Test(build, the_compiler_is_found_by_its_common_names)
{
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    lab_file(&lab, lab.src_dir, "hello.c",
             "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n", 0644);
    lab_file(&lab, lab.src_dir, "Makefile", "hello: hello.o\n", 0644);
    struct box *box = build("make -s && ./hello && cc -o other hello.c && ./other && "
                            "command -v cc && pwd; awk 'BEGIN { print 6 * 7 }'",
                            outcome);
    lab_drain(box, outcome);
    cr_expect_text(outcome, "hello\nhello\n/usr/bin/cc\n" BOX_BUILD_DIR "\n42\n");
    cr_expect(outcome->end.code == 0);
    box_free(box, NULL);
}

Test(build, there_is_no_network_but_its_own_loopback)
{
    static const char attack[] = LAB_CODE({
        const char *hosts[] = {"10.0.0.1", "192.0.2.1", "169.254.169.254"};
        for (int i = 0; i < 3; i++) {
            struct sockaddr_in to = {AF_INET, htons(80), {inet_addr(hosts[i])}};
            say(hosts[i], connect(socket(AF_INET, SOCK_DGRAM, 0), (void *)&to, sizeof to));
        }
        struct sockaddr_in self = {AF_INET, htons(5000), {htonl(INADDR_LOOPBACK)}};
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        bind(listener, (void *)&self, sizeof self);
        listen(listener, 1);
        say("loopback", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&self, sizeof self));
    });
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    lab_program(&lab, "attack", attack);
    AUTO_FREE char *from = xasprintf("%s/attack", lab.bin_dir);
    AUTO_FREE char *to = xasprintf("%s/attack", lab.src_dir);
    cr_assert(rename(from, to) == 0);
    struct box *box = build("./attack", outcome);
    lab_drain(box, outcome);
    cr_expect_text(outcome, "10.0.0.1: ENETUNREACH\n192.0.2.1: ENETUNREACH\n"
                            "169.254.169.254: ENETUNREACH\nloopback: ok\n");
    box_free(box, NULL);
}

/* Links in the sources stay links; they lead nowhere, for the host's files are not there. */
Test(build, is_done_on_a_copy_of_the_sources)
{
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    AUTO_FREE char *link = xasprintf("%s/link", lab.src_dir);
    AUTO_FREE char *fifo = xasprintf("%s/fifo", lab.src_dir);
    AUTO_FREE char *deep = xasprintf("%s/deep", lab.src_dir);
    cr_assert(symlink("/etc/shadow", link) == 0 && mkfifo(fifo, 0644) == 0);
    cr_assert(mkdir(deep, 0755) == 0);
    lab_hand_over(&lab, deep);
    lab_file(&lab, lab.src_dir, "deep/file", "original\n", 0444);
    struct box *box = build("cat deep/file; echo changed >deep/file; readlink link; "
                            "cat link 2>/dev/null || echo no; ls; "
                            "(: >/usr/x) 2>/dev/null || cat deep/file",
                            outcome);
    lab_drain(box, outcome);
    box_free(box, NULL);
    cr_expect_text(outcome, "original\n/etc/shadow\nno\ndeep\nlink\nchanged\n");
    AUTO_FREE char *file = xasprintf("%s/deep/file", lab.src_dir);
    AUTO_BUF struct buf text;
    buf_init(&text, 0);
    cr_assert(io_read_file(file, 64, &text, ERR_HOST, &lab.err) == 0, "%s", lab.err.text);
    cr_expect_str_eq(text.data, "original\n");
}

static const char traps[] =
    "echo good >good; mkdir dir; echo deep >dir/deep; ln -s good link; ln -s dir linked;"
    "ln -s /etc/passwd secret; mkfifo fifo; head -c 100001 /dev/zero >big; : >empty;"
    "chmod 000 good; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'";

/* Whoever opens what a hand-in has built must not be led out of it, nor made to wait. */
Test(build, only_regular_files_are_collected)
{
    static const struct {
        const char *name;
        int sys_errno;
    } cases[] = {{"good", EACCES},      {"dir/deep", 0},          {"empty", 0},
                 {"link", ELOOP},       {"linked/deep", ELOOP},   {"secret", ELOOP},
                 {"fifo", EINVAL},      {"big", EFBIG},           {"missing", ENOENT},
                 {"dir", EINVAL},       {"../etc/passwd", EXDEV}, {"/etc/passwd", EXDEV},
                 {"dir/../empty", 0},   {"sock", ENXIO},          {"", ENOENT},
                 {"good/deep", ENOTDIR}};
    const char *names[ARRAY_SIZE(cases)];
    int fds[ARRAY_SIZE(cases)];
    int errnos[ARRAY_SIZE(cases)];
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        names[i] = cases[i].name;
    struct box *box = build(traps, outcome);
    cr_assert(box_collect(box, names, ARRAY_SIZE(cases), 100000, fds, errnos, &lab.err) == 0, "%s",
              lab.err.text);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        cr_expect(errnos[i] == cases[i].sys_errno, "'%s': %s", cases[i].name, strerror(errnos[i]));
        cr_expect((fds[i] >= 0) == (errnos[i] == 0), "'%s': %d", cases[i].name, fds[i]);
    }
    box_free(box, NULL);
    char text[8];
    cr_expect(io_read(fds[1], text, sizeof text) == 5 && memcmp(text, "deep\n", 5) == 0,
              "the descriptor outlives the box");
    cr_expect(io_write(fds[1], "x", 1) < 0 && errno == EBADF);
    cr_expect((fcntl(fds[1], F_GETFD) & FD_CLOEXEC) != 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* A daemon of the build's that rewrites the program, by name and through a mapping, until after it was looked at. */
static const char rewriter[] = LAB_CODE({
    int fd = open("program", O_RDWR | O_CREAT, 0755);
    ftruncate(fd, 4096);
    volatile unsigned *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fork() != 0) {
        while (*mapped == 0)
            ;
        return 0;
    }
    setsid();
    for (int i = 1; i <= SIGRTMAX; i++)
        signal(i, SIG_IGN);
    for (unsigned i = 1;; i++)
        *mapped = i;
});

Test(build, what_was_collected_does_not_change)
{
    static const char *const names[] = {"program"};
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    lab_program(&lab, "rewriter", rewriter);
    AUTO_FREE char *from = xasprintf("%s/rewriter", lab.bin_dir);
    AUTO_FREE char *to = xasprintf("%s/rewriter", lab.src_dir);
    cr_assert(rename(from, to) == 0);
    struct box *box = build("./rewriter", outcome);
    int fd = -1;
    int sys_errno = 0;
    unsigned before = 0;
    unsigned after = 0;
    cr_assert(box_collect(box, names, 1, 1 << 20, &fd, &sys_errno, &lab.err) == 0 && fd >= 0);
    for (int i = 0; i < 20; i++) {
        struct timespec meanwhile = {.tv_nsec = 5000000};
        cr_assert(pread(fd, &after, sizeof after, 0) == sizeof after);
        before = i == 0 ? after : before;
        cr_assert(before == after, "changed after it was collected");
        (void)nanosleep(&meanwhile, NULL);
    }
    (void)close(fd);
    box_free(box, NULL);
}

Test(build, nothing_is_collected_before_the_end)
{
    static const char *const names[] = {"Makefile"};
    const char *argv[] = {"/bin/cat", NULL};
    struct box_spec spec = {
        .kind = BOX_BUILD, .argv = argv, .source_dir = lab.src_dir, .keep_stdin = true};
    struct box *box = NULL;
    int fd = -1;
    int sys_errno = 0;
    lab_file(&lab, lab.src_dir, "Makefile", "all:\n", 0644);
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    cr_expect(box_collect(box, names, 1, 1 << 20, &fd, &sys_errno, &lab.err) == -1);
    cr_expect(lab.err.sys_errno == EBUSY, "%s", lab.err.text);
    (void)close(box_take_stdin(box));
    lab_await_exit(&lab, box, &(struct box_exit){0});
    struct err err = {0};
    cr_expect(box_collect(box, names, 1, 1 << 20, &fd, &sys_errno, &err) == 0, "%s", err.text);
    cr_expect(fd >= 0 && close(fd) == 0);
    box_free(box, NULL);
}

/* Files of a build stand beside the sources, and are found first where PATH says so. */
Test(build, tools_of_ours_stand_before_the_real_ones)
{
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    static const char tool[] = "#!/bin/sh\necho ours \"$@\"\n";
    const struct box_file file = {
        .kind = BOX_FILE_DATA, .mode = 0755, .path = "gcc", .bytes = tool, .len = sizeof tool - 1};
    const char *argv[] = {"/bin/sh", "-c", "gcc -o x x.c; ls", NULL};
    const char *env[] = {"PATH=" BOX_BIN_DIR ":/usr/bin:/bin", NULL};
    lab_file(&lab, lab.src_dir, "x.c", "", 0644);
    struct box_spec spec = {.kind = BOX_BUILD,
                            .argv = argv,
                            .env = env,
                            .source_dir = lab.src_dir,
                            .files = &file,
                            .n_files = 1};
    lab_run(&lab, &spec, outcome);
    cr_expect_text(outcome, "ours -o x x.c\nx.c\n");
}

/* What a run has logged outlives it, the program's children are dead by then, and a link leads nowhere. */
Test(build, logs_come_out_of_a_run)
{
    struct box *box = NULL;
    struct box_exit end;
    lab_program(&lab, "logger", LAB_CODE({
        if (fork() == 0)
            for (;;)
                pause();
        FILE *log = fopen("/log/san.2", "w");
        fprintf(log, "told by %d\n", (int)getpid());
        fclose(log);
        symlink("/etc/passwd", "/log/san.3");
    }));
    lab_network(&lab);
    const char *argv[] = {BOX_BIN_DIR "/logger", NULL};
    struct box_spec spec = {.kind = BOX_RUN,
                            .argv = argv,
                            .network = lab.network,
                            .bin_dir = lab.bin_dir,
                            .log_dir = true};
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    lab_await_exit(&lab, box, &end);
    AUTO_CLOSE int folder = box_end_logs(box, &lab.err);
    cr_assert_geq(folder, 0, "%s", lab.err.text);
    box_free(box, NULL);
    char text[64] = "";
    AUTO_CLOSE int log = openat(folder, "san.2", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    cr_assert_geq(log, 0);
    cr_expect_gt(io_read_full(log, text, sizeof text - 1), 0);
    cr_expect_str_eq(text, "told by 2\n", "BOX_PROGRAM_PID");
    cr_expect_lt(openat(folder, "san.3", O_RDONLY | O_NOFOLLOW | O_CLOEXEC), 0);
}
