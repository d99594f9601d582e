/* report/report_sanitizer.c: the second build, with sanitizers, as JSON; and told to a person. */
#include "report/parts.h"

#include "base/own.h"
#include "base/text.h"

#include <string.h>

#define SENT_LINE      64
#define MAX_SENT_SHOWN ((size_t)3 * SENT_LINE) /* as text; the JSON has more */

/* ---- JSON ---- */

static json_t *texts(char *const *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, report_line(list[i]));
    return array;
}

static json_t *sent(const struct sanitizer_told *told)
{
    AUTO_BUF struct buf text = {0};
    if (!told->actor)
        return json_null();
    text_escape(&text, told->bytes, told->n_bytes, told->n_bytes);
    return json_pack("{s:o, s:I, s:o}", "endpoint", report_line(told->actor), "len",
                     (json_int_t)told->len, "bytes", report_string(text.data ? text.data : ""));
}

static json_t *finding_json(const struct sanitizer_told *told)
{
    const struct sanitizer_finding *finding = told->finding;
    const struct bug_class *kind = told->kind_class;
    const char *read = kind && kind->read ? kind->read : told->class ? told->class->read : NULL;
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:f}", "class",
        sanitizer_class_name(finding->class), "kind", report_line(finding->kind), "sentence",
        report_string(told->class ? told->class->sentence : NULL), "kind_sentence",
        report_string(kind ? kind->sentence : NULL), "read", report_string(read), "file",
        report_line(*finding->file ? finding->file : NULL), "line", finding->line, "column",
        finding->column, "function", report_line(*finding->function ? finding->function : NULL),
        "source", report_line(told->source), "scenarios", texts(told->scenarios, told->n_scenarios),
        "sent", sent(told), "excerpt", report_string(finding->excerpt), "points_lost",
        told->points_lost);
}

static json_t *part_json(const struct sanitizer_part *part)
{
    return json_pack("{s:o, s:s, s:o, s:I, s:f, s:f}", "id", report_line(part->assignment),
                     "status", part->status, "text", report_string(part->text), "scenarios",
                     (json_int_t)part->n_scenarios, "score", part->score, "max_score",
                     part->max_score);
}

json_t *report_sanitizer(const struct sanitizer_result *result)
{
    if (!result)
        return json_null();
    json_t *findings = json_array();
    json_t *parts = json_array();
    for (size_t i = 0; i < result->n_findings; i++)
        (void)json_array_append_new(findings, finding_json(&result->findings[i]));
    for (size_t i = 0; i < result->n_parts; i++)
        (void)json_array_append_new(parts, part_json(&result->parts[i]));
    return json_pack("{s:s, s:o, s:f, s:f, s:b, s:{s:o, s:f, s:o}, s:o, s:o}", "status",
                     result->status, "text", report_string(result->text), "score", result->score,
                     "max_score", result->max_score, "withheld", result->withheld, "build",
                     "status", report_string(result->build_status), "seconds",
                     result->build_seconds, "log", report_string(result->build_log), "assignments",
                     parts, "findings", findings);
}

/* ---- for a person ---- */

static void headline(const struct text_page *page, const json_t *finding)
{
    const char *function = report_text_of(finding, "function");
    double lost = report_number_of(finding, "points_lost");
    (void)buf_add_str(page->out, "\n  ");
    report_ink(page, INK_BOLD);
    if (*report_text_of(finding, "file"))
        (void)buf_printf(page->out, "%s:%d", report_text_of(finding, "file"),
                         (int)report_number_of(finding, "line"));
    else
        (void)buf_add_str(page->out, "(no line of the hand-in)");
    report_ink(page, INK_NONE);
    if (*function)
        (void)buf_printf(page->out, " in %s", function);
    (void)buf_printf(page->out, ": %s (%s)", report_text_of(finding, "kind"),
                     report_text_of(finding, "class"));
    if (lost > 0)
        (void)buf_printf(page->out, "  -%.2f points", lost);
    (void)buf_add_char(page->out, '\n');
}

