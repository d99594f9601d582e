/* driver/explain.c: a program that does nothing: where it blocks, and what that means where it means something by itself. */
#include "base/own.h"
#include "base/text.h"
#include "driver/parts.h"

#include <netinet/tcp.h>

#define MAX_LINES 6

char *explain_blocked(struct run *run)
{
    struct buf out = {0};
    AUTO_FREE char *where = run->first ? observe_where(run->observer, run->first->init) : NULL;
    const char *at = where ? where : "";
    int lines = 0;
    for (; *at && lines < MAX_LINES; lines++) {
        size_t len = strcspn(at, "\n");
        (void)buf_add_str(&out, lines ? " | " : "the program is blocked: ");
        text_sanitize(&out, at, len, 300);
        at += len + (at[len] == '\n');
    }
    if (*at)
        (void)buf_add_str(&out, " | and more");
    return buf_take(&out);
}

/* The program's end of this connection, as its kernel sees it. */
static bool other_end(struct run *run, const struct endpoint *endpoint, struct socket_entry *ret)
{
    AUTO_FREE struct socket_entry *entries = NULL;
    size_t count = 0;
    struct address local = {.len = sizeof local.storage};
    struct address remote = {.len = sizeof remote.storage};
    if (endpoint->kind != ENDPOINT_TCP ||
        getsockname(endpoint->in.fd, (struct sockaddr *)&local.storage, &local.len) != 0 ||
        getpeername(endpoint->in.fd, (struct sockaddr *)&remote.storage, &remote.len) != 0 ||
        observe_sockets(run->observer, OBSERVE_PROGRAM_HOST, IPPROTO_TCP, &entries, &count, NULL) !=
            0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (entries[i].state != TCP_LISTEN && entries[i].remote_port == sockaddr_port(&local) &&
            entries[i].local_port == sockaddr_port(&remote)) {
            *ret = entries[i];
            return true;
        }
    return false;
}

static bool writes_to_us(struct run *run)
{
    for (size_t i = 0; i < run->n_endpoints; i++)
        if (run->endpoints[i]->no_read)
            return true;
    return false;
}

/* The time is up, and it ran all the while. */
static const char *explain_busy(struct run *run, const struct endpoint *endpoint,
                                struct step_result *result)
{
    struct process_stats now;
    if (!run->first || run->last_state != ACTIVITY_BUSY ||
        program_look(run, run->first, &now, NULL) != 0)
        return NULL;
    double cpu_s = (double)(now.cpu_us - run->first->baseline.cpu_us) / 1e6;
    trace_figure(result, "cpu", "%.1f", cpu_s);
    if (cpu_s < endpoint->lane->active.limit.seconds / 2)
        return NULL; /* it was woken now and then, no more */
    return endpoint->fin_sent ? "spins-on-eof" : "busy-loop";
}

/* It will do nothing more by itself: what does this connection wait for? */
static const char *explain_rest(struct run *run, const struct endpoint *endpoint)
{
    struct socket_entry entry;
    if (!other_end(run, endpoint, &entry))
        return NULL;
    if (!entry.inode && entry.state == TCP_ESTABLISHED)
        return "never-accepts";
    return entry.receive_queue == 0 && !sending_pending(endpoint) ? "waits-for-more-input" : NULL;
}

const char *explain_hang(struct run *run, const struct endpoint *endpoint,
                         const struct moment *moment, enum outcome outcome,
                         struct step_result *result)
{
    if (!moment->quiet)
        return explain_busy(run, endpoint, result);
    if (outcome == OUTCOME_OPEN)
        return NULL;
    if (moment->blocked_output && sending_pending(endpoint))
        return "deadlock-both-wait";
    if (moment->blocked_output && writes_to_us(run))
        return "blocked-on-send";
    return explain_rest(run, endpoint);
}
