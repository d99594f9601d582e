/* tests/rivals.h: processes that want the processor that a test's program wants. Include after observe_styles.h. */
#ifndef GRADER_TESTS_RIVALS_H
#define GRADER_TESTS_RIVALS_H

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

/* Keeps this process, and whatever is born of it from now on, on the processor where it is: ret_here. ret_all: where it may
 * run otherwise, for sched_setaffinity(2). */
static inline void rivals_stay_here(cpu_set_t *ret_here, cpu_set_t *ret_all)
{
    CPU_ZERO(ret_here);
    CPU_SET((size_t)sched_getcpu(), ret_here);
    cr_assert_eq(sched_getaffinity(0, sizeof *ret_all, ret_all), 0);
    cr_assert_eq(sched_setaffinity(0, sizeof *ret_here, ret_here), 0);
}

/* Each in a session of its own: the scheduler shares out processors by sessions first (sched(7), autogroup). where: the
 * processors that they want; NULL: this process's. */
static inline void rivals_start(pid_t *rivals, size_t count, const cpu_set_t *where)
{
    for (size_t i = 0; i < count; i++)
        if ((rivals[i] = fork()) == 0) {
            (void)setsid();
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves none of them */
            if (where && sched_setaffinity(0, sizeof *where, where) < 0)
                _exit(1);
            for (;;)
                styles_burn(1000000);
        }
}

static inline void rivals_end(const pid_t *rivals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kill(rivals[i], SIGKILL);
    for (size_t i = 0; i < count; i++)
        waitpid(rivals[i], NULL, 0);
}

#endif
