/* sandbox/box_child.c: the first process of a box: from the clone to the program's exec.
 *
 * How it works: the process is a copy of the keeper in fresh namespaces and PID 1 of one of them. It walks down the
 * table below; each step does one thing. The order matters where the table says so. Then it forks the program
 * (box_program.c) and serves as init (box_init.c).
 *
 * A failing step is reported through the failure socket. Its end without a report means that the program was exec'd: init
 * closes its copy after the fork, the program's copy is close-on-exec. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAM_STACK (64U << 10)

static _Noreturn void report(const struct box_plan *plan, const char *what, bool in_exec)
{
    struct box_failure failure = {.sys_errno = errno, .in_exec = in_exec};
    (void)snprintf(failure.what, sizeof failure.what, "%s", what);
    (void)io_write_full(plan->failure, &failure, sizeof failure);
    _exit(1);
}

/* uid 0 of the keeper's namespace is uid 0 here: an undumpable process's files in /proc belong to uid 0 of its user
 * namespace, and must stay readable for the silence proof (design §6). The program holds no capabilities all the same. */
static int map_user(struct box_plan *plan)
{
    return ids_map(plan->proc, 0, 0);
}

/* Before anything else is allocated: what this process and all below it use is counted from here on. */
static int join_groups(struct box_plan *plan)
{
    for (size_t i = 0; i < ARRAY_SIZE(plan->procs); i++)
        if (plan->procs[i] >= 0 && io_write(plan->procs[i], "0", 1) < 0)
            return -1;
    return 0;
}

/* After joining, so that the box's own group is the root of what it sees. */
static int enter_group_namespace(struct box_plan *plan)
{
    (void)plan;
    return unshare(CLONE_NEWCGROUP);
}

static int name_host(struct box_plan *plan)
{
    (void)plan;
    return sethostname("host", strlen("host"));
}

static int raise_loopback(struct box_plan *plan)
{
    if (!plan->own_network)
        return 0;
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}

/* What only this process may set and nobody below it may change back: /proc/sys becomes read-only right after. */
static int limit_namespaces(struct box_plan *plan)
{
    /* What the kernel keeps for System V IPC and message queues belongs to no process and to no file system. Kernels
     * before 5.19 leave these to the host's root: there a control group has to count it. */
    (void)write_text(plan->proc, "sys/kernel/shmall", "16384"); /* pages: 64 MiB */
    (void)write_text(plan->proc, "sys/kernel/msgmni", "64");    /* queues of 16 KiB */
    (void)write_text(plan->proc, "sys/kernel/sem",
                     "250 32000 100 128"); /* 128 sets, 32000 in all */
    (void)write_text(plan->proc, "sys/fs/mqueue/queues_max", "16");
    /* the second of two locks, the filter being the first: read-only in a container that also masks /proc */
    if (write_text(plan->proc, "sys/user/max_user_namespaces", "0") != 0 && plan->has_proc)
        return -1;
    return 0;
}

/* Its memory holds the caller's; a process of the same uid may not look into it through /proc/1. */
static int hide(struct box_plan *plan)
{
    (void)plan;
    (void)prctl(PR_SET_NAME, "init", 0, 0, 0);
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static const struct step {
    const char *what;
    int (*run)(struct box_plan *plan);
} steps[] = {
    {"joining the control groups", join_groups},
    {"mapping the user", map_user},
    {"entering a control group namespace", enter_group_namespace},
    {"naming the host", name_host},
    {"raising the loopback interface", raise_loopback},
    {"mounting the box's own folders", box_mount_own},
    {"mounting the program's folder", box_mount_bin},
    {"mounting /proc", box_mount_proc},
    {"limiting namespaces", limit_namespaces},
    {"making mounts read-only", box_mount_seal},
    {"dropping capabilities", box_drop_capabilities},
    {"hiding init", hide},
    {"making files", box_make_files}, /* without capabilities: the files are the program's own */
    {"copying the sources", box_copy_sources},
};

static int run_program(void *of_plan)
{
    const struct box_plan *plan = of_plan;
    const char *what = "starting the program";
    bool in_exec = false;
    box_program_exec(plan, &what, &in_exec);
    report(plan, what, in_exec);
}

/* As vfork(2) does it: until its exec the program's process uses this one's memory, on a stack of its own, while this
 * one waits; copying the memory would cost more than all the rest. What it changes meanwhile nobody needs again. A process
 * that waits at the gate for its tracer gets a copy all the same: this one has to speak meanwhile, and stays hidden. */
static pid_t start_program(struct box_plan *plan)
{
    char stack[PROGRAM_STACK] __attribute__((aligned(16)));
    int sharing = plan->n_traced ? 0 : CLONE_VM | CLONE_VFORK;
    pid_t program = clone(run_program, stack + sizeof stack, sharing | SIGCHLD, plan);
    if (program < 0)
        report(plan, "starting the program", false);
    (void)close(plan->failure);
    return program;
}

_Noreturn void box_child_run(struct box_plan *plan)
{
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        if (steps[i].run(plan) != 0)
            report(plan, steps[i].what, false);
    box_init_run(plan, start_program(plan));
}
