/* observe/calls_signals.c: which system calls a signal can interrupt, signal(7): only these may fail with EINTR.
 *
 * A program that catches no signal never sees EINTR, and one that catches SIGCHLD with SA_RESTART sees it from poll and its
 * kin alone: no correct program needs to expect more. /proc/PID/status says which signals are caught, and not how, so the
 * calls of rt_sigaction are listened to. The flags are remembered for the whole box, the last word counts. */
#include "observe/calls_parts.h"
#include "observe/internal.h"

#include <signal.h>
#include <sys/syscall.h>

#define BIT(signal) (1ULL << ((signal)-1))

/* Signals that leave no call to be made again: they ask the program to end, or they are the running code's own mistake. */
#define ENDING (BIT(SIGTERM) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGHUP))
#define SYNCHRONOUS                                                                                \
    (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGSYS) |         \
     BIT(SIGABRT) | BIT(SIGPIPE))
#define C_LIBRARY (BIT(32) | BIT(33)) /* pthread_cancel and setuid in threads */

bool calls_hear_signals(struct faults *faults, const struct traced *thread,
                        const struct user_regs_struct *registers)
{
    unsigned long action[2] = {0}; /* the kernel's struct sigaction begins with handler and flags */
    if (registers_call(registers) != SYS_rt_sigaction)
        return false;
    unsigned long signal = registers_argument(registers, 0);
    unsigned long at = registers_argument(registers, 1);
    if (signal < 1 || signal > 64 || !at ||
        obs_proc_memory(thread->tid, at, action, sizeof action) != 0)
        return true;
    if (action[1] & SA_RESTART)
        faults->interrupting &= ~BIT(signal);
    else
        faults->interrupting |= BIT(signal);
    return true;
}

bool calls_can_be_interrupted(const struct faults *faults, const struct traced *thread,
                              bool restarts, bool own_mask)
{
    char text[4096];
    unsigned long long caught = 0;
    unsigned long long blocked = 0;
    if (obs_proc_read(thread->tid, "status", text, sizeof text) <= 0 ||
        !obs_status_field(text, "SigCgt", 16, &caught) ||
        !obs_status_field(text, "SigBlk", 16, &blocked))
        return false;
    caught &= ~(ENDING | SYNCHRONOUS | C_LIBRARY);
    if (!own_mask)
        caught &= ~blocked;
    if (restarts)
        caught &= faults->interrupting;
    return caught != 0;
}
