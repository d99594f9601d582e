/* build: the clock that ends a build: what waits, what works and what is starved are told apart. */
#include "build/patience.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS 1000000ULL

/* A test that fails leaves nobody behind. */
static void die_with_parent(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static _Noreturn void spin(void)
{
    for (volatile unsigned n = 0;; n++)
        continue;
}

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        (void)pause();
}

/* A child of this process, which plays the box's init. It ends when asked, or with the test. */
static pid_t start(void (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        die_with_parent();
        body();
    }
    cr_assert_gt(pid, 0);
    return pid;
}

/* The same, and it sleeps already: on a busy machine it may take its time. */
static pid_t start_asleep(void (*body)(void), char state)
{
    pid_t pid = start(body);
    AUTO_FREE char *path = xasprintf("/proc/%d/stat", (int)pid);
    uint64_t began = io_now_ns();
    for (;;) {
        AUTO_BUF struct buf text;
        buf_init(&text, 0);
        cr_assert_eq(io_read_file(path, 4096, &text, ERR_HOST, NULL), 0);
        const char *end = strrchr(text.data, ')');
        if (end && end[2] == state)
            return pid;
        cr_assert_lt(io_now_ns() - began, 60000 * MS);
        (void)poll(NULL, 0, 1);
    }
}

static void end(pid_t pid)
{
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void spin_child(void)
{
    spin();
}

static void pause_child(void)
{
    wait_for_ever();
}

/* Looks as build.c does, for so many ticks. Returns the wall time that this took. */
static uint64_t look(struct patience *patience, unsigned ticks)
{
    uint64_t began = io_now_ns();
    for (unsigned i = 0; i < ticks; i++) {
        while (io_now_ns() < patience_next_ns(patience))
            (void)poll(NULL, 0, 5);
        (void)patience_left(patience);
    }
    return io_now_ns() - began;
}

/* This process plays the box's init, and has looked so often. */
static void watch(struct patience *patience, unsigned ticks)
{
    patience_init(patience, getpid(), 100);
    (void)look(patience, ticks);
}

Test(build_patience, what_sleeps_is_idle_and_its_time_counts)
{
    pid_t child = start_asleep(pause_child, 'S');
    struct patience patience;
    watch(&patience, 1); /* from here on it is known */
    uint64_t student = patience.student_ns;
    uint64_t idle = patience.idle_ns;
    uint64_t wall = look(&patience, 4);
    cr_assert_eq(patience.n_tasks, 1);
    cr_assert_geq(patience.student_ns - student, wall - 2 * MS, "it waits for no processor");
    cr_assert_gt(patience.idle_ns, idle);
    cr_assert(patience_left(&patience));
    end(child);
    patience_done(&patience);
}

Test(build_patience, what_works_is_not_idle)
{
    pid_t child = start(spin_child);
    struct patience patience;
    watch(&patience, 4);
    cr_assert_eq(patience.idle_ns, 0);
    end(child);
    patience_done(&patience);
}

Test(build_patience, a_child_that_comes_or_goes_is_a_sign_of_life)
{
    struct patience patience;
    watch(&patience, 1);
    pid_t child = start_asleep(pause_child, 'S');
    (void)look(&patience, 1);
    cr_assert_eq(patience.idle_ns, 0, "it came");
    (void)look(&patience, 2);
    cr_assert_gt(patience.idle_ns, 0);
    end(child);
    (void)look(&patience, 1);
    cr_assert_eq(patience.idle_ns, 0, "it went");
    patience_done(&patience);
}

/* Its main thread waits for another, which works. */
static void *work(void *unused)
{
    (void)unused;
    spin();
}

static void join_child(void)
{
    pthread_t worker;
    if (pthread_create(&worker, NULL, work, NULL) == 0)
        (void)pthread_join(worker, NULL);
}

Test(build_patience, a_thread_that_works_is_enough)
{
    pid_t child = start(join_child);
    struct patience patience;
    watch(&patience, 4);
    cr_assert_eq(patience.idle_ns, 0);
    end(child);
    patience_done(&patience);
}

/* vfork(2): the parent sleeps in state D until the child has called exec or ended. */
static void vfork_child(void)
{
    if (vfork() == 0) {
        die_with_parent();
        (void)poll(NULL, 0, 60000);
        _exit(0);
    }
    wait_for_ever();
}

Test(build_patience, what_sleeps_in_the_kernel_is_not_idle)
{
    pid_t child = start_asleep(vfork_child, 'D');
    struct patience patience;
    watch(&patience, 4);
    cr_assert_eq(patience.n_tasks, 2);
    cr_assert_eq(patience.idle_ns, 0);
    cr_assert_eq(kill(patience.tasks[1].pid, SIGKILL), 0);
    end(child);
    patience_done(&patience);
}

Test(build_patience, time_that_nobody_saw_does_not_count)
{
    pid_t child = start_asleep(pause_child, 'S');
    struct patience patience;
    watch(&patience, 2);
    uint64_t student = patience.student_ns, idle = patience.idle_ns;
    patience.looked_ns -= 60000 * MS; /* as after a minute in which the machine stood still */
    (void)look(&patience, 1);
    cr_assert_eq(patience.student_ns - student, PATIENCE_MOST_NS);
    cr_assert_eq(patience.idle_ns - idle, PATIENCE_MOST_NS);
    end(child);
    patience_done(&patience);
}

Test(build_patience, the_limit_ends_it)
{
    pid_t child = start_asleep(pause_child, 'S');
    struct patience patience;
    patience_init(&patience, getpid(), 0.25);
    bool left = true;
    uint64_t began = io_now_ns();
    while (left && io_now_ns() - began < 60000 * MS) {
        (void)look(&patience, 1);
        left = patience_left(&patience);
    }
    cr_assert_not(left);
    cr_assert_geq(patience.student_ns, 250 * MS);
    end(child);
    patience_done(&patience);
}

/* The box's init, with a builder that works. */
static void busy_init(void)
{
    if (fork() == 0) {
        die_with_parent();
        spin();
    }
    wait_for_ever();
}

static void stay_on_one_processor(void)
{
    cpu_set_t one;
    int cpu = sched_getcpu();
    CPU_ZERO(&one);
    cr_assert_geq(cpu, 0);
    CPU_SET((size_t)cpu, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
}

/* One builder among five strangers, one processor. */
Test(build_patience, a_starved_build_is_given_more_time)
{
    struct patience patience;
    pid_t strangers[5];
    stay_on_one_processor();
    pid_t init = start(busy_init);
    for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
        strangers[i] = start(spin_child);
    patience_init(&patience, init, 100);
    (void)look(&patience, 1);
    uint64_t student = patience.student_ns;
    uint64_t wall = look(&patience, 12);
    cr_assert_lt(patience.student_ns - student, wall / 2, "%llu of %llu ns count",
                 (unsigned long long)(patience.student_ns - student), (unsigned long long)wall);
    cr_assert_eq(kill(patience.tasks[0].pid, SIGKILL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
        end(strangers[i]);
    end(init);
    patience_done(&patience);
}

static uint64_t cpu_of_children(void)
{
    struct rusage usage;
    cr_assert_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 * MS +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

/* They wait for each other, so hardly any time passes for them: what they use together has an end, too. */
Test(build_patience, a_build_that_starves_itself_is_not)
{
    struct patience patience;
    pid_t children[12];
    stay_on_one_processor();
    for (size_t i = 0; i < ARRAY_SIZE(children); i++)
        children[i] = start(spin_child);
    patience_init(&patience, getpid(), 1);
    bool left = true;
    uint64_t began = io_now_ns();
    while (left && io_now_ns() - began < 60000 * MS) {
        (void)look(&patience, 1);
        left = patience_left(&patience);
    }
    uint64_t used = patience.cpu_ns - patience.first_cpu_ns;
    cr_assert_not(left);
    cr_assert_lt(patience.student_ns, patience.limit_ns);
    cr_assert_geq(used, patience.limit_ns, "ended before it had used it up");
    for (size_t i = 0; i < ARRAY_SIZE(children); i++)
        end(children[i]);
    cr_assert_geq(cpu_of_children() + 200 * MS, used, "more than they had");
    patience_done(&patience);
}
