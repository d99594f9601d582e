/* sandbox/sandbox.c: the caller's side: opening, closing, and asking the keeper. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sandbox/cgroup.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_AHEAD 4
#define MAX_AHEAD     16

static int receive_hello(struct sandbox *sandbox, struct err *err)
{
    ssize_t n = io_read(sandbox->sock, &sandbox->hello, sizeof sandbox->hello);
    if (n != (ssize_t)sizeof sandbox->hello)
        return err_set(err, ERR_HOST, "sandbox: the keeper ended before it was ready");
    if (sandbox->hello.failed) {
        (void)err_set(err, ERR_HOST, "%s", sandbox->hello.text);
        if (err)
            err->sys_errno = sandbox->hello.sys_errno;
        return -1;
    }
    return 0;
}

static void fill_status(struct sandbox *sandbox)
{
    static const char *const limits[] = {
        [CGROUP_NONE] = "rlimits", [CGROUP_V1] = "cgroup v1", [CGROUP_V2] = "cgroup v2"};
    struct sandbox_status *status = &sandbox->status;
    static const char *const tiers[2][2] = {{"one-host, no /proc", "one-host"},
                                            {"namespaces, no /proc", "namespaces"}};
    status->one_host = !sandbox->hello.has_veth;
    status->tier = tiers[sandbox->hello.has_veth][sandbox->hello.has_proc];
    status->limits = limits[sandbox->hello.cgroup];
    size_t count = 0;
    for (; count < MAX_LACKS && sandbox->hello.lacks[count][0]; count++)
        status->lacks[count] = sandbox->hello.lacks[count];
    if (processes_lack(sandbox->few_processes, sizeof sandbox->few_processes))
        status->lacks[count] = sandbox->few_processes;
}

/* One for each box that may run at a time: it is made while that one's predecessor runs. */
static unsigned networks_ahead(const struct sandbox_options *options)
{
    unsigned wanted = options->parallel ? options->parallel : DEFAULT_AHEAD;
    return wanted < MAX_AHEAD ? wanted : MAX_AHEAD;
}

static int start_janitor(struct sandbox *sandbox, const struct sandbox_options *options,
                         struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: socketpair");
    sandbox->sock = pair[0];
    AUTO_CLOSE int theirs = pair[1];
    AUTO_CLOSE int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: this kernel is too old (pidfd_open)");
    const struct setup setup = {.sock = theirs,
                                .owner_pidfd = self,
                                .uid = sandbox->uid,
                                .gid = sandbox->gid,
                                .networks_ahead = networks_ahead(options)};
    sandbox->janitor = keeper_start(&setup, err);
    return sandbox->janitor > 0 ? 0 : -1;
}

int sandbox_open(const struct sandbox_options *options, struct sandbox **ret, struct err *err)
{
    struct sandbox *sandbox = xcalloc(1, sizeof *sandbox);
    sandbox->sock = -1;
    (void)pthread_mutex_init(&sandbox->lock, NULL);
    if (ids_choose(options->slot, &sandbox->uid, &sandbox->gid, err) != 0 ||
        start_janitor(sandbox, options, err) != 0 || receive_hello(sandbox, err) != 0) {
        sandbox_close(sandbox);
        return -1;
    }
    fill_status(sandbox);
    *ret = sandbox;
    return 0;
}

void sandbox_close(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    if (sandbox->sock >= 0)
        (void)close(
            sandbox->sock); /* the keeper ends at the end of its socket, and with it all boxes */
    int status = 0;
    if (sandbox->janitor > 0)
        while (waitpid(sandbox->janitor, &status, 0) < 0 && errno == EINTR)
            ;
    if (WIFSIGNALED(status))
        cgroups_sweep(sandbox->janitor); /* it was killed, and could not do it itself */
    (void)pthread_mutex_destroy(&sandbox->lock);
    free(sandbox);
}

uid_t sandbox_uid(const struct sandbox *sandbox)
{
    return sandbox->uid;
}

gid_t sandbox_gid(const struct sandbox *sandbox)
{
    return sandbox->gid;
}

const struct sandbox_status *sandbox_status(const struct sandbox *sandbox)
{
    return &sandbox->status;
}

void sandbox_sweep(void)
{
    cgroups_sweep(0);
}

bool sandbox_has_groups(void)
{
    struct cgroups groups;
    cgroups_make(geteuid(), getegid(), &groups);
    cgroups_remove(&groups);
    for (size_t i = 0; i < groups.count; i++)
        (void)close(groups.trees[i].dir);
    return groups.kind != CGROUP_NONE;
}

/* The keeper's end of the socket is closed before its children are told of its death (exit(2): files first). */
int sandbox_check(const struct sandbox *sandbox, struct err *err)
{
    struct pollfd keeper = {.fd = sandbox->sock, .events = POLLRDHUP};
    if (poll(&keeper, 1, 0) > 0 && (keeper.revents & (POLLHUP | POLLRDHUP | POLLERR)))
        return err_set(err, ERR_HOST, "sandbox: the keeper has gone");
    return 0;
}

int keeper_ask(struct sandbox *sandbox, const struct keeper_request *request, int fd,
               struct keeper_reply *reply, int *fds, size_t *n_fds, struct err *err)
{
    int scratch_fds[BOX_FD_MAX];
    size_t scratch_count = 0;
    if (!fds) {
        fds = scratch_fds;
        n_fds = &scratch_count;
    }
    *n_fds = 0;
    (void)pthread_mutex_lock(&sandbox->lock);
    int sent = io_send_fds(sandbox->sock, request, sizeof *request, &fd, fd >= 0 ? 1 : 0);
    int send_errno = errno;
    ssize_t n =
        sent != 0 ? -1 : io_recv_fds(sandbox->sock, reply, sizeof *reply, fds, BOX_FD_MAX, n_fds);
    (void)pthread_mutex_unlock(&sandbox->lock);
    if (sent != 0)
        return err_sys(err, ERR_HOST, send_errno, "sandbox: asking the keeper");
    if (n != (ssize_t)sizeof *reply)
        return err_set(err, ERR_HOST, "sandbox: the keeper has gone");
    if (reply->failed) {
        (void)err_set(err, ERR_HOST, "%s", reply->text);
        if (err)
            err->sys_errno = reply->sys_errno;
        return -1;
    }
    return 0;
}
