/* driver/faults.c: what was done to the program's system calls, for the log and for whoever reads why a step failed. */
#include "base/own.h"
#include "driver/parts.h"

#include <inttypes.h>

static const char *error_name(int sys_errno)
{
    const char *name = strerrorname_np(sys_errno);
    return name ? name : "an error";
}

static enum call_kind kind_of(const struct world_call *call)
{
    static const enum call_kind kinds[WORLD_CALL_KINDS] = {
        [WORLD_CALL_ACCEPT] = CALL_ACCEPT, [WORLD_CALL_CONNECT] = CALL_CONNECT,
        [WORLD_CALL_RECV] = CALL_RECV,     [WORLD_CALL_SEND] = CALL_SEND,
        [WORLD_CALL_POLL] = CALL_POLL,
    };
    return kinds[call->kind];
}

size_t faults_of(const struct world *world, struct call_fault ret[CALL_KINDS])
{
    for (size_t i = 0; i < world->n_calls; i++) {
        const struct world_call *call = &world->calls[i];
        ret[i] = (struct call_fault){.kind = kind_of(call),
                                     .sys_errno = call->sys_errno,
                                     .max = call->max,
                                     .nth = call->nth,
                                     .times = call->times,
                                     .every = call->every,
                                     .chance = call->chance};
    }
    return world->n_calls;
}

static void note_event(struct run *run, struct endpoint *endpoint, const struct call_event *event)
{
    char text[128];
    if (event->sys_errno)
        (void)snprintf(text, sizeof text, "%s call %" PRIu64 ": %s", call_kind_name(event->kind),
                       event->number, error_name(event->sys_errno));
    else
        (void)snprintf(text, sizeof text,
                       "%s call %" PRIu64 ": at most %" PRIu64 " of %" PRIu64 " bytes",
                       call_kind_name(event->kind), event->number, event->most, event->asked);
    uint64_t at_ns = event->at_ns > run->began_ns ? event->at_ns - run->began_ns : 0;
    trace_event(run->trace, at_ns / 1000, TRACE_FAULT, endpoint->actor, -1, NULL, 0, text);
}

void faults_note(struct run *run)
{
    struct call_event event;
    if (!run->scenario->world.n_calls)
        return;
    for (size_t i = 0; i < run->n_endpoints; i++) {
        struct endpoint *endpoint = run->endpoints[i];
        if (endpoint->kind != ENDPOINT_PROGRAM || !endpoint->program->calls)
            continue;
        while (calls_next_event(endpoint->program->calls, &event))
            note_event(run, endpoint, &event);
    }
}

static void add_times(struct buf *out, uint64_t times)
{
    if (times == 1)
        (void)buf_add_str(out, " once");
    else
        (void)buf_printf(out, " %" PRIu64 " times", times);
}

static void describe(struct buf *out, const struct world_call *call, struct call_tracer *tracer)
{
    enum call_kind kind = kind_of(call);
    struct call_count count = calls_count(tracer, kind);
    if (count.failed) {
        (void)buf_printf(out, "%s%s fail with %s", out->len ? ", " : "", call_kind_name(kind),
                         error_name(call->sys_errno));
        add_times(out, count.failed);
    }
    if (count.shortened) {
        (void)buf_printf(out, "%s%s move at most %" PRIu64 " byte%s", out->len ? ", " : "",
                         call_kind_name(kind), call->max, call->max == 1 ? "" : "s");
        add_times(out, count.shortened);
    }
}

void faults_explain(struct run *run, struct step_result *result)
{
    const struct world *world = &run->scenario->world;
    AUTO_BUF struct buf done = {0};
    if (!run->first || !run->first->calls)
        return;
    for (size_t i = 0; i < world->n_calls; i++)
        describe(&done, &world->calls[i], run->first->calls);
    if (!done.len)
        return;
    char *before = result->observed_text;
    result->observed_text = xasprintf("%s; the grader had made %s", before ? before : "failed",
                                      (const char *)done.data);
    free(before);
}
