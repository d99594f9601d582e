/* driver/endpoint.c: everything that carries bytes, by its name. A lane sees its own endpoints and those of the lanes it
 * grew out of. */
#include "base/own.h"
#include "driver/parts.h"

#include <arpa/inet.h>
#include <sys/epoll.h>

static struct endpoint *find_in(struct run *run, const struct lane *lane, const char *name)
{
    for (size_t i = 0; i < run->n_endpoints; i++)
        if (run->endpoints[i]->lane == lane && strcmp(run->endpoints[i]->name, name) == 0)
            return run->endpoints[i];
    return NULL;
}

struct endpoint *endpoint_find(struct run *run, const struct lane *lane, const char *name)
{
    for (; lane; lane = lane->parent) {
        struct endpoint *found = find_in(run, lane, name);
        if (found)
            return found;
    }
    return NULL;
}

static void drop_named(struct run *run, const struct lane *lane, const char *name)
{
    struct endpoint *old = find_in(run, lane, name);
    if (old)
        endpoint_drop(run, old);
}

struct endpoint *endpoint_add(struct run *run, struct lane *lane, enum endpoint_kind kind,
                              const char *name)
{
    drop_named(run, lane, name);
    struct endpoint *endpoint = xcalloc(1, sizeof *endpoint);
    endpoint->kind = kind;
    endpoint->lane = lane;
    (void)snprintf(endpoint->name, sizeof endpoint->name, "%s", name);
    if (lane->number)
        (void)snprintf(endpoint->actor, sizeof endpoint->actor, "%.40s#%u", name, lane->number);
    else
        (void)snprintf(endpoint->actor, sizeof endpoint->actor, "%s", name);
    endpoint->in = (struct watch){.fd = -1, .ready = endpoint_readable, .self = endpoint};
    endpoint->out = endpoint->in;
    endpoint->last_sending = &endpoint->sendings;
    endpoint->last_datagram = &endpoint->datagrams;
    buf_init(&endpoint->bytes, SCENARIO_MAX_DATA_BYTES + ((size_t)8 << 20));
    run->endpoints = xreallocarray(run->endpoints, run->n_endpoints + 1, sizeof(struct endpoint *));
    run->endpoints[run->n_endpoints++] = endpoint;
    return endpoint;
}

static void free_endpoint(struct run *run, struct endpoint *endpoint)
{
    (void)loop_watch(run, &endpoint->in, 0);
    (void)loop_watch(run, &endpoint->out, 0);
    own_close(&endpoint->in.fd);
    own_close(&endpoint->out.fd);
    sending_discard(endpoint);
    while (endpoint->datagrams) {
        struct datagram *first = endpoint->datagrams;
        endpoint->datagrams = first->next;
        free(first);
    }
    run->kept_bytes -= endpoint->bytes.len;
    buf_done(&endpoint->bytes);
    free(endpoint);
}

static void forget(struct run *run, const struct endpoint *endpoint)
{
    for (size_t i = 0; i < run->n_endpoints; i++)
        if (run->endpoints[i] == endpoint)
            run->endpoints[i] = run->endpoints[--run->n_endpoints];
}

/* Lanes share what was opened before them: one may not close what another is busy with. */
static void check_users(struct run *run, const struct endpoint *endpoint)
{
    for (const struct lane *lane = run->lanes; lane; lane = lane->next)
        if (lane->active.endpoint == endpoint)
            (void)err_set(&run->err, ERR_USAGE, "%s: '%s' was closed by another lane",
                          lane->active.path, endpoint->name);
}

/* What a program has written and nobody has read yet: its last words belong into the report. */
static void hear_out(struct run *run, const struct program *program)
{
    for (size_t i = 0; i < run->n_endpoints; i++)
        if (run->endpoints[i]->program == program)
            endpoint_read(run, run->endpoints[i]);
}

void endpoint_drop(struct run *run, struct endpoint *endpoint)
{
    struct program *program = endpoint->program;
    check_users(run, endpoint);
    if (program && endpoint->kind == ENDPOINT_PROGRAM && !run->closing) {
        (void)program_poll(run, endpoint, &run->err); /* before our closing of its pipes ends it */
        hear_out(run, program);
    }
    forget(run, endpoint);
    run->inputs++;
    if (endpoint->kind == ENDPOINT_PROGRAM) {
        char name[MAX_NAME_BYTES + 8];
        (void)snprintf(name, sizeof name, "%s.err", endpoint->name);
        drop_named(run, endpoint->lane, name);
        program_drop(run, program);
    }
    free_endpoint(run, endpoint);
}

void endpoint_drop_lane(struct run *run, const struct lane *lane)
{
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < run->n_endpoints && !found; i++) {
            struct endpoint *endpoint = run->endpoints[i];
            if (endpoint->lane != lane || endpoint->kind == ENDPOINT_STDERR)
                continue; /* a program takes its stderr along */
            endpoint_drop(run, endpoint);
            found = true;
        }
    }
}

