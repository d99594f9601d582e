/* submission/contain.h: a forked process gives up every right but reading one file and writing to one pipe. */
#ifndef GRADER_SUBMISSION_CONTAIN_H
#define GRADER_SUBMISSION_CONTAIN_H

#include <stdint.h>
#include <sys/types.h>

#define CONTAIN_STATUS 97 /* exit status of a process that could not be contained */

struct containment {
    int in, out; /* become standard input and output; all other descriptors are closed */
    pid_t parent;
    uid_t uid; /* as root: become these; 0: nobody, where that can be had */
    gid_t gid;
    uint64_t address_space; /* bytes, in all */
    unsigned cpu_seconds;
};

/* Contains the calling process, which must have one thread, for good: it dies with its parent, has no capability and no
 * way to one, no descriptor but the two, no file, socket, process or signal of others, no executable memory, and the
 * limits above. What is left is read, write, lseek, memory and exit (seccomp(2); all else fails with EPERM).
 * On a failure the process ends with CONTAIN_STATUS: half contained it must not go on. */
void contain_self(const struct containment *containment);

#endif
