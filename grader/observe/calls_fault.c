/* observe/calls_fault.c: which system call meets which fault.
 *
 * Only what a correct program must expect is done to it. A short count is what a stream may give at any time; a datagram
 * comes whole, so UDP is left alone, and so is a reader that asked for all of it (MSG_WAITALL) or only looks (MSG_PEEK).
 * EINTR comes out of a wait that a signal ends, so calls that cannot wait, and programs that no signal can interrupt, are
 * spared and not counted. */
#include "base/own.h"
#include "base/random.h"
#include "observe/calls_parts.h"
#include "observe/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define NONE (-1)

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif

/* Places among the arguments, from 0. */
struct traced_call {
    long number;
    enum call_kind kind;
    int length; /* bytes that it may be asked to move; NONE: the form says it, or it is not shortened */
    int flags; /* MSG_* */
    int wait; /* how long it may wait: milliseconds, or (is_pointer) where two numbers say it, both 0 for not at all */
    bool is_pointer;
    int mask; /* the signals that are blocked meanwhile */
    enum call_form form;
};

static const struct traced_call table[] = {
#ifdef SYS_accept
    {SYS_accept, CALL_ACCEPT, NONE, NONE, NONE, false, NONE, FORM_LENGTH},
#endif
    {SYS_accept4, CALL_ACCEPT, NONE, NONE, NONE, false, NONE, FORM_LENGTH},
    {SYS_connect, CALL_CONNECT, NONE, NONE, NONE, false, NONE, FORM_LENGTH},
    {SYS_read, CALL_RECV, 2, NONE, NONE, false, NONE, FORM_LENGTH},
    {SYS_recvfrom, CALL_RECV, 2, 3, NONE, false, NONE, FORM_LENGTH},
    {SYS_readv, CALL_RECV, NONE, NONE, NONE, false, NONE, FORM_VECTOR},
    {SYS_recvmsg, CALL_RECV, NONE, 2, NONE, false, NONE, FORM_MESSAGE},
    {SYS_recvmmsg, CALL_RECV, NONE, 3, NONE, false, NONE, FORM_LENGTH},
    {SYS_write, CALL_SEND, 2, NONE, NONE, false, NONE, FORM_LENGTH},
    {SYS_sendto, CALL_SEND, 2, 3, NONE, false, NONE, FORM_LENGTH},
    {SYS_writev, CALL_SEND, NONE, NONE, NONE, false, NONE, FORM_VECTOR},
    {SYS_sendmsg, CALL_SEND, NONE, 2, NONE, false, NONE, FORM_MESSAGE},
    {SYS_sendmmsg, CALL_SEND, NONE, 3, NONE, false, NONE, FORM_LENGTH},
    {SYS_sendfile, CALL_SEND, 3, NONE, NONE, false, NONE, FORM_LENGTH},
#ifdef SYS_poll
    {SYS_poll, CALL_POLL, NONE, NONE, 2, false, NONE, FORM_LENGTH},
#endif
    {SYS_ppoll, CALL_POLL, NONE, NONE, 2, true, 3, FORM_LENGTH},
#ifdef SYS_select
    {SYS_select, CALL_POLL, NONE, NONE, 4, true, NONE, FORM_LENGTH},
#endif
    {SYS_pselect6, CALL_POLL, NONE, NONE, 4, true, 5, FORM_LENGTH},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, CALL_POLL, NONE, NONE, 3, false, NONE, FORM_LENGTH},
#endif
    {SYS_epoll_pwait, CALL_POLL, NONE, NONE, 3, false, 4, FORM_LENGTH},
    {SYS_epoll_pwait2, CALL_POLL, NONE, NONE, 3, true, 4, FORM_LENGTH},
};

static bool is_fault(const struct call_fault *fault)
{
    return fault->sys_errno || fault->max;
}

size_t calls_numbers(const struct call_fault *faults, size_t n, int ret[CALLS_MAX_NUMBERS])
{
    size_t count = 0;
    bool interrupts = false;
    _Static_assert(ARRAY_SIZE(table) < CALLS_MAX_NUMBERS, "room for all of them, and rt_sigaction");
    for (size_t j = 0; j < n; j++)
        interrupts = interrupts || faults[j].sys_errno == EINTR;
    if (interrupts)
        ret[count++] = SYS_rt_sigaction;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        for (size_t j = 0; j < n; j++)
            if (faults[j].kind == table[i].kind && is_fault(&faults[j])) {
                ret[count++] = (int)table[i].number;
                break;
            }
    return count;
}

/* ---- the socket that a call is about ---- */

struct socket_view {
    bool stream, nonblocking, timed; /* timed: SO_RCVTIMEO or SO_SNDTIMEO */
};

/* A copy of the descriptor. A thread's own pidfd also works where the first thread has ended before its process. */
static int copy_descriptor(const struct traced *thread, int fd)
{
    AUTO_CLOSE int pidfd = pidfd_open(thread->tid, PIDFD_THREAD);
    return pidfd >= 0 ? pidfd_getfd(pidfd, fd, 0) : obs_proc_copy_fd(thread->tgid, fd);
}

