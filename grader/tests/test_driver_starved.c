/* tests of driver/: the grader itself is kept from working, by a child that stops this process again and again. Nothing may
 * be held against a program that the grader only saw too late. */
#include "tests/driver_lab.h"
#include "tests/rivals.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define STOP_MS 80
#define RUN_MS  10
#define TURNS   6

struct stutter {
    pid_t child;
    atomic_bool *ends; /* shared with the child */
};

/* Stops its parent for most of the time; ends with it, or when it is told to, and never while its parent is stopped. */
static struct stutter start_stutter(void)
{
    struct stutter stutter = {.ends = mmap(NULL, sizeof *stutter.ends, PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    cr_assert_neq((void *)stutter.ends, MAP_FAILED);
    pid_t parent = getpid();
    stutter.child = fork();
    if (stutter.child != 0)
        return stutter;
    for (int i = 0; i < 6000 && getppid() == parent && !*stutter.ends; i++) {
        (void)kill(parent, SIGSTOP);
        styles_sleep(STOP_MS);
        (void)kill(parent, SIGCONT);
        styles_sleep(RUN_MS);
    }
    _exit(0);
}

static void end_stutter(const struct stutter *stutter)
{
    *stutter->ends = true;
    (void)waitpid(stutter->child, NULL, 0);
    (void)munmap((void *)stutter->ends, sizeof *stutter->ends);
}

static struct played play_stuttering(const char *style, const char *steps)
{
    struct stutter stutter = start_stutter();
    struct played played = play_steps(style, steps);
    end_stutter(&stutter);
    return played;
}

/* The answer costs 50 ms of processor time, so for 20 ms there is silence, whenever the grader comes to look. With a clock that
 * excuses the grader's own absence, or with bytes looked at before the clock, this fails in most turns. */
Test(driver_starved, what_came_after_the_span_does_not_break_it, .timeout = 120)
{
    for (int i = 0; i < TURNS; i++) {
        struct played played = play_stuttering(
            "block",
            "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'C'},"
            "{'expect': 'a', 'silence': 0.02}, {'expect': 'a', 'data': 'r', 'within': 20}");
        cr_assert(played.trace.completed, "turn %d: %s", i, told(&played));
        cr_assert(played.trace.starved_us >= STOP_MS * 1000 / 2, "it was not starved: %llu us",
                  (unsigned long long)played.trace.starved_us);
        played_done(&played);
    }
}

/* The same for a state: it dies by itself after 50 ms of processor time, and was alive for 20. */
Test(driver_starved, who_ended_after_the_span_was_alive_in_it, .timeout = 120)
{
    for (int i = 0; i < TURNS; i++) {
        struct played played = play_stuttering(
            "block", "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'D'},"
                     "{'check': 'srv', 'alive': true, 'for': 0.02},"
                     "{'check': 'srv', 'alive': false, 'within': 20}");
        cr_assert(played.trace.completed, "turn %d: %s", i, told(&played));
        played_done(&played);
    }
}

/* What is there from the start breaks the span all the same, however late the grader looks a second time. */
Test(driver_starved, what_was_there_from_the_start_breaks_it, .timeout = 120)
{
    unsigned broken = 0;
    for (int i = 0; i < TURNS; i++) {
        struct played played = play_stuttering(
            "block", "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'i'},"
                     "{'wait': 0.3}, {'expect': 'a', 'silence': 0.02}");
        broken += last_result(&played)->outcome == OUTCOME_EXTRA;
        played_done(&played);
    }
    cr_expect_eq(broken, TURNS);
}

/* A limit is patience, and what the grader missed counts for nobody: the answer comes within the program's own time. */
Test(driver_starved, patience_does_not_run_while_the_grader_is_away, .timeout = 120)
{
    for (int i = 0; i < TURNS; i++) {
        struct played played = play_stuttering(
            "thread", "{'open': 'a', 'tcp': '${host}:${port}'}, {'send': 'a', 'data': 'c'},"
                      "{'expect': 'a', 'data': 'r', 'within': 0.05}");
        cr_assert(played.trace.completed, "turn %d: %s", i, told(&played));
        played_done(&played);
    }
}

/* The same while the program waits for a processor, which is known only once that has ended, and others of its threads have
 * got one meanwhile: every answer costs 50 ms of processor time, and 24 processes want the same processor. */
Test(driver_starved, a_thread_of_a_crowd_is_waited_for, .timeout = 120)
{
    pid_t rivals[24];
    cpu_set_t here;
    cpu_set_t all;
    rivals_stay_here(&here, &all);
    rivals_start(rivals, ARRAY_SIZE(rivals), NULL);
    struct played played = play_steps(
        "thread", "{'parallel': 6, 'steps': ["
                  "{'open': 'a', 'tcp': '${host}:${port}', 'within': 5}, {'meet': 'in'},"
                  "{'send': 'a', 'data': 'C'}, {'expect': 'a', 'data': 'r', 'within': 0.4}]}");
    rivals_end(rivals, ARRAY_SIZE(rivals));
    cr_expect(played.trace.completed, "%s", told(&played));
    played_done(&played);
}
