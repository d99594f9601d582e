/* sandbox/switch.c: see switch.h. What happens to a frame is decided in line.c; here are its sockets and its clock.
 *
 * Everything between a frame's coming off one socket and its place on the line, or its going out on the other socket, is
 * done under the lock: whoever holds the lock sees each frame either in a socket's queue, or on a line, or gone. */
#include "sandbox/switch.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sandbox/line.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define MAX_FRAME 65535
#define AT_ONCE   64 /* frames of one socket before the other one's turn */

struct net_switch {
    pthread_mutex_t lock;
    pthread_t thread;
    bool runs;
    int fds[2];
    int stop;
    struct line *lines[2]; /* by the host that they lead to */
    uint64_t taken;
    uint64_t unsent[2];
    uint8_t frame[MAX_FRAME];
};

struct outgoing {
    struct net_switch *net_switch;
    int host;
};

static void send_frame(void *self, const uint8_t *frame, size_t len)
{
    const struct outgoing *out = self;
    ssize_t sent;
    do
        sent = send(out->net_switch->fds[out->host], frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    out->net_switch->unsent[out->host] += sent < 0;
}

/* Frames that the host has sent; at most AT_ONCE. */
static void take_from(struct net_switch *net_switch, int host)
{
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t len = recv(net_switch->fds[host], net_switch->frame, MAX_FRAME, MSG_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return;
        net_switch->taken++;
        line_take(net_switch->lines[!host], net_switch->frame, (size_t)len, io_now_ns());
    }
}

static uint64_t work(struct net_switch *net_switch)
{
    uint64_t next = UINT64_MAX;
    (void)pthread_mutex_lock(&net_switch->lock);
    for (int host = 0; host < 2; host++)
        take_from(net_switch, host);
    for (int host = 0; host < 2; host++) {
        struct outgoing out = {net_switch, host};
        line_give(net_switch->lines[host], io_now_ns(), send_frame, &out);
        uint64_t due = line_next(net_switch->lines[host]);
        next = due < next ? due : next;
    }
    (void)pthread_mutex_unlock(&net_switch->lock);
    return next;
}

static void *serve(void *self)
{
    struct net_switch *net_switch = self;
    struct pollfd ready[3] = {{.fd = net_switch->fds[0], .events = POLLIN},
                              {.fd = net_switch->fds[1], .events = POLLIN},
                              {.fd = net_switch->stop, .events = POLLIN}};
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    while (!ready[2].revents) {
        uint64_t next = work(net_switch);
        uint64_t now = io_now_ns();
        uint64_t span = next > now ? next - now : 0;
        struct timespec wait = {.tv_sec = (time_t)(span / 1000000000U),
                                .tv_nsec = (long)(span % 1000000000U)};
        if (ppoll(ready, ARRAY_SIZE(ready), next == UINT64_MAX ? NULL : &wait, NULL) < 0)
            ready[2].revents = 0; /* EINTR: what is ready is found out by trying */
    }
    return NULL;
}

/* Signals are the other threads' business. */
static int start_thread(struct net_switch *net_switch)
{
    sigset_t all;
    sigset_t usual;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &usual);
    int failed = pthread_create(&net_switch->thread, NULL, serve, net_switch);
    (void)pthread_sigmask(SIG_SETMASK, &usual, NULL);
    net_switch->runs = failed == 0;
    return failed;
}

int switch_new(const int fds[2], const struct net_faults *faults, struct net_switch **ret,
               struct err *err)
{
    struct net_switch *net_switch = xcalloc(1, sizeof *net_switch);
    (void)pthread_mutex_init(&net_switch->lock, NULL);
    for (int host = 0; host < 2; host++) {
        net_switch->fds[host] = fds[host];
        net_switch->lines[host] =
            line_new(&faults->ways[host], faults->mtu, faults->seed * 2 + (uint64_t)host);
    }
    net_switch->stop = eventfd(0, EFD_CLOEXEC);
    int failed = net_switch->stop < 0 ? errno : start_thread(net_switch);
    if (failed) {
        switch_free(net_switch);
        return err_sys(err, ERR_HOST, failed, "network: starting the switch");
    }
    *ret = net_switch;
    return 0;
}

void switch_free(struct net_switch *net_switch)
{
    if (!net_switch)
        return;
    if (net_switch->runs) {
        (void)eventfd_write(net_switch->stop, 1);
        (void)pthread_join(net_switch->thread, NULL);
    }
    for (int host = 0; host < 2; host++) {
        line_free(net_switch->lines[host]);
        own_close(&net_switch->fds[host]);
    }
    own_close(&net_switch->stop);
    (void)pthread_mutex_destroy(&net_switch->lock);
    free(net_switch);
}

bool switch_rests(struct net_switch *net_switch, uint64_t *ret_taken)
{
    struct pollfd waiting[2] = {{.fd = net_switch->fds[0], .events = POLLIN},
                                {.fd = net_switch->fds[1], .events = POLLIN}};
    if (pthread_mutex_trylock(&net_switch->lock) != 0)
        return false; /* it works */
    bool rests = poll(waiting, 2, 0) == 0 && line_next(net_switch->lines[0]) == UINT64_MAX &&
                 line_next(net_switch->lines[1]) == UINT64_MAX;
    *ret_taken = net_switch->taken;
    (void)pthread_mutex_unlock(&net_switch->lock);
    return rests;
}

bool switch_event(struct net_switch *net_switch, struct net_event *ret)
{
    bool any = false;
    (void)pthread_mutex_lock(&net_switch->lock);
    for (unsigned host = 0; host < 2 && !any; host++) {
        any = line_event(net_switch->lines[host], ret);
        ret->to = host;
    }
    (void)pthread_mutex_unlock(&net_switch->lock);
    return any;
}

void switch_counts(struct net_switch *net_switch, struct net_counts ret[2])
{
    (void)pthread_mutex_lock(&net_switch->lock);
    for (int host = 0; host < 2; host++) {
        /* the frames that came in faster than they were taken: the kernel's count starts anew with each look */
        struct tpacket_stats stats = {0};
        socklen_t len = sizeof stats;
        if (getsockopt(net_switch->fds[!host], SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
            net_switch->unsent[host] += stats.tp_drops;
        ret[host] = *line_counts(net_switch->lines[host]);
        ret[host].overflowed += net_switch->unsent[host];
    }
    (void)pthread_mutex_unlock(&net_switch->lock);
}