static void provoked_by(const struct text_page *page, const json_t *finding)
{
    const json_t *ids = json_object_get(finding, "scenarios");
    const json_t *last = json_object_get(finding, "sent");
    size_t i;
    const json_t *id;
    AUTO_BUF struct buf list = {0};
    for (i = 0; (id = json_array_get(ids, i)); i++)
        (void)buf_printf(&list, "%s%s", i ? ", " : "found in ",
                         json_string_value(id) ? json_string_value(id) : "?");
    if (list.len)
        report_wrap(page->out, list.data, page->width, "    ");
    if (!json_is_object(last))
        return;
    AUTO_FREE char *label =
        xasprintf("last sent before it, by %s (%d bytes)", report_text_of(last, "endpoint"),
                  (int)report_number_of(last, "len"));
    AUTO_BUF struct buf text = {0};
    const char *bytes = report_text_of(last, "bytes"); /* they are escaped: ASCII */
    for (size_t at = 0; at < MAX_SENT_SHOWN && bytes[at]; at += strnlen(bytes + at, SENT_LINE))
        (void)buf_printf(&text, "%.*s\n", SENT_LINE, bytes + at);
    if (strlen(bytes) > MAX_SENT_SHOWN)
        (void)buf_add_str(&text, "...\n");
    report_labelled(page, label, text.data ? text.data : "");
}

static void finding_text(const struct text_page *page, const json_t *finding)
{
    headline(page, finding);
    report_labelled(page, "in the line", report_text_of(finding, "source"));
    report_wrap(page->out, report_text_of(finding, "sentence"), page->width, "    ");
    report_wrap(page->out, report_text_of(finding, "kind_sentence"), page->width, "    ");
    provoked_by(page, finding);
    report_labelled(page, "the sanitizer says", report_text_of(finding, "excerpt"));
    report_labelled(page, "read on", report_text_of(finding, "read"));
}

static void parts_text(const struct text_page *page, const json_t *section)
{
    size_t i;
    const json_t *part;
    for (i = 0; (part = json_array_get(json_object_get(section, "assignments"), i)); i++) {
        const char *status = report_text_of(part, "status");
        bool clean = strcmp(status, "clean") == 0;
        if (!page->verbose && (clean || strcmp(status, "none") == 0))
            continue;
        (void)buf_printf(page->out, "  %-28s %-16s %5.2f/%.2f\n", report_text_of(part, "id"),
                         status, report_number_of(part, "score"),
                         report_number_of(part, "max_score"));
        report_wrap(page->out, report_text_of(part, "text"), page->width, "    ");
    }
}

void report_sanitizer_text(const struct text_page *page, const json_t *report)
{
    const json_t *section = json_object_get(report, "sanitizer");
    const json_t *build = json_object_get(section, "build");
    const char *status = report_text_of(section, "status");
    double score = report_number_of(section, "score");
    double max_score = report_number_of(section, "max_score");
    size_t i;
    const json_t *finding;
    if (!*status || strcmp(status, "none") == 0)
        return;
    (void)buf_add_char(page->out, '\n');
    report_ink(page, INK_BOLD);
    (void)buf_add_str(page->out, "sanitizers");
    report_ink(page, score >= max_score - 1e-9 ? INK_GOOD : INK_BAD);
    (void)buf_printf(page->out, "  %.2f of %.2f points", score, max_score);
    report_ink(page, INK_NONE);
    if (*report_text_of(build, "status"))
        (void)buf_printf(page->out, ", second build: %s (%.1f s)", report_text_of(build, "status"),
                         report_number_of(build, "seconds"));
    (void)buf_add_char(page->out, '\n');
    report_wrap(page->out, report_text_of(section, "text"), page->width, "  ");
    parts_text(page, section);
    for (i = 0; (finding = json_array_get(json_object_get(section, "findings"), i)); i++)
        finding_text(page, finding);
    report_labelled(page, "log of the second build", report_text_of(build, "log"));
}
