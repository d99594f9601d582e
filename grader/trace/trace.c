/* trace/trace.c: the record of one run: events and results, each with its stated maximum.
 *
 * Both lists are arrays that double at powers of two, so no capacity has to be kept. Of more than TRACE_MAX_EVENTS events
 * the first half stays and the last half goes round; of each event's bytes the first TRACE_MAX_BYTES are kept, of each result's a window. So a program
 * that floods cannot make the record large: at most 2000 events of 256 bytes, and as many results as the scenario has
 * steps to execute. Names of outcomes, proofs and kinds stand here, since scenario files and reports both use them. */
#include "trace/trace.h"

#include "base/own.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STREAM_BYTES ((size_t)16 << 10) /* of the program's stdout and stderr each */
#define MAX_EVENT_TEXT   1024

void trace_init(struct trace *trace)
{
    *trace = (struct trace){0};
    buf_init(&trace->out, MAX_STREAM_BYTES);
    buf_init(&trace->err_out, MAX_STREAM_BYTES);
}

void trace_result_init(struct step_result *result)
{
    *result = (struct step_result){.alternative = -1, .diff_at = UINT64_MAX};
    buf_init(&result->expected, TRACE_MAX_RESULT_BYTES);
    buf_init(&result->observed, TRACE_MAX_RESULT_BYTES);
}

void trace_result_done(struct step_result *result)
{
    free(result->class_name);
    free(result->generic_class);
    buf_done(&result->expected);
    buf_done(&result->observed);
    free(result->expected_text);
    free(result->observed_text);
}

static void event_done(struct trace_event *event)
{
    free(event->bytes);
    free(event->text);
}

void trace_done(struct trace *trace)
{
    for (size_t i = 0; i < trace->n_events; i++)
        event_done(&trace->events[i]);
    for (size_t i = 0; i < trace->n_results; i++)
        trace_result_done(&trace->results[i]);
    for (size_t i = 0; i < trace->n_vars; i++) {
        free(trace->vars[i].name);
        free(trace->vars[i].value);
    }
    free(trace->events);
    free(trace->results);
    free(trace->vars);
    free(trace->error_text);
    buf_done(&trace->out);
    buf_done(&trace->err_out);
    *trace = (struct trace){0};
}

/* Room for one more element: capacity is the next power of two, so none has to be kept. */
static void *grow(void *list, size_t count, size_t size)
{
    if (count & (count - 1))
        return list; /* not at a power of two: the last growth left room */
    return xreallocarray(list, count ? 2 * count : 1, size);
}

#define FIRST_HALF (TRACE_MAX_EVENTS / 2)
#define LAST_HALF  (TRACE_MAX_EVENTS - FIRST_HALF)

/* Where the next event goes: at the end, or over the oldest one of the last half. */
static struct trace_event *room_for_event(struct trace *trace)
{
    if (trace->n_events == TRACE_MAX_EVENTS) {
        struct trace_event *oldest = &trace->events[FIRST_HALF + trace->dropped_events % LAST_HALF];
        trace->dropped_events++;
        event_done(oldest);
        return oldest;
    }
    trace->events = grow(trace->events, trace->n_events, sizeof *trace->events);
    return &trace->events[trace->n_events++];
}

const struct trace_event *trace_event_at(const struct trace *trace, size_t i)
{
    if (i >= FIRST_HALF)
        i = FIRST_HALF + (i - FIRST_HALF + (size_t)(trace->dropped_events % LAST_HALF)) % LAST_HALF;
    return &trace->events[i];
}

void trace_event(struct trace *trace, uint64_t t_us, enum trace_kind kind, const char *actor,
                 int step, const void *bytes, uint64_t len, const char *text)
{
    struct trace_event *event = room_for_event(trace);
    *event = (struct trace_event){.t_us = t_us, .kind = kind, .step = step, .len = len};
    (void)snprintf(event->actor, sizeof event->actor, "%s", actor ? actor : "");
    if (bytes && len) {
        const size_t kept = len < TRACE_MAX_BYTES ? (size_t)len : TRACE_MAX_BYTES;
        event->bytes = xmalloc(kept);
        memcpy(event->bytes, bytes, kept);
    }
    if (text)
        event->text = xstrndup(text, MAX_EVENT_TEXT);
}

