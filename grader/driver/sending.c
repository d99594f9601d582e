/* driver/sending.c: what the scenario sends, on its way out. The timeline never waits for it: what the kernel does not take
 * at once stays here and goes out when the socket or pipe has room. Segments are kept apart by gates: the next one goes
 * when the last was consumed (as proven) or its gap is over. */
#include "base/io.h"
#include "base/own.h"
#include "driver/parts.h"

#include <errno.h>
#include <sys/ioctl.h>

struct sending *sending_new(uint8_t *bytes, size_t len, const struct send_step *step)
{
    struct sending *sending = xcalloc(1, sizeof *sending);
    sending->bytes = bytes;
    sending->len = len;
    sending->until = len;
    if (!step)
        return sending;
    sending->cut_every = step->cut_every;
    sending->gap_ns = seconds_to_ns(step->gap_s);
    if (step->n_cuts) {
        sending->cuts = xcalloc(step->n_cuts, sizeof *sending->cuts);
        memcpy(sending->cuts, step->cuts, step->n_cuts * sizeof *sending->cuts);
        sending->n_cuts = step->n_cuts;
    }
    return sending;
}

void sending_free(struct sending *sending)
{
    free(sending->bytes);
    free(sending->cuts);
    free(sending);
}

/* Where the segment that begins at `at` ends. */
static size_t segment_end(const struct sending *sending)
{
    if (sending->cut_every) {
        size_t end = (sending->at / sending->cut_every + 1) * sending->cut_every;
        return end < sending->len ? end : sending->len;
    }
    for (size_t i = 0; i < sending->n_cuts; i++)
        if (sending->cuts[i] > sending->at && sending->cuts[i] < sending->len)
            return sending->cuts[i];
    return sending->len;
}

bool sending_pending(const struct endpoint *endpoint)
{
    return endpoint->sendings != NULL;
}

bool sending_gated(const struct endpoint *endpoint)
{
    const struct sending *first = endpoint->sendings;
    return first && first->at == first->until && first->until < first->len;
}

static void pop(struct endpoint *endpoint)
{
    struct sending *first = endpoint->sendings;
    endpoint->sendings = first->next;
    if (!endpoint->sendings)
        endpoint->last_sending = &endpoint->sendings;
    sending_free(first);
}

void sending_discard(struct endpoint *endpoint)
{
    while (endpoint->sendings)
        pop(endpoint);
}

static ssize_t put(const struct endpoint *endpoint, const struct sending *sending)
{
    const uint8_t *bytes = sending->bytes ? sending->bytes + sending->at : NULL;
    size_t len = sending->until - sending->at;
    const struct sockaddr *to =
        sending->to.len ? (const struct sockaddr *)&sending->to.storage : NULL;
    if (endpoint->kind == ENDPOINT_PROGRAM)
        return io_write(endpoint->out.fd, bytes, len);
    return sendto(endpoint->in.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT, to, sending->to.len);
}

/* What is discarded did not get through. */
static void note_lost(struct endpoint *endpoint, const struct sending *sending)
{
    if (!sending->must || endpoint->unsent)
        return;
    endpoint->unsent = sending->must;
    memcpy(endpoint->unsent_path, sending->path, sizeof endpoint->unsent_path);
}

/* The program (or its kernel) takes nothing more: what was sent is lost, which its reader will tell. send(2) has taken the
 * socket's error with it: a reset must be noted here, after what had come before it was read. */
static void break_off(struct run *run, struct endpoint *endpoint, int error)
{
    for (const struct sending *lost = endpoint->sendings; lost; lost = lost->next)
        note_lost(endpoint, lost);
    endpoint->broken = true;
    sending_discard(endpoint);
    if (error == ECONNRESET && endpoint->kind == ENDPOINT_TCP)
        endpoint_was_reset(run, endpoint);
}

