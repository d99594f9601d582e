/* observe/calls_parts.h: what calls.c (the tracer's thread) and calls_fault.c (which call meets which fault) share. */
#ifndef GRADER_OBSERVE_CALLS_PARTS_H
#define GRADER_OBSERVE_CALLS_PARTS_H

#include "observe/calls.h"
#include "observe/registers.h"

/* One thread of the program. */
struct traced {
    pid_t tid, tgid;
    bool shortened;       /* it is in a call that was shortened: ... */
    int argument;         /* ... its argument of this number ... */
    unsigned long before; /* ... had this value, and has it again after the call */
};

/* How a call is met. */
struct decision {
    enum { LET_GO, FAIL, SHORTEN } what;
    enum call_kind kind;
    uint64_t number;
    int sys_errno;
    int argument; /* SHORTEN: the length's place among the arguments, from 0 */
    uint64_t asked, most;
};

/* The faults of a run, and how many calls of each kind have been met. */
struct faults {
    struct call_fault of[CALL_KINDS]; /* with neither sys_errno nor max: none */
    uint64_t seed;
    uint64_t met[CALL_KINDS];
    uint64_t interrupting; /* signals whose handler was last set without SA_RESTART, from bit 0 */
};

/* ---- calls_signals.c ---- */

/* Of a thread before a call: true when the call is rt_sigaction, which is remembered and never met. */
bool calls_hear_signals(struct faults *faults, const struct traced *thread,
                        const struct user_regs_struct *registers);
/* Whether a signal that the process catches, and has to go on after, could make a call of this thread return EINTR. restarts:
 * the kernel makes the call again where the handler has SA_RESTART. own_mask: the call brings a mask of its own. */
bool calls_can_be_interrupted(const struct faults *faults, const struct traced *thread,
                              bool restarts, bool own_mask);

/* ---- calls_fault.c ---- */

/* For a thread that stands before a call. */
struct decision calls_decide(struct faults *faults, const struct traced *thread,
                             const struct user_regs_struct *registers);

#endif
