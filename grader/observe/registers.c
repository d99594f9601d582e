/* observe/registers.c: see registers.h. One part for each kind of machine; on others registers_known() says no. */
#include "observe/registers.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#if defined __x86_64__ && !defined __ILP32__

/* syscall(2): rdi, rsi, rdx, r10, r8, r9; the number stays in orig_rax, and -1 there means no call. */
static unsigned long long *argument(struct user_regs_struct *registers, int n)
{
    unsigned long long *const all[] = {&registers->rdi, &registers->rsi, &registers->rdx,
                                       &registers->r10, &registers->r8,  &registers->r9};
    return all[n];
}

bool registers_known(void)
{
    return true;
}

long registers_call(const struct user_regs_struct *registers)
{
    return (long)registers->orig_rax;
}

int registers_skip(pid_t tid, struct user_regs_struct *registers, long result)
{
    registers->orig_rax = (unsigned long long)-1;
    registers->rax = (unsigned long long)result;
    return registers_write(tid, registers);
}

#elif defined __aarch64__

#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif

/* x0 to x5, the number in x8; whether a call is made is a register set of its own. */
static unsigned long long *argument(struct user_regs_struct *registers, int n)
{
    return &registers->regs[n];
}

bool registers_known(void)
{
    return true;
}

long registers_call(const struct user_regs_struct *registers)
{
    return (long)registers->regs[8];
}

int registers_skip(pid_t tid, struct user_regs_struct *registers, long result)
{
    int none = -1;
    struct iovec part = {&none, sizeof none};
    registers->regs[0] = (unsigned long long)result;
    if (ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &part) != 0)
        return -1;
    return registers_write(tid, registers);
}

#else

static unsigned long long *argument(struct user_regs_struct *registers, int n)
{
    (void)registers;
    (void)n;
    return NULL;
}

bool registers_known(void)
{
    return false;
}

long registers_call(const struct user_regs_struct *registers)
{
    (void)registers;
    return -1;
}

int registers_skip(pid_t tid, struct user_regs_struct *registers, long result)
{
    (void)tid;
    (void)registers;
    (void)result;
    errno = ENOSYS;
    return -1;
}

#endif

int registers_read(pid_t tid, struct user_regs_struct *ret)
{
    struct iovec all = {ret, sizeof *ret};
    return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) == 0 ? 0 : -1;
}

int registers_write(pid_t tid, const struct user_regs_struct *registers)
{
    struct iovec all = {(void *)registers, sizeof *registers};
    return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all) == 0 ? 0 : -1;
}

unsigned long registers_argument(const struct user_regs_struct *registers, int n)
{
    struct user_regs_struct copy = *registers;
    const unsigned long long *value = argument(&copy, n);
    return value ? (unsigned long)*value : 0;
}

void registers_set_argument(struct user_regs_struct *registers, int n, unsigned long value)
{
    unsigned long long *at = argument(registers, n);
    if (at)
        *at = value;
}
