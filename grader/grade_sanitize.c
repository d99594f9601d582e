/* grade_sanitize.c: see grade_sanitize.h: the second build, which scenarios are played on it, and what became of each
 * assignment. */
#include "grade_sanitize.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sanitize/sanitize.h"

#include <string.h>

#define SETTLE_S 10.0 /* for a report that is being written; one takes milliseconds */

_Static_assert(__builtin_strcmp(BOX_LOG_DIR, SANITIZE_LOG_DIR) == 0, "where logs go");

/* ---- what is to be played ---- */

/* Load is left out: many clients say nothing that one does not, and a slow build says it slowly. */
static bool suits(const struct scenario *scenario)
{
    return scenario->sanitizable &&
           (scenario->level == LEVEL_BASIC || scenario->level == LEVEL_ROBUST ||
            scenario->level == LEVEL_HOSTILE);
}

/* A scenario's needs are played with it where they suit; a need that does not is not waited for (grade_schedule.c). */
static size_t select_scenarios(const struct suite_entry *from, struct suite_entry *ret)
{
    const size_t count = from->assignment->n_scenarios;
    bool *selected = xcalloc(count, sizeof *selected);
    size_t n = 0;
    *ret = *from;
    ret->selected = selected;
    for (size_t i = 0; i < count; i++) {
        selected[i] = from->selected[i] && suits(&from->assignment->scenarios[i]);
        n += selected[i];
    }
    return n;
}

static bool is_built(const struct sanitize_pass *pass, const char *program)
{
    const struct build_program *built = build_program(pass->build, program);
    return built && built->present && !ready_made_find(pass->ready_made, program);
}

/* ---- the second build, on a worker's thread ---- */

static void build_second(void *self)
{
    struct sanitize_pass *pass = self;
    (void)wanted_build(pass->sandbox, pass->submission, pass->suite, pass->work_dir,
                       BUILD_SANITIZED, &pass->second, &pass->build_error);
    for (size_t i = 0; i < pass->own_suite.n_entries; i++) {
        const struct build_program *made =
            build_program(pass->second, pass->entries[i].assignment->program);
        if (!made || !made->of_kind)
            pass->schedule.assignments[i].blocked_by = "build";
    }
    pass->place.bin_dir = pass->second ? pass->second->bin_dir : NULL;
}

static void harvest(void *self, size_t assignment, size_t scenario, const struct run_logs *logs,
                    const struct trace *trace, uint64_t began_ns)
{
    struct sanitize_pass *pass = self;
    findings_read(logs, trace, began_ns, &pass->found[assignment][scenario]);
}

static void forget(void *self, size_t assignment, size_t scenario)
{
    struct sanitize_pass *pass = self;
    findings_done(&pass->found[assignment][scenario]);
}

/* ---- opening ---- */

static void say(struct sanitize_pass *pass, const char *status, const char *text)
{
    pass->result.status = status;
    pass->result.text = text ? xstrdup(text) : NULL;
}

static bool anything_to_do(struct sanitize_pass *pass, size_t n_scenarios)
{
    if (!pass->suite->sanitizer.asked || n_scenarios == 0)
        say(pass, "none", NULL);
    else if (pass->options->no_sanitizer)
        say(pass, "off",
            "The second build, with sanitizers, was switched off (--no-sanitizer). Its points are "
            "left out of the sum.");
    else if (!pass->build)
        say(pass, "untested", "Nothing was built, so nothing was tested with sanitizers.");
    else
        return true;
    return false;
}

void sanitize_open(struct sanitize_pass *pass, const struct vars *vars)
{
    const size_t count = pass->suite->n_entries;
    size_t n_scenarios = 0;
    pass->own_suite = *pass->suite;
    pass->own_suite.entries = pass->entries = xcalloc(count, sizeof *pass->entries);
    pass->found = xcalloc(count, sizeof(struct found_list *));
    pass->place =
        (struct grade_place){.sandbox = pass->sandbox, .env = sanitize_environment(), .logs = true};
    pass->schedule = (struct schedule){
        .suite = &pass->own_suite,
        .assignments = xcalloc(count, sizeof *pass->schedule.assignments),
        .place = &pass->place,
        .fixed_vars = vars,
        .options = pass->options,
        .self = pass,
        .prepare = build_second,
        .ran = harvest,
        .dropped = forget,
        .settle_s = SETTLE_S,
    };
    bool built = false;
    for (size_t i = 0; i < count; i++) {
        const struct assignment *file = pass->suite->entries[i].assignment;
        n_scenarios += select_scenarios(&pass->suite->entries[i], &pass->entries[i]);
        pass->found[i] = xcalloc(file->n_scenarios, sizeof **pass->found);
        pass->schedule.assignments[i].entry = &pass->entries[i];
        bool here = is_built(pass, file->program);
        if (!here)
            pass->schedule.assignments[i].blocked_by = "build";
        built |= here;
    }
    pass->asked = anything_to_do(pass, n_scenarios) && built;
    if (!pass->asked && !pass->result.status)
        say(pass, "untested",
            "None of the programs was built, so none was tested with sanitizers.");
}

/* ---- what became of it ---- */

/* Did the first build show that the program does its work at all? Its gates, and half of what is basic: a program that does
 * nothing has no mistakes, and shall not earn anything by that. */
static bool works(const struct schedule_assignment *grade)
{
    const struct assignment *file = grade->entry->assignment;
    size_t n_basic = 0;
    size_t n_passed = 0;
    for (size_t i = 0; i < file->n_scenarios; i++) {
        bool passed = verdict_passed(&grade->verdicts[i]);
        if (!grade->entry->selected[i])
            continue;
        if (file->scenarios[i].gate && !passed)
            return false;
        n_basic += file->scenarios[i].level == LEVEL_BASIC;
        n_passed += file->scenarios[i].level == LEVEL_BASIC && passed;
    }
    return 2 * n_passed >= n_basic;
}

