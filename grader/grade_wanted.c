/* grade_wanted.c: see grade_wanted.h. */
#include "grade_wanted.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

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

void wanted_programs_done(struct wanted_programs *wanted)
{
    free((void *)wanted->names);
}
