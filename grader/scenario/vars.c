/* scenario/vars.c: ${name} in texts. */
#include "scenario/vars.h"

#include "base/own.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH      8
#define MAX_EXPANSIONS 10000 /* of one text: values that contain each other grow without bound */
#define MAX_TEXT_BYTES ((size_t)16 << 20)

void vars_init(struct vars *vars, const struct vars *outer)
{
    *vars = (struct vars){.outer = outer};
}

void vars_done(struct vars *vars)
{
    for (size_t i = 0; i < vars->count; i++) {
        free(vars->list[i].name);
        free(vars->list[i].value);
    }
    free(vars->list);
    *vars = (struct vars){0};
}

void vars_set(struct vars *vars, const char *name, const char *value)
{
    char *copy = xstrdup(value);
    for (size_t i = 0; i < vars->count; i++) {
        if (strcmp(vars->list[i].name, name) == 0) {
            free(vars->list[i].value);
            vars->list[i].value = copy;
            return;
        }
    }
    vars->list = xreallocarray(vars->list, vars->count + 1, sizeof *vars->list);
    vars->list[vars->count++] = (struct var){.name = xstrdup(name), .value = copy};
}

const char *vars_get(const struct vars *vars, const char *name)
{
    for (; vars; vars = vars->outer)
        for (size_t i = 0; i < vars->count; i++)
            if (strcmp(vars->list[i].name, name) == 0)
                return vars->list[i].value;
    return NULL;
}

struct expansion {
    const struct vars *vars;
    struct buf out;
    unsigned left; /* replacements that may still be made */
};

/* Values are expanded where they are used, so that "get": "GET ${path} ..." follows the loop's ${path}. */
static int expand(struct expansion *run, const char *text, unsigned depth, struct err *err)
{
    if (depth > MAX_DEPTH)
        return err_set(err, ERR_USAGE, "variables refer to each other more than %d deep",
                       MAX_DEPTH);
    for (const char *open = NULL; (open = strstr(text, "${")) != NULL;) {
        (void)buf_add(&run->out, text, (size_t)(open - text));
        const char *close = strchr(open, '}');
        if (!close)
            return err_set(err, ERR_USAGE, "'${' without its '}' in \"%.60s\"", open);
        AUTO_FREE char *name = xstrndup(open + 2, (size_t)(close - open - 2));
        const char *value = vars_get(run->vars, name);
        if (!value)
            return err_set(err, ERR_USAGE, "unknown variable ${%.60s}", name);
        if (run->left-- == 0)
            return err_set(err, ERR_USAGE, "a text needs more than %d replacements of variables",
                           MAX_EXPANSIONS);
        if (expand(run, value, depth + 1, err) < 0)
            return -1;
        text = close + 1;
    }
    (void)buf_add_str(&run->out, text);
    return 0;
}

int vars_expand(const struct vars *vars, const char *text, char **ret, struct err *err)
{
    struct expansion run = {.vars = vars, .left = MAX_EXPANSIONS};
    buf_init(&run.out, MAX_TEXT_BYTES);
    int rc = expand(&run, text, 0, err);
    if (rc == 0 && run.out.dropped)
        rc = err_set(err, ERR_USAGE, "a text with its variables is longer than %zu bytes",
                     MAX_TEXT_BYTES);
    if (rc == 0)
        *ret = buf_take(&run.out);
    buf_done(&run.out);
    return rc;
}
