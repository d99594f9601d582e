/* report/report_json.c: a grade's result as JSON: the one source of every other form. Every string passes text_sanitize
 * (text.h), so that it is valid UTF-8 without controls; every list is bounded by what is before it. */
#include "report/parts.h"

#include "base/own.h"
#include "base/text.h"

#include <string.h>

#define MAX_TEXT ((size_t)96 << 10)

json_t *report_string(const char *text)
{
    if (!text)
        return json_null();
    AUTO_BUF struct buf safe = {0};
    text_sanitize(&safe, text, strlen(text), MAX_TEXT);
    json_t *string = json_stringn(safe.data ? safe.data : "", safe.len);
    return string ? string : json_string("(unreadable text)");
}

json_t *report_line(const char *text)
{
    if (!text)
        return json_null();
    AUTO_FREE char *line = xstrdup(text);
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\t' || *c == '\r')
            *c = ' ';
    return report_string(line);
}

static json_t *strings(const char *const *list)
{
    json_t *array = json_array();
    for (size_t i = 0; list && list[i]; i++)
        (void)json_array_append_new(array, report_string(list[i]));
    return array;
}

static json_t *host(const struct grade_result *result)
{
    return json_pack("{s:o, s:o, s:o, s:i}", "tier", report_string(result->tier), "limits",
                     report_string(result->limits), "lacks", strings(result->lacks), "cpus",
                     result->cpus);
}

static json_t *submission(const struct grade_result *result)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", report_line(result->submission_name), "path",
        report_line(result->submission_path), "form", report_string(result->submission_form),
        "digest", report_string(result->submission_digest), "refusal", report_line(result->refusal),
        "refusal_kind", report_string(result->refusal_kind), "notices",
        strings((const char *const *)result->notices));
    AUTO_JSON json_t *unknown = json_pack("{s:{s:n, s:n, s:n}, s:n, s:n, s:n}", "student", "id",
                                          "name", "email", "download", "late", "attempt");
    (void)json_object_update(object, result->origin ? result->origin : unknown);
    return object;
}

static json_t *build(const struct grade_result *result)
{
    json_t *warnings = json_array();
    for (size_t i = 0; i < result->n_warnings; i++)
        (void)json_array_append_new(warnings, json_pack("{s:o, s:i, s:i, s:o}", "file",
                                                        report_line(result->warnings[i].file),
                                                        "line", result->warnings[i].line, "column",
                                                        result->warnings[i].column, "text",
                                                        report_string(result->warnings[i].text)));
    return json_pack("{s:o, s:i, s:f, s:o, s:o}", "status", report_string(result->build_status),
                     "exit", result->build_exit, "seconds", result->build_seconds, "warnings",
                     warnings, "log", report_string(result->build_log ? result->build_log : ""));
}

/* ---- findings: one entry a class, with all the scenarios that it explains ---- */

/* The sentence of the first scenario, unless that of another one says the same and goes on: what is not asked of other
 * machines is told of by what is. */
static void keep_longer(json_t *entry, const char *sentence)
{
    const char *kept = report_text_of(entry, "sentence");
    AUTO_JSON json_t *safe = report_string(sentence);
    const char *other = json_string_value(safe);
    if (other && strlen(other) > strlen(kept) && strncmp(other, kept, strlen(kept)) == 0)
        (void)json_object_set(entry, "sentence", safe);
}

static json_t *finding_named(json_t *findings, const char *class_name)
{
    size_t i;
    json_t *entry;
    for (i = 0; (entry = json_array_get(findings, i)); i++)
        if (strcmp(json_string_value(json_object_get(entry, "class")), class_name) == 0)
            return entry;
    return NULL;
}

static json_t *finding_of(json_t *findings, const struct scenario_result *result)
{
    json_t *entry = finding_named(findings, result->verdict->class_name);
    if (entry) {
        keep_longer(entry, result->verdict->sentence);
        return entry;
    }
    entry = json_pack(
        "{s:o, s:o, s:o, s:[], s:[], s:f}", "class", report_string(result->verdict->class_name),
        "sentence", report_string(result->verdict->sentence), "read",
        report_string(result->verdict->read), "scenarios", "skipped", "points_lost", 0.0);
    (void)json_array_append_new(findings, entry);
    return entry;
}

static void add_scenario(json_t *entry, const char *list, const struct scenario_result *result)
{
    double lost = json_real_value(json_object_get(entry, "points_lost"));
    (void)json_object_set_new(entry, "points_lost",
                              json_real(lost + result->points.max - result->points.score));
    (void)json_array_append_new(json_object_get(entry, list), report_string(result->scenario->id));
}

