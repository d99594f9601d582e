/* observe/marks.c: marker datagrams, which prove that whatever was sent before them has arrived.
 *
 * A veth(4) without NAPI, and lo, hand a packet to the receive backlog of the CPU that sends it: one first-in-first-out
 * queue a CPU, whatever the device, the direction or the network namespace, with one consumer. A marker sent from CPU c
 * therefore arrives behind everything that c had sent in either host, over either device. What those packets make the
 * kernel send (an ACK, a RST, an ICMP error; none of them is ever answered) goes to the same queue while they are
 * delivered, that is before the marker is: the second marker arrives behind that.
 *
 * The markers take the peers' way across the veth, then the program's way back. Where link addresses are not all permanent,
 * they go there and back twice: an answer may then need a resolution first (packet, request, answer, error: four
 * crossings). Sending from a CPU also means running there: interrupt and wake-up work of that CPU that began earlier
 * is over (the exit of a process, an expired timer, a wake-up on its way to another CPU).
 *
 * Where user space carries the frames between the hosts, a marker on that way would share their fate. Then both sockets
 * are on the peers' host and the markers cross its lo: what is said above holds whatever the device. They prove that the
 * frames have come as far as user space, or from there to a host; the rest is asked (probe.c, D).
 *
 * Not covered: receive packet steering on these devices (off unless net.core.rps_default_mask is set). */
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#define WAIT_NS (400 * 1000 * NSEC_PER_USEC)
#define MARKER_PORT                                                                                \
    1 /* tcpmux: no exercise uses it. A port of the ephemeral range might be the program's */
#define MAX_STRANGERS 64

struct marks {
    int fd[2]; /* connected to each other: program's host, peers' host */
    uint64_t seq;
    size_t cpu_bytes;
    cpu_set_t *usual; /* the affinity of the caller */
    cpu_set_t *one;
    size_t cpus[MAX_CPUS];
    size_t n_cpus;
};

static int bind_marker(int fd, struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    address->sin_port = htons(MARKER_PORT);
    if (bind(fd, (struct sockaddr *)address, len) < 0) {
        address->sin_port = 0; /* a host where low ports need privileges, or both on one host */
        if (bind(fd, (struct sockaddr *)address, len) < 0)
            return -1;
    }
    return getsockname(fd, (struct sockaddr *)address, &len);
}

static int open_markers(const struct observe_ops *ops, struct marks *marks, struct err *err)
{
    const enum observe_host near = ops->network_rests ? OBSERVE_PEERS_HOST : OBSERVE_PROGRAM_HOST;
    const enum observe_host hosts[2] = {near, OBSERVE_PEERS_HOST};
    const char *texts[2] = {ops->network_rests ? ops->peers_address : ops->program_address,
                            ops->peers_address};
    struct sockaddr_in at[2] = {{.sin_family = AF_INET}, {.sin_family = AF_INET}};
    for (int host = 0; host < 2; host++) {
        marks->fd[host] = ops->socket(ops->self, hosts[host], AF_INET, SOCK_DGRAM, 0, err);
        if (marks->fd[host] < 0)
            return -1;
        if (inet_pton(AF_INET, texts[host], &at[host].sin_addr) != 1)
            return err_set(err, ERR_HOST, "not an IPv4 address: %s", texts[host]);
        if (bind_marker(marks->fd[host], &at[host]) < 0)
            return err_sys(err, ERR_HOST, errno, "cannot bind a marker socket to %s", texts[host]);
    }
    for (int host = 0; host < 2; host++)
        if (connect(marks->fd[host], (struct sockaddr *)&at[!host], sizeof at[0]) < 0)
            return err_sys(err, ERR_HOST, errno, "cannot connect a marker socket to %s",
                           texts[!host]);
    return 0;
}