bool endpoint_is_stream(const struct endpoint *endpoint)
{
    return endpoint->kind == ENDPOINT_TCP || endpoint->kind == ENDPOINT_PROGRAM ||
           endpoint->kind == ENDPOINT_STDERR;
}

void endpoint_arrival(const struct endpoint *endpoint, struct arrival *ret)
{
    *ret = (struct arrival){.eof = endpoint->eof, .reset = endpoint->reset};
    if (endpoint->kind == ENDPOINT_UDP) {
        ret->datagrams = true;
        ret->n_datagrams = endpoint->n_datagrams;
        if (endpoint->datagrams) {
            ret->bytes = endpoint->datagrams->bytes;
            ret->len = endpoint->datagrams->len;
        }
        return;
    }
    ret->bytes =
        (const uint8_t *)(endpoint->bytes.data ? endpoint->bytes.data : "") + endpoint->taken;
    ret->len = endpoint->bytes.len - endpoint->taken;
}

void endpoint_consume(struct run *run, struct endpoint *endpoint, size_t count)
{
    if (endpoint->kind == ENDPOINT_UDP) {
        for (; count && endpoint->datagrams; count--) {
            struct datagram *first = endpoint->datagrams;
            endpoint->datagrams = first->next;
            if (!first->next)
                endpoint->last_datagram = &endpoint->datagrams;
            endpoint->n_datagrams--;
            endpoint->datagram_bytes -= first->len;
            free(first);
        }
        return;
    }
    endpoint->taken += count;
    /* what was consumed is dropped in large pieces: many small answers would otherwise be moved again and again */
    if (endpoint->taken == endpoint->bytes.len || endpoint->taken > ((size_t)1 << 20)) {
        run->kept_bytes -= endpoint->taken;
        buf_consume(&endpoint->bytes, endpoint->taken);
        endpoint->taken = 0;
    }
}

void endpoint_prefer(struct endpoint *endpoint, const struct pattern *datagram)
{
    struct datagram **at = &endpoint->datagrams;
    while (*at && ((*at)->len != datagram->len ||
                   pattern_mismatch(datagram, (*at)->bytes, (*at)->len) != SIZE_MAX))
        at = &(*at)->next;
    struct datagram *found = *at;
    if (!found || found == endpoint->datagrams)
        return;
    *at = found->next;
    if (!found->next)
        endpoint->last_datagram = at;
    found->next = endpoint->datagrams;
    endpoint->datagrams = found;
}

char *endpoint_ends(const struct endpoint *endpoint)
{
    struct address local = {.len = sizeof local.storage};
    struct address remote = {.len = sizeof remote.storage};
    char a[80] = "?";
    char b[80] = "?";
    if (getsockname(endpoint->in.fd, (struct sockaddr *)&local.storage, &local.len) == 0)
        sockaddr_text(&local, a, sizeof a);
    if (endpoint->peer.len)
        remote = endpoint->peer;
    else if (getpeername(endpoint->in.fd, (struct sockaddr *)&remote.storage, &remote.len) != 0)
        return xstrdup(a);
    sockaddr_text(&remote, b, sizeof b);
    return xasprintf("%s -> %s", a, b);
}

uint64_t endpoint_now(struct run *run, struct endpoint *endpoint, enum trace_kind kind,
                      const void *bytes, size_t len, const char *text)
{
    uint64_t now = run_us(run);
    int step = endpoint->lane->active.step ? endpoint->lane->active.number : -1;
    trace_event(run->trace, now, kind, endpoint->actor, step, bytes, len, text);
    return now;
}

static bool wants_input(const struct endpoint *endpoint)
{
    if (endpoint->kind == ENDPOINT_UDP)
        return !endpoint->no_read; /* an ICMP error does not end a UDP socket */
    return endpoint_is_stream(endpoint) && !endpoint->connecting && !endpoint->no_read &&
           !endpoint->eof && !endpoint->reset;
}

static bool wants_output(const struct endpoint *endpoint)
{
    return endpoint->connecting ||
           (sending_pending(endpoint) && !sending_gated(endpoint) && !endpoint->broken);
}

int endpoint_rewatch(struct run *run, struct endpoint *endpoint)
{
    uint32_t in = wants_input(endpoint) ? EPOLLIN : 0U;
    uint32_t out = wants_output(endpoint) ? EPOLLOUT : 0U;
    if (endpoint->kind != ENDPOINT_PROGRAM)
        return loop_watch(run, &endpoint->in, in | out);
    if (loop_watch(run, &endpoint->out, out) != 0)
        return -1;
    return loop_watch(run, &endpoint->in, in);
}
