/* tests of sandbox/: what a box gives its program, and what it tells its owner. */
#include "tests/sandbox_lab.h"

#include <pthread.h>

static struct lab lab;

static void open_lab(void)
{
    lab_open(&lab);
}

static void close_lab(void)
{
    lab_close(&lab);
}

TestSuite(box, .init = open_lab, .fini = close_lab, .timeout = 120);

Test(box, runs_a_program_and_brings_its_output)
{
    AUTO_FREE struct outcome *outcome =
        lab_attack(&lab, "printf(\"hello\\n\"); fprintf(stderr, \"there\\n\"); return 7;");
    cr_expect(strstr(outcome->text, "hello\n") && strstr(outcome->text, "there\n"));
    cr_expect(outcome->end.ended && !outcome->end.signaled && outcome->end.code == 7);
    cr_expect(outcome->usage.limit_hit == NULL);
    cr_expect(outcome->usage.max_rss_kib > 0);
}

Test(box, tells_the_signal_that_ended_it)
{
    AUTO_FREE struct outcome *outcome = lab_attack(&lab, "abort();");
    cr_expect(outcome->end.signaled && outcome->end.code == SIGABRT);
}

Test(box, an_exec_that_fails_tells_its_errno)
{
    static const struct {
        const char *path;
        int sys_errno;
    } cases[] = {{BOX_BIN_DIR "/nowhere", ENOENT},
                 {BOX_BIN_DIR "/plain", EACCES},
                 {BOX_BIN_DIR "/script", ENOENT}, /* its interpreter is not in the box */
                 {BOX_BIN_DIR "/garbage", ENOEXEC}};
    lab_file(&lab, lab.bin_dir, "plain", "x", 0644);
    lab_file(&lab, lab.bin_dir, "script", "#!/usr/bin/python3\n", 0755);
    lab_file(&lab, lab.bin_dir, "garbage", "garbage", 0755);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *argv[] = {cases[i].path, NULL};
        struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
        struct box *box = NULL;
        struct err err = {0};
        cr_expect(box_start(lab.sandbox, &spec, &box, &err) == -1, "%s ran", cases[i].path);
        cr_expect(err.sys_errno == cases[i].sys_errno, "%s", err.text);
        cr_expect(err.kind == ERR_HOST && box == NULL);
    }
}

Test(box, environment_and_folder_are_fixed)
{
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    const char *argv[] = {"/usr/bin/env", NULL};
    const char *env[] = {"TZ=CET", "EXTRA=1", NULL};
    struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .env = env, .whole_usr = true};
    cr_assert(setenv("LEAK", "secret", 1) == 0);
    lab_run(&lab, &spec, outcome);
    cr_expect_text(
        outcome,
        "PATH=/usr/local/bin:/usr/bin:/bin\nHOME=/scratch\nLANG=C.UTF-8\nTZ=CET\nEXTRA=1\n");
    AUTO_FREE struct outcome *where = lab_shell(&lab, "pwd");
    cr_expect_text(where, "/scratch\n");
}

Test(box, all_seven_namespaces_are_its_own)
{
    static const char *const names[] = {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"};
    AUTO_FREE struct outcome *outcome = lab_shell(
        &lab, "for n in user pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n; done");
    size_t lines = 0;
    for (const char *at = outcome->text; *at; at++)
        lines += *at == '\n';
    cr_expect(lines == ARRAY_SIZE(names), "%s", outcome->text);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char path[64];
        char host[64] = "";
        (void)snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        cr_assert(readlink(path, host, sizeof host - 1) > 0);
        cr_expect(strstr(outcome->text, host) == NULL, "%s is the host's", host);
    }
}

