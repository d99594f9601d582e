/* driver/step_open.c: `open`: connections, listeners, UDP sockets, all on the peers' host. */
#include "base/own.h"
#include "driver/parts.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#define BACKLOG 4096

static int peers_socket(struct run *run, int family, int type, struct err *err)
{
    int one = 1;
    int fd = run->target->socket(run->target->self, OBSERVE_PEERS_HOST, family, type, 0, err);
    if (fd >= 0 && type == SOCK_STREAM) /* segments leave as they are written */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int bind_to(int fd, const struct address *address, const char *text, struct err *err)
{
    int one = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->len) != 0)
        return err_sys(err, ERR_USAGE, errno, "cannot bind to '%.80s' on the test's host", text);
    return 0;
}

static int apply_options(struct lane *lane, int fd, struct err *err)
{
    const struct open_step *open = &lane->active.step->u.open;
    AUTO_FREE char *from = NULL;
    struct address local;
    if (open->rcvbuf &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &open->rcvbuf, sizeof open->rcvbuf) != 0)
        return err_sys(err, ERR_HOST, errno, "SO_RCVBUF");
    if (!open->from)
        return 0;
    if (step_expand(lane, open->from, &from, err) != 0 ||
        sockaddr_parse(from, false, &local, err) != 0)
        return -1;
    return bind_to(fd, &local, from, err);
}

static void begin_connect(struct run *run, struct active *active)
{
    struct endpoint *endpoint = active->endpoint;
    const struct address *to = &active->address;
    active->at_door = false;
    run->inputs++;
    if (connect(endpoint->in.fd, (const struct sockaddr *)&to->storage, to->len) == 0 ||
        errno == EINPROGRESS)
        return; /* the loop tells when it is decided */
    endpoint->connecting = false;
    endpoint->connect_errno = errno;
    endpoint->broken = true;
    endpoint->reset = true;
}

/* Asks for the connection, if there is room for it. */
static void go_in(struct run *run, struct active *active)
{
    if (peer_has_room(run, sockaddr_port(&active->address)))
        begin_connect(run, active);
}

static int begin_udp(struct run *run, struct endpoint *endpoint, const struct open_step *open,
                     const struct address *address, const char *text, struct err *err)
{
    if (open->kind == OPEN_BIND)
        return bind_to(endpoint->in.fd, address, text, err);
    if (open->connected &&
        connect(endpoint->in.fd, (const struct sockaddr *)&address->storage, address->len) != 0)
        return err_sys(err, ERR_USAGE, errno, "cannot connect a UDP socket to '%.80s'", text);
    if (!open->connected)
        endpoint->peer = *address;
    AUTO_FREE char *ends = endpoint_ends(endpoint);
    (void)endpoint_now(run, endpoint, TRACE_OPEN, NULL, 0, ends);
    return 0;
}

static int begin_listen(struct endpoint *endpoint, const struct address *address, const char *text,
                        struct err *err)
{
    if (bind_to(endpoint->in.fd, address, text, err) != 0)
        return -1;
    if (listen(endpoint->in.fd, BACKLOG) != 0)
        return err_sys(err, ERR_USAGE, errno, "cannot listen at '%.80s'", text);
    return 0;
}

static int make(struct run *run, struct lane *lane, const struct address *address, const char *text,
                struct err *err)
{
    static const enum endpoint_kind kinds[] = {
        [OPEN_TCP] = ENDPOINT_TCP,
        [OPEN_LISTEN] = ENDPOINT_LISTENER,
        [OPEN_UDP] = ENDPOINT_UDP,
        [OPEN_BIND] = ENDPOINT_UDP,
    };
    struct active *active = &lane->active;
    const struct open_step *open = &active->step->u.open;
    enum endpoint_kind kind = kinds[open->kind];
    int type = kind == ENDPOINT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    AUTO_CLOSE int fd = peers_socket(run, address->storage.ss_family, type, err);
    if (fd < 0 || apply_options(lane, fd, err) != 0)
        return -1;
    struct endpoint *endpoint = endpoint_add(run, lane, kind, active->name);
    active->endpoint = endpoint;
    endpoint->in.fd = TAKE_FD(fd);
    endpoint->no_read = open->no_read;
    endpoint->is_bound = open->kind == OPEN_BIND;
    if (kind == ENDPOINT_UDP && begin_udp(run, endpoint, open, address, text, err) != 0)
        return -1;
    if (kind == ENDPOINT_LISTENER && begin_listen(endpoint, address, text, err) != 0)
        return -1;
    if (kind == ENDPOINT_TCP) {
        active->address = *address;
        active->at_door = true;
        endpoint->connecting = true; /* nothing to read or write before */
        go_in(run, active);
    }
    if (!active->at_door && endpoint_rewatch(run, endpoint) != 0)
        return err_set(err, run->err.kind, "%s", run->err.text);
    return 0;
}

static int begin_open(struct run *run, struct lane *lane, struct err *err)
{
    const struct step *step = lane->active.step;
    AUTO_FREE char *target = NULL;
    struct address address;
    if (step_expand(lane, step->u.open.target, &target, err) != 0)
        return -1;
    if (step->u.open.never)
        span_start(run, &lane->active.limit, step_within(run, step, 0));
    else
        limit_start(run, &lane->active.limit, step_within(run, step, 0));
    lane->active.limit.counts_network = step->u.open.kind == OPEN_TCP;
    if (step->u.open.kind == OPEN_ACCEPT) {
        struct endpoint *listener = endpoint_find(run, lane, target);
        if (!listener || listener->kind != ENDPOINT_LISTENER)
            return err_set(err, ERR_USAGE, "%s: '%s' does not listen", lane->active.path, target);
        lane->active.endpoint = listener;
        return 0;
    }
    if (sockaddr_parse(target, true, &address, err) != 0)
        return -1;
    return make(run, lane, &address, target, err);
}

