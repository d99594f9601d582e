/* sandbox/keeper_box.c: the keeper's part of a box: its descriptors, its first process, its end. */
#include "sandbox/box.h"
#include "sandbox/cgroup.h"

#include "base/io.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOX_NAMESPACES (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)

/* The caller's ends in fds (all -1 at first), the box's ends in the plan. */
static int make_descriptors(const struct keeper_request *request, struct box_plan *plan, int *fds)
{
    int control[2];
    int status[2];
    int failure[2];
    int in[2];
    int out[2];
    int err_out[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0)
        return -1;
    fds[BOX_FD_CONTROL] = control[0];
    plan->control = control[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, status) != 0)
        return -1;
    fds[BOX_FD_STATUS] = status[0];
    plan->status = status[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, failure) != 0)
        return -1;
    fds[BOX_FD_FAILURE] = failure[0];
    plan->failure = failure[1];
    if (pipe2(out, O_CLOEXEC) != 0)
        return -1;
    fds[BOX_FD_OUT] = out[0];
    plan->out = out[1];
    if (pipe2(err_out, O_CLOEXEC) != 0)
        return -1;
    fds[BOX_FD_ERR] = err_out[0];
    plan->err_out = err_out[1];
    if (pipe2(in, O_CLOEXEC) != 0)
        return -1;
    plan->in = in[0];
    if (request->keep_stdin)
        fds[BOX_FD_IN] = in[1];
    else
        (void)close(in[1]);
    /* the flag is of one end of a pipe, so the program's own ends stay blocking */
    for (int i = BOX_FD_OUT; i <= BOX_FD_IN; i++)
        if (fds[i] >= 0 && io_set_nonblock(fds[i], true) != 0)
            return -1;
    return 0;
}

static void close_plan(const struct box_plan *plan)
{
    const int all[] = {plan->control,   plan->status,   plan->failure,  plan->in,
                       plan->out,       plan->err_out,  plan->procs[0], plan->procs[1],
                       plan->source_fd, plan->bin_mount};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (all[i] >= 0)
            (void)close(all[i]);
}

static struct kept_box *free_slot(struct keeper *keeper, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->boxes); i++)
        if (!keeper->boxes[i].id)
            return &keeper->boxes[i];
    (void)err_set(err, ERR_HOST, "sandbox: more than %d boxes at a time", MAX_BOXES);
    return NULL;
}

/* The box's first process. The keeper holds nothing that it may not see, and it closes what it does not need. */
static _Noreturn void begin_child(struct box_plan *plan, int spec_fd)
{
    struct box_failure failure = {.what = "reading the box's description"};
    if (spec_unpack(spec_fd, &plan->spec, &plan->traced, &plan->n_traced) != 0) {
        failure.sys_errno = errno;
        (void)io_write_full(plan->failure, &failure, sizeof failure);
        _exit(1);
    }
    box_child_run(plan);
}

