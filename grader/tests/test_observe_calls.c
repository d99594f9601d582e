/* tests/test_observe_calls.c: system calls that are met on purpose: which ones, how exactly, and what is left alone. */
#include "observe/calls.h"
#include "tests/calls_programs.h"
#include "tests/observe_lab.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/ptrace.h>

__attribute__((constructor)) static void run_instead(void)
{
    const char *name = getenv("CALLS_PROGRAM");
    if (name) {
        (void)calls_program(name, STYLES_PORT);
        _exit(0);
    }
}

struct traced_run {
    struct lab lab;
    const struct call_fault *faults;
    size_t n_faults;
    uint64_t seed;
    struct call_tracer *tracer;
};

static int attach(void *self, pid_t program, struct err *err)
{
    struct traced_run *run = self;
    return calls_trace(program, run->faults, run->n_faults, run->seed, &run->tracer, err);
}

/* Starts it with these faults, watched and with a ledger, as the driver does. */
static void start(struct traced_run *run, const char *program)
{
    char variable[64];
    int numbers[CALLS_MAX_NUMBERS];
    const char *argv[] = {BOX_BIN_DIR "/server", NULL};
    const char *env[] = {variable, NULL};
    struct lab *lab = &run->lab;
    struct box_trace trace = {.calls = numbers,
                              .n_calls = calls_numbers(run->faults, run->n_faults, numbers),
                              .self = run,
                              .attach = attach};
    struct box_spec spec = {.kind = BOX_RUN,
                            .network = lab->network,
                            .argv = argv,
                            .env = env,
                            .bin_dir = lab->dir,
                            .timer_ledger = true,
                            .trace = &trace};
    snprintf(variable, sizeof variable, "CALLS_PROGRAM=%s", program);
    cr_assert_eq(box_start(lab->sandbox, &spec, &lab->boxes[0], &lab->err), 0, "%s", lab->err.text);
    lab->out[0] = box_take_stdout(lab->boxes[0]);
    io_set_nonblock(lab->out[0], false);
    AUTO_CLOSE int ledger = box_take_ledger(lab->boxes[0]);
    cr_assert_eq(observer_add(lab->observer, box_init_pid(lab->boxes[0]),
                              box_program_pid(lab->boxes[0]), ledger, &lab->err),
                 0, "%s", lab->err.text);
    observer_traced(lab->observer, box_init_pid(lab->boxes[0]), run->tracer);
}

static void stop(struct traced_run *run)
{
    lab_stop(&run->lab, 0);
    calls_free(run->tracer);
    run->tracer = NULL;
}

/* All that it prints until it ends. */
static char *output(struct traced_run *run)
{
    char *text = xcalloc(1, 1000);
    cr_assert_geq(io_read_full(run->lab.out[0], text, 999), 0);
    return text;
}

static void open_lab(struct traced_run *run)
{
    cr_assert_eq(lab_open(&run->lab), 0, "%s", run->lab.err.text);
}

/* Runs the program to its end under one fault; what it printed. */
static char *run_with(struct traced_run *run, const struct call_fault *fault, const char *program)
{
    run->faults = fault;
    run->n_faults = 1;
    start(run, program);
    return output(run);
}

static void expect_eintr(const char *program)
{
    struct traced_run run = {0};
    struct call_fault fault = {.kind = CALL_RECV, .sys_errno = EINTR, .every = 2};
    open_lab(&run);
    AUTO_FREE char *text = run_with(&run, &fault, program);
    struct call_count count = calls_count(run.tracer, CALL_RECV);
    cr_expect_str_eq(text, "50");
    cr_expect_eq(count.calls, CALLS_WORKERS * CALLS_EACH, "%" PRIu64, count.calls);
    cr_expect_eq(count.failed, 50);
    cr_expect_eq(count.shortened, 0);
    stop(&run);
    lab_close(&run.lab);
}

Test(observe_calls, every_second_call_of_all_threads_is_interrupted_and_no_other, .timeout = 120)
{
    expect_eintr("threads");
}

Test(observe_calls, children_and_their_children_count_together, .timeout = 120)
{
    expect_eintr("forks");
}

static void expect_output(struct call_fault fault, const char *program, const char *expected)
{
    struct traced_run run = {0};
    open_lab(&run);
    AUTO_FREE char *text = run_with(&run, &fault, program);
    cr_expect_str_eq(text, expected);
    stop(&run);
    lab_close(&run.lab);
}

Test(observe_calls, streams_move_no_more_than_they_may, .timeout = 120)
{
    struct call_fault fault = {.kind = CALL_SEND, .max = 3};
    expect_output(fault, "short", "3 3 3 2 10 1 -1 -1");
    fault.kind = CALL_RECV;
    expect_output(fault, "short", "10 10 10 2 3 3 5 5");
}

