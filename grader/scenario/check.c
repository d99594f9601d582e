/* scenario/check.c: names of endpoints, variables and files, where they can be known without running.
 *
 * The steps of a scenario are walked in their order, setup first, definitions at each place of use. Names have scopes:
 * a lane sees what was opened before it and keeps its own to itself; a loop's body belongs to the scope around it. The
 * second turn of a loop is not walked. A finding inside a definition stands at the definition's step and is kept once
 * (source_say). The walk is bounded: definitions that use each other could otherwise multiply without end. */
#include "scenario/check.h"

#include "base/own.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VISITS 100000

void check_say(const struct walk *walk, const char *format, ...)
{
    char message[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    source_say(walk->loader->source, walk->step->where.line, walk->step->where.column,
               walk->step->path, message);
}

/* ---- names of endpoints ---- */

/* "c${i}" was opened in a loop: "c7" may be one of them. */
static bool may_be(const char *opened, const char *text, size_t len)
{
    const char *variable = strstr(opened, "${");
    const size_t fixed = variable ? (size_t)(variable - opened) : strlen(opened);
    return variable && len > fixed && memcmp(opened, text, fixed) == 0;
}

static struct name *find_name(struct scope *scope, const char *text, size_t len)
{
    struct name *candidate = NULL;
    for (; scope; scope = scope->outer) {
        for (size_t i = scope->n; i-- > 0;) {
            const char *name = scope->names[i].text;
            if (strlen(name) == len && memcmp(name, text, len) == 0)
                return &scope->names[i];
            if (!candidate && may_be(name, text, len))
                candidate = &scope->names[i];
        }
    }
    return candidate;
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
    check_say(walk, "'%.60s' is not open here%s", text, at_nearest(&top, text, names, n));
}

/* The endpoint a step uses; NAME.err only where that is allowed. NULL after a finding. */
static struct name *use_name(const struct walk *walk, const char *text, bool allow_err)
{
    if (!text)
        return NULL;
    const char *dot = strchr(text, '.');
    const bool err = dot && strcmp(dot, ".err") == 0 && allow_err;
    struct name *name = find_name(walk->scope, text, err ? (size_t)(dot - text) : strlen(text));
    if (!name) {
        say_unknown(walk, text);
        return NULL;
    }
    if (err && name->kind != NAME_PROGRAM) {
        check_say(walk, "'%s' is no program: only programs have an .err", name->text);
        return NULL;
    }
    check_text(walk, text);
    if (name->closed && strstr(name->text, "${") == NULL) {
        check_say(walk, "'%s' was closed in %s", name->text, name->closed->path);
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
            check_say(walk, "'%s' does not listen: 'accept' names an endpoint opened by 'listen'",
                      open->target);
    } else {
        check_text(walk, open->target);
    }
    check_text(walk, open->from);
    check_text(walk, step->name);
    if (!open->refused && !open->never)
        set_name(walk, step->name, kinds[open->kind]);
}

static void check_sent(struct walk *walk, const struct step *step)
{
    const struct name *name = use_name(walk, step->name, false);
    check_data(walk, step->u.send.data);
    if (name && name->kind == NAME_LISTENER)
        check_say(walk, "'%s' only listens: send on what 'accept' makes of it", name->text);
    if (!step->u.send.to)
        return;
    const struct name *to = find_name(walk->scope, step->u.send.to, strlen(step->u.send.to));
    if (!to)
        say_unknown(walk, step->u.send.to);
    else if (to->kind != NAME_UDP || (name && name->kind != NAME_UDP))
        check_say(walk, "'to' is for UDP: the last peer of that endpoint");
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
        check_say(walk, "'%s' is UDP: it has no end of stream, no reset and no HTTP", name->text);
    if (name && name->kind == NAME_PROGRAM && expect->reset)
        check_say(walk, "'%s' is a program: its output cannot be reset", name->text);
}

static void check_expected(struct walk *walk, const struct step *step)
{
    const struct name *name = use_name(walk, step->name, true);
    if (name && name->kind == NAME_LISTENER)
        check_say(walk, "'%s' only listens: expect bytes on what 'accept' makes of it", name->text);
    check_expectation(walk, name, &step->expect);
    if (name && name->kind != NAME_UDP && step->expect.any_order)
        check_say(walk, "'any_order' is for UDP: what '%s' brings is in order", name->text);
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
    const bool stops = how == CLOSE_SIGNAL && (step->u.close.signal == SIGSTOP || //
                                               step->u.close.signal == SIGCONT);
    if (stops && walk->scenario->world.n_calls)
        check_say(walk, "'STOP' and 'CONT' do not go together with the world's 'calls': both hold "
                        "the program up");
    if (how == CLOSE_SIGNAL && !program)
        check_say(walk, "'%s' is no program: signals are for programs", name->text);
    else if (how == CLOSE_RESET && name->kind != NAME_TCP)
        check_say(walk, "'%s' is no TCP connection: it cannot be reset", name->text);
    else if (how == CLOSE_WRITE && !program && name->kind != NAME_TCP)
        check_say(walk, "'%s' is no TCP connection: it has no half to close", name->text);
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
        check_say(walk, "'%s' is set by the grader in every run: choose another name",
                  variable.name);
    for (unsigned i = 0; repeat->values && i < repeat->count; i++)
        check_data(walk, repeat->values[i]);
    walk->variables = &variable;
    if (step->verb == VERB_REPEAT) {
        walk_steps(walk, repeat->steps, repeat->n_steps);
    } else {
        walk->scenario->alone = true;
        if (!repeat->lanes)
            walk_lane(walk, repeat->steps, repeat->n_steps);
        for (size_t i = 0; repeat->lanes && i < repeat->n_lanes; i++)
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
        check_say(walk, "definitions use each other more than %d deep, or in a circle",
                  SCENARIO_MAX_DEPTH);
        return;
    }
    walk->depth++;
    walk_steps(walk, definition->steps, definition->n_steps);
    walk->depth--;
}

/* Terabytes of address space, three times the memory, twice the processor time. */
static bool bears_sanitizers(const struct start_step *start)
{
    return start->limits.memory_mib <= 0 && start->limits.address_mib <= 0 &&
           start->limits.cpu_seconds == 0;
}

static void walk_start(struct walk *walk, const struct step *step)
{
    const struct start_step *start = &step->u.start;
    walk->scenario->sanitizable &= bears_sanitizers(start);
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
        check_say(walk, "'%s' is no program", name->text);
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
            check_say(walk, "'meet' is for lanes: nobody else comes here outside of 'parallel'");
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
            check_say(walk, "the scenario has more than %d steps, its definitions included",
                      MAX_VISITS);
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
    /* LeakSanitizer is a tracer itself, and a program has one at most */
    scenario->sanitizable =
        bears_sanitizers(&scenario->world.limits_only) && scenario->world.n_calls == 0;
    walk_steps(&walk, scenario->steps, scenario->n_steps);
    free(scope.names);
}
