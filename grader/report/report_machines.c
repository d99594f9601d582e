/* report/report_machines.c: the builds for other machines as JSON; and told to a person. */
#include "report/parts.h"

#include "base/own.h"

#include <string.h>

/* ---- JSON ---- */

json_t *report_machines_answers(const struct machines_answers *answers)
{
    if (!answers || !answers->asked)
        return json_null();
    const struct bug_class *meaning = answers->meaning;
    json_t *object = json_pack("{s:o, s:o}", "means", report_line(meaning ? meaning->name : NULL),
                               "sentence", report_string(meaning ? meaning->sentence : NULL));
    for (int machine = 0; machine < MACHINES; machine++)
        (void)json_object_set_new(object, machine_name((enum machine)machine),
                                  json_string(machine_answer_name(answers->answers[machine])));
    return object;
}

static json_t *machine_json(const struct machine_told *told)
{
    return json_pack("{s:s, s:s, s:o, s:I, s:{s:o, s:f, s:o}}", "name", machine_name(told->machine),
                     "status", told->status, "text", report_string(told->text), "scenarios",
                     (json_int_t)told->n_scenarios, "build", "status",
                     report_string(told->build_status), "seconds", told->build_seconds, "log",
                     report_string(told->build_log));
}

static json_t *finding_json(const struct machines_finding *finding)
{
    json_t *scenarios = json_array();
    for (size_t i = 0; i < finding->n_scenarios; i++)
        (void)json_array_append_new(scenarios, report_line(finding->scenarios[i]));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:{s:s, s:o, s:o, s:o}}", "class",
        report_line(finding->meaning->name), "sentence", report_string(finding->meaning->sentence),
        "read", report_string(finding->meaning->read), "assignment",
        report_line(finding->assignment), "scenarios", scenarios, "there", "machine",
        machine_name(finding->machine), "failed_step", report_string(finding->there->failed_step),
        "expected", report_string(finding->there->expected), "observed",
        report_string(finding->there->observed));
}

json_t *report_machines(const struct machines_result *result)
{
    if (!result)
        return json_null();
    json_t *machines = json_array();
    json_t *findings = json_array();
    for (size_t i = 0; i < result->n_machines; i++)
        (void)json_array_append_new(machines, machine_json(&result->machines[i]));
    for (size_t i = 0; i < result->n_findings; i++)
        (void)json_array_append_new(findings, finding_json(&result->findings[i]));
    return json_pack("{s:s, s:o, s:o, s:o}", "status", result->status, "text",
                     report_string(result->text), "machines", machines, "findings", findings);
}

/* ---- for a person ---- */

void report_machines_line(const json_t *scenario, struct buf *out)
{
    const json_t *answers = json_object_get(scenario, "other_machines");
    for (int machine = 0; machine < MACHINES; machine++) {
        const char *name = machine_name((enum machine)machine);
        if (*report_text_of(answers, name))
            (void)buf_printf(out, "%s%s %s", out->len ? ", " : "", name,
                             report_text_of(answers, name));
    }
}

static void finding_text(const struct text_page *page, const json_t *finding)
{
    const json_t *ids = json_object_get(finding, "scenarios");
    const json_t *there = json_object_get(finding, "there");
    size_t i;
    const json_t *id;
    AUTO_BUF struct buf list = {0};
    AUTO_FREE char *observed = xasprintf("observed there (%s)", report_text_of(there, "machine"));
    (void)buf_add_str(page->out, "\n  ");
    report_ink(page, INK_BOLD);
    (void)buf_add_str(page->out, report_text_of(finding, "class"));
    report_ink(page, INK_NONE);
    (void)buf_printf(page->out, "  in %s (costs no points)\n",
                     report_text_of(finding, "assignment"));
    report_wrap(page->out, report_text_of(finding, "sentence"), page->width, "    ");
    for (i = 0; (id = json_array_get(ids, i)); i++)
        (void)buf_printf(&list, "%s%s", i ? ", " : "seen in ",
                         json_string_value(id) ? json_string_value(id) : "?");
    report_wrap(page->out, list.data ? list.data : "", page->width, "    ");
    report_labelled(page, "in step", report_text_of(there, "failed_step"));
    report_labelled(page, "expected", report_text_of(there, "expected"));
    report_labelled(page, observed, report_text_of(there, "observed"));
    report_labelled(page, "read on", report_text_of(finding, "read"));
}

static void machine_text(const struct text_page *page, const json_t *machine)
{
    const json_t *build = json_object_get(machine, "build");
    const char *status = report_text_of(machine, "status");
    (void)buf_printf(page->out, "  %-6s ", report_text_of(machine, "name"));
    if (strcmp(status, "played") == 0)
        (void)buf_printf(page->out, "%.0f scenarios played, build: %s (%.1f s)\n",
                         report_number_of(machine, "scenarios"), report_text_of(build, "status"),
                         report_number_of(build, "seconds"));
    else
        (void)buf_printf(page->out, "%s\n", status);
    report_wrap(page->out, report_text_of(machine, "text"), page->width, "    ");
    if (strcmp(status, "not-built") == 0)
        report_labelled(page, "log of this build", report_text_of(build, "log"));
}

void report_machines_text(const struct text_page *page, const json_t *report)
{
    const json_t *section = json_object_get(report, "other_machines");
    const char *status = report_text_of(section, "status");
    size_t i;
    const json_t *one;
    if (strcmp(status, "played") != 0 && strcmp(status, "skipped") != 0)
        return;
    (void)buf_add_char(page->out, '\n');
    report_ink(page, INK_BOLD);
    (void)buf_add_str(page->out, "other machines");
    report_ink(page, INK_NONE);
    (void)buf_add_str(page->out, "  (costs no points)\n");
    report_wrap(page->out, report_text_of(section, "text"), page->width, "  ");
    for (i = 0; (one = json_array_get(json_object_get(section, "machines"), i)); i++)
        machine_text(page, one);
    for (i = 0; (one = json_array_get(json_object_get(section, "findings"), i)); i++)
        finding_text(page, one);
}