static bool lacks_runtime(const struct build *build)
{
    return build && build->log.len > 0 && strstr(build->log.data, "cannot find") &&
           (strstr(build->log.data, "asan") || strstr(build->log.data, "ubsan"));
}

static void count_runs(const struct schedule_assignment *own, struct sanitizer_part *part,
                       bool *ret_fault)
{
    for (size_t i = 0; own->ran && i < own->entry->assignment->n_scenarios; i++) {
        part->n_scenarios += own->ran[i];
        *ret_fault = *ret_fault || (own->ran[i] && own->traces[i].host_error);
    }
}

static const char machine_fault[] = "A fault of the machine, not of the hand-in; grade again.";

/* Where nothing was tested: why, and whether its points are lost or left out. */
static void explain_untested(struct sanitize_pass *pass, const struct assignment *file,
                             struct sanitizer_part *part)
{
    const struct build_program *made = build_program(pass->second, file->program);
    if (ready_made_find(pass->ready_made, file->program)) {
        part->status = "none";
        part->max_score = 0;
    } else if (!is_built(pass, file->program)) {
        part->status = "missing";
    } else if (err_is_set(&pass->build_error)) {
        part->status = "withheld";
        part->text = machine_fault;
        part->max_score = 0;
        pass->result.withheld = true; /* built another time it may be tested */
    } else if (lacks_runtime(pass->second)) {
        part->status = "withheld";
        part->text = "This machine could not build it with sanitizers; its points are left out of "
                     "the sum. Are libasan and libubsan installed (Debian: libgcc-12-dev)?";
        part->max_score = 0;
    } else if (!made || !made->present) {
        part->status = "not-built";
        part->text = "It was built, but not with sanitizers: see the log.";
    } else {
        part->status = "not-instrumented";
        part->text = "The Makefile ignores CFLAGS and the compiler that it is given, so that this "
                     "program could not be built with sanitizers. Does it call a compiler by its "
                     "full path? $(CC) $(CFLAGS) is the usual way.";
    }
    if (!pass->suite->sanitizer.required && strcmp(part->status, "missing") != 0)
        part->max_score = 0;
}

static void judge(struct sanitize_pass *pass, const struct schedule *grade, size_t i, double points)
{
    const struct assignment *file = pass->entries[i].assignment;
    struct sanitizer_part *part = &pass->result.parts[pass->result.n_parts++];
    bool fault = false;
    *part = (struct sanitizer_part){.assignment = file->id, .max_score = points};
    count_runs(&pass->schedule.assignments[i], part, &fault);
    if (fault) {
        part->status = "withheld";
        part->text = machine_fault;
        part->max_score = 0;
        pass->result.withheld = true;
    } else if (pass->schedule.assignments[i].blocked_by) {
        explain_untested(pass, file, part);
    } else if (!works(&grade->assignments[i])) {
        part->status = "blocked";
        part->text = "Less than half of its basic scenarios pass, so there was little to test.";
    } else {
        part->status = "clean";
        part->score = part->max_score;
    }
}

static bool has_selected(const struct suite_entry *entry)
{
    for (size_t i = 0; i < entry->assignment->n_scenarios; i++)
        if (entry->selected[i])
            return true;
    return false;
}

const struct sanitizer_result *sanitize_result(struct sanitize_pass *pass,
                                               const struct schedule *grade)
{
    struct sanitizer_result *result = &pass->result;
    const struct suite_sanitizer *item = &pass->suite->sanitizer;
    double total = 0;
    result->parts = xcalloc(pass->suite->n_entries, sizeof *result->parts);
    for (size_t i = 0; i < pass->suite->n_entries; i++)
        total += pass->suite->entries[i].points;
    const bool counts = item->asked && !pass->options->no_sanitizer;
    for (size_t i = 0; counts && i < pass->suite->n_entries; i++)
        if (has_selected(&pass->entries[i]))
            judge(pass, grade, i,
                  total > 0 ? item->points * pass->suite->entries[i].points / total : 0);
    if (pass->asked)
        say(pass, "tested", NULL);
    if (pass->second) {
        result->build_status = build_status_name(pass->second->status);
        result->build_seconds = pass->second->seconds;
        result->build_log = pass->second->status == BUILD_OK ? NULL : pass->second->log.data;
    }
    findings_tell(pass);
    for (size_t i = 0; i < result->n_parts; i++) {
        result->score += result->parts[i].score;
        result->max_score += result->parts[i].max_score;
    }
    return result;
}

void sanitize_done(struct sanitize_pass *pass)
{
    struct sanitizer_result *result = &pass->result;
    for (size_t i = 0; pass->found && i < pass->suite->n_entries; i++) {
        for (size_t k = 0; k < pass->entries[i].assignment->n_scenarios; k++)
            findings_done(&pass->found[i][k]);
        free(pass->found[i]);
        free((void *)pass->entries[i].selected);
    }
    free((void *)pass->found);
    for (size_t i = 0; i < result->n_findings; i++) {
        for (size_t k = 0; k < result->findings[i].n_scenarios; k++)
            free(result->findings[i].scenarios[k]);
        free((void *)result->findings[i].scenarios);
        free(result->findings[i].source);
    }
    free(result->findings);
    free(result->parts);
    free(result->text);
    if (pass->schedule.assignments)
        schedule_done(&pass->schedule);
    free(pass->entries);
    build_free(pass->second);
}
