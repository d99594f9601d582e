/* report/report_scenario.c: one scenario of the report, with as much as the suite lets the student see. */
#include "report/parts.h"

#include "base/text.h"

#include <signal.h>
#include <string.h>

#define MAX_STDERR 4096

static json_t *escaped(const void *bytes, size_t len, size_t max)
{
    AUTO_BUF struct buf text = {0};
    if (bytes)
        text_escape(&text, bytes, len, max);
    return report_string(text.data ? text.data : "");
}

static json_t *event_json(const struct trace_event *event)
{
    json_t *object = json_pack("{s:I, s:o, s:s, s:i}", "t_us", (json_int_t)event->t_us, "actor",
                               report_line(event->actor), "event", trace_kind_name(event->kind),
                               "step", event->step);
    if (event->text)
        (void)json_object_set_new(object, "text", escaped(event->text, strlen(event->text), 1000));
    if (event->bytes) {
        size_t kept = event->len < TRACE_MAX_BYTES ? (size_t)event->len : TRACE_MAX_BYTES;
        (void)json_object_set_new(object, "len", json_integer((json_int_t)event->len));
        (void)json_object_set_new(object, "bytes", escaped(event->bytes, kept, kept));
    }
    return object;
}

static json_t *trace_json(const struct trace *trace)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trace->n_events; i++)
        (void)json_array_append_new(list, event_json(trace_event_at(trace, i)));
    return list;
}

static json_t *process_json(const struct process_summary *process)
{
    const char *name = process->signaled ? sigabbrev_np(process->code) : NULL;
    json_t *end = json_null();
    if (process->ended)
        end = name ? json_sprintf("SIG%s", name)
                   : json_sprintf(process->signaled ? "signal %d" : "exit %d", process->code);
    return json_pack("{s:b, s:o, s:f, s:I, s:I, s:o}", "started", process->started, "exit", end,
                     "cpu_ms", (double)process->cpu_us / 1000, "rss_kib",
                     (json_int_t)process->rss_kib, "fds", (json_int_t)process->fds, "limit_hit",
                     report_string(process->limit_hit));
}

static void add_run(json_t *object, const struct trace *trace, bool with_trace)
{
    (void)json_object_set_new(object, "process", process_json(&trace->process));
    (void)json_object_set_new(object, "stderr",
                              escaped(trace->err_out.data, trace->err_out.len, MAX_STDERR));
    if (!with_trace)
        return;
    (void)json_object_set_new(object, "trace", trace_json(trace));
    (void)json_object_set_new(object, "dropped_events",
                              json_integer((json_int_t)trace->dropped_events));
}

static void add_all(json_t *object, const struct scenario_result *result, bool with_trace)
{
    const struct scenario *scenario = result->scenario;
    const struct verdict *verdict = result->verdict;
    const bool told = result->run && verdict->result >= 0;
    const struct {
        const char *key, *value;
    } texts[] = {
        {"note", scenario->note},
        {"level", level_name(scenario->level)},
        {"force", force_name(scenario->force)},
        {"standard", scenario->standard},
        {"proof", told ? proof_name(verdict->proof) : NULL},
        {"class", verdict->class_name},
        {"hint", verdict->sentence},
        {"read", verdict->read},
        {"failed_step", verdict->failed_step},
        {"expected", verdict->expected},
        {"observed", verdict->observed},
        {"blocked_by", verdict->blocked_by},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        (void)json_object_set_new(object, texts[i].key, report_string(texts[i].value));
    (void)json_object_set_new(object, "capped", json_boolean(result->points.capped));
    (void)json_object_set_new(object, "seconds",
                              json_real(result->trace ? result->trace->seconds : 0));
    (void)json_object_set_new(object, "other_machines", report_machines_answers(result->machines));
    if (result->trace)
        add_run(object, result->trace, with_trace);
}

json_t *report_scenario(const struct scenario_result *result, bool obey_show, bool with_trace)
{
    enum show show = obey_show ? result->scenario->show : SHOW_ALL;
    const bool named = show != SHOW_NOTHING;
    json_t *object =
        json_pack("{s:o, s:o, s:s, s:s, s:f, s:f}", "id",
                  report_string(named ? result->scenario->id : "hidden"), "title",
                  report_string(named ? result->scenario->title : "a scenario that is not shown"),
                  "show", show_name(show), "verdict", verdict_name(result->verdict->kind), "score",
                  result->points.score, "max_score", result->points.max);
    if (show == SHOW_ALL)
        add_all(object, result, with_trace);
    return object;
}
