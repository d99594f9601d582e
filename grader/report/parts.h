/* report/parts.h: what the files of report/ share. */
#ifndef GRADER_REPORT_PARTS_H
#define GRADER_REPORT_PARTS_H

#include "report/report.h"

/* A JSON string of foreign text: sanitized, null where text is NULL. New reference. */
json_t *report_string(const char *text);
/* The same for what must stay on one line: a newline becomes a blank. New reference. */
json_t *report_line(const char *text);
/* One scenario as JSON (new reference); with_trace: its wire log, too. */
json_t *report_scenario(const struct scenario_result *result, bool obey_show, bool with_trace);

/* The second build (new reference); null where result is NULL. */
json_t *report_sanitizer(const struct sanitizer_result *result);

/* What a scenario came to on other machines, and the builds for them (new references); null where there is nothing. */
json_t *report_machines_answers(const struct machines_answers *answers);
json_t *report_machines(const struct machines_result *result);

/* Reading a report: never NULL; "" for a key that is missing, null or no string. */
const char *report_text_of(const json_t *object, const char *key);
double report_number_of(const json_t *object, const char *key);

/* Text for a terminal: adds `text` in lines of at most `width` columns, each behind `indent`. */
void report_wrap(struct buf *out, const char *text, unsigned width, const char *indent);

struct text_page {
    struct buf *out;
    unsigned width;
    bool colour, verbose;
};
enum ink { INK_NONE, INK_GOOD, INK_BAD, INK_WARN, INK_DIM, INK_BOLD };
void report_ink(const struct text_page *page, enum ink ink); /* INK_NONE ends it */
/* What is told of one assignment's findings, and of each scenario's run when verbose. */
void report_findings(const struct text_page *page, const json_t *assignment);
/* The section about the second build, nothing where it was not asked for. */
void report_sanitizer_text(const struct text_page *page, const json_t *report);
/* "s390x passes, i386 fails"; nothing where the scenario was not asked there. */
void report_machines_line(const json_t *scenario, struct buf *out);
/* The section about other machines, nothing where there was nothing to ask. */
void report_machines_text(const struct text_page *page, const json_t *report);
void report_labelled(const struct text_page *page, const char *label, const char *text);
void report_wire_log(const struct text_page *page, const json_t *scenario);

#endif
