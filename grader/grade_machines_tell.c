/* grade_machines_tell.c: from runs on other machines to what they mean. See grade_machines.h. */
#include "grade_machines.h"

#include "base/mem.h"
#include "base/own.h"
#include "grade_wanted.h"

#include <string.h>

/* ---- one scenario ---- */

static bool all_of_kind(const struct machine_side *side, size_t a, size_t i)
{
    const struct assignment *file = side->entries[a].assignment;
    struct wanted_programs wanted;
    bool all = true;
    wanted_by_scenario(file, &file->scenarios[i], &wanted);
    for (size_t k = 0; k < wanted.count; k++) {
        const struct build_program *made = build_program(side->build, wanted.names[k]);
        all = all && made && made->of_kind;
    }
    wanted_programs_done(&wanted);
    return all;
}

static enum machine_answer answer_of(const struct machine_side *side, size_t a, size_t i)
{
    if (!side->asked || err_is_set(&side->build_error))
        return MACHINE_NOT_RUN;
    if (!all_of_kind(side, a, i))
        return MACHINE_NOT_BUILT;
    return machine_answer_of(&side->schedule.assignments[a].verdicts[i]);
}

/* The class's sentence says what was seen; what other machines add to it comes behind. */
static void sharpen(struct verdict *here, const struct bug_class *meaning)
{
    AUTO_FREE char *before = here->sentence;
    here->sentence = before && *before ? xasprintf("%s %s", before, meaning->sentence)
                                       : xstrdup(meaning->sentence);
}

/* ---- what is right here and wrong elsewhere ---- */

static struct machines_finding *finding_of(struct machines_pass *pass, const char *assignment,
                                           const struct bug_class *meaning)
{
    struct machines_result *result = &pass->result;
    for (size_t i = 0; i < result->n_findings; i++)
        if (result->findings[i].meaning == meaning && result->findings[i].assignment == assignment)
            return &result->findings[i];
    result->findings =
        xreallocarray(result->findings, result->n_findings + 1, sizeof *result->findings);
    struct machines_finding *finding = &result->findings[result->n_findings++];
    *finding = (struct machines_finding){.meaning = meaning, .assignment = assignment};
    return finding;
}

static void add_finding(struct machines_pass *pass, size_t a, size_t i,
                        const struct machines_answers *answers)
{
    const struct assignment *file = pass->grade->suite->entries[a].assignment;
    const struct scenario *scenario = &file->scenarios[i];
    if (pass->grade->suite->obey_show && scenario->show != SHOW_ALL)
        return;
    struct machines_finding *finding = finding_of(pass, file->id, answers->meaning);
    if (finding->n_scenarios == 0) {
        finding->machine = answers->answers[MACHINE_BIG_ENDIAN] == MACHINE_FAILS
                               ? MACHINE_BIG_ENDIAN
                               : MACHINE_32_BIT;
        finding->there = &pass->sides[finding->machine].schedule.assignments[a].verdicts[i];
    }
    finding->scenarios = xreallocarray((void *)finding->scenarios, finding->n_scenarios + 1,
                                       sizeof *finding->scenarios);
    finding->scenarios[finding->n_scenarios++] = scenario->id;
}

static void tell_scenario(struct machines_pass *pass, size_t a, size_t i)
{
    const struct classes *classes = pass->grade->suite->classes;
    struct machines_answers *answers = &pass->answers[a][i];
    struct verdict *here = &pass->grade->assignments[a].verdicts[i];
    const bool passed = here->kind == VERDICT_OK || here->kind == VERDICT_INFO;
    const struct bug_class *class = classes_find(classes, here->class_name);
    for (int machine = 0; machine < MACHINES; machine++)
        answers->answers[machine] = answer_of(&pass->sides[machine], a, i);
    answers->meaning =
        classes_find(classes, machines_mean(passed, class ? class->byte_order : BYTE_ORDER_NOT,
                                            answers->answers));
    if (!answers->meaning)
        return;
    if (passed)
        add_finding(pass, a, i, answers);
    else
        sharpen(here, answers->meaning);
}

/* ---- one machine ---- */

static void count_runs(const struct machine_side *side, struct machine_told *told)
{
    for (size_t a = 0; a < side->suite.n_entries; a++)
        for (size_t i = 0; i < side->entries[a].assignment->n_scenarios; i++)
            told->n_scenarios += side->schedule.assignments[a].ran[i];
}

static void tell_machine(const struct machine_side *side, struct machine_told *told)
{
    if (!side->asked)
        return;
    count_runs(side, told);
    if (err_is_set(&side->build_error)) {
        told->status = "fault";
        told->text = xstrdup("A fault of this machine, not of the hand-in.");
        return;
    }
    told->status = told->n_scenarios ? "played" : "not-built";
    told->build_status = build_status_name(side->build->status);
    told->build_seconds = side->build->seconds;
    told->build_log = side->build->status == BUILD_OK ? NULL : side->build->log.data;
    if (!told->n_scenarios)
        told->text = xstrdup("make made none of these programs for that machine. Does the Makefile "
                             "call a compiler by its full path, or run what it has built?");
}

void machines_tell(struct machines_pass *pass)
{
    const struct suite *suite = pass->grade->suite;
    for (int machine = 0; machine < MACHINES; machine++)
        tell_machine(&pass->sides[machine], &pass->result.machines[machine]);
    if (strcmp(pass->result.status, "none") == 0)
        return;
    for (size_t a = 0; a < suite->n_entries; a++)
        for (size_t i = 0; i < suite->entries[a].assignment->n_scenarios; i++)
            if (pass->selected[a][i])
                tell_scenario(pass, a, i);
}
