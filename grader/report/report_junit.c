/* report/report_junit.c: the report as JUnit XML, one testsuite an assignment. The JSON's strings have no controls but
 * newline and tab, so markup is all that is left to escape; U+FFFE and U+FFFF are no XML characters (XML 1.0, 2.2). */
#include "report/parts.h"

#include "base/own.h"

#include <string.h>

static void add(struct buf *out, const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '&')
            (void)buf_add_str(out, "&amp;");
        else if (c == '<')
            (void)buf_add_str(out, "&lt;");
        else if (c == '>')
            (void)buf_add_str(out, "&gt;");
        else if (c == '"')
            (void)buf_add_str(out, "&quot;");
        else if (c == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe) {
            (void)buf_add_char(out, '?');
            text += 2;
        } else if (c < 0x20 && c != '\n' && c != '\t')
            (void)buf_add_char(out, '?');
        else
            (void)buf_add_char(out, (char)c);
    }
}

static void attribute(struct buf *out, const char *name, const char *value)
{
    (void)buf_printf(out, " %s=\"", name);
    add(out, value);
    (void)buf_add_char(out, '"');
}

static void element(struct buf *out, const char *tag, const json_t *scenario)
{
    static const char *const parts[] = {"hint",  "failed_step", "expected", "observed",
                                        "proof", "standard",    "stderr"};
    const char *class_name = report_text_of(scenario, "class");
    (void)buf_printf(out, "   <%s", tag);
    attribute(out, "message", *class_name ? class_name : report_text_of(scenario, "verdict"));
    (void)buf_add_char(out, '>');
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!*report_text_of(scenario, parts[i]))
            continue;
        (void)buf_printf(out, "%s: ", parts[i]);
        add(out, report_text_of(scenario, parts[i]));
        (void)buf_add_char(out, '\n');
    }
    AUTO_BUF struct buf machines = {0};
    report_machines_line(scenario, &machines);
    if (machines.len)
        (void)buf_printf(out, "other_machines: %s\n", machines.data);
    (void)buf_printf(out, "</%s>\n", tag);
}

/* What passes here and not on another machine is told, and fails nobody. */
static void passed_here_only(struct buf *out, const json_t *scenario)
{
    const json_t *answers = json_object_get(scenario, "other_machines");
    if (!*report_text_of(answers, "sentence"))
        return;
    (void)buf_add_str(out, "   <system-out>");
    add(out, report_text_of(answers, "means"));
    (void)buf_add_str(out, ": ");
    add(out, report_text_of(answers, "sentence"));
    (void)buf_add_str(out, "</system-out>\n");
}

static const char *tag_of(const char *verdict)
{
    if (strcmp(verdict, "failed") == 0)
        return "failure";
    if (strcmp(verdict, "error") == 0)
        return "error";
    return strcmp(verdict, "skipped") == 0 ? "skipped" : NULL;
}

static void testcase(struct buf *out, const json_t *assignment, const json_t *scenario)
{
    const char *tag = tag_of(report_text_of(scenario, "verdict"));
    (void)buf_add_str(out, "  <testcase");
    attribute(out, "classname", report_text_of(assignment, "id"));
    attribute(out, "name", report_text_of(scenario, "id"));
    (void)buf_printf(out, " time=\"%.3f\">\n", report_number_of(scenario, "seconds"));
    if (tag)
        element(out, tag, scenario);
    else
        passed_here_only(out, scenario);
    (void)buf_add_str(out, "  </testcase>\n");
}

/* ---- the second build: one testcase an assignment ---- */

static bool found_in(const json_t *finding, const char *assignment)
{
    size_t i;
    const json_t *id;
    for (i = 0; (id = json_array_get(json_object_get(finding, "scenarios"), i)); i++) {
        const char *text = json_string_value(id) ? json_string_value(id) : "";
        if (strncmp(text, assignment, strlen(assignment)) == 0 && text[strlen(assignment)] == '/')
            return true;
    }
    return false;
}

static void sanitizer_failure(struct buf *out, const json_t *section, const json_t *part)
{
    const char *id = report_text_of(part, "id");
    size_t i;
    const json_t *finding;
    (void)buf_add_str(out, "   <failure");
    attribute(out, "message", "findings");
    (void)buf_add_char(out, '>');
    for (i = 0; (finding = json_array_get(json_object_get(section, "findings"), i)); i++) {
        if (!found_in(finding, id))
            continue;
        add(out, report_text_of(finding, "file"));
        (void)buf_printf(out, ":%d: ", (int)report_number_of(finding, "line"));
        add(out, report_text_of(finding, "kind"));
        (void)buf_add_str(out, " (");
        add(out, report_text_of(finding, "class"));
        (void)buf_add_str(out, ")\n");
        add(out, report_text_of(finding, "excerpt"));
    }
    (void)buf_add_str(out, "</failure>\n");
}

static void sanitizer_suite(struct buf *out, const json_t *section)
{
    const json_t *parts = json_object_get(section, "assignments");
    size_t i, failures = 0, skipped = 0;
    const json_t *part;
    for (i = 0; (part = json_array_get(parts, i)); i++) {
        const char *status = report_text_of(part, "status");
        failures += strcmp(status, "findings") == 0;
        skipped += strcmp(status, "findings") != 0 && strcmp(status, "clean") != 0;
    }
    (void)buf_printf(out,
                     " <testsuite name=\"sanitizers\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                     "skipped=\"%zu\">\n",
                     json_array_size(parts), failures, skipped);
    for (i = 0; (part = json_array_get(parts, i)); i++) {
        const char *status = report_text_of(part, "status");
        (void)buf_add_str(out, "  <testcase classname=\"sanitizers\"");
        attribute(out, "name", report_text_of(part, "id"));
        (void)buf_add_str(out, ">\n");
        if (strcmp(status, "findings") == 0) {
            sanitizer_failure(out, section, part);
        } else if (strcmp(status, "clean") != 0) {
            (void)buf_add_str(out, "   <skipped");
            attribute(out, "message",
                      *report_text_of(part, "text") ? report_text_of(part, "text") : status);
            (void)buf_add_str(out, "/>\n");
        }
        (void)buf_add_str(out, "  </testcase>\n");
    }
    (void)buf_add_str(out, " </testsuite>\n");
}

void report_junit(const json_t *report, struct buf *out)
{
    size_t i, k;
    const json_t *assignment, *scenario;
    (void)buf_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute(out, "name", report_text_of(json_object_get(report, "submission"), "name"));
    (void)buf_add_str(out, ">\n");
    for (i = 0; (assignment = json_array_get(json_object_get(report, "assignments"), i)); i++) {
        const json_t *scenarios = json_object_get(assignment, "scenarios");
        const json_t *counts = json_object_get(assignment, "counts");
        (void)buf_add_str(out, " <testsuite");
        attribute(out, "name", report_text_of(assignment, "id"));
        (void)buf_printf(out, " tests=\"%zu\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n",
                         json_array_size(scenarios), (int)report_number_of(counts, "failed"),
                         (int)report_number_of(counts, "error"),
                         (int)report_number_of(counts, "skipped"));
        for (k = 0; (scenario = json_array_get(scenarios, k)); k++)
            testcase(out, assignment, scenario);
        (void)buf_add_str(out, " </testsuite>\n");
    }
    if (json_array_size(json_object_get(json_object_get(report, "sanitizer"), "assignments")) > 0)
        sanitizer_suite(out, json_object_get(report, "sanitizer"));
    (void)buf_add_str(out, "</testsuites>\n");
}
