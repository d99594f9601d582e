/* build/patience.h: how long a build may still go on, on a machine that may be busy. Private to build.
 *
 * Chosen: wall time less the run delay of the build's processes (schedstat: the time in which a task could have run but
 * had no processor), looked at every PATIENCE_TICK_NS. Of each interval at most the whole is forgiven, by the process
 * that waited longest. Processes that live and die between two looks are missed: the clock then runs a little faster than
 * student time, never slower than a tenth of the wall's. Beside it the processor time of all processes together has the
 * same limit: a fork bomb waits for nobody but itself, and it is to take as much of 64 processors as of two. RLIMIT_CPU
 * would not do: each process has its own, and a make that waits for ever uses none; the wall alone would not either: ten
 * builds on two cores take five times as long as one. Neither does a frozen machine end a build: what waits for a disk is
 * not idle, and between two looks no more than PATIENCE_MOST_NS pass. */
#ifndef GRADER_BUILD_PATIENCE_H
#define GRADER_BUILD_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PATIENCE_TICK_NS 100000000ULL
#define PATIENCE_MOST_NS                                                                           \
    1000000000ULL /* that one look counts: who looked late saw nothing of the rest */
#define PATIENCE_MAX_TASKS   ((size_t)1024) /* looked at; a build may have 256 */
#define PATIENCE_WALL_FACTOR 10
#define PATIENCE_IDLE_SECONDS                                                                      \
    10.0 /* no thread of the build ran or was about to, for so long: it waits for ever */

struct patience_task {
    pid_t pid;
    uint64_t ran_ns, delay_ns;
};

struct patience {
    pid_t init; /* of the box */
    uint64_t began_ns, looked_ns;
    uint64_t student_ns; /* used so far */
    uint64_t idle_ns;    /* since something last ran */
    uint64_t cpu_ns; /* used by all its processes, the ended ones included, as of the last look */
    uint64_t first_cpu_ns; /* the same when it began */
    uint64_t limit_ns;
    struct patience_task *tasks; /* as of the last look */
    size_t n_tasks;
};

/* max_seconds: of student time, and of processor time of all its processes. */
void patience_init(struct patience *patience, pid_t init, double max_seconds);
void patience_done(struct patience *patience);

/* Looks at the processes if a tick has passed. False when patience is at its end. */
bool patience_left(struct patience *patience);

/* When to look again (io_now_ns clock). */
uint64_t patience_next_ns(const struct patience *patience);

#endif