static bool selected(const struct assignment_result *assignment, size_t i)
{
    return !assignment->entry->selected || assignment->entry->selected[i];
}

static json_t *findings(const struct assignment_result *assignment, bool obey_show)
{
    json_t *list = json_array();
    for (size_t i = 0; i < assignment->entry->assignment->n_scenarios; i++) {
        const struct scenario_result *result = &assignment->scenarios[i];
        if (!result->run || !result->verdict->class_name ||
            (obey_show && result->scenario->show != SHOW_ALL))
            continue;
        add_scenario(finding_of(list, result), "scenarios", result);
    }
    /* A mistake costs what waits for its scenarios, too; of what may not be shown nobody learns. */
    for (size_t i = 0; i < assignment->entry->assignment->n_scenarios; i++) {
        const struct scenario_result *result = &assignment->scenarios[i];
        bool skipped = result->verdict->kind == VERDICT_SKIPPED && result->points.class_name &&
                       selected(assignment, i) &&
                       (!obey_show || result->scenario->show == SHOW_ALL);
        json_t *entry = skipped ? finding_named(list, result->points.class_name) : NULL;
        if (entry)
            add_scenario(entry, "skipped", result);
    }
    return list;
}

static json_t *counts(const struct assignment_result *assignment)
{
    json_t *object = json_object();
    for (int kind = VERDICT_OK; kind <= VERDICT_ERROR; kind++) {
        json_int_t n = 0;
        for (size_t i = 0; i < assignment->entry->assignment->n_scenarios; i++)
            n += selected(assignment, i) && (int)assignment->scenarios[i].verdict->kind == kind;
        (void)json_object_set_new(object, verdict_name((enum verdict_kind)kind), json_integer(n));
    }
    return object;
}

static json_t *assignment_json(const struct grade_result *result,
                               const struct assignment_result *assignment)
{
    json_t *scenarios = json_array();
    for (size_t i = 0; i < assignment->entry->assignment->n_scenarios; i++) {
        const struct scenario_result *one = &assignment->scenarios[i];
        bool keep = result->verbose || one->verdict->kind != VERDICT_OK;
        if (selected(assignment, i))
            (void)json_array_append_new(scenarios,
                                        report_scenario(one, result->suite->obey_show, keep));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:o, s:o, s:o}", "id",
                     report_string(assignment->entry->assignment->id), "title",
                     report_string(assignment->entry->assignment->title), "program",
                     report_string(assignment->program), "status",
                     report_string(assignment->status), "status_text",
                     report_string(assignment->status_text), "score", assignment->score,
                     "max_score", assignment->max_score, "counts", counts(assignment), "findings",
                     findings(assignment, result->suite->obey_show), "scenarios", scenarios);
}

json_t *report_to_json(const struct grade_result *result)
{
    json_t *assignments = json_array();
    double score = 0, max_score = 0;
    for (size_t i = 0; i < result->n_assignments; i++) {
        const struct assignment_result *one = &result->assignments[i];
        score += strcmp(one->status, "withheld") == 0 ? 0 : one->score;
        max_score += one->max_score;
        (void)json_array_append_new(assignments, assignment_json(result, one));
    }
    if (result->sanitizer) {
        score += result->sanitizer->score;
        max_score += result->sanitizer->max_score;
    }
    AUTO_FREE char *seed = xasprintf("%llu", (unsigned long long)result->seed);
    return json_pack("{s:s, s:{s:o}, s:o, s:o, s:{s:o, s:o}, s:o, s:s, s:f, s:f, s:b, s:f, s:o, "
                     "s:o, s:o, s:o, s:o}",
                     "format", "sockgrade/report/1", "grader", "version",
                     report_string(result->version), "host", host(result), "submission",
                     submission(result), "suite", "id", report_string(result->suite->id), "title",
                     report_string(result->suite->title), "grading_digest",
                     report_string(result->grading_digest), "seed", seed, "score", score,
                     "max_score", max_score, "full_marks", result->full_marks, "seconds",
                     result->seconds, "error", report_string(result->error), "build", build(result),
                     "assignments", assignments, "sanitizer", report_sanitizer(result->sanitizer),
                     "other_machines", report_machines(result->machines));
}

int report_json_text(const json_t *report, struct buf *out, struct err *err)
{
    AUTO_FREE char *text = json_dumps(report, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    if (!text)
        return err_set(err, ERR_HOST, "the report cannot be written as JSON");
    if (!buf_add_str(out, text) || !buf_add_char(out, '\n'))
        return err_set(err, ERR_HOST, "the report is longer than %zu bytes", BUF_DEFAULT_MAX);
    return 0;
}
