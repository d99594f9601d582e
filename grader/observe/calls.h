/* observe/calls.h: the program's system calls on sockets made to fail, or to move less than they were asked to: short reads
 * and writes, EINTR, ECONNABORTED and their like, as a program must expect them and rarely meets them.
 *
 * A tracer (ptrace(2)) in a thread of its own follows the processes and threads of one box; its filter stops the named
 * calls only (seccomp(2), SECCOMP_RET_TRACE). A call that is to fail is not made. Which one is hit follows from its number
 * among all calls of its kind in that box, in the order in which they are made, and from a seed: the same calls meet the
 * same faults. */
#ifndef GRADER_OBSERVE_CALLS_H
#define GRADER_OBSERVE_CALLS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* On IPv4 and IPv6 sockets only; reads of files, pipes and Unix sockets are neither counted nor changed. */
enum call_kind {
    CALL_ACCEPT,  /* accept, accept4 */
    CALL_CONNECT, /* connect */
    CALL_RECV,    /* read, recvfrom (recv is that), readv, recvmsg, recvmmsg */
    CALL_SEND,    /* write, sendto (send is that), writev, sendmsg, sendmmsg, sendfile */
    CALL_POLL,    /* poll, ppoll, select, pselect6, epoll_wait, epoll_pwait, epoll_pwait2 */
    CALL_KINDS
};
const char *call_kind_name(enum call_kind kind); /* "accept", "recv", ... */

struct call_fault {
    enum call_kind kind;
    int sys_errno; /* the call fails with it; 0: none does. EINTR spares calls that cannot block,
                    * and those that no signal can interrupt: the process catches none, or all with SA_RESTART. */
    /* > 0: a call on a stream socket moves at most so many bytes (not with MSG_PEEK, MSG_WAITALL, MSG_TRUNC, MSG_OOB; of
     * several buffers at most the first). recvmmsg and sendmmsg are left as they are. */
    uint64_t max;
    /* Which calls of the kind fail, or are shortened where there is no sys_errno: the nth and times - 1 more after it;
     * every so-manyth; each with that probability; all of them where nothing is said. */
    uint64_t nth, times, every;
    double chance;
};

struct call_tracer;

#define CALLS_MAX_NUMBERS 32
/* The numbers of the system calls that these faults are about, for struct box_trace; returns how many. */
size_t calls_numbers(const struct call_fault *faults, size_t n, int ret[CALLS_MAX_NUMBERS]);

/* Attaches to a program before its exec (PTRACE_SEIZE, then TRACEEXEC: faults begin with the program itself). At most one
 * fault of each kind. ERR_HOST where the machine does not let us trace. *ret is the caller's. */
int calls_trace(pid_t program, const struct call_fault *faults, size_t n, uint64_t seed,
                struct call_tracer **ret, struct err *err);
/* Waits until every process that it traced has ended: kill the box first. NULL is fine. */
void calls_free(struct call_tracer *tracer);

/* What was done to a call. */
struct call_event {
    uint64_t at_ns; /* io_now_ns() clock */
    enum call_kind kind;
    uint64_t number;      /* among the calls of its kind, from 1 */
    int sys_errno;        /* it failed so; or 0: it was shortened */
    uint64_t asked, most; /* bytes, where it was shortened */
};
#define CALLS_MAX_EVENTS 16 /* of each kind; later ones are counted only */
/* The oldest event that was not taken yet; false when there is none. */
bool calls_next_event(struct call_tracer *tracer, struct call_event *ret);

struct call_count {
    uint64_t calls, failed, shortened;
};
struct call_count calls_count(struct call_tracer *tracer, enum call_kind kind);

/* Processor time that the tracer used and waited for, in nanoseconds: time that the program lost to it. */
uint64_t calls_held_ns(struct call_tracer *tracer);

#endif
