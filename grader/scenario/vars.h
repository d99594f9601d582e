/* scenario/vars.h: ${name} and its value, in nested scopes (a lane's and a loop's variables hide the outer ones). */
#ifndef GRADER_SCENARIO_VARS_H
#define GRADER_SCENARIO_VARS_H

#include "base/err.h"
#include "base/mem.h"

struct vars {
    const struct vars *outer; /* NULL at the outermost scope */
    struct var {
        char *name;
        char *value;
    } * list;
    size_t count;
};

void vars_init(struct vars *vars, const struct vars *outer);
void vars_done(struct vars *vars);
/* Sets (or replaces) in this scope; copies both. */
void vars_set(struct vars *vars, const char *name, const char *value);
const char *vars_get(const struct vars *vars, const char *name); /* NULL: unknown */
/* Text with every ${name} replaced, values expanded in turn (depth 8). Unknown names: ERR_USAGE. Caller frees *ret. */
int vars_expand(const struct vars *vars, const char *text, char **ret, struct err *err);

#endif
