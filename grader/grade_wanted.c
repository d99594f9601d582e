/* grade_wanted.c: see grade_wanted.h. */
#include "grade_wanted.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(struct wanted_programs *ret, const char *name)
{
    for (size_t i = 0; i < ret->count; i++)
        if (strcmp(ret->names[i], name) == 0)
            return;
    ret->names = xreallocarray((void *)ret->names, ret->count + 1, sizeof(char *));
    ret->names[ret->count++] = name;
}

/* Recursion ends with the language's own depth (SCENARIO_MAX_DEPTH); definitions cannot go round in circles. */
static void add_steps(struct wanted_programs *ret, const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct step *step = &steps[i];
        if (step->verb == VERB_START && step->u.start.program)
            add(ret, step->u.start.program);
        if (step->verb == VERB_DO)
            add_steps(ret, step->u.definition->steps, step->u.definition->n_steps);
        if (step->verb != VERB_REPEAT && step->verb != VERB_PARALLEL)
            continue;
        add_steps(ret, step->u.repeat.steps, step->u.repeat.n_steps);
        for (size_t lane = 0; lane < step->u.repeat.n_lanes; lane++)
            add_steps(ret, step->u.repeat.lanes[lane].steps, step->u.repeat.lanes[lane].n_steps);
    }
}

void wanted_programs(const struct suite *suite, struct wanted_programs *ret)
{
    *ret = (struct wanted_programs){0};
    for (size_t i = 0; i < suite->n_entries; i++) {
        const struct assignment *assignment = suite->entries[i].assignment;
        add(ret, assignment->program);
        for (size_t k = 0; k < assignment->n_scenarios; k++)
            if (suite->entries[i].selected[k])
                add_steps(ret, assignment->scenarios[k].steps, assignment->scenarios[k].n_steps);
    }
}

static void add_scenario(struct wanted_programs *ret, const struct assignment *assignment,
                         const struct scenario *scenario)
{
    add(ret, assignment->program);
    add_steps(ret, scenario->steps, scenario->n_steps);
}

void wanted_by_selected(const struct suite *suite, struct wanted_programs *ret)
{
    *ret = (struct wanted_programs){0};
    for (size_t i = 0; i < suite->n_entries; i++)
        for (size_t k = 0; k < suite->entries[i].assignment->n_scenarios; k++)
            if (suite->entries[i].selected[k])
                add_scenario(ret, suite->entries[i].assignment,
                             &suite->entries[i].assignment->scenarios[k]);
}

void wanted_by_scenario(const struct assignment *assignment, const struct scenario *scenario,
                        struct wanted_programs *ret)
{
    *ret = (struct wanted_programs){0};
    add_scenario(ret, assignment, scenario);
}

void wanted_programs_done(struct wanted_programs *wanted)
{
    free((void *)wanted->names);
}

static struct build_request request_of(const struct wanted_programs *wanted,
                                       const struct submission *submission, const char *work_dir,
                                       enum build_kind kind)
{
    return (struct build_request){
        .submission = submission,
        .work_dir = work_dir,
        .programs = wanted->names,
        .n_programs = wanted->count,
        .kind = kind,
        .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
    };
}

int wanted_build(struct sandbox *sandbox, const struct submission *submission,
                 const struct suite *suite, const char *work_dir, enum build_kind kind,
                 struct build **ret, struct err *err)
{
    struct wanted_programs wanted;
    wanted_programs(suite, &wanted);
    struct build_request request = request_of(&wanted, submission, work_dir, kind);
    int result = build_run(sandbox, &request, ret, err);
    wanted_programs_done(&wanted);
    return result;
}

static bool all_made(const struct build *build)
{
    for (size_t i = 0; i < build->n_programs; i++)
        if (!build->programs[i].of_kind)
            return false;
    return true;
}

int wanted_build_selected(struct sandbox *sandbox, const struct submission *submission,
                          const struct suite *suite, const char *work_dir, enum build_kind kind,
                          struct build **ret, struct err *err)
{
    struct wanted_programs wanted;
    wanted_by_selected(suite, &wanted);
    struct build_request request = request_of(&wanted, submission, work_dir, kind);
    request.by_name = true;
    int result = build_run(sandbox, &request, ret, err);
    if (result == 0 && !all_made(*ret)) {
        build_free(*ret);
        *ret = NULL;
        request.by_name = false;
        result = build_run(sandbox, &request, ret, err);
    }
    wanted_programs_done(&wanted);
    return result;
}
