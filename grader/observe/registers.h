/* observe/registers.h: the registers of a thread that stands before or after a system call (ptrace(2), syscall(2)). */
#ifndef GRADER_OBSERVE_REGISTERS_H
#define GRADER_OBSERVE_REGISTERS_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/user.h>

/* Whether this machine's registers are known here at all; without them nothing below works (ENOSYS). */
bool registers_known(void);
/* The thread must be in a ptrace stop. 0 or -1 with errno. */
int registers_read(pid_t tid, struct user_regs_struct *ret);
int registers_write(pid_t tid, const struct user_regs_struct *registers);
long registers_call(const struct user_regs_struct *registers); /* the call's number */
unsigned long registers_argument(const struct user_regs_struct *registers, int n); /* from 0 */
void registers_set_argument(struct user_regs_struct *registers, int n, unsigned long value);
/* Before the call: it is not made, and returns this. 0 or -1 with errno. */
int registers_skip(pid_t tid, struct user_regs_struct *registers, long result);

#endif