struct step_result *trace_result(struct trace *trace)
{
    struct step_result empty;
    trace_result_init(&empty);
    trace_result_add(trace, &empty);
    return &trace->results[trace->n_results - 1];
}

void trace_result_add(struct trace *trace, struct step_result *result)
{
    trace->results = grow(trace->results, trace->n_results, sizeof *trace->results);
    trace->results[trace->n_results++] = *result;
    trace_result_init(result);
}

void trace_figure(struct step_result *result, const char *name, const char *format, ...)
{
    size_t i = 0;
    while (i < result->n_figures && strcmp(result->figures[i].name, name) != 0)
        i++;
    if (i == ARRAY_SIZE(result->figures))
        return;
    if (i == result->n_figures)
        result->n_figures++;
    struct trace_figure *figure = &result->figures[i];
    (void)snprintf(figure->name, sizeof figure->name, "%s", name);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(figure->value, sizeof figure->value, format, list);
    va_end(list);
}

void trace_var(struct trace *trace, const char *name, const char *value)
{
    for (size_t i = 0; i < trace->n_vars; i++) {
        if (strcmp(trace->vars[i].name, name) == 0) {
            free(trace->vars[i].value);
            trace->vars[i].value = xstrdup(value);
            return;
        }
    }
    trace->vars = grow(trace->vars, trace->n_vars, sizeof *trace->vars);
    trace->vars[trace->n_vars++] =
        (struct trace_var){.name = xstrdup(name), .value = xstrdup(value)};
}

/* ---- names ---- */

static const char *const outcomes[OUTCOME_COUNT] = {
    [OUTCOME_OK] = "ok",       [OUTCOME_NOTHING] = "nothing",     [OUTCOME_SHORT] = "short",
    [OUTCOME_EOF] = "eof",     [OUTCOME_RESET] = "reset",         [OUTCOME_OPEN] = "open",
    [OUTCOME_EXTRA] = "extra", [OUTCOME_DIFFERENT] = "different", [OUTCOME_REFUSED] = "refused",
    [OUTCOME_OTHER] = "other",
};

const char *outcome_name(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOME_COUNT ? outcomes[outcome] : "?";
}

bool outcome_from_name(const char *name, enum outcome *ret)
{
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        if (strcmp(outcomes[i], name) == 0) {
            *ret = (enum outcome)i;
            return true;
        }
    }
    return false;
}

const char *proof_name(enum proof proof)
{
    static const char *const names[] = {
        [PROOF_SEEN] = "seen",
        [PROOF_SILENT] = "silent",
        [PROOF_IDLE_TICKS] = "idle-ticks",
        [PROOF_DEADLINE] = "deadline",
    };
    return (unsigned)proof < ARRAY_SIZE(names) ? names[proof] : "?";
}

const char *trace_kind_name(enum trace_kind kind)
{
    static const char *const names[] = {
        [TRACE_START] = "start",       [TRACE_READY] = "ready", [TRACE_EXIT] = "exit",
        [TRACE_SIGNAL] = "signal",     [TRACE_OPEN] = "open",   [TRACE_ACCEPT] = "accept",
        [TRACE_REFUSED] = "refused",   [TRACE_SEND] = "send",   [TRACE_RECEIVE] = "receive",
        [TRACE_FIN_SENT] = "fin-sent", [TRACE_FIN] = "fin",     [TRACE_RST_SENT] = "reset-sent",
        [TRACE_RST] = "reset",         [TRACE_CLOSE] = "close", [TRACE_STEP] = "step",
        [TRACE_FAULT] = "fault",       [TRACE_NOTE] = "note",
    };
    return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}