/* One write; true when it may be tried again at once. */
static bool put_some(struct run *run, struct endpoint *endpoint)
{
    struct sending *first = endpoint->sendings;
    bool datagram = endpoint->kind == ENDPOINT_UDP;
    ssize_t n = put(endpoint, first);
    if (n < 0 && errno == ECONNREFUSED && datagram) {
        endpoint->reset =
            true; /* ICMP's answer to an earlier datagram; this one was not sent yet */
        endpoint->changes++;
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return false;
    if (n < 0) {
        break_off(run, endpoint, errno);
        return false;
    }
    run->inputs++;
    (void)endpoint_now(run, endpoint, TRACE_SEND, first->bytes + first->at, (size_t)n, NULL);
    first->at += (size_t)n;
    if (first->at < first->until)
        return true;
    if (first->at == first->len || datagram) {
        pop(endpoint);
        return true;
    }
    endpoint->gate_ns = io_now_ns();
    if (first->gap_ns)
        return false;
    first->until = segment_end(first);
    return true;
}

static void finish(struct run *run, struct endpoint *endpoint)
{
    if (!endpoint->fin_wanted || endpoint->fin_sent || sending_pending(endpoint))
        return;
    endpoint->fin_sent = true;
    run->inputs++;
    if (endpoint->kind == ENDPOINT_PROGRAM) {
        (void)loop_watch(run, &endpoint->out, 0);
        own_close(&endpoint->out.fd);
        endpoint->out.fd = -1;
    } else {
        (void)shutdown(endpoint->in.fd,
                       SHUT_WR); /* ENOTCONN: the peer has reset it, which the reader tells */
    }
    (void)endpoint_now(run, endpoint, TRACE_FIN_SENT, NULL, 0, NULL);
}

void sending_flush(struct run *run, struct endpoint *endpoint)
{
    if (endpoint->connecting)
        return;
    while (sending_pending(endpoint) && !sending_gated(endpoint))
        if (!put_some(run, endpoint))
            break;
    finish(run, endpoint);
    (void)endpoint_rewatch(run, endpoint);
}

void sending_add(struct run *run, struct endpoint *endpoint, struct sending *sending)
{
    bool closed = endpoint->broken || endpoint->fin_wanted ||
                  (endpoint->kind == ENDPOINT_PROGRAM && endpoint->out.fd < 0);
    if (closed) {
        endpoint->broken = true;
        note_lost(endpoint, sending);
        sending_free(sending);
        return;
    }
    if (sending->len == 0 && endpoint->kind != ENDPOINT_UDP) {
        sending_free(sending); /* a stream has no empty segments */
        return;
    }
    sending->until = endpoint->kind == ENDPOINT_UDP ? sending->len : segment_end(sending);
    *endpoint->last_sending = sending;
    endpoint->last_sending = &sending->next;
    sending_flush(run, endpoint);
}

void sending_finish(struct run *run, struct endpoint *endpoint)
{
    endpoint->fin_wanted = true;
    sending_flush(run, endpoint);
}

/* May the next segment follow? Its predecessor was consumed; or the program rests for good and never will. */
static bool may_follow(struct run *run, const struct endpoint *endpoint,
                       const struct moment *moment)
{
    struct socket_entry entry;
    int unread = 0;
    if (moment->until_ns == UINT64_MAX && moment->proof == PROOF_SILENT)
        return true;
    if (endpoint->kind == ENDPOINT_PROGRAM)
        return ioctl(endpoint->out.fd, FIONREAD, &unread) == 0 && unread == 0;
    return peer_entry(run, endpoint, &entry) && entry.receive_queue == 0;
}

bool sending_open_gates(struct run *run, const struct moment *moment)
{
    uint64_t now = io_now_ns();
    bool any = false;
    for (size_t i = 0; i < run->n_endpoints; i++) {
        struct endpoint *endpoint = run->endpoints[i];
        if (!sending_gated(endpoint))
            continue;
        bool over = now >= endpoint->gate_ns + endpoint->sendings->gap_ns;
        if (!over && !(moment && may_follow(run, endpoint, moment)))
            continue;
        endpoint->sendings->until = segment_end(endpoint->sendings);
        sending_flush(run, endpoint);
        any = true;
    }
    return any;
}

uint64_t sending_next_gate(const struct run *run)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < run->n_endpoints; i++) {
        const struct endpoint *endpoint = run->endpoints[i];
        if (sending_gated(endpoint) && endpoint->gate_ns + endpoint->sendings->gap_ns < next)
            next = endpoint->gate_ns + endpoint->sendings->gap_ns;
    }
    return next;
}