Test(observe_calls, of_several_buffers_the_first_is_moved_in_part, .timeout = 120)
{
    struct call_fault fault = {.kind = CALL_SEND, .max = 3};
    expect_output(fault, "vectors", "3 3 6 -1 3 5 5 2 4 6");
    fault.max = 7; /* no more than the first of them */
    expect_output(fault, "vectors", "5 5 10 -1 3 5 5 2 4 6");
    fault = (struct call_fault){.kind = CALL_RECV, .max = 3};
    expect_output(fault, "vectors", "10 10 3 3 3 5 5 2 4 6");
    fault = (struct call_fault){.kind = CALL_SEND, .max = 3};
    expect_output(fault, "constant", "10");
}

Test(observe_calls, what_must_come_whole_comes_whole, .timeout = 120)
{
    struct call_fault fault = {.kind = CALL_SEND, .max = 1};
    expect_output(fault, "whole", "10 10 10 10 10 10");
    fault.kind = CALL_RECV;
    expect_output(fault, "whole", "10 10 10 10 10 10");
}

Test(observe_calls, a_shortened_call_leaves_its_registers_alone, .timeout = 120)
{
    struct call_fault fault = {.kind = CALL_SEND, .max = 4};
    expect_output(fault, "register", "4 10");
}

/* Every recv and every poll is interrupted; times: how many of each (0: one). */
static void expect_interrupted(const char *program, unsigned times, const char *want)
{
    struct traced_run run = {0};
    const struct call_fault both[] = {
        {.kind = CALL_RECV, .sys_errno = EINTR, .nth = 1, .times = times},
        {.kind = CALL_POLL, .sys_errno = EINTR, .nth = 1, .times = times}};
    open_lab(&run);
    run.faults = both;
    run.n_faults = 2;
    start(&run, program);
    AUTO_FREE char *text = output(&run);
    cr_expect_str_eq(text, want);
    stop(&run);
    lab_close(&run.lab);
}

Test(observe_calls, calls_that_cannot_wait_are_not_interrupted, .timeout = 120)
{
    expect_interrupted("impatient", 0, "1 1 0 0 0 1");
}

/* EINTR is for programs that a signal can interrupt, and that have to go on: signal(7). */
Test(observe_calls, calls_that_no_signal_can_interrupt_are_left_alone, .timeout = 120)
{
    expect_interrupted("signals", 1000, "000 000 011 111 111 001 000 ");
}

Test(observe_calls, a_call_that_fails_was_not_made, .timeout = 120)
{
    struct traced_run run = {0};
    const struct call_fault both[] = {
        {.kind = CALL_CONNECT, .sys_errno = ETIMEDOUT, .nth = 1},
        {.kind = CALL_ACCEPT, .sys_errno = ECONNABORTED, .nth = 1, .times = 2}};
    open_lab(&run);
    run.faults = both;
    run.n_faults = 2;
    start(&run, "accept");
    AUTO_FREE char *text = output(&run);
    cr_expect_str_eq(text, "1 0 1 1 0 end"); /* the connection was still there at the third */
    struct call_event event = {0};
    cr_assert(calls_next_event(run.tracer, &event));
    cr_expect_eq(event.kind, CALL_CONNECT);
    cr_assert(calls_next_event(run.tracer, &event));
    cr_assert(calls_next_event(run.tracer, &event));
    cr_expect_eq(event.kind, CALL_ACCEPT);
    cr_expect_eq(event.number, 2);
    cr_expect_eq(event.sys_errno, ECONNABORTED);
    cr_expect_not(calls_next_event(run.tracer, &event));
    stop(&run);
    lab_close(&run.lab);
}

Test(observe_calls, chance_follows_the_seed, .timeout = 120)
{
    struct traced_run run = {0};
    struct call_fault fault = {.kind = CALL_RECV, .sys_errno = EINTR, .chance = 0.5};
    char *texts[3];
    open_lab(&run);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        run.seed = i < 2 ? 7 : 8;
        texts[i] = run_with(&run, &fault, "pattern");
        stop(&run);
    }
    cr_expect_eq(strlen(texts[0]), 64);
    cr_expect(strchr(texts[0], '0') && strchr(texts[0], '1'), "%s", texts[0]);
    cr_expect_str_eq(texts[0], texts[1]);
    cr_expect_str_neq(texts[0], texts[2]);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    lab_close(&run.lab);
}

Test(observe_calls, init_stays_hidden_from_a_traced_program, .timeout = 120)
{
    struct call_fault fault = {.kind = CALL_RECV, .max = 1};
    expect_output(fault, "init", "1");
}

Test(observe_calls, exec_from_a_thread_is_followed, .timeout = 120)
{
    struct call_fault fault = {.kind = CALL_RECV, .sys_errno = EINTR, .nth = 2, .times = 3};
    expect_output(fault, "exec",
                  "0111000000000000000000000000000000000000000000000000000000000000");
}

/* Whoever holds this process as its tracer. */
static int count_tracees(void)
{
    int count = 0;
    char needle[32];
    DIR *proc = opendir("/proc");
    snprintf(needle, sizeof needle, "TracerPid:\t%d\n", (int)getpid());
    for (const struct dirent *entry; (entry = readdir(proc));) {
        char path[300];
        char text[4096] = {0};
        snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        (void)!fread(text, 1, sizeof text - 1, file);
        fclose(file);
        count += strstr(text, needle) != NULL;
    }
    closedir(proc);
    return count;
}