Test(box, holds_no_capability_and_cannot_gain_one)
{
    AUTO_FREE struct outcome *outcome =
        lab_shell(&lab, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
    cr_expect_text(outcome, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
                            "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
                            "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
}

Test(box, a_run_sees_libraries_but_no_tools)
{
    AUTO_FREE struct outcome *outcome = lab_attack(
        &lab,
        "say(\"sh\", access(\"/bin/sh\", F_OK)); say(\"cc\", access(\"/usr/bin/cc\", F_OK));\n"
        "say(\"cc1\", access(\"/usr/lib/gcc\", F_OK)); say(\"sys\", access(\"/sys\", F_OK));\n"
        "say(\"shadow\", access(\"/etc/shadow\", F_OK)); say(\"home\", access(\"/home\", F_OK));\n"
        "say(\"null\", open(\"/dev/null\", O_RDWR)); say(\"tty\", open(\"/dev/tty\", O_RDWR));\n"
        "say(\"tmp\", open(\"/tmp/x\", O_CREAT | O_WRONLY, 0600));\n"
        "say(\"root\", open(\"/x\", O_CREAT | O_WRONLY, 0600));\n"
        "say(\"bin\", open(\"/hand-in/x\", O_CREAT | O_WRONLY, 0600));");
    cr_expect_text(outcome,
                   "sh: ENOENT\ncc: ENOENT\ncc1: ENOENT\nsys: ENOENT\nshadow: ENOENT\n"
                   "home: ENOENT\nnull: ok\ntty: ENOENT\ntmp: ok\nroot: EROFS\nbin: EROFS\n");
}

Test(box, stdin_is_at_its_end_unless_kept)
{
    const char *argv[] = {"/bin/cat", NULL};
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .whole_usr = true};
    lab_run(&lab, &spec, outcome);
    cr_expect_text(outcome, "");
    spec.keep_stdin = true;
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    int in = box_take_stdin(box);
    cr_assert(in >= 0 && box_take_stdin(box) == -1);
    cr_assert(io_write_full(in, "typed\n", 6) == 0);
    (void)close(in);
    lab_drain(box, outcome);
    lab_await_exit(&lab, box, &outcome->end);
    box_free(box, NULL);
    cr_expect_text(outcome, "typed\n");
}

Test(box, pids_are_those_of_the_caller)
{
    const char *argv[] = {"/bin/cat", NULL};
    struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .whole_usr = true, .keep_stdin = true};
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    char path[64];
    struct buf name;
    buf_init(&name, 0);
    (void)snprintf(path, sizeof path, "/proc/%d/comm", box_program_pid(box));
    cr_assert(io_read_file(path, 64, &name, ERR_HOST, &lab.err) == 0, "%s", lab.err.text);
    cr_expect_str_eq(name.data, "cat\n");
    buf_reset(&name);
    (void)snprintf(path, sizeof path, "/proc/%d/comm", box_init_pid(box));
    cr_assert(io_read_file(path, 64, &name, ERR_HOST, &lab.err) == 0, "%s", lab.err.text);
    cr_expect_str_eq(name.data, "init\n");
    struct box_exit end;
    cr_expect(box_poll_exit(box, &end, &lab.err) == 0 && !end.ended);
    buf_done(&name);
    box_free(box, NULL);
    cr_expect(access(path, F_OK) != 0, "init outlived its box");
}

Test(box, files_of_every_kind)
{
    lab_program(&lab, "look",
                "struct stat s; char b[64] = {0};\n"
                "int f = open(\"deep/down/data\", O_RDONLY); say(\"data\", f);\n"
                "printf(\"%zd %s\\n\", read(f, b, sizeof b), b); fstat(f, &s); printf(\"%o\\n\", "
                "s.st_mode);\n"
                "say(\"secret\", open(\"secret\", O_RDONLY));\n"
                "say(\"link\", readlink(\"link\", b, sizeof b - 1)); printf(\"%s\\n\", b);\n"
                "stat(\"fifo\", &s); printf(\"fifo %d\\n\", S_ISFIFO(s.st_mode));\n"
                "stat(\"hole\", &s); printf(\"hole %lld %lld\\n\", (long long)s.st_size, (long "
                "long)s.st_blocks);\n"
                "say(\"write\", open(\"new\", O_CREAT | O_WRONLY, 0600));");
    const struct box_file files[] = {
        {.kind = BOX_FILE_DATA, .path = "deep/down/data", .mode = 0640, .bytes = "a\0b", .len = 3},
        {.kind = BOX_FILE_DATA, .path = "secret", .mode = S_IFREG, .bytes = "s", .len = 1},
        {.kind = BOX_FILE_LINK, .path = "link", .bytes = "/etc/passwd"},
        {.kind = BOX_FILE_FIFO, .path = "fifo"},
        {.kind = BOX_FILE_SPARSE, .path = "hole", .len = (uint64_t)5 << 30},
    };
    const char *argv[] = {BOX_BIN_DIR "/look", NULL};
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    struct box_spec spec = {.kind = BOX_RUN,
                            .argv = argv,
                            .bin_dir = lab.bin_dir,
                            .files = files,
                            .n_files = ARRAY_SIZE(files)};
    lab_run(&lab, &spec, outcome);
    cr_expect_text(outcome, "data: ok\n3 a\n100640\nsecret: EACCES\nlink: ok\n/etc/passwd\nfifo 1\n"
                            "hole 5368709120 0\nwrite: ok\n");
}

