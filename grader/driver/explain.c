/* driver/explain.c: a program that does nothing: where it blocks, and what that means where it means something by itself; and
 * what the network did. */
#include "base/own.h"
#include "base/text.h"
#include "driver/parts.h"

#include <netinet/tcp.h>

#define MAX_LINES  6
#define MIN_PROBES 10
#define MOST_NEWS  64 /* at a time */

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

static bool writes_to_us(struct run *run)
{
    for (size_t i = 0; i < run->n_endpoints; i++)
        if (run->endpoints[i]->no_read)
            return true;
    return false;
}

/* The time is up, and it ran all the while. */
static const char *explain_busy(struct run *run, const struct lane *lane,
                                struct step_result *result)
{
    struct process_stats now;
    const struct endpoint *endpoint = lane->active.endpoint;
    bool all_the_while =
        run->probes.all >= MIN_PROBES && run->probes.busy * 10 >= run->probes.all * 9;
    if (!run->first || !all_the_while || program_look(run, run->first, &now, NULL) != 0)
        return NULL;
    if (now.cpu_us > run->probes.cpu_us)
        trace_figure(result, "cpu", "%.1f", (double)(now.cpu_us - run->probes.cpu_us) / 1e6);
    return endpoint && endpoint->fin_sent ? "spins-on-eof" : "busy-loop";
}

/* Bytes of this connection lie unread, and the program waits for news in epoll: it was told of them, once. */
bool explain_unread(struct run *run, const struct endpoint *endpoint, const struct moment *moment,
                    struct step_result *result)
{
    struct socket_entry entry;
    if (!moment->quiet || moment->proof != PROOF_SILENT || !run->first ||
        !peer_entry(run, endpoint, &entry) || !entry.inode || !entry.receive_queue)
        return false;
    AUTO_FREE char *where = observe_where(run->observer, run->first->init);
    if (!where || !strstr(where, "epoll_"))
        return false;
    trace_figure(result, "n", "%u", (unsigned)entry.receive_queue);
    return true;
}

/* Is a thread blocked in reading this connection, or in watching it? */
static bool is_awaited(struct run *run, const struct socket_entry *entry)
{
    char needle[32];
    AUTO_FREE char *where = run->first ? observe_where(run->observer, run->first->init) : NULL;
    (void)snprintf(needle, sizeof needle, ":%u, connected", (unsigned)entry->remote_port);
    return where && strstr(where, needle);
}

/* It will do nothing more by itself: what does this connection wait for? */
static const char *explain_rest(struct run *run, const struct endpoint *endpoint)
{
    struct socket_entry entry;
    if (!peer_entry(run, endpoint, &entry))
        return NULL;
    if (!entry.inode && entry.state == TCP_ESTABLISHED)
        return "never-accepts";
    if (entry.receive_queue || sending_pending(endpoint) || !is_awaited(run, &entry))
        return NULL;
    return "waits-for-more-input";
}

const char *explain_hang(struct run *run, const struct lane *lane, const struct moment *moment,
                         enum outcome outcome, struct step_result *result)
{
    const struct endpoint *endpoint = lane->active.endpoint;
    if (!moment->quiet)
        return explain_busy(run, lane, result);
    if (outcome == OUTCOME_OPEN || moment->until_ns != UINT64_MAX || moment->proof != PROOF_SILENT)
        return NULL;
    if (moment->blocked_output && sending_pending(endpoint))
        return "deadlock-both-wait";
    if (moment->blocked_output && writes_to_us(run))
        return "blocked-on-send";
    return explain_rest(run, endpoint);
}

void explain_network(struct run *run)
{
    const struct target *target = run->target;
    uint64_t at_ns = 0;
    for (int i = 0; target->network_news && i < MOST_NEWS; i++) {
        AUTO_FREE char *text = target->network_news(target->self, &at_ns);
        if (!text)
            return;
        /* what was noted since it happened stands in front of it */
        size_t n = run->trace->n_events;
        uint64_t last_us = n ? trace_event_at(run->trace, n - 1)->t_us : 0;
        uint64_t at_us = at_ns > run->began_ns ? (at_ns - run->began_ns) / 1000 : 0;
        at_us = at_us > last_us ? at_us : last_us;
        trace_event(run->trace, at_us, TRACE_NOTE, "network", -1, NULL, 0, text);
    }
}
