/* sandbox/keeper.c: PID 1 of the sandbox: gets ready, then serves one request after the other.
 *
 * How it works: single-threaded and stateful; it holds the network namespaces and the list of boxes, nothing of the
 * caller's. Networks are made ahead by a process beside it (keeper_pool.c). It never waits for a box: setting up happens
 * in the box's own process, and BOX_FREE comes when that has ended. When the caller's end of the socket closes it ends, and the
 * kernel ends every process of its pid namespace. */
#include "sandbox/box.h"
#include "sandbox/cgroup.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void keeper_lacks(struct keeper *keeper, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (size_t i = 0; i < MAX_LACKS; i++)
        if (!keeper->hello.lacks[i][0]) {
            (void)vsnprintf(keeper->hello.lacks[i], sizeof keeper->hello.lacks[i], format, args);
            break;
        }
    va_end(args);
}

static bool groups_missing(const struct keeper *keeper)
{
    return keeper->groups->kind == CGROUP_NONE;
}

static bool has_boxes(const struct keeper *keeper)
{
    for (size_t i = 0; i < ARRAY_SIZE(keeper->boxes); i++)
        if (keeper->boxes[i].id)
            return true;
    return false;
}

/* The first act that takes a capability: AppArmor lets the namespace be made, and gives none in it. */
static int err_explain(struct err *err, int sys_errno)
{
    char text[512];
    explain_map(sys_errno, text, sizeof text);
    (void)err_set(err, ERR_HOST, "%s (making mounts private)", text);
    if (err)
        err->sys_errno = sys_errno;
    return -1;
}

static int get_ready(struct keeper *keeper, const struct setup *setup, struct err *err)
{
    (void)umask(022);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return err_explain(err, errno);
    if (roots_init(keeper, err) != 0 || bins_init(err) != 0 ||
        filters_compile(keeper->hello.cgroup != CGROUP_NONE, &keeper->filters, err) != 0)
        return -1;
    if (watchdog_init(keeper, err) != 0 || keeper_network_init(keeper, err) != 0 ||
        keeper_pool_init(keeper, setup->networks_ahead, err) != 0)
        return -1;
    keeper->hello.has_veth = !keeper->one_host;
    if (groups_missing(keeper))
        keeper_lacks(
            keeper,
            "limits: no control group: rlimits and a watchdog, a memory limit is approximate, "
            "memfd_create is refused (`sockgrade doctor` says why there is none)");
    return 0;
}

static void fail_reply(struct keeper_reply *reply, const struct err *err)
{
    reply->failed = -1;
    reply->sys_errno = err->sys_errno;
    (void)snprintf(reply->text, sizeof reply->text, "%.*s", (int)sizeof reply->text - 1, err->text);
}

/* Carries a request out; fds (BOX_FD_MAX of them, -1 where none) go out with the reply. */
static int serve(struct keeper *keeper, const struct keeper_request *request, int spec_fd,
                 struct keeper_reply *reply, int *fds, struct err *err)
{
    switch (request->op) {
    case KEEPER_NETWORK_NEW:
        return keeper_network_new(keeper, NULL, &reply->id, err);
    case KEEPER_NETWORK_SWITCHED:
        return keeper_network_switched(keeper, request->mtu, &reply->id, fds, err);
    case KEEPER_NETWORK_FREE:
        keeper_network_free(keeper, request->id);
        return 0;
    case KEEPER_NETWORK_ADDRESS:
        return keeper_network_address(keeper, request, err);
    case KEEPER_SOCKET:
        fds[0] = keeper_network_socket(keeper, request, err);
        return fds[0] < 0 ? -1 : 0;
    case KEEPER_BOX_START:
        return keeper_box_start(keeper, request, spec_fd, &reply->id, fds, err);
    case KEEPER_BOX_FREE:
        return keeper_box_free(keeper, request->id, reply, err);
    }
    return err_set(err, ERR_HOST, "sandbox: unknown request");
}

static void serve_one(struct keeper *keeper)
{
    struct keeper_request request;
    struct keeper_reply reply = {0};
    struct err err = {0};
    AUTO_CLOSE int spec_fd = -1;
    size_t n_fds = 0;
    ssize_t n = io_recv_fds(keeper->sock, &request, sizeof request, &spec_fd, 1, &n_fds);
    if (n != (ssize_t)sizeof request)
        _exit(0); /* the caller has closed */
    int fds[BOX_FD_MAX];
    for (size_t i = 0; i < BOX_FD_MAX; i++)
        fds[i] = -1;
    if (serve(keeper, &request, n_fds ? spec_fd : -1, &reply, fds, &err) != 0)
        fail_reply(&reply, &err);
    size_t n_out = 0;
    while (n_out < BOX_FD_MAX && fds[n_out] >= 0)
        n_out++;
    if (io_send_fds(keeper->sock, &reply, sizeof reply, fds, n_out) != 0)
        _exit(0);
    for (size_t i = 0; i < n_out; i++)
        (void)close(fds[i]);
}

_Noreturn void keeper_run(const struct setup *setup, int host_proc, const struct cgroups *groups)
{
    struct keeper *keeper = xcalloc(1, sizeof *keeper);
    struct err err = {0};
    keeper->sock = setup->sock;
    keeper->groups = groups;
    keeper->host_proc = host_proc;
    keeper->hello.cgroup = groups->kind;
    if (get_ready(keeper, setup, &err) != 0) {
        keeper->hello.failed = -1;
        keeper->hello.sys_errno = err.sys_errno;
        (void)snprintf(keeper->hello.text, sizeof keeper->hello.text, "%.*s",
                       (int)sizeof keeper->hello.text - 1, err.text);
    }
    if (io_send_fds(setup->sock, &keeper->hello, sizeof keeper->hello, NULL, 0) != 0 ||
        keeper->hello.failed)
        _exit(1);
    uint64_t next_look = 0;
    for (;;) {
        struct pollfd waits[] = {{.fd = setup->sock, .events = POLLIN},
                                 {.fd = keeper_pool_fd(keeper), .events = POLLIN}};
        bool watches = keeper->groups->kind != CGROUP_V2 && has_boxes(keeper);
        int ready = poll(waits, ARRAY_SIZE(waits), watches ? WATCHDOG_MS : -1);
        if (ready > 0 && waits[1].revents)
            keeper_pool_store(keeper);
        if (ready > 0 && waits[0].revents)
            serve_one(keeper);
        if (watches && io_now_ns() >= next_look) {
            watchdog_look(keeper);
            next_look = io_now_ns() + WATCHDOG_MS * 1000000ULL;
        }
    }
}