static bool has_time_out(int fd)
{
    struct timeval receive = {0};
    struct timeval send = {0};
    socklen_t len = sizeof receive;
    (void)getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &receive, &len);
    len = sizeof send;
    (void)getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send, &len);
    return receive.tv_sec || receive.tv_usec || send.tv_sec || send.tv_usec;
}

/* False when it is no socket of the Internet. */
static bool look_at_socket(const struct traced *thread, int fd, struct socket_view *ret)
{
    int domain = 0;
    int type = 0;
    socklen_t len = sizeof domain;
    AUTO_CLOSE int copy = copy_descriptor(thread, fd);
    if (copy < 0 || getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0)
        return false;
    len = sizeof type;
    if (getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
        return false;
    *ret = (struct socket_view){.stream = type == SOCK_STREAM,
                                .nonblocking = fcntl(copy, F_GETFL) & O_NONBLOCK,
                                .timed = has_time_out(copy)};
    return domain == AF_INET || domain == AF_INET6;
}

/* ---- which one ---- */

static bool is_due(const struct call_fault *fault, uint64_t seed, uint64_t number)
{
    if (fault->nth)
        return number >= fault->nth && number - fault->nth < (fault->times ? fault->times : 1);
    if (fault->every)
        return number % fault->every == 0;
    if (fault->chance > 0)
        return random_share(seed + fault->kind, number) < fault->chance;
    return true;
}

/* A time-out of 0: the call only looks. One that cannot be read makes the call fail anyway. */
static bool only_looks(const struct traced *thread, const struct traced_call *call,
                       const struct user_regs_struct *registers)
{
    long time[2] = {0}; /* struct timespec, struct timeval */
    if (call->wait == NONE)
        return false;
    unsigned long value = registers_argument(registers, call->wait);
    if (!call->is_pointer)
        return (int)value == 0;
    return value && obs_proc_memory(thread->tid, value, time, sizeof time) == 0 && //
           time[0] == 0 && time[1] == 0;
}

static bool may_wait(const struct traced *thread, const struct traced_call *call,
                     const struct user_regs_struct *registers, const struct socket_view *socket)
{
    if (only_looks(thread, call, registers))
        return false;
    if (call->flags != NONE && registers_argument(registers, call->flags) & MSG_DONTWAIT)
        return false;
    return !socket->nonblocking;
}

/* Waits that have an end of their own, poll's and those of sockets with a time-out, are not made again by the kernel. */
static bool can_be_interrupted(const struct faults *faults, const struct traced *thread,
                               const struct traced_call *call,
                               const struct user_regs_struct *registers,
                               const struct socket_view *socket)
{
    bool restarts = call->kind != CALL_POLL && !socket->timed;
    bool own_mask = call->mask != NONE && registers_argument(registers, call->mask) != 0;
    return may_wait(thread, call, registers, socket) &&
           calls_can_be_interrupted(faults, thread, restarts, own_mask);
}

/* Whether it can be shortened, and how. */
static bool is_shortenable(const struct call_fault *fault, const struct traced *thread,
                           const struct traced_call *call, const struct user_regs_struct *registers,
                           const struct socket_view *socket, struct decision *ret)
{
    const unsigned long whole = MSG_PEEK | MSG_WAITALL | MSG_TRUNC | MSG_OOB;
    if (!fault->max || !socket->stream ||
        (call->flags != NONE && registers_argument(registers, call->flags) & whole))
        return false;
    if (call->form != FORM_LENGTH)
        return calls_shorten_vector(thread->tid, registers, call->form, fault->max, ret);
    if (call->length == NONE)
        return false;
    ret->argument = call->length;
    ret->asked = registers_argument(registers, call->length);
    ret->most = fault->max;
    ret->value = (unsigned long)fault->max;
    return ret->asked > fault->max;
}

static const struct traced_call *find_call(long number)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].number == number)
            return &table[i];
    return NULL;
}

struct decision calls_decide(struct faults *faults, const struct traced *thread,
                             const struct user_regs_struct *registers)
{
    struct decision ret = {.what = LET_GO};
    struct socket_view socket = {0};
    const struct traced_call *call = find_call(registers_call(registers));
    if (calls_hear_signals(faults, thread, registers) || !call ||
        !is_fault(&faults->of[call->kind]) ||
        (call->kind != CALL_POLL &&
         !look_at_socket(thread, (int)registers_argument(registers, 0), &socket)))
        return ret;
    const struct call_fault *fault = &faults->of[call->kind];
    bool can_fail =
        fault->sys_errno &&
        (fault->sys_errno != EINTR || can_be_interrupted(faults, thread, call, registers, &socket));
    bool can_shorten = is_shortenable(fault, thread, call, registers, &socket, &ret);
    if (!can_fail && !can_shorten)
        return ret;
    ret.kind = call->kind;
    ret.number = ++faults->met[call->kind];
    bool due = is_due(fault, faults->seed, ret.number);
    if (can_fail && due) {
        ret.what = FAIL;
        ret.sys_errno = fault->sys_errno;
    } else if (can_shorten && (fault->sys_errno || due)) {
        ret.what = SHORTEN;
    }
    return ret;
}
