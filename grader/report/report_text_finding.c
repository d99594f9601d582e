/* report/report_text_finding.c: what went wrong, once for each bug class: the sentence, the scenarios it explains, what
 * was expected and observed in the first of them, how that was established, where to read on; and the wire log. */
#include "report/parts.h"

#include "base/own.h"

#include <string.h>

#define MOST_NAMES 12 /* of scenarios in one line: the summary above lists them all */

static const struct {
    const char *name, *words;
} proofs[] = {
    {"seen", "seen"},
    {"silent", "proven silent: without new input the program cannot act again in its time"},
    {"idle-ticks", "idle: it wakes up on a tick and does nothing"},
    {"deadline", "deadline: its time was over"},
};

static const struct {
    const char *event, *mark;
} arrows[] = {
    {"send", "▸"},    {"fin-sent", "▸"}, {"reset-sent", "▸"},
    {"receive", "◂"}, {"fin", "◂"},      {"reset", "◂"},
};

static const json_t *scenario_named(const json_t *assignment, const char *id)
{
    size_t i;
    const json_t *scenario;
    for (i = 0; (scenario = json_array_get(json_object_get(assignment, "scenarios"), i)); i++)
        if (strcmp(report_text_of(scenario, "id"), id) == 0)
            return scenario;
    return NULL;
}

void report_labelled(const struct text_page *page, const char *label, const char *text)
{
    if (!*text)
        return;
    (void)buf_printf(page->out, "    %s\n", label);
    /* hex windows are laid out already: their blanks are kept */
    while (*text) {
        size_t len = strcspn(text, "\n");
        (void)buf_printf(page->out, "      %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void evidence(const struct text_page *page, const json_t *scenario)
{
    const char *proof = report_text_of(scenario, "proof");
    for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++)
        if (strcmp(proofs[i].name, proof) == 0)
            proof = proofs[i].words;
    report_labelled(page, "in step", report_text_of(scenario, "failed_step"));
    report_labelled(page, "expected", report_text_of(scenario, "expected"));
    report_labelled(page, "observed", report_text_of(scenario, "observed"));
    report_labelled(page, "proof", proof);
    AUTO_BUF struct buf machines = {0};
    report_machines_line(scenario, &machines);
    report_labelled(page, "the same program, built for other machines",
                    machines.data ? machines.data : "");
    report_labelled(page, "stderr", report_text_of(scenario, "stderr"));
    report_labelled(page, "standard", report_text_of(scenario, "standard"));
}

static void scenario_list(const struct text_page *page, const char *words, const json_t *ids)
{
    AUTO_BUF struct buf list = {0};
    size_t i;
    const json_t *id;
    (void)buf_add_str(&list, words);
    for (i = 0; (id = json_array_get(ids, i)) && i < MOST_NAMES; i++)
        (void)buf_printf(&list, "%s %s", i ? "," : "",
                         json_string_value(id) ? json_string_value(id) : "?");
    if (json_array_size(ids) > i)
        (void)buf_printf(&list, " and %zu more", json_array_size(ids) - i);
    if (i)
        report_wrap(page->out, list.data, page->width, "    ");
}

static void finding(const struct text_page *page, const json_t *assignment, const json_t *entry)
{
    const json_t *ids = json_object_get(entry, "scenarios");
    const char *first = json_string_value(json_array_get(ids, 0));
    (void)buf_add_str(page->out, "\n  ");
    report_ink(page, INK_BOLD);
    (void)buf_add_str(page->out, report_text_of(entry, "class"));
    report_ink(page, INK_NONE);
    double lost = report_number_of(entry, "points_lost");
    if (lost > 0)
        (void)buf_printf(page->out, "  -%.2f points\n", lost);
    else
        (void)buf_add_str(page->out, "  (costs no points)\n");
    report_wrap(page->out, report_text_of(entry, "sentence"), page->width, "    ");
    scenario_list(page, "explains", json_object_get(entry, "scenarios"));
    scenario_list(page, "skipped for it", json_object_get(entry, "skipped"));
    if (first)
        evidence(page, scenario_named(assignment, first));
    report_labelled(page, "read on", report_text_of(entry, "read"));
}

void report_findings(const struct text_page *page, const json_t *assignment)
{
    size_t i;
    const json_t *entry;
    for (i = 0; (entry = json_array_get(json_object_get(assignment, "findings"), i)); i++)
        finding(page, assignment, entry);
}

static const char *arrow(const char *event)
{
    for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++)
        if (strcmp(arrows[i].event, event) == 0)
            return arrows[i].mark;
    return " ";
}

void report_wire_log(const struct text_page *page, const json_t *scenario)
{
    size_t i;
    const json_t *event;
    const json_t *trace = json_object_get(scenario, "trace");
    double dropped = report_number_of(scenario, "dropped_events");
    for (i = 0; (event = json_array_get(trace, i)); i++) {
        if (dropped > 0 && i == json_array_size(trace) / 2)
            (void)buf_printf(page->out, "      ... %.0f events left out ...\n", dropped);
        const char *bytes = report_text_of(event, "bytes");
        const char *name = report_text_of(event, "event");
        (void)buf_printf(page->out, "      %9.3f ms %s %-10s %-10s %s\n",
                         report_number_of(event, "t_us") / 1000, arrow(name),
                         report_text_of(event, "actor"), name, report_text_of(event, "text"));
        for (size_t len = strlen(bytes); len > 0;) {
            size_t part = len < 64 ? len : 64; /* they are escaped: ASCII */
            (void)buf_printf(page->out, "          %.*s\n", (int)part, bytes);
            bytes += part;
            len -= part;
        }
    }
}
