/* tests of driver/: the grader itself is kept from working, by a child that stops this process again and again. Nothing may
 * be held against a program that the grader only saw too late. */
#include "tests/driver_lab.h"

#include <criterion/criterion.h>
#include <signal.h>

#define STOP_MS 80
#define RUN_MS  10
#define TURNS   6

/* Stops its parent for most of the time; ends with it, or when it is told to. */
static pid_t start_stutter(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0)
        return child;
    for (int i = 0; i < 6000 && getppid() == parent; i++) {
        (void)kill(parent, SIGSTOP);
        styles_sleep(STOP_MS);
        (void)kill(parent, SIGCONT);
        styles_sleep(RUN_MS);
    }
    _exit(0);
}

static void end_stutter(pid_t child)
{
    (void)kill(child, SIGKILL);
    (void)kill(getpid(), SIGCONT);
    (void)waitpid(child, NULL, 0);
}

static struct played play_stuttering(const char *style, const char *steps)
{
    pid_t child = start_stutter();
    struct played played = play_steps(style, steps);
    end_stutter(child);
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
