/* scenario/check.c: names of endpoints, variables and files, where they can be known without running.
 *
 * The steps of a scenario are walked in their order, setup first, definitions at each place of use. Names have scopes:
 * a lane sees what was opened before it and keeps its own to itself; a loop's body belongs to the scope around it. The
 * second turn of a loop is not walked. A finding inside a definition stands at the definition's step and is kept once
 * (source_say). The walk is bounded: definitions that use each other could otherwise multiply without end. */
#include "scenario/load.h"

#include "base/own.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VISITS 100000

enum name_kind { NAME_TCP, NAME_LISTENER, NAME_UDP, NAME_PROGRAM };

struct name {
    const char *text;
    enum name_kind kind;
    const struct step *closed; /* the step that closed it, or NULL */
};

struct scope {
    struct scope *outer;
    struct name *names;
    size_t n;
};

/* A variable of a loop or lane. */
struct variable {
    const struct variable *outer;
    const char *name;
};

struct walk {
    struct loader *loader;
    struct scenario *scenario;
    struct scope *scope;
    const struct variable *variables;
    const struct step *step; /* where findings stand */
    unsigned visits, depth, lanes;
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

__attribute__((format(printf, 2, 3))) static void say(const struct walk *walk, const char *format,
                                                      ...)
{
    char message[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    source_say(walk->loader->source, walk->step->where.line, walk->step->where.column,
               walk->step->path, message);
}

/* ---- variables ---- */

static bool is_known(const struct assignment *assignment, const struct variable *variables,
                     const char *name)
{
    for (; variables; variables = variables->outer)
        if (strcmp(variables->name, name) == 0)
            return true;
    for (size_t i = 0; i < assignment->n_vars; i++)
        if (strcmp(assignment->vars[i].name, name) == 0)
            return true;
    return check_is_drawn(name);
}

/* NULL, or what is wrong with the first variable of the text that is not known. In the arena. */
static const char *wrong_variable(const struct loader *loader, const struct variable *variables,
                                  const char *text)
{
    const struct assignment *assignment = loader->assignment;
    while ((text = strstr(text, "${")) != NULL) {
        const char *close = strchr(text, '}');
        if (!close)
            return "'${' without its '}'";
        AUTO_FREE char *name = xstrndup(text + 2, (size_t)(close - text - 2));
        text = close + 1;
        if (is_known(assignment, variables, name))
            continue;
        AUTO_FREE const char **names =
            xcalloc(ARRAY_SIZE(drawn) + assignment->n_vars, sizeof *names);
        size_t n = 0;
        for (size_t i = 0; i < ARRAY_SIZE(drawn); i++)
            names[n++] = drawn[i];
        for (size_t i = 0; i < assignment->n_vars; i++)
            names[n++] = assignment->vars[i].name;
        const struct at top = source_top(loader->source);
        return arena_printf(loader->arena, "unknown variable ${%.60s}%s", name,
                            at_nearest(&top, name, names, n));
    }
    return NULL;
}

void check_text_at(struct loader *loader, const struct at *at, const char *text)
{
    /* a value is expanded where it is used: a loop's variable may be known there */
    (void)loader;
    for (; (text = strstr(text, "${")) != NULL; text += 2)
        if (!strchr(text, '}'))
            at_say(at, "'${' without its '}'");
}

static void check_text(const struct walk *walk, const char *text)
{
    const char *wrong = text ? wrong_variable(walk->loader, walk->variables, text) : NULL;
    if (wrong)
        say(walk, "%s", wrong);
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

static void check_data(const struct walk *walk, const struct data *data)
{
    const char *wrong = wrong_data(walk->loader, walk->variables, &walk->scenario->world, data);
    if (wrong)
        say(walk, "%s", wrong);
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

/* ---- names of endpoints ---- */

static struct name *find_name(struct scope *scope, const char *text, size_t len)
{
    for (; scope; scope = scope->outer)
        for (size_t i = scope->n; i-- > 0;)
            if (strlen(scope->names[i].text) == len && memcmp(scope->names[i].text, text, len) == 0)
                return &scope->names[i];
    return NULL;
}

static void set_name(struct walk *walk, const char *text, enum name_kind kind)
{
    struct scope *scope = walk->scope;
    if (!text)
        return;
    for (size_t i = 0; i < scope->n; i++) {
        if (strcmp(scope->names[i].text, text) == 0) {
            scope->names[i] = (struct name){.text = text, .kind = kind};
            return;
        }
    }
    scope->names = xreallocarray(scope->names, scope->n + 1, sizeof *scope->names);
    scope->names[scope->n++] = (struct name){.text = text, .kind = kind};
}

static void say_unknown(const struct walk *walk, const char *text)
{
    const char *names[KEYS_MAX_NAMES];
    size_t n = 0;
    for (const struct scope *scope = walk->scope; scope; scope = scope->outer)
        for (size_t i = 0; i < scope->n && n < ARRAY_SIZE(names); i++)
            names[n++] = scope->names[i].text;
    const struct at top = source_top(walk->loader->source);
    say(walk, "'%.60s' is not open here%s", text, at_nearest(&top, text, names, n));
}

/* The endpoint a step uses; NAME.err only where that is allowed. NULL after a finding. */
static struct name *use_name(const struct walk *walk, const char *text, bool allow_err)
{
    if (!text)
        return NULL;
    const char *dot = strchr(text, '.');
    const bool err = dot && strcmp(dot, ".err") == 0 && allow_err;
    struct name *name =
        find_name(walk->scope, text, err ? (size_t)(dot - text) : strlen(text));
    if (!name) {
        say_unknown(walk, text);
        return NULL;
    }
    if (err && name->kind != NAME_PROGRAM) {
        say(walk, "'%s' is no program: only programs have an .err", name->text);
        return NULL;
    }
    if (name->closed) {
        say(walk, "'%s' was closed in %s", name->text, name->closed->path);
        return NULL;
    }
    return name;
}

static void check_opened(struct walk *walk, const struct step *step)
{
    const struct open_step *open = &step->u.open;
    static const enum name_kind kinds[] = {
        [OPEN_TCP] = NAME_TCP, [OPEN_LISTEN] = NAME_LISTENER, [OPEN_ACCEPT] = NAME_TCP,
        [OPEN_UDP] = NAME_UDP, [OPEN_BIND] = NAME_UDP,
    };
    if (open->kind == OPEN_ACCEPT) {
        const struct name *listener = use_name(walk, open->target, false);
        if (listener && listener->kind != NAME_LISTENER)
            say(walk, "'%s' does not listen: 'accept' names an endpoint opened by 'listen'",
                open->target);
    } else {
        check_text(walk, open->target);
    }
    check_text(walk, open->from);
    if (!open->refused && !open->never)
        set_name(walk, step->name, kinds[open->kind]);
}

static void check_sent(struct walk *walk, const struct step *step)
{
    const struct name *name = use_name(walk, step->name, false);
    check_data(walk, step->u.send.data);
    if (name && name->kind == NAME_LISTENER)
        say(walk, "'%s' only listens: send on what 'accept' makes of it", name->text);
    if (!step->u.send.to)
        return;
    const struct name *to = find_name(walk->scope, step->u.send.to, strlen(step->u.send.to));
    if (!to)
        say_unknown(walk, step->u.send.to);
    else if (to->kind != NAME_UDP || (name && name->kind != NAME_UDP))
        say(walk, "'to' is for UDP: the last peer of that endpoint");
}

static void check_expectation(struct walk *walk, const struct name *name,
                              const struct expectation *expect)
{
    check_data(walk, expect->data);
    check_text(walk, expect->matches);
    if (expect->http) {
        check_data(walk, expect->http->body);
        check_text(walk, expect->http->request_line);
        for (size_t i = 0; i < expect->http->n_headers; i++)
            check_text(walk, expect->http->headers[i].pattern);
    }
    const bool ends = expect->eof || expect->reset || expect->closed;
    if (name && name->kind == NAME_UDP && (ends || expect->http))
        say(walk, "'%s' is UDP: it has no end of stream, no reset and no HTTP", name->text);
    if (name && name->kind == NAME_PROGRAM && expect->reset)
        say(walk, "'%s' is a program: its output cannot be reset", name->text);
}

static void check_expected(struct walk *walk, const struct step *step)
{
    const struct name *name = use_name(walk, step->name, true);
    if (name && name->kind == NAME_LISTENER)
        say(walk, "'%s' only listens: expect bytes on what 'accept' makes of it", name->text);
    check_expectation(walk, name, &step->expect);
    for (size_t i = 0; i < step->n_alternatives; i++)
        check_expectation(walk, name, &step->alternatives[i]);
}

static void check_closed(struct walk *walk, const struct step *step)
{
    struct name *name = use_name(walk, step->name, false);
    const enum close_how how = step->u.close.how;
    if (!name)
        return;
    const bool program = name->kind == NAME_PROGRAM;
    if (how == CLOSE_SIGNAL && !program)
        say(walk, "'%s' is no program: signals are for programs", name->text);
    else if (how == CLOSE_RESET && name->kind != NAME_TCP)
        say(walk, "'%s' is no TCP connection: it cannot be reset", name->text);
    else if (how == CLOSE_WRITE && !program && name->kind != NAME_TCP)
        say(walk, "'%s' is no TCP connection: it has no half to close", name->text);
    else if (how != CLOSE_WRITE && !program)
        name->closed = step;
}

/* ---- the walk ---- */

static void walk_steps(struct walk *walk, const struct step *steps, size_t n);

static void walk_lane(struct walk *walk, const struct step *steps, size_t n)
{
    struct scope scope = {.outer = walk->scope};
    walk->scope = &scope;
    walk->lanes++;
    walk_steps(walk, steps, n);
    walk->lanes--;
    walk->scope = scope.outer;
    free(scope.names);
}

static void walk_repeat(struct walk *walk, const struct step *step)
{
    const struct repeat_step *repeat = &step->u.repeat;
    const struct variable variable = {walk->variables, repeat->as ? repeat->as : "i"};
    if (check_is_drawn(variable.name))
        say(walk, "'%s' is set by the grader in every run: choose another name", variable.name);
    for (unsigned i = 0; repeat->values && i < repeat->count; i++)
        check_data(walk, repeat->values[i]);
    walk->variables = &variable;
    if (step->verb == VERB_REPEAT) {
        walk_steps(walk, repeat->steps, repeat->n_steps);
    } else {
        walk->scenario->alone = true;
        if (!repeat->lanes)
            walk_lane(walk, repeat->steps, repeat->n_steps);
        for (size_t i = 0; i < repeat->n_lanes; i++)
            walk_lane(walk, repeat->lanes[i].steps, repeat->lanes[i].n_steps);
    }
    walk->variables = variable.outer;
}

static void walk_do(struct walk *walk, const struct step *step)
{
    const struct step_list *definition = step->u.definition;
    if (!definition)
        return;
    if (walk->depth == SCENARIO_MAX_DEPTH) {
        say(walk, "definitions use each other more than %d deep, or in a circle",
            SCENARIO_MAX_DEPTH);
        return;
    }
    walk->depth++;
    walk_steps(walk, definition->steps, definition->n_steps);
    walk->depth--;
}

static void walk_start(struct walk *walk, const struct step *step)
{
    const struct start_step *start = &step->u.start;
    check_text(walk, start->program);
    check_text(walk, start->ready);
    for (size_t i = 0; i < start->n_args; i++)
        check_text(walk, start->args[i]);
    for (size_t i = 0; !start->args_set && i < walk->loader->assignment->n_args; i++)
        check_text(walk, walk->loader->assignment->args[i]);
    set_name(walk, step->name, NAME_PROGRAM);
}

static void walk_check(struct walk *walk, const struct step *step)
{
    const struct name *name = use_name(walk, step->name, false);
    if (name && name->kind != NAME_PROGRAM)
        say(walk, "'%s' is no program", name->text);
    check_text(walk, step->u.check.listening);
    if (step->u.check.cpu.kind != BOUND_NONE)
        walk->scenario->alone = true;
}

static void walk_fetch(struct walk *walk, const struct step *step)
{
    const struct fetch_step *fetch = &step->u.fetch;
    check_text(walk, fetch->url);
    check_data(walk, fetch->want.body);
    for (size_t i = 0; i < fetch->n_headers; i++)
        check_text(walk, fetch->headers[i].pattern);
    for (size_t i = 0; i < fetch->want.n_headers; i++)
        check_text(walk, fetch->want.headers[i].pattern);
}

static void walk_step(struct walk *walk, const struct step *step)
{
    switch (step->verb) {
    case VERB_START:
        walk_start(walk, step);
        break;
    case VERB_OPEN:
        check_opened(walk, step);
        break;
    case VERB_SEND:
        check_sent(walk, step);
        break;
    case VERB_EXPECT:
        check_expected(walk, step);
        break;
    case VERB_CLOSE:
        check_closed(walk, step);
        break;
    case VERB_CHECK:
        walk_check(walk, step);
        break;
    case VERB_FETCH:
        walk_fetch(walk, step);
        break;
    case VERB_REPEAT:
    case VERB_PARALLEL:
        walk_repeat(walk, step);
        break;
    case VERB_DO:
        walk_do(walk, step);
        break;
    case VERB_MEET:
        if (!walk->lanes)
            say(walk, "'meet' is for lanes: nobody else comes here outside of 'parallel'");
        break;
    case VERB_WAIT:
        break;
    }
}

static void walk_steps(struct walk *walk, const struct step *steps, size_t n)
{
    const struct step *outer = walk->step;
    for (size_t i = 0; i < n; i++) {
        walk->step = &steps[i];
        if (walk->visits == MAX_VISITS)
            say(walk, "the scenario has more than %d steps, its definitions included", MAX_VISITS);
        if (walk->visits++ >= MAX_VISITS)
            return;
        walk_step(walk, &steps[i]);
    }
    walk->step = outer;
}

void check_scenario(struct loader *loader, struct scenario *scenario)
{
    struct scope scope = {0};
    struct walk walk = {.loader = loader, .scenario = scenario, .scope = &scope};
    walk_steps(&walk, scenario->steps, scenario->n_steps);
    free(scope.names);
}
