/* sandbox/keeper_pool.c: networks made ahead, by a process beside the keeper, so that nobody has to wait for one.
 *
 * How it works: the maker is a copy of the keeper that does nothing but make pairs of hosts, one for each byte that it is
 * sent. A pair comes back as two descriptors in a message, which the keeper receives at once: descriptors in flight count
 * for their user, and a program that may have few could send none of its own (ETOOMANYREFS, unix(7)). Taking a pair orders
 * the next; so there are never more than were ordered at first, and none is used twice.
 *
 * Making a pair is half of what a run of a program costs; here it happens while other programs run or wait. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAKER_GONE "network: the process that makes them has gone"

struct made {
    int failed; /* 0 with two descriptors, or -1 with: */
    int sys_errno;
    char text[512];
};

struct pool {
    int sock; /* to the process that makes them */
    size_t room, count;
    struct ready {
        struct made made;
        int ns[2];
    } ready[]; /* the oldest first */
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

static int order_one(const struct pool *pool, struct err *err)
{
    return io_write(pool->sock, "+", 1) == 1 ? 0 : err_set(err, ERR_HOST, MAKER_GONE);
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
    struct pool *pool = xcalloc(1, sizeof *pool + (ahead + 1) * sizeof pool->ready[0]);
    pool->sock = pair[0];
    pool->room = ahead + 1; /* taking one orders the next first */
    keeper->pool = pool;
    for (unsigned i = 0; i < ahead; i++)
        if (order_one(pool, err) != 0)
            return -1;
    return 0;
}

int keeper_pool_fd(const struct keeper *keeper)
{
    return keeper->pool->count < keeper->pool->room ? keeper->pool->sock : -1;
}

void keeper_pool_store(struct keeper *keeper)
{
    struct pool *pool = keeper->pool;
    struct ready *ready = &pool->ready[pool->count];
    size_t n_fds = 0;
    ssize_t n = io_recv_fds(pool->sock, &ready->made, sizeof ready->made, ready->ns, 2, &n_fds);
    if (n != (ssize_t)sizeof ready->made)
        ready->made = (struct made){.failed = -1, .text = MAKER_GONE};
    else if (!ready->made.failed && n_fds != 2)
        ready->made = (struct made){.failed = -1, .text = "network: no descriptor left"};
    for (size_t i = 0; i < n_fds && ready->made.failed; i++)
        (void)close(ready->ns[i]);
    pool->count++;
}

int keeper_pool_take(struct keeper *keeper, struct host_pair *ret, struct err *err)
{
    struct pool *pool = keeper->pool;
    if (order_one(pool, err) != 0)
        return -1;
    if (pool->count == 0)
        keeper_pool_store(keeper);
    struct ready oldest = pool->ready[0];
    pool->count--;
    memmove(&pool->ready[0], &pool->ready[1], pool->count * sizeof oldest);
    if (oldest.made.failed) {
        (void)err_set(err, ERR_HOST, "%s", oldest.made.text);
        if (err)
            err->sys_errno = oldest.made.sys_errno;
        return -1;
    }
    ret->ns[0] = oldest.ns[0];
    ret->ns[1] = oldest.ns[1];
    return 0;
}