/* ---- how it ends ---- */

static bool only_loopback(struct run *run)
{
    AUTO_FREE struct socket_entry *servers = NULL;
    size_t count = 0;
    bool all =
        run->first && observe_servers(run->observer, run->first->init, &servers, &count, NULL) == 0;
    for (size_t i = 0; i < count; i++)
        all &= strncmp(servers[i].local, "127.", 4) == 0 || strcmp(servers[i].local, "::1") == 0;
    return all && count;
}

/* A server that will not make room, or has not for so long: then the connection goes its way as any stranger's would. */
static int leave_door(struct run *run, struct lane *lane, const struct moment *moment,
                      struct err *err)
{
    struct active *active = &lane->active;
    enum proof proof = PROOF_SEEN;
    bool settled = step_settled(run, lane, moment, &proof);
    go_in(run, active);
    /* with somebody let in the server's rest is over: it will make room for the next ones */
    if (active->at_door && settled && (proof == PROOF_DEADLINE || !run->door.admits)) {
        limit_restart(run, &active->limit);
        begin_connect(run, active);
    }
    if (!active->at_door && endpoint_rewatch(run, active->endpoint) != 0)
        return err_set(err, run->err.kind, "%s", run->err.text);
    return 0;
}

static void poll_connect(struct run *run, struct lane *lane, const struct moment *moment,
                         struct finding *finding)
{
    const struct endpoint *endpoint = lane->active.endpoint;
    bool want_refusal = lane->active.step->u.open.refused;
    enum proof proof = PROOF_SEEN;
    if (!endpoint->connecting && endpoint->connect_errno) {
        if (want_refusal) {
            finding_ok(finding);
            return;
        }
        finding_fail(finding, OUTCOME_REFUSED, "a connection", "%s",
                     strerror(endpoint->connect_errno));
        if (only_loopback(run))
            finding->result.generic_class = xstrdup("binds-one-address");
    } else if (!endpoint->connecting && want_refusal) {
        finding_fail(finding, OUTCOME_OTHER, "a refused connection", "connected");
    } else if (!endpoint->connecting) {
        finding_ok(finding);
    } else if (step_settled(run, lane, moment, &proof)) {
        finding_fail(finding, OUTCOME_REFUSED,
                     want_refusal ? "a refused connection" : "a connection",
                     "no answer to the SYN: the backlog may be full, or nobody has the address");
        finding_by_quiet(finding, proof);
    }
}

static int accept_one(struct run *run, struct lane *lane, struct err *err)
{
    const struct open_step *open = &lane->active.step->u.open;
    int one = 1;
    AUTO_CLOSE int fd =
        accept4(lane->active.endpoint->in.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
        return 0;
    if (fd < 0)
        return err_sys(err, ERR_HOST, errno, "accept");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    run->inputs++;
    lane->active.endpoint = NULL; /* the connection may take the listener's name, and its place */
    struct endpoint *endpoint = endpoint_add(run, lane, ENDPOINT_TCP, lane->active.name);
    lane->active.endpoint = endpoint;
    endpoint->in.fd = TAKE_FD(fd);
    endpoint->no_read = open->no_read;
    AUTO_FREE char *ends = endpoint_ends(endpoint);
    (void)endpoint_now(run, endpoint, TRACE_ACCEPT, NULL, 0, ends);
    if (endpoint_rewatch(run, endpoint) != 0)
        return err_set(err, run->err.kind, "%s", run->err.text);
    return 1;
}

static int poll_accept(struct run *run, struct lane *lane, const struct moment *moment,
                       struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    bool never = active->step->u.open.never;
    enum proof proof = PROOF_SEEN;
    bool settled = step_settled(run, lane, moment, &proof);
    bool undated = step_undated(active);
    settled |= undated;
    int got = undated ? 0 : accept_one(run, lane, err);
    if (got < 0)
        return -1;
    if (got && never) /* we may have been stopped before the look */
        settled |= step_settled(run, lane, moment, &proof);
    if (got && never && !step_undated(active)) {
        AUTO_FREE char *ends = endpoint_ends(active->endpoint);
        finding_fail(finding, OUTCOME_OTHER, "no connection", "a connection: %s", ends);
    } else if (got && !never) {
        finding_ok(finding);
    } else if (settled) {
        if (never) {
            finding_ok(finding);
        } else {
            finding_fail(finding, OUTCOME_NOTHING, "a connection", "none came");
            finding_add_where(run, finding);
        }
        finding_by_quiet(finding, proof);
    } else if (loop_watch(run, &active->endpoint->in, EPOLLIN) != 0) {
        return err_set(err, run->err.kind, "%s", run->err.text);
    }
    return 0;
}

static int poll_open(struct run *run, struct lane *lane, const struct moment *moment,
                     struct finding *finding, struct err *err)
{
    switch (lane->active.step->u.open.kind) {
    case OPEN_TCP:
        if (lane->active.at_door)
            return leave_door(run, lane, moment, err);
        poll_connect(run, lane, moment, finding);
        return 0;
    case OPEN_ACCEPT:
        return poll_accept(run, lane, moment, finding, err);
    case OPEN_LISTEN:
    case OPEN_UDP:
    case OPEN_BIND:
        finding_ok(finding);
        return 0;
    }
    return 0;
}

const struct verb_ops verb_open = {begin_open, poll_open, NULL};
