/* driver/endpoint_read.c: what arrives. Everything is drained in the background (unless `read` is false). Kept is what a
 * scenario may compare, and of all endpoints together MAX_KEPT; what is more is read and forgotten, so that no flood
 * fills this machine's memory, and no program is blocked by us. */
#include "base/io.h"
#include "base/own.h"
#include "driver/parts.h"

#include <errno.h>
#include <sys/epoll.h>

#define READ_BYTES    65536
#define MAX_READS     64 /* of one endpoint in a row: the others want their turn */
#define MAX_DATAGRAMS 4096
#define MAX_KEPT      ((size_t)256 << 20)

/* A byte (or an end) after a proof of silence, and nothing was sent since: the proof was wrong, a bug of ours. */
static void check_proof(struct run *run, struct endpoint *endpoint)
{
    if (run->silent_since != run->inputs || run->distrust)
        return;
    run->distrust = true;
    (void)endpoint_now(run, endpoint, TRACE_NOTE, NULL, 0,
                       "this came after silence was proven: from here on the clock decides");
}

static void ended(struct run *run, struct endpoint *endpoint, bool reset)
{
    check_proof(run, endpoint);
    endpoint->changes++;
    if (reset)
        endpoint->reset = true;
    else
        endpoint->eof = true;
    (void)endpoint_now(run, endpoint, reset ? TRACE_RST : TRACE_FIN, NULL, 0, NULL);
    if (reset) {
        endpoint->broken = true;
        sending_discard(endpoint);
    }
}

static void keep_output(struct run *run, const struct endpoint *endpoint, const void *bytes,
                        size_t len)
{
    if (!endpoint->program || !endpoint->program->first)
        return;
    (void)buf_add(endpoint->kind == ENDPOINT_STDERR ? &run->trace->err_out : &run->trace->out,
                  bytes, len);
}

static void keep_bytes(struct run *run, struct endpoint *endpoint, const void *bytes, size_t len)
{
    size_t before = endpoint->bytes.len;
    if (run->kept_bytes < MAX_KEPT)
        (void)buf_add(&endpoint->bytes, bytes, len);
    run->kept_bytes += endpoint->bytes.len - before;
}

/* True when there may be more. */
static bool read_stream(struct run *run, struct endpoint *endpoint)
{
    uint8_t bytes[READ_BYTES];
    ssize_t n = io_read(endpoint->in.fd, bytes, sizeof bytes);
    if (n > 0) {
        check_proof(run, endpoint);
        endpoint->changes++;
        keep_bytes(run, endpoint, bytes, (size_t)n);
        keep_output(run, endpoint, bytes, (size_t)n);
        (void)endpoint_now(run, endpoint, TRACE_RECEIVE, bytes, (size_t)n, NULL);
        return true;
    }
    if (n < 0 && errno == EAGAIN)
        return false;
    ended(run, endpoint, n < 0);
    return false;
}

static void keep_datagram(struct endpoint *endpoint, const uint8_t *bytes, size_t len)
{
    struct datagram *datagram = xmalloc(sizeof *datagram + len);
    datagram->next = NULL;
    datagram->len = len;
    memcpy(datagram->bytes, bytes, len);
    *endpoint->last_datagram = datagram;
    endpoint->last_datagram = &datagram->next;
    endpoint->n_datagrams++;
    endpoint->datagram_bytes += len;
}

static bool read_datagram(struct run *run, struct endpoint *endpoint)
{
    uint8_t bytes[READ_BYTES];
    struct address from = {.len = sizeof from.storage};
    ssize_t n = recvfrom(endpoint->in.fd, bytes, sizeof bytes, MSG_DONTWAIT,
                         (struct sockaddr *)&from.storage, &from.len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n < 0) {
        if (!endpoint->reset)
            ended(run, endpoint, true);
        endpoint->broken = false; /* the next datagram may be sent all the same */
        return true;
    }
    check_proof(run, endpoint);
    endpoint->changes++;
    if (from.len && endpoint->is_bound)
        endpoint->peer = from; /* whom it answers */
    (void)endpoint_now(run, endpoint, TRACE_RECEIVE, bytes, (size_t)n, NULL);
    if (endpoint->n_datagrams < MAX_DATAGRAMS && endpoint->datagram_bytes < SCENARIO_MAX_DATA_BYTES)
        keep_datagram(endpoint, bytes, (size_t)n);
    return true;
}

void endpoint_read(struct run *run, struct endpoint *endpoint)
{
    bool more = !endpoint->connecting && !endpoint->no_read && endpoint->in.fd >= 0 &&
                endpoint->kind != ENDPOINT_LISTENER && !endpoint->eof &&
                (!endpoint->reset || endpoint->kind == ENDPOINT_UDP);
    for (int i = 0; i < MAX_READS && more; i++)
        more = endpoint->kind == ENDPOINT_UDP ? read_datagram(run, endpoint)
                                              : read_stream(run, endpoint);
    (void)endpoint_rewatch(run, endpoint);
}

void endpoint_was_reset(struct run *run, struct endpoint *endpoint)
{
    while (!endpoint->eof && !endpoint->reset && !endpoint->no_read && read_stream(run, endpoint))
        continue; /* what had come before the reset */
    endpoint->eof = false;
    if (!endpoint->reset)
        ended(run, endpoint, true);
}

static void connect_done(struct run *run, struct endpoint *endpoint)
{
    int error = 0;
    socklen_t len = sizeof error;
    (void)getsockopt(endpoint->in.fd, SOL_SOCKET, SO_ERROR, &error, &len);
    endpoint->connecting = false;
    endpoint->changes++;
    if (error) {
        endpoint->connect_errno = error;
        endpoint->broken = true;
        endpoint->reset = true;
        (void)endpoint_now(run, endpoint, TRACE_REFUSED, NULL, 0, strerror(error));
        (void)endpoint_rewatch(run, endpoint);
        return;
    }
    AUTO_FREE char *ends = endpoint_ends(endpoint);
    (void)endpoint_now(run, endpoint, TRACE_OPEN, NULL, 0, ends);
    sending_flush(run, endpoint);
}

/* An end that nobody reads (`read` is false): a reset shows all the same. A UDP socket has no end; what ICMP says of an
 * earlier datagram, the next one's sender hears. */
static void notice_end(struct run *run, struct endpoint *endpoint, uint32_t events)
{
    if (!endpoint->no_read || endpoint->kind == ENDPOINT_UDP || !(events & (EPOLLERR | EPOLLHUP)))
        return;
    if (!endpoint->reset)
        ended(run, endpoint, true);
    (void)loop_watch(run, &endpoint->in, 0); /* it would be told for ever */
}

void endpoint_readable(struct run *run, void *self, uint32_t events)
{
    struct endpoint *endpoint = self;
    if (endpoint->kind == ENDPOINT_LISTENER) {
        endpoint->changes++; /* the step that accepts looks itself */
        (void)loop_watch(run, &endpoint->in, 0);
        return;
    }
    if (endpoint->connecting) {
        connect_done(run, endpoint);
        return;
    }
    endpoint_read(run, endpoint);
    notice_end(run, endpoint, events);
    if (sending_pending(endpoint) && (events & (EPOLLOUT | EPOLLERR)))
        sending_flush(run, endpoint);
}
