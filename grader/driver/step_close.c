/* driver/step_close.c: `close`: ends an endpoint, and waits until that has taken effect on the program's host: a FIN is
 * acknowledged, a reset connection has left its socket table, a killed program and its sockets are gone. */
#include "base/io.h"
#include "base/own.h"
#include "driver/parts.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>

static int tcp_state(const struct endpoint *endpoint)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(endpoint->in.fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return TCP_CLOSE;
    return info.tcpi_state;
}

/* Our FIN has arrived: it is acknowledged. */
static bool fin_arrived(const struct endpoint *endpoint)
{
    int state = tcp_state(endpoint);
    return state == TCP_FIN_WAIT2 || state == TCP_TIME_WAIT || state == TCP_CLOSE;
}

/* SO_LINGER of 0 makes close(2) send a RST (socket(7), tcp(7)). */
static void reset(struct run *run, struct active *active)
{
    struct endpoint *endpoint = active->endpoint;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    active->has_ends = peer_ends(endpoint, &active->ends);
    (void)setsockopt(endpoint->in.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)endpoint_now(run, endpoint, TRACE_RST_SENT, NULL, 0, NULL);
    active->endpoint = NULL;
    endpoint_drop(run, endpoint);
}

static int poll_reset(struct run *run, struct lane *lane, const struct moment *moment,
                      struct finding *finding, struct err *err)
{
    const struct active *active = &lane->active;
    enum proof proof = PROOF_SEEN;
    int there = active->has_ends ? peer_find(run, &active->ends, NULL, err) : 0;
    if (there < 0)
        return -1;
    if (!there || step_settled(run, lane, moment, &proof))
        finding_ok(finding);
    return 0;
}

static int send_signal(struct run *run, struct endpoint *endpoint, int number, struct err *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "SIG%s", sigabbrev_np(number));
    (void)endpoint_now(run, endpoint, TRACE_SIGNAL, NULL, 0, text);
    return run->target->signal(run->target->self, endpoint->program->handle, number, err);
}

static int begin_close(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    const struct close_step *close_step = &active->step->u.close;
    if (step_endpoint(run, lane, &active->endpoint, err) != 0)
        return -1;
    struct endpoint *endpoint = active->endpoint;
    endpoint->unsent = NULL;
    run->inputs++;
    limit_start(run, &active->limit, step_within(run, active->step, 0));
    if ((close_step->how == CLOSE_SIGNAL && endpoint->kind != ENDPOINT_PROGRAM) ||
        (close_step->how == CLOSE_RESET && endpoint->kind != ENDPOINT_TCP))
        return err_set(err, ERR_USAGE, "%s: '%s' cannot be closed that way", active->path,
                       active->name);
    if (close_step->how == CLOSE_SIGNAL)
        return send_signal(run, endpoint, close_step->signal, err);
    if (close_step->how == CLOSE_RESET)
        reset(run, active);
    else if (endpoint->kind == ENDPOINT_TCP || endpoint->kind == ENDPOINT_PROGRAM)
        sending_finish(run, endpoint);
    return 0;
}

/* KILL has taken effect when the program is gone and with it its sockets; STOP and CONT before the target returned. */
static int poll_signal(struct run *run, struct lane *lane, const struct moment *moment,
                       struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    struct process_stats stats = {0};
    enum proof proof = PROOF_SEEN;
    if (active->step->u.close.signal != SIGKILL) {
        finding_ok(finding);
        return 0;
    }
    if (program_poll(run, active->endpoint, err) != 0)
        return -1;
    if (active->endpoint->program->end.ended &&
        program_look(run, active->endpoint->program, &stats, err) != 0)
        return -1;
    if ((active->endpoint->program->end.ended && !stats.alive) ||
        step_settled(run, lane, moment, &proof))
        finding_ok(finding);
    return 0;
}

static void poll_tcp(struct run *run, struct lane *lane, const struct moment *moment,
                     struct finding *finding)
{
    struct active *active = &lane->active;
    struct endpoint *endpoint = active->endpoint;
    enum close_how how = active->step->u.close.how;
    enum proof proof = PROOF_SEEN;
    bool settled = step_settled(run, lane, moment, &proof) && !sending_gated(endpoint);
    /* A half-close of much data must not wait: reading goes on meanwhile, and it is read for. */
    bool pending = sending_pending(endpoint);
    bool done = settled || endpoint->broken || endpoint->connecting ||
                (how == CLOSE_WRITE && pending) || (!pending && fin_arrived(endpoint));
    if (!done)
        return;
    if (how != CLOSE_WRITE) {
        endpoint_read(run, endpoint); /* a close with unread bytes would be a reset */
        (void)endpoint_now(run, endpoint, TRACE_CLOSE, NULL, 0, NULL);
        active->endpoint = NULL;
        endpoint_drop(run, endpoint);
    }
    finding_ok(finding);
}

static int poll_close(struct run *run, struct lane *lane, const struct moment *moment,
                      struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    struct endpoint *endpoint = active->endpoint;
    if (active->step->u.close.how == CLOSE_SIGNAL)
        return poll_signal(run, lane, moment, finding, err);
    if (active->step->u.close.how == CLOSE_RESET)
        return poll_reset(run, lane, moment, finding, err);
    switch (endpoint->kind) {
    case ENDPOINT_TCP:
        poll_tcp(run, lane, moment, finding);
        return 0;
    case ENDPOINT_LISTENER:
    case ENDPOINT_UDP:
        (void)endpoint_now(run, endpoint, TRACE_CLOSE, NULL, 0, NULL);
        active->endpoint = NULL;
        endpoint_drop(run, endpoint);
        break;
    case ENDPOINT_PROGRAM:
    case ENDPOINT_STDERR:
        break;
    }
    finding_ok(finding);
    return 0;
}

const struct verb_ops verb_close = {begin_close, poll_close, NULL};
