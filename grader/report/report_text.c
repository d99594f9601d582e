/* report/report_text.c: the report for a person at a terminal: the hand-in, its build, assignment by assignment what did
 * not pass and why, the total. A function of the JSON alone: its strings are safe already (report_json.c). */
#include "report/parts.h"

#include "base/text.h"

#include <string.h>

#define MAX_MESSAGES 5 /* of the compiler */

static const char *const inks[] = {
    [INK_NONE] = "\033[0m",  [INK_GOOD] = "\033[32m", [INK_BAD] = "\033[31m",
    [INK_WARN] = "\033[33m", [INK_DIM] = "\033[2m",   [INK_BOLD] = "\033[1m",
};

static const struct mark {
    const char *verdict, *mark;
    enum ink ink;
} marks[] = {
    {"ok", "✓", INK_GOOD},    {"non-strict", "~", INK_WARN}, {"info", "i", INK_DIM},
    {"failed", "✗", INK_BAD}, {"skipped", "-", INK_DIM},     {"error", "!", INK_WARN},
};

void report_ink(const struct text_page *page, enum ink ink)
{
    if (page->colour)
        (void)buf_add_str(page->out, inks[ink]);
}

/* Columns of len bytes: every byte that does not continue a UTF-8 sequence (RFC 3629) begins one. */
static size_t columns(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void wrap_line(struct buf *out, const char *line, size_t len, unsigned width,
                      const char *indent)
{
    size_t used = 0;
    const size_t room = width > strlen(indent) + 20 ? width - strlen(indent) : 20;
    (void)buf_add_str(out, indent);
    while (len > 0) {
        const char *space = memchr(line, ' ', len);
        size_t word = space ? (size_t)(space - line) : len;
        size_t wide = columns(line, word);
        if (used > 0 && used + 1 + wide > room) {
            (void)buf_printf(out, "\n%s", indent);
            used = 0;
        } else if (used > 0) {
            (void)buf_add_char(out, ' ');
            used++;
        }
        (void)buf_add(out, line, word);
        used += wide;
        line += word + (space != NULL);
        len -= word + (space != NULL);
    }
    (void)buf_add_char(out, '\n');
}

void report_wrap(struct buf *out, const char *text, unsigned width, const char *indent)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        wrap_line(out, text, len, width, indent);
        text += len + (text[len] == '\n');
    }
}

/* Only where a download told: of any other hand-in the name says it all. */
static void student(const struct text_page *page, const json_t *submission)
{
    static const char *const keys[] = {"name", "id", "email"};
    const json_t *who = json_object_get(submission, "student");
    const json_t *late = json_object_get(submission, "late");
    double attempt = report_number_of(submission, "attempt");
    const char *download = report_text_of(submission, "download");
    if (!*download)
        return;
    AUTO_BUF struct buf line = {0};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (*report_text_of(who, keys[i]))
            (void)buf_printf(&line, "%s%s", line.len ? ", " : "", report_text_of(who, keys[i]));
    if (attempt > 0)
        (void)buf_printf(&line, ", attempt %.0f", attempt);
    if (json_is_boolean(late))
        (void)buf_printf(&line, ", %s", json_is_true(late) ? "LATE" : "in time");
    (void)buf_printf(&line, " (%s)", download);
    report_wrap(page->out, line.data, page->width, "student: ");
}

static void head(const struct text_page *page, const json_t *report)
{
    const json_t *submission = json_object_get(report, "submission");
    size_t i;
    const json_t *notice;
    report_ink(page, INK_BOLD);
    (void)buf_printf(page->out, "%s", report_text_of(submission, "name"));
    report_ink(page, INK_NONE);
    (void)buf_printf(page->out, "  suite %s, seed %s\n",
                     report_text_of(json_object_get(report, "suite"), "id"),
                     report_text_of(report, "seed"));
    student(page, submission);
    if (*report_text_of(submission, "refusal")) {
        report_ink(page, INK_BAD);
        (void)buf_add_str(page->out, "The hand-in was refused:\n");
        report_ink(page, INK_NONE);
        report_wrap(page->out, report_text_of(submission, "refusal"), page->width, "  ");
    }
    for (i = 0; (notice = json_array_get(json_object_get(submission, "notices"), i)); i++)
        report_wrap(page->out, json_string_value(notice) ? json_string_value(notice) : "",
                    page->width, "  note: ");
    if (*report_text_of(report, "error"))
        report_wrap(page->out, report_text_of(report, "error"), page->width,
                    "fault of this machine: ");
}

