/* base/proc: the states of threads. */
#include "base/proc.h"

#include <criterion/criterion.h>
#include <unistd.h>

Test(base_proc, the_letter_behind_the_command)
{
    cr_expect_eq(proc_state("7 (sh) S 1 7"), 'S');
    cr_expect_eq(proc_state("7 (x) R 1 () D 1"), 'D', "the command ends at the last bracket");
    cr_expect_eq(proc_state("7 (sh)"), '\0');
    cr_expect_eq(proc_state("7 (sh)S"), '\0');
    cr_expect_eq(proc_state(""), '\0');
}

/* Who looks at himself runs; a thread of the test library beside him may sleep. */
Test(base_proc, every_thread_or_none)
{
    cr_expect(proc_threads_are(getpid(), "SRD"));
    cr_expect(proc_threads_are(getpid(), "^TtZ"));
    cr_expect_not(proc_threads_are(getpid(), "STtZX"));
    cr_expect_not(proc_threads_are(getpid(), "^R"));
    cr_expect(proc_threads_are(-1, "S"), "nobody objects");
}