/* The folder of the host that the box is to have: what a build copies, or what a run shows. */
static int open_host_dir(struct keeper *keeper, const struct keeper_request *request,
                         struct box_plan *plan, struct err *err)
{
    int *fd = request->build ? &plan->source_fd : &plan->bin_mount;
    if (request->host_dir[0])
        *fd = request->build ? open(request->host_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                             : bins_mount(&keeper->bins, request->host_dir);
    return !request->host_dir[0] || *fd >= 0
               ? 0
               : err_sys(err, ERR_HOST, errno, "sandbox: a box's folder on the host, '%.300s'",
                         request->host_dir);
}

/* A box copies the namespaces that the keeper is in: its host's network, a root tree's mounts. */
static int enter_places(struct keeper *keeper, const struct keeper_request *request,
                        struct err *err)
{
    enum root root = request->build || request->whole_usr ? ROOT_OF_TOOLS : ROOT_OF_RUN;
    if (request->id && keeper_network_enter(keeper, request->id, err) != 0)
        return -1;
    return roots_enter(keeper, root, err);
}

static int leave_places(struct keeper *keeper, const struct keeper_request *request,
                        struct err *err)
{
    if (roots_leave(keeper, err) != 0)
        return -1;
    return request->id ? keeper_network_leave(keeper, err) : 0;
}

static int clone_box(struct keeper *keeper, const struct keeper_request *request,
                     struct box_plan *plan, int spec_fd, int *ret_pidfd, struct err *err)
{
    unsigned long flags = BOX_NAMESPACES | CLONE_PIDFD | SIGCHLD;
    long pid = -1;
    plan->own_network = request->id == 0;
    if (plan->own_network)
        flags |= CLONE_NEWNET;
    bool entered = enter_places(keeper, request, err) == 0;
    if (entered)
        pid = syscall(SYS_clone, flags, NULL, ret_pidfd, NULL, NULL);
    int saved = errno;
    if (pid == 0)
        begin_child(plan, spec_fd);
    if (leave_places(keeper, request, err) != 0 || !entered)
        return -1;
    if (pid < 0)
        return err_sys(err, ERR_HOST, saved, "sandbox: making the namespaces of a box");
    return (int)pid;
}

int keeper_box_start(struct keeper *keeper, const struct keeper_request *request, int spec_fd,
                     uint64_t *ret_id, int *fds, struct err *err)
{
    struct box_plan plan = {.filters = &keeper->filters,
                            .proc = keeper->host_proc,
                            .has_proc = keeper->hello.has_proc,
                            .timer_ledger = request->timer_ledger,
                            .control = -1,
                            .status = -1,
                            .failure = -1,
                            .in = -1,
                            .out = -1,
                            .err_out = -1,
                            .source_fd = -1,
                            .bin_mount = -1,
                            .procs = {-1, -1}};
    struct kept_box *slot = free_slot(keeper, err);
    uint64_t id = ++keeper->next_id;
    int pid = -1;
    if (slot && make_descriptors(request, &plan, fds) != 0)
        (void)err_sys(err, ERR_HOST, errno, "sandbox: descriptors of a box");
    else if (slot && open_host_dir(keeper, request, &plan, err) == 0 &&
             cgroups_box_make(keeper->groups, id, &request->limits, plan.procs, err) == 0)
        pid = clone_box(keeper, request, &plan, spec_fd, &fds[BOX_FD_INIT], err);
    close_plan(&plan);
    if (pid < 0) {
        (void)cgroups_box_end(keeper->groups, id);
        for (size_t i = 0; i < BOX_FD_MAX; i++) {
            if (fds[i] >= 0)
                (void)close(fds[i]);
            fds[i] = -1;
        }
        return -1;
    }
    *slot = (struct kept_box){.id = id,
                              .init = pid,
                              .seen = watchdog_pid(keeper, pid, fds[BOX_FD_INIT]),
                              .memory_bytes = request->limits.memory_bytes};
    *ret_id = slot->id;
    return 0;
}

/* ru_utime and ru_stime hold all descendants: init has waited for each of them (getrusage(2)). */
static void fill_usage(const struct rusage *usage, struct keeper_reply *reply)
{
    reply->cpu_us = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
                    (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
    reply->max_rss_kib = (uint64_t)usage->ru_maxrss;
}

int keeper_box_free(struct keeper *keeper, uint64_t id, struct keeper_reply *reply, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->boxes); i++) {
        struct kept_box *box = &keeper->boxes[i];
        if (!id || box->id != id)
            continue;
        struct rusage usage = {0};
        (void)kill(box->init,
                   SIGKILL); /* has ended already, unless the caller ran out of descriptors */
        while (wait4(box->init, NULL, 0, &usage) < 0 && errno == EINTR)
            ;
        fill_usage(&usage, reply);
        reply->limit = cgroups_box_end(keeper->groups, id);
        if (box->memory_struck)
            reply->limit = LIMIT_MEMORY;
        *box = (struct kept_box){0};
        return 0;
    }
    return err_set(err, ERR_HOST, "sandbox: there is no box of that number");
}
