/* build: the clock that ends a build: what waits, what works and what is starved are told apart. */
#include "build/patience.h"

#include "base/io.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define MS 1000000ULL

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
    if (pid == 0)
        body();
    cr_assert_gt(pid, 0);
    return pid;
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

Test(build_patience, what_sleeps_is_idle_and_its_time_counts)
{
    pid_t child = start(pause_child);
    struct patience patience;
    patience_init(&patience, getpid(), 100);
    (void)look(&patience, 1); /* from here on it is known */
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
    patience_init(&patience, getpid(), 100);
    (void)look(&patience, 4);
    cr_assert_eq(patience.idle_ns, 0);
    end(child);
    patience_done(&patience);
}

Test(build_patience, a_child_that_comes_or_goes_is_a_sign_of_life)
{
    struct patience patience;
    patience_init(&patience, getpid(), 100);
    (void)look(&patience, 1);
    pid_t child = start(pause_child);
    (void)look(&patience, 1);
    cr_assert_eq(patience.idle_ns, 0, "it came");
    (void)look(&patience, 2);
    cr_assert_gt(patience.idle_ns, 0);
    end(child);
    (void)look(&patience, 1);
    cr_assert_eq(patience.idle_ns, 0, "it went");
    patience_done(&patience);
}

Test(build_patience, the_limit_ends_it)
{
    pid_t child = start(pause_child);
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

Test(build_patience, a_starved_build_is_given_more_time)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    int cpu = sched_getcpu();
    cr_assert_geq(cpu, 0);
    CPU_SET((size_t)cpu, &one);
    struct patience patience;
    pid_t children[6];
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one),
                 0); /* six that want to run, one processor */
    for (size_t i = 0; i < ARRAY_SIZE(children); i++)
        children[i] = start(spin_child);
    patience_init(&patience, getpid(), 100);
    (void)look(&patience, 1);
    uint64_t student = patience.student_ns;
    uint64_t wall = look(&patience, 12);
    cr_assert_lt(patience.student_ns - student, wall / 2, "%llu of %llu ns count",
                 (unsigned long long)(patience.student_ns - student), (unsigned long long)wall);
    for (size_t i = 0; i < ARRAY_SIZE(children); i++)
        end(children[i]);
    patience_done(&patience);
}