/* Every CPU that a program may come to run on: affinity can be widened up to the cpuset, so ours is tried. */
static int find_cpus(struct marks *marks, struct err *err)
{
    cpu_set_t *all = CPU_ALLOC(MAX_CPUS);
    size_t bytes = CPU_ALLOC_SIZE(MAX_CPUS);
    int result = -1;
    marks->cpu_bytes = bytes;
    marks->usual = CPU_ALLOC(MAX_CPUS);
    marks->one = CPU_ALLOC(MAX_CPUS);
    if (!all || !marks->usual || !marks->one)
        goto out;
    memset(all, 0xff, bytes);
    if (sched_getaffinity(0, bytes, marks->usual) < 0)
        goto out;
    if (sched_setaffinity(0, bytes, all) < 0 || sched_getaffinity(0, bytes, all) < 0)
        goto out;
    for (size_t cpu = 0; cpu < MAX_CPUS; cpu++)
        if (CPU_ISSET_S(cpu, bytes, all))
            marks->cpus[marks->n_cpus++] = cpu;
    result = sched_setaffinity(0, bytes, marks->usual);
out:
    CPU_FREE(all);
    return result < 0 ? err_sys(err, ERR_HOST, errno, "cannot find the usable CPUs") : 0;
}

int obs_marks_new(const struct observe_ops *ops, struct marks **ret, struct err *err)
{
    struct marks *marks = xcalloc(1, sizeof *marks);
    marks->fd[0] = -1;
    marks->fd[1] = -1;
    if (find_cpus(marks, err) < 0 || open_markers(ops, marks, err) < 0) {
        obs_marks_free(marks);
        return -1;
    }
    *ret = marks;
    return 0;
}

void obs_marks_free(struct marks *marks)
{
    if (!marks)
        return;
    own_close(&marks->fd[0]);
    own_close(&marks->fd[1]);
    CPU_FREE(marks->usual);
    CPU_FREE(marks->one);
    free(marks);
}

/* One marker from this host to the other one. */
static int cross(struct marks *marks, int from)
{
    uint64_t sent = ++marks->seq;
    uint64_t got = 0;
    uint64_t deadline = 0;
    int to = marks->fd[!from];
    if (send(marks->fd[from], &sent, sizeof sent, MSG_DONTWAIT) != (ssize_t)sizeof sent)
        return -1;
    for (int strangers = 0; got != sent && strangers < MAX_STRANGERS;) {
        ssize_t len = recv(to, &got, sizeof got, MSG_DONTWAIT);
        if (len >= 0) { /* an older marker that came too late for its probe */
            strangers++;
            continue;
        }
        if (errno != EAGAIN)
            return -1;
        if (!deadline)
            deadline = io_now_ns() + WAIT_NS;
        if (io_poll(to, POLLIN, deadline) <= 0)
            return -1;
    }
    return got == sent ? 0 : -1;
}

static int flush_cpu(struct marks *marks, size_t cpu, int rounds)
{
    CPU_ZERO_S(marks->cpu_bytes, marks->one);
    CPU_SET_S(cpu, marks->cpu_bytes, marks->one);
    if (sched_setaffinity(0, marks->cpu_bytes, marks->one) < 0)
        return -1;
    for (int round = 0; round < rounds; round++)
        if (cross(marks, OBSERVE_PEERS_HOST) < 0 || cross(marks, OBSERVE_PROGRAM_HOST) < 0)
            return -1;
    return 0;
}

int obs_marks_flush(struct marks *marks, bool thorough)
{
    int here = sched_getcpu();
    int result = 0;
    size_t first = 0;
    if (sched_getaffinity(0, marks->cpu_bytes, marks->usual) < 0)
        return -1;
    for (size_t i = 0; i < marks->n_cpus; i++)
        if ((int)marks->cpus[i] == here)
            first = i;
    for (size_t i = 0; i < marks->n_cpus && result == 0; i++)
        result = flush_cpu(marks, marks->cpus[(first + i) % marks->n_cpus], thorough ? 2 : 1);
    if (sched_setaffinity(0, marks->cpu_bytes, marks->usual) < 0)
        return -1;
    return result;
}