static void build(const struct text_page *page, const json_t *report)
{
    const json_t *made = json_object_get(report, "build");
    const json_t *messages = json_object_get(made, "warnings");
    const char *status = report_text_of(made, "status");
    bool good = strcmp(status, "ok") == 0 || strcmp(status, "ready-made") == 0;
    (void)buf_add_str(page->out, "build: ");
    report_ink(page, good ? INK_GOOD : INK_BAD);
    (void)buf_add_str(page->out, status);
    report_ink(page, INK_NONE);
    (void)buf_printf(page->out, " (%.1f s, %zu compiler messages)\n",
                     report_number_of(made, "seconds"), json_array_size(messages));
    for (size_t i = 0; i < json_array_size(messages) && i < MAX_MESSAGES; i++) {
        const json_t *one = json_array_get(messages, i);
        AUTO_BUF struct buf line = {0};
        (void)buf_printf(&line, "%s:%d:%d: %s", report_text_of(one, "file"),
                         (int)report_number_of(one, "line"), (int)report_number_of(one, "column"),
                         report_text_of(one, "text"));
        report_wrap(page->out, line.data, page->width, "  ");
    }
    if (!good && json_array_size(messages) == 0)
        report_wrap(page->out, report_text_of(made, "log"), page->width, "  | ");
}

static const struct mark *mark_of(const char *verdict)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcmp(marks[i].verdict, verdict) == 0)
            return &marks[i];
    return &marks[5];
}

static void scenario_line(const struct text_page *page, const json_t *scenario)
{
    const char *verdict = report_text_of(scenario, "verdict");
    const struct mark *mark = mark_of(verdict);
    if (strcmp(verdict, "ok") == 0 && !page->verbose)
        return;
    (void)buf_add_str(page->out, "  ");
    report_ink(page, mark->ink);
    (void)buf_add_str(page->out, mark->mark);
    report_ink(page, INK_NONE);
    (void)buf_printf(page->out, " %-28s %-10s %5.2f/%.2f  ", report_text_of(scenario, "id"),
                     verdict, report_number_of(scenario, "score"),
                     report_number_of(scenario, "max_score"));
    if (*report_text_of(scenario, "blocked_by"))
        (void)buf_printf(page->out, "waits for %s\n", report_text_of(scenario, "blocked_by"));
    else
        (void)buf_printf(page->out, "%s\n", report_text_of(scenario, "title"));
    if (page->verbose)
        report_wire_log(page, scenario);
}

static void assignment_text(const struct text_page *page, const json_t *assignment)
{
    const char *status = report_text_of(assignment, "status");
    const json_t *scenarios = json_object_get(assignment, "scenarios");
    bool full =
        report_number_of(assignment, "score") >= report_number_of(assignment, "max_score") - 1e-9;
    size_t i;
    const json_t *scenario;
    if (json_array_size(scenarios) == 0)
        return; /* nothing of it was asked for */
    (void)buf_add_char(page->out, '\n');
    report_ink(page, INK_BOLD);
    (void)buf_add_str(page->out, report_text_of(assignment, "id"));
    report_ink(page, INK_NONE);
    if (strcmp(status, "withheld") == 0) {
        (void)buf_add_str(page->out, "  score withheld\n");
    } else {
        report_ink(page, full ? INK_GOOD : INK_BAD);
        (void)buf_printf(page->out, "  %.2f of %.2f points", report_number_of(assignment, "score"),
                         report_number_of(assignment, "max_score"));
        report_ink(page, INK_NONE);
        (void)buf_printf(page->out, ", %d of %zu scenarios passed\n",
                         (int)report_number_of(json_object_get(assignment, "counts"), "ok"),
                         json_array_size(scenarios));
    }
    report_wrap(page->out, report_text_of(assignment, "status_text"), page->width, "  ");
    if (strcmp(status, "missing") == 0)
        return;
    for (i = 0; (scenario = json_array_get(scenarios, i)); i++)
        scenario_line(page, scenario);
    report_findings(page, assignment);
}

void report_text(const json_t *report, const struct report_style *style, struct buf *out)
{
    struct text_page page = {
        .out = out,
        .width = style->width ? style->width : 80,
        .colour = style->colour,
        .verbose = style->verbose,
    };
    size_t i;
    const json_t *assignment;
    head(&page, report);
    build(&page, report);
    for (i = 0; (assignment = json_array_get(json_object_get(report, "assignments"), i)); i++)
        assignment_text(&page, assignment);
    report_sanitizer_text(&page, report);
    report_machines_text(&page, report);
    (void)buf_add_char(out, '\n');
    report_ink(&page, json_is_true(json_object_get(report, "full_marks")) ? INK_GOOD : INK_BOLD);
    (void)buf_printf(out, "total %.2f of %.2f points", report_number_of(report, "score"),
                     report_number_of(report, "max_score"));
    report_ink(&page, INK_NONE);
    (void)buf_printf(out, "  (%.1f s, box: %s)\n", report_number_of(report, "seconds"),
                     report_text_of(json_object_get(report, "host"), "tier"));
}