Test(box, files_stay_below_the_scratch_folder)
{
    static const char *const paths[] = {"/etc/x", "../x", "a/../../x", "link/x"};
    const char *argv[] = {"/bin/true", NULL};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        const struct box_file files[] = {
            {.kind = BOX_FILE_LINK, .path = "link", .bytes = "/tmp"},
            {.kind = BOX_FILE_DATA, .path = paths[i], .bytes = "x", .len = 1}};
        struct box_spec spec = {
            .kind = BOX_RUN, .argv = argv, .whole_usr = true, .files = files, .n_files = 2};
        struct box *box = NULL;
        struct err err = {0};
        cr_expect(box_start(lab.sandbox, &spec, &box, &err) == -1, "%s was made", paths[i]);
        box_free(box, NULL);
    }
}

Test(box, hosts_are_known_by_name)
{
    const struct box_host_name names[] = {{"10.0.0.1", "server"}, {"fd00::1", "server6"}};
    const char *argv[] = {
        "/bin/sh", "-c",
        "getent ahostsv4 server | head -n 1; getent hosts server6; getent hosts localhost", NULL};
    AUTO_FREE struct outcome *outcome = xcalloc(1, sizeof *outcome);
    lab_network(&lab);
    struct box_spec spec = {.kind = BOX_RUN,
                            .network = lab.network,
                            .argv = argv,
                            .whole_usr = true,
                            .host_names = names,
                            .n_host_names = ARRAY_SIZE(names)};
    lab_run(&lab, &spec, outcome);
    cr_expect(strstr(outcome->text, "10.0.0.1") && strstr(outcome->text, "fd00::1") &&
                  strstr(outcome->text, "localhost"),
              "%s", outcome->text);
}

static char state_of(pid_t pid)
{
    char path[64];
    char line[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, line, sizeof line - 1);
    const char *end = n > 0 ? strrchr(line, ')') : NULL;
    return end ? end[2] : 0;
}

/* A program with a spinning child of its own session: signals must reach both. */
Test(box, stop_and_continue_take_effect_before_they_return)
{
    lab_program(&lab, "spin",
                "pid_t p = fork(); if (p == 0) { setsid(); for (;;) ; }\n"
                "printf(\"r\"); fflush(stdout); for (;;) ;");
    const char *argv[] = {BOX_BIN_DIR "/spin", NULL};
    struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    AUTO_CLOSE int out = box_take_stdout(box);
    char byte = 0;
    cr_assert(io_poll(out, POLLIN, io_now_ns() + LAB_PATIENCE) > 0 && io_read(out, &byte, 1) == 1);
    char children[96];
    struct buf list;
    buf_init(&list, 0);
    (void)snprintf(children, sizeof children, "/proc/%d/task/%d/children", box_program_pid(box),
                   box_program_pid(box));
    cr_assert(io_read_file(children, 256, &list, ERR_HOST, &lab.err) == 0, "%s", lab.err.text);
    pid_t child = (pid_t)strtol(list.data, NULL, 10);
    buf_done(&list);
    for (int round = 0; round < 20; round++) {
        cr_assert(box_signal(box, SIGSTOP, &lab.err) == 0, "%s", lab.err.text);
        cr_expect(state_of(box_program_pid(box)) == 'T' && state_of(child) == 'T');
        cr_assert(box_signal(box, SIGCONT, &lab.err) == 0, "%s", lab.err.text);
        cr_expect(state_of(box_program_pid(box)) != 'T' && state_of(child) != 'T');
    }
    cr_assert(box_signal(box, SIGTERM, &lab.err) == 0, "%s", lab.err.text);
    struct box_exit end;
    lab_await_exit(&lab, box, &end);
    cr_expect(end.signaled && end.code == SIGTERM);
    cr_expect(box_signal(box, SIGTERM, &lab.err) == 0, "nobody left is no error: %s", lab.err.text);
    box_free(box, NULL);
}

