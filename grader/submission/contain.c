/* submission/contain.c: see contain.h. The order matters: descriptors first, then ids, then limits, at last the filter, after
 * which nothing more can be given up. */
#include "submission/contain.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534 /* owns nothing, by convention */

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED                                                                                  \
    true /* its shadow takes terabytes of address space, its findings need standard error */
#else
#define SANITIZED false
#endif

static bool keep_two_descriptors(int in, int out)
{
    int null = SANITIZED ? STDERR_FILENO : open("/dev/null", O_RDWR | O_CLOEXEC);
    /* above the places that they go to, so that neither overwrites the other */
    int from = fcntl(in, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int to = fcntl(out, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return null >= 0 && from >= 0 && to >= 0 && dup2(from, STDIN_FILENO) >= 0 &&
           dup2(to, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
           syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0;
}

static bool become(uid_t uid, gid_t gid)
{
    return setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
           setresuid(uid, uid, uid) == 0;
}

/* Root of a user namespace may have no other id to become: then losing its capabilities, which is what counts, must do. */
static bool drop_ids(const struct containment *containment)
{
    if (geteuid() == 0 && containment->uid != 0 && !become(containment->uid, containment->gid))
        return false;
    if (geteuid() == 0 && containment->uid == 0)
        (void)become(NOBODY, NOBODY);
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &head, none) == 0;
}

static bool limit(const struct containment *containment)
{
    const struct {
        __rlimit_resource_t what;
        rlim_t most;
    } limits[] = {
        {RLIMIT_AS, SANITIZED ? RLIM_INFINITY : containment->address_space},
        {RLIMIT_CPU, containment->cpu_seconds},
        {RLIMIT_FSIZE, 0},
        {RLIMIT_NPROC, 0},
        {RLIMIT_CORE, 0},
        {RLIMIT_MEMLOCK, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        struct rlimit old;
        if (getrlimit(limits[i].what, &old) != 0)
            return false;
        rlim_t most = limits[i].most < old.rlim_max ? limits[i].most : old.rlim_max;
        /* the processor's soft limit sends SIGXCPU, which tells it from a SIGKILL of the machine's */
        struct rlimit limit = {
            .rlim_cur = most,
            .rlim_max = limits[i].what == RLIMIT_CPU && most < old.rlim_max ? most + 1 : most};
        if (setrlimit(limits[i].what, &limit) != 0)
            return false;
    }
    return true;
}

static bool allow_only_what_parsing_needs(void)
{
    static const int calls[] = {
        SCMP_SYS(read),
        SCMP_SYS(write),
        SCMP_SYS(lseek),
        SCMP_SYS(_llseek),
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_gettime64),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
    };
    static const int mappings[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool good = filter != NULL;
    for (size_t i = 0; good && i < ARRAY_SIZE(calls); i++)
        good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) == 0;
    for (size_t i = 0; good && i < ARRAY_SIZE(mappings); i++)
        good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, mappings[i], 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
    good = good && seccomp_load(filter) == 0; /* sets no_new_privs, too */
    if (filter)
        seccomp_release(filter);
    return good;
}

void contain_self(const struct containment *containment)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != containment->parent ||
        !keep_two_descriptors(containment->in, containment->out) || !drop_ids(containment) ||
        /* a change of ids forgets whose death to die of (PR_SET_PDEATHSIG(2const)) */
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != containment->parent ||
        prctl(PR_SET_DUMPABLE, 0) != 0 || !limit(containment) || !allow_only_what_parsing_needs())
        _exit(CONTAIN_STATUS);
}