static int count_threads(void)
{
    int count = 0;
    DIR *threads = opendir("/proc/self/task");
    while (readdir(threads))
        count++;
    closedir(threads);
    return count;
}

Test(observe_calls, nothing_is_left_of_a_program_that_dies_in_its_calls, .timeout = 120)
{
    struct traced_run run = {0};
    struct call_fault fault = {.kind = CALL_RECV, .max = 1};
    char word[5];
    open_lab(&run);
    int before = count_threads();
    run.faults = &fault;
    run.n_faults = 1;
    for (int i = 0; i < 20; i++) {
        start(&run, "die");
        if (i > 0) /* at first while it is being started */
            cr_assert_eq(io_read_full(run.lab.out[0], word, sizeof word), (ssize_t)sizeof word);
        if (i == 1)
            cr_expect_eq(lab_settle(&run.lab), ACTIVITY_SILENT, "%s", run.lab.report.why);
        stop(&run);
    }
    cr_expect_eq(count_tracees(), 0);
    cr_expect_eq(count_threads(), before);
    lab_close(&run.lab);
}

/* The answer waits for the ends of children, which the tracer learns first: no moment of it may be taken for rest. */
Test(observe_calls, silence_is_not_seen_before_an_answer, .timeout = 300)
{
    struct traced_run run = {0};
    const struct call_fault both[] = {{.kind = CALL_RECV, .sys_errno = EINTR, .every = 2},
                                      {.kind = CALL_SEND, .max = 1}};
    char word[5];
    int wrong = 0;
    open_lab(&run);
    run.faults = both;
    run.n_faults = 2;
    start(&run, "serve");
    cr_assert_eq(io_read_full(run.lab.out[0], word, sizeof word), (ssize_t)sizeof word);
    AUTO_CLOSE int fd = lab_connect(&run.lab, SOCK_STREAM);
    cr_assert_geq(fd, 0, "%s", run.lab.err.text);
    for (int i = 0; i < 100; i++)
        wrong += lab_ask(&run.lab, fd, 'x') != LAB_ANSWERED;
    cr_expect_eq(wrong, 0);
    cr_expect_eq(lab_await(&run.lab, fd), LAB_SILENT);
    cr_expect_gt(calls_held_ns(run.tracer), 0);
    stop(&run);
    lab_close(&run.lab);
}

/* The only child of this process. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    char text[32] = {0};
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && io_read(fd, text, sizeof text - 1) > 0 ? (pid_t)strtol(text, NULL, 10) : -1;
}

static bool is_zombie(pid_t pid)
{
    char path[64];
    char text[512] = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && io_read(fd, text, sizeof text - 1) > 0 && strstr(text, ") Z ");
}

/* This test is the tracer, and takes its time: the parent, asleep until it is told, will act by itself. */
Test(observe_calls, a_zombie_that_the_tracer_holds_is_no_rest, .timeout = 120)
{
    struct traced_run run = {0};
    char word[5];
    open_lab(&run);
    start(&run, "wait");
    pid_t init = box_init_pid(run.lab.boxes[0]);
    cr_assert_eq(io_read_full(run.lab.out[0], word, sizeof word), (ssize_t)sizeof word);
    cr_expect_eq(lab_settle(&run.lab), ACTIVITY_SILENT, "%s", run.lab.report.why);
    pid_t child = child_of(box_program_pid(run.lab.boxes[0]));
    cr_assert_gt(child, 0);
    cr_assert_eq(ptrace(PTRACE_SEIZE, child, NULL, NULL), 0, "%s", strerror(errno));
    cr_assert_eq(kill(child, SIGKILL), 0);
    while (!is_zombie(child))
        sched_yield();
    observer_traced(run.lab.observer, init, (struct call_tracer *)&run); /* asked nothing here */
    for (int i = 0; i < 20; i++)
        cr_expect_eq(lab_probe(&run.lab), ACTIVITY_BUSY);
    observer_traced(run.lab.observer, init, NULL);
    cr_expect_eq(waitpid(child, NULL, __WALL), child);
    cr_expect_eq(io_read_full(run.lab.out[0], word, sizeof word), 0); /* the parent ends, too */
    stop(&run);
    lab_close(&run.lab);
}

Test(observe_calls, a_program_that_has_gone_cannot_be_traced)
{
    struct call_tracer *tracer = NULL;
    struct call_fault fault = {.kind = CALL_RECV, .max = 1};
    struct err err = {0};
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    cr_expect_eq(calls_trace(child, &fault, 1, 0, &tracer, &err), -1);
    cr_expect_eq(err.kind, ERR_HOST);
    cr_expect(strstr(err.text, "ptrace") != NULL, "%s", err.text);
    cr_expect_null(tracer);
}