Test(box, usage_counts_processes_that_were_still_running)
{
    lab_program(&lab, "burn",
                "if (fork() == 0) for (;;) ;\n"
                "while (clock() < CLOCKS_PER_SEC / 5) ; printf(\"r\"); fflush(stdout); pause();");
    const char *argv[] = {BOX_BIN_DIR "/burn", NULL};
    struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
    struct box *box = NULL;
    cr_assert(box_start(lab.sandbox, &spec, &box, &lab.err) == 0, "%s", lab.err.text);
    AUTO_CLOSE int out = box_take_stdout(box);
    cr_assert(io_poll(out, POLLIN, io_now_ns() + LAB_PATIENCE) > 0);
    struct box_usage usage;
    box_free(box, &usage);
    cr_expect(usage.cpu_us >= 200000, "%llu us", (unsigned long long)usage.cpu_us);
}

static void *run_many(void *count)
{
    const char *argv[] = {BOX_BIN_DIR "/fast", NULL};
    for (int i = 0; i < 10; i++) {
        struct box_spec spec = {.kind = BOX_RUN, .argv = argv, .bin_dir = lab.bin_dir};
        struct box *box = NULL;
        struct network *network = NULL;
        struct err err = {0};
        struct box_exit end = {0};
        if (network_new(lab.sandbox, &network, &err) != 0)
            break;
        spec.network = network;
        if (box_start(lab.sandbox, &spec, &box, &err) == 0 &&
            io_poll(box_event_fd(box), POLLIN, io_now_ns() + LAB_PATIENCE) > 0 &&
            box_poll_exit(box, &end, &err) == 0 && end.code == 3)
            ++*(int *)count;
        box_free(box, NULL);
        network_free(network);
    }
    return NULL;
}

Test(box, many_at_a_time_from_many_threads)
{
    pthread_t threads[4];
    int counts[4] = {0};
    lab_program(&lab, "fast", "return 3;");
    for (int i = 0; i < 4; i++)
        cr_assert(pthread_create(&threads[i], NULL, run_many, &counts[i]) == 0);
    for (int i = 0; i < 4; i++) {
        cr_assert(pthread_join(threads[i], NULL) == 0);
        cr_expect(counts[i] == 10, "%d of 10", counts[i]);
    }
}

Test(box, status_names_what_is_in_force)
{
    const struct sandbox_status *status = sandbox_status(lab.sandbox);
    cr_expect_str_eq(status->tier, "namespaces");
    cr_expect(status->limits && *status->limits);
    if (geteuid() == 0)
        cr_expect(sandbox_uid(lab.sandbox) >= 61000);
    else
        cr_expect(sandbox_uid(lab.sandbox) == geteuid());
}

Test(probe, finds_what_a_box_needs)
{
    struct sandbox_probe probes[32];
    size_t count = sandbox_probe(probes, ARRAY_SIZE(probes));
    cr_expect(count >= 12, "%zu", count);
    for (size_t i = 0; i < count; i++) {
        cr_expect(probes[i].ok || !probes[i].required, "%s: %s", probes[i].name, probes[i].detail);
        cr_expect(probes[i].name[0] && probes[i].detail[0]);
    }
    cr_expect(sandbox_probe(probes, 3) == 3);
}
