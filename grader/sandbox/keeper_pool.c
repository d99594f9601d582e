/* sandbox/keeper_pool.c: networks made ahead, by a process beside the keeper, so that nobody has to wait for one.
 *
 * How it works: the maker is a copy of the keeper that does nothing but make pairs of hosts, one for each byte that it is
 * sent. A pair comes back as two descriptors in a message, and waits in the socket until it is taken: the socket's queue
 * is the pool. Taking one orders the next; so there are never more than were ordered at first, and none is used twice.
 *
 * Making a pair is half of what a run of a program costs; here it happens while other programs run or wait. */
#include "sandbox/box.h"

#include "base/io.h"

#include <errno.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct made {
    int failed; /* 0 with two descriptors, or -1 with: */
    int sys_errno;
    char text[512];
};

static void make_one(struct keeper *keeper, int sock)
{
    struct made made = {0};
    struct host_pair pair = {.ns = {-1, -1}};
    struct err err = {0};
    if (keeper_pair_make(keeper, NULL, &pair, &err) != 0) {
        made = (struct made){.failed = -1, .sys_errno = err.sys_errno};
        (void)snprintf(made.text, sizeof made.text, "%.*s", (int)sizeof made.text - 1, err.text);
    }
    if (io_send_fds(sock, &made, sizeof made, pair.ns, made.failed ? 0 : 2) != 0)
        _exit(0);
    for (int host = 0; host < 2 && !made.failed; host++)
        (void)close(pair.ns[host]);
}

static _Noreturn void run_maker(struct keeper *keeper, int sock)
{
    char order = 0;
    (void)prctl(PR_SET_NAME, "network maker", 0, 0, 0);
    (void)close(keeper->sock);
    while (io_read(sock, &order, 1) == 1)
        make_one(keeper, sock);
    _exit(0); /* the keeper has gone */
}

static int order_one(const struct keeper *keeper, struct err *err)
{
    return io_write(keeper->pool, "+", 1) == 1
               ? 0
               : err_set(err, ERR_HOST, "network: the process that makes them has gone");
}

int keeper_pool_init(struct keeper *keeper, unsigned ahead, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_sys(err, ERR_HOST, errno, "network: socketpair");
    pid_t maker = fork();
    if (maker < 0)
        return err_sys(err, ERR_HOST, errno, "network: fork");
    if (maker == 0) {
        (void)close(pair[0]);
        run_maker(keeper, pair[1]);
    }
    (void)close(pair[1]);
    keeper->pool = pair[0];
    for (unsigned i = 0; i < ahead; i++)
        if (order_one(keeper, err) != 0)
            return -1;
    return 0;
}

int keeper_pool_take(struct keeper *keeper, struct host_pair *ret, struct err *err)
{
    struct made made;
    int fds[2] = {-1, -1};
    size_t n_fds = 0;
    if (order_one(keeper, err) != 0)
        return -1;
    ssize_t n = io_recv_fds(keeper->pool, &made, sizeof made, fds, 2, &n_fds);
    if (n != (ssize_t)sizeof made)
        return err_set(err, ERR_HOST, "network: the process that makes them has gone");
    if (made.failed || n_fds != 2) {
        for (size_t i = 0; i < n_fds; i++)
            (void)close(fds[i]);
        (void)err_set(err, ERR_HOST, "%s", made.failed ? made.text : "network: no descriptor left");
        if (err)
            err->sys_errno = made.sys_errno;
        return -1;
    }
    ret->ns[0] = fds[0];
    ret->ns[1] = fds[1];
    return 0;
}
