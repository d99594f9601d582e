/* observe/calls_parts.h: what calls.c (the tracer's thread) and calls_fault.c (which call meets which fault) share. */
#ifndef GRADER_OBSERVE_CALLS_PARTS_H
#define GRADER_OBSERVE_CALLS_PARTS_H

#include "observe/calls.h"
#include "observe/registers.h"

/* A word of the program's memory, and what it holds. */
struct memory_word {
    unsigned long address, value;
};
#define CALLS_MAX_WORDS   2
#define CALLS_NO_ARGUMENT (-1)

/* One thread of the program. */
struct traced {
    pid_t tid, tgid;
    bool shortened; /* it is in a call that was shortened: ... */
    int argument;   /* ... its argument of this number (or CALLS_NO_ARGUMENT) ... */
    unsigned long
        before; /* ... had this value, and these words theirs; they have them again after the call */
    struct memory_word words[CALLS_MAX_WORDS];
    size_t n_words;
};

/* How a call says what it may move. */
enum call_form {
    FORM_LENGTH,  /* an argument is the length; or nothing does, and it is never shortened */
    FORM_VECTOR,  /* arguments 1 and 2 are a struct iovec and its count */
    FORM_MESSAGE, /* argument 1 is a struct msghdr */
};

/* How a call is met. */
struct decision {
    enum { LET_GO, FAIL, SHORTEN } what;
    enum call_kind kind;
    uint64_t number;
    int sys_errno;
    /* SHORTEN: this argument (from 0, or CALLS_NO_ARGUMENT) gets this value, and these words of memory theirs */
    int argument;
    unsigned long value;
    struct memory_word words[CALLS_MAX_WORDS];
    size_t n_words;
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

/* ---- calls_vector.c ---- */

/* What must be changed for a call with several buffers to move at most max bytes, of its first buffer: argument, value,
 * words, asked and most of *ret. False: it moves no more anyway, or cannot be looked at. */
bool calls_shorten_vector(pid_t tid, const struct user_regs_struct *registers, enum call_form form,
                          uint64_t max, struct decision *ret);
/* Before the call and after it. False, and nothing is changed, where the memory cannot be written. */
bool calls_change_memory(struct traced *thread, const struct decision *decision);
void calls_restore_memory(struct traced *thread);

/* ---- calls_fault.c ---- */

/* For a thread that stands before a call. */
struct decision calls_decide(struct faults *faults, const struct traced *thread,
                             const struct user_regs_struct *registers);

#endif
