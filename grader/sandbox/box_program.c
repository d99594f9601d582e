/* sandbox/box_program.c: what a box's program may do: capabilities, limits, the filter; and its exec. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The uid is 0 in its namespace, so exec would give everything back without NOROOT (capabilities(7)). */
#define NEVER_ROOT                                                                                 \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                               \
     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |                                 \
     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static const char *const fixed_env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/scratch",
                                        "LANG=C.UTF-8", "TZ=UTC"};

int box_drop_capabilities(struct box_plan *plan)
{
    (void)plan;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (prctl(PR_SET_SECUREBITS, NEVER_ROOT, 0, 0, 0) != 0)
        return -1;
    for (int cap = 0; cap <= 63; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
            break; /* EINVAL: above the last capability of this kernel */
    if (syscall(SYS_capset, &head, none) != 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int set_limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return -1;
    /* never above what we were given ourselves */
    struct rlimit limit = {.rlim_cur = soft < now.rlim_max ? soft : now.rlim_max,
                           .rlim_max = hard < now.rlim_max ? hard : now.rlim_max};
    return setrlimit((__rlimit_resource_t)what, &limit);
}

static int set_limits(const struct box_plan *plan)
{
    const struct box_limits *limits = &plan->spec.limits;
    /* init counts; and a control group is to strike first, for it can tell that it did */
    uint64_t processes = (uint64_t)limits->processes + (plan->procs[0] >= 0 ? 2 : 1);
    const struct {
        int what;
        uint64_t soft, hard;
    } all[] = {
        /* 1, not 0: a core_pattern that is a pipe ignores 0 and would run on the host (core(5)) */
        {RLIMIT_CORE, 1, 1},
        {RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes},
        {RLIMIT_NOFILE, limits->open_files, limits->open_files},
        /* SIGXCPU first, which says why, then SIGKILL */
        {RLIMIT_CPU, limits->cpu_seconds, (uint64_t)limits->cpu_seconds + 1},
        {RLIMIT_NPROC, processes, processes},
        {RLIMIT_AS, limits->address_bytes ? limits->address_bytes : RLIM_INFINITY,
         limits->address_bytes ? limits->address_bytes : RLIM_INFINITY},
        {RLIMIT_STACK, 8 << 20, RLIM_INFINITY},
        {RLIMIT_MEMLOCK, 64 << 10, 64 << 10},
        {RLIMIT_MSGQUEUE, 819200, 819200},
        {RLIMIT_SIGPENDING, 1024, 1024},
    };
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (set_limit(all[i].what, all[i].soft, all[i].hard) != 0)
            return -1;
    return 0;
}

/* Later entries win over earlier ones of the same name. */
static char **make_env(const char *const *extra)
{
    size_t n_extra = 0;
    while (extra && extra[n_extra])
        n_extra++;
    const char **env = xcalloc(ARRAY_SIZE(fixed_env) + n_extra + 1, sizeof *env);
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(fixed_env) + n_extra; i++) {
        const char *entry =
            i < ARRAY_SIZE(fixed_env) ? fixed_env[i] : extra[i - ARRAY_SIZE(fixed_env)];
        size_t name = strcspn(entry, "=") + 1;
        size_t at = 0;
        while (at < count && strncmp(env[at], entry, name) != 0)
            at++;
        env[at] = entry;
        count += at == count;
    }
    return (char **)env;
}

static int use_stdio(const struct box_plan *plan)
{
    return dup2(plan->in, STDIN_FILENO) < 0 || dup2(plan->out, STDOUT_FILENO) < 0 ||
                   dup2(plan->err_out, STDERR_FILENO) < 0
               ? -1
               : 0;
}

/* The descriptor goes to the caller by the way of init's messages, without one where the kernel refuses. */
static int offer_ledger(const struct box_plan *plan)
{
    if (!plan->timer_ledger)
        return 0;
    AUTO_CLOSE int ledger = filters_attach_timers(plan->filters);
    return io_send_fds(plan->control, "l", 1, &ledger, ledger >= 0 ? 1 : 0);
}

/* Waits until the caller's tracer is attached, and makes the traced calls stop for it. This process is still a copy of the
 * keeper, which may not be traced; nobody but init is in the box yet to whom it could show anything. */
static int wait_for_tracer(const struct box_plan *plan)
{
    char go_on = 0;
    if (plan->n_traced == 0)
        return 0;
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || io_write(plan->failure, "g", 1) != 1)
        return -1;
    if (io_read(plan->failure, &go_on, 1) != 1)
        _exit(1); /* the caller has gone */
    return filters_attach_trace(plan->traced, plan->n_traced);
}

void box_program_exec(const struct box_plan *plan, const char **ret_what, bool *ret_in_exec)
{
    char **env = make_env(plan->spec.env);
    *ret_what = "giving the program its own session and descriptors";
    if (setsid() < 0 || use_stdio(plan) != 0 ||
        chdir(plan->spec.kind == BOX_BUILD ? BOX_BUILD_DIR : BOX_SCRATCH_DIR) != 0)
        return;
    (void)umask(022);
    (void)signal(SIGPIPE, SIG_DFL); /* the one that the keeper's processes ignore (janitor.c) */
    *ret_what = "setting the program's limits";
    if (set_limits(plan) != 0)
        return;
    /* everything above stderr goes at the exec; the failure socket is needed until then */
    *ret_what = "closing descriptors";
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        return;
    *ret_what = "attaching the system call filter";
    if (wait_for_tracer(plan) != 0 || offer_ledger(plan) != 0 || filters_attach(plan->filters) != 0)
        return;
    *ret_what = plan->spec.argv[0];
    *ret_in_exec = true;
    (void)execve(plan->spec.argv[0], (char *const *)plan->spec.argv, env);
}
