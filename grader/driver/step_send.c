/* driver/step_send.c: `send`. */
#include "base/own.h"
#include "driver/parts.h"

#define MAX_DATAGRAM_BYTES 65507 /* over IPv4 (RFC 768, RFC 791) */

static int aim(struct run *run, struct lane *lane, struct sending *sending, struct err *err)
{
    const struct send_step *send = &lane->active.step->u.send;
    const struct endpoint *from = lane->active.endpoint;
    const struct endpoint *whose = from;
    AUTO_FREE char *name = NULL;
    if (from->kind != ENDPOINT_UDP)
        return send->to ? err_set(err, ERR_USAGE, "%s: 'to' is for UDP", lane->active.path) : 0;
    if (send->to) {
        if (step_expand(lane, send->to, &name, err) != 0)
            return -1;
        whose = endpoint_find(run, lane, name);
        if (!whose || whose->kind != ENDPOINT_UDP)
            return err_set(err, ERR_USAGE, "%s: '%s' is no UDP endpoint", lane->active.path, name);
    }
    sending->to = whose->peer;
    return 0;
}

/* A UDP socket that was only bound answers its last peer; where nobody has written yet there is none. */
static bool has_peer(const struct endpoint *endpoint, const struct sending *sending)
{
    struct address peer = {.len = sizeof peer.storage};
    return endpoint->kind != ENDPOINT_UDP || sending->to.len ||
           getpeername(endpoint->in.fd, (struct sockaddr *)&peer.storage, &peer.len) == 0;
}

static int begin_send(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    const struct send_step *send = &active->step->u.send;
    struct data_context context;
    struct pattern data;
    if (step_endpoint(run, lane, &active->endpoint, err) != 0)
        return -1;
    struct endpoint *endpoint = active->endpoint;
    if (endpoint->kind == ENDPOINT_LISTENER || endpoint->kind == ENDPOINT_STDERR)
        return err_set(err, ERR_USAGE, "%s: nothing can be sent to '%s'", active->path,
                       active->name);
    step_context(run, lane, &context);
    if (data_resolve(send->data, &context, &data, err) != 0)
        return -1;
    size_t data_len = data.len;
    struct sending *sending = sending_new(TAKE_PTR(data.bytes), data.len, send);
    pattern_done(&data);
    if (aim(run, lane, sending, err) != 0) {
        sending_free(sending);
        return -1;
    }
    limit_start(run, &active->limit, send->stall_s);
    if (!send->may_fail) {
        sending->must = active->step;
        (void)snprintf(sending->path, sizeof sending->path, "%s", active->path);
    }
    if (endpoint->kind == ENDPOINT_UDP) {
        endpoint->reset = false; /* an ICMP error was about an earlier datagram */
        if (data_len > MAX_DATAGRAM_BYTES) {
            sending_free(sending);
            return err_set(err, ERR_USAGE, "%s: a datagram holds at most %d bytes", active->path,
                           MAX_DATAGRAM_BYTES);
        }
    }
    if (!has_peer(endpoint, sending)) {
        active->refused = true;
        sending_free(sending);
        return 0;
    }
    sending_add(run, endpoint, sending);
    return 0;
}

/* Whether it got through is seen by who reads from the endpoint next, or at the end of the scenario (play.c). */
static int poll_send(struct run *run, struct lane *lane, const struct moment *moment,
                     struct finding *finding, struct err *err)
{
    const struct active *active = &lane->active;
    enum proof proof = PROOF_SEEN;
    (void)err;
    if (active->refused) {
        finding_fail(finding, OUTCOME_NOTHING, "somebody who has written to this endpoint",
                     "nobody has");
        return 0;
    }
    if (active->step->u.send.stall_s <= 0 || !sending_pending(active->endpoint)) {
        finding_ok(finding);
    } else if (!sending_gated(active->endpoint) && step_settled(run, lane, moment, &proof)) {
        finding_ok(finding);
        finding->result.proof = proof;
    }
    return 0;
}

const struct verb_ops verb_send = {begin_send, poll_send, NULL};
