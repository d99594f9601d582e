/* scenario/check_text.c: variables in texts and data, and the files that data refers to.
 *
 * The functions named wrong_...() return NULL or what is wrong, in the arena, so that a step's finding and a world's
 * finding can each stand at their own place. */
#include "scenario/check.h"

#include "base/own.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VARIABLE_DEPTH 9 /* as in vars_expand(): the text itself, and eight below it */
#define MAX_VARIABLES      10000

struct budget {
    unsigned depth, left;
};

/* Drawn or known by the driver in every run (driver/driver.h). */
static const char *const drawn[] = {"port",  "port2", "port3", "swap",  "swap2", "swap3", "host",
                                    "host2", "host6", "peer",  "peer2", "peer6", "dir"};

bool check_is_drawn(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(drawn); i++)
        if (strcmp(drawn[i], name) == 0)
            return true;
    return false;
}

/* ---- variables ---- */

static const char *wrong_variable_in(const struct loader *loader, const struct variable *variables,
                                     const char *text, struct budget *budget);

static const char *unknown_variable(const struct loader *loader, const char *name)
{
    const struct assignment *assignment = loader->assignment;
    AUTO_FREE const char **names = xcalloc(ARRAY_SIZE(drawn) + assignment->n_vars, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(drawn); i++)
        names[n++] = drawn[i];
    for (size_t i = 0; i < assignment->n_vars; i++)
        names[n++] = assignment->vars[i].name;
    const struct at top = source_top(loader->source);
    return arena_printf(loader->arena, "unknown variable ${%.60s}%s", name,
                        at_nearest(&top, name, names, n));
}

/* The variables of the file's `vars` are looked into: what they refer to must be known where they are used. */
static const char *wrong_name(const struct loader *loader, const struct variable *variables,
                              const char *name, struct budget *budget)
{
    for (const struct variable *v = variables; v; v = v->outer)
        if (strcmp(v->name, name) == 0)
            return NULL;
    for (size_t i = 0; i < loader->assignment->n_vars; i++)
        if (strcmp(loader->assignment->vars[i].name, name) == 0)
            return wrong_variable_in(loader, variables, loader->assignment->vars[i].value, budget);
    return check_is_drawn(name) ? NULL : unknown_variable(loader, name);
}

static const char *wrong_variable_in(const struct loader *loader, const struct variable *variables,
                                     const char *text, struct budget *budget)
{
    if (budget->depth == MAX_VARIABLE_DEPTH)
        return "variables refer to each other in a circle, or too deep";
    budget->depth++;
    while ((text = strstr(text, "${")) != NULL) {
        const char *close = strchr(text, '}');
        if (!close)
            return "'${' without its '}'";
        AUTO_FREE char *name = xstrndup(text + 2, (size_t)(close - text - 2));
        const char *wrong = budget->left-- == 0 ? "variables refer to each other too often"
                                                : wrong_name(loader, variables, name, budget);
        if (wrong)
            return wrong;
        text = close + 1;
    }
    budget->depth--;
    return NULL;
}

static const char *wrong_variable(const struct loader *loader, const struct variable *variables,
                                  const char *text)
{
    struct budget budget = {.left = MAX_VARIABLES};
    return wrong_variable_in(loader, variables, text, &budget);
}

void check_text(const struct walk *walk, const char *text)
{
    const char *wrong = text ? wrong_variable(walk->loader, walk->variables, text) : NULL;
    if (wrong)
        check_say(walk, "%s", wrong);
}

/* ---- data ---- */

static const char *wrong_data(const struct loader *loader, const struct variable *variables,
                              const struct world *world, const struct data *data);

static const char *wrong_file(const struct loader *loader, const struct world *world,
                              const char *path)
{
    AUTO_FREE const char **names = xcalloc(world->n_files + 1, sizeof *names);
    for (size_t i = 0; i < world->n_files; i++) {
        names[i] = world->files[i].path;
        if (strcmp(world->files[i].path, path) != 0)
            continue;
        const bool bytes =
            world->files[i].kind == WORLD_DATA || (world->files[i].kind == WORLD_SPARSE &&
                                                   world->files[i].size <= SCENARIO_MAX_DATA_BYTES);
        return bytes ? NULL
                     : arena_printf(loader->arena, "file '%.100s' has no content to compare with",
                                    path);
    }
    const struct at top = source_top(loader->source);
    return arena_printf(loader->arena, "no file '%.100s' in the world's files%s", path,
                        at_nearest(&top, path, names, world->n_files));
}

static const char *wrong_part(const struct loader *loader, const struct variable *variables,
                              const struct world *world, const struct data *data)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < data->n_parts && !wrong; i++)
        wrong = wrong_data(loader, variables, world, data->parts[i]);
    for (size_t i = 0; i < data->n_fields && !wrong; i++)
        wrong = wrong_variable(loader, variables, data->fields[i].text);
    return wrong;
}

static const char *wrong_data(const struct loader *loader, const struct variable *variables,
                              const struct world *world, const struct data *data)
{
    const char *wrong = NULL;
    if (!data)
        return NULL; /* said when it was read */
    if (data->kind == DATA_TEXT)
        return wrong_variable(loader, variables, data->text);
    if (data->kind == DATA_FILE)
        return wrong_file(loader, world, data->text);
    if (data->size.text)
        wrong = wrong_variable(loader, variables, data->size.text);
    if (!wrong && data->seed.text)
        wrong = wrong_variable(loader, variables, data->seed.text);
    return wrong ? wrong : wrong_part(loader, variables, world, data);
}

void check_data(const struct walk *walk, const struct data *data)
{
    const char *wrong = wrong_data(walk->loader, walk->variables, &walk->scenario->world, data);
    if (wrong)
        check_say(walk, "%s", wrong);
}

void check_world(struct loader *loader, const struct at *at, const struct world *world)
{
    for (size_t i = 0; i < world->n_files; i++) {
        const char *wrong = wrong_data(loader, NULL, world, world->files[i].data);
        if (wrong)
            at_say(at, "file '%s': %s", world->files[i].path, wrong);
    }
    for (size_t i = 0; i < world->n_hosts; i++)
        for (size_t k = 0; k < world->hosts[i].n_addresses; k++) {
            const char *wrong = wrong_variable(loader, NULL, world->hosts[i].addresses[k]);
            if (wrong)
                at_say(at, "host '%s': %s", world->hosts[i].name, wrong);
        }
    for (size_t i = 0; i < world->n_addresses; i++) {
        const char *wrong = wrong_variable(loader, NULL, world->addresses[i]);
        if (wrong)
            at_say(at, "addresses: %s", wrong);
    }
}
