/* scenario/load_step.c: a step: which verb it is, what every step may have, and the verbs that hold other steps.
 *
 * One table knows the verbs: key, table of keys, and the function that reads the rest. A step has exactly one verb; where
 * it has none, the nearest verb to any of its keys is suggested. "open" is a verb and also a key of `expect`, the only
 * word with two meanings. repeat and parallel are read here, since their steps are steps again, and depth is counted.
 * Definitions are named before any of their steps is read, so that one may use another that stands further down. */
#include "scenario/load.h"

#include "base/own.h"

#include <string.h>

typedef void load_verb(struct loader *loader, const struct at *at, struct step *step);

static load_verb load_do, load_meet;

/* repeat and parallel are missing here: they need the depth, see load_step(). */
static const struct {
    const char *key;
    enum key_object keys;
    load_verb *load;
} verbs[] = {
    [VERB_START] = {"start", KEYS_START, load_start},
    [VERB_OPEN] = {"open", KEYS_OPEN, load_open},
    [VERB_SEND] = {"send", KEYS_SEND, load_send},
    [VERB_EXPECT] = {"expect", KEYS_EXPECT, load_expect},
    [VERB_CLOSE] = {"close", KEYS_CLOSE, load_close},
    [VERB_CHECK] = {"check", KEYS_CHECK, load_check},
    [VERB_FETCH] = {"fetch", KEYS_FETCH, load_fetch},
    [VERB_WAIT] = {"wait", KEYS_WAIT, load_wait},
    [VERB_REPEAT] = {"repeat", KEYS_REPEAT, NULL},
    [VERB_PARALLEL] = {"parallel", KEYS_PARALLEL, NULL},
    [VERB_DO] = {"do", KEYS_DO, load_do},
    [VERB_MEET] = {"meet", KEYS_MEET, load_meet},
};

static void load_do(struct loader *loader, const struct at *at, struct step *step)
{
    struct at name;
    if (!at_get(at, "do", &name) || !at_text(&name, &step->name))
        return;
    const char *names[KEYS_MAX_NAMES];
    size_t n = 0;
    for (size_t i = 0; i < loader->n_definitions; i++) {
        if (strcmp(loader->definitions[i].name, step->name) == 0)
            step->u.definition = &loader->definitions[i];
        if (n < ARRAY_SIZE(names))
            names[n++] = loader->definitions[i].name;
    }
    if (!step->u.definition)
        at_say(&name, "no '%.60s' under the file's 'define'%s", step->name,
               at_nearest(at, step->name, names, n));
}

static void load_meet(struct loader *loader, const struct at *at, struct step *step)
{
    (void)loader;
    (void)at_get_text(at, "meet", &step->name);
}

/* ---- repeat and parallel ---- */

static void load_values(struct loader *loader, const struct at *list, struct repeat_step *ret)
{
    const size_t count = json_array_size(list->json);
    const struct data **values = arena_array(loader->arena, count, sizeof(const struct data *));
    struct at item;
    size_t n = 0;
    if (count == 0 || count > SCENARIO_MAX_REPEAT) {
        at_say(list, "must hold 1 to %d values", SCENARIO_MAX_REPEAT);
        return;
    }
    for (bool more = at_first(list, &item); more; more = at_next(&item)) {
        if (json_is_integer(item.json)) {
            struct data *number = arena_alloc(loader->arena, sizeof *number);
            number->kind = DATA_TEXT;
            number->text =
                arena_printf(loader->arena, "%lld", (long long)json_integer_value(item.json));
            values[n++] = number;
        } else {
            values[n++] = load_data(loader->arena, &item);
        }
    }
    ret->values = values;
    ret->count = (unsigned)n;
}

static void load_lanes(struct loader *loader, const struct at *list, unsigned depth,
                       struct repeat_step *ret)
{
    const size_t count = json_array_size(list->json);
    struct at item;
    size_t n = 0;
    if (count == 0 || count > SCENARIO_MAX_LANES) {
        at_say(list, "must hold 1 to %d lanes", SCENARIO_MAX_LANES);
        return;
    }
    struct step_list *lanes = arena_array(loader->arena, count, sizeof *lanes);
    for (bool more = at_first(list, &item); more; more = at_next(&item), n++)
        load_steps(loader, &item, depth + 1, &lanes[n].steps, &lanes[n].n_steps);
    ret->lanes = lanes;
    ret->n_lanes = n;
    ret->count = (unsigned)n;
}

static void load_repeat(struct loader *loader, const struct at *at, unsigned depth,
                        struct step *step)
{
    const bool parallel = step->verb == VERB_PARALLEL;
    struct repeat_step *ret = &step->u.repeat;
    struct at count;
    struct at steps;
    int64_t n = 0;
    (void)at_get_text(at, "as", &ret->as);
    if (!at_get(at, verbs[step->verb].key, &count))
        return;
    if (json_is_array(count.json) && parallel)
        load_lanes(loader, &count, depth, ret);
    else if (json_is_array(count.json))
        load_values(loader, &count, ret);
    else if (at_integer(&count, 1, parallel ? SCENARIO_MAX_LANES : SCENARIO_MAX_REPEAT, &n))
        ret->count = (unsigned)n;
    const bool has_steps = at_get(at, "steps", &steps);
    const bool needs_steps = !(parallel && json_is_array(count.json));
    if (ret->lanes && has_steps)
        at_say_key(&steps, "the lanes are their own steps: leave 'steps' out");
    else if (!has_steps && needs_steps)
        at_say(at, "needs 'steps'");
    else if (has_steps)
        load_steps(loader, &steps, depth + 1, &ret->steps, &ret->n_steps);
}

/* ---- one step ---- */

/* "open" is a verb, and also says of a silence that the stream must stay open. */
static bool is_verb_here(const struct at *at, enum verb verb)
{
    return at_has(at, verbs[verb].key) && !(verb == VERB_OPEN && at_has(at, "expect"));
}

static bool find_verb(const struct at *at, enum verb *ret)
{
    const char *found = NULL;
    for (unsigned verb = 0; verb < ARRAY_SIZE(verbs); verb++) {
        if (!is_verb_here(at, (enum verb)verb))
            continue;
        if (found) {
            at_say(at, "has two verbs, '%s' and '%s': make two steps of it", found,
                   verbs[verb].key);
            return false;
        }
        found = verbs[verb].key;
        *ret = (enum verb)verb;
    }
    if (found)
        return true;
    struct at member;
    const char *names[ARRAY_SIZE(verbs)];
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        names[i] = verbs[i].key;
    const char *nearest = "";
    for (bool more = at_first(at, &member); more && !nearest[0]; more = at_next(&member))
        nearest = at_nearest(at, member.key, names, ARRAY_SIZE(names));
    at_say(at,
           "has no verb: start, open, send, expect, close, check, fetch, wait, repeat, "
           "parallel, do or meet%s",
           nearest);
    return false;
}

static void load_common(struct loader *loader, const struct at *at, struct step *step)
{
    static const char *const forces[] = {"must", "should", "info"};
    size_t word = loader->default_force;
    step->within_s = -1;
    (void)at_get_number(at, "within", 0, LOAD_MAX_SECONDS, &step->within_s);
    (void)at_get_word(at, "force", forces, ARRAY_SIZE(forces), &word);
    step->force = (enum force)word;
    (void)at_get_text(at, "note", &step->note);
    load_hints(loader, at, &step->hints);
    step->where.line = at->place->line;
    step->where.column = at->place->column;
    const char *path = at_path(at);
    const size_t len = strlen(path);
    const bool shortened = len >= sizeof step->path;
    (void)snprintf(step->path, sizeof step->path, "%s%s", shortened ? "..." : "",
                   shortened ? path + len - (sizeof step->path - 4) : path);
}

static void load_step(struct loader *loader, const struct at *at, unsigned depth, struct step *ret)
{
    enum verb verb = VERB_WAIT;
    *ret = (struct step){.verb = VERB_WAIT, .within_s = -1};
    if (!at_is_object(at) || !find_verb(at, &verb))
        return;
    const struct key_table *const tables[] = {key_table(KEYS_STEP), key_table(verbs[verb].keys),
                                              key_table(KEYS_EXPECTATION)};
    at_check_keys(at, tables, verb == VERB_EXPECT ? 3 : 2);
    ret->verb = verb;
    load_common(loader, at, ret);
    if (verbs[verb].load)
        verbs[verb].load(loader, at, ret);
    else
        load_repeat(loader, at, depth, ret);
}

void load_steps(struct loader *loader, const struct at *list, unsigned depth,
                const struct step **ret, size_t *ret_n)
{
    struct at item;
    size_t n = 0;
    *ret = NULL;
    *ret_n = 0;
    if (!at_is_list(list))
        return;
    const size_t count = json_array_size(list->json);
    if (depth > SCENARIO_MAX_DEPTH) {
        at_say(list, "steps are nested more than %d deep", SCENARIO_MAX_DEPTH);
        return;
    }
    if (count > SCENARIO_MAX_STEPS) {
        at_say(list, "has %zu steps, more than %d", count, SCENARIO_MAX_STEPS);
        return;
    }
    struct step *steps = arena_array(loader->arena, count, sizeof *steps);
    for (bool more = at_first(list, &item); more; more = at_next(&item))
        load_step(loader, &item, depth, &steps[n++]);
    *ret = steps;
    *ret_n = n;
}

/* All names first, so that one definition may `do` another, wherever it stands; check.c finds circles. */
void load_definitions(struct loader *loader, const struct at *file)
{
    struct at define;
    struct at member;
    if (!at_get(file, "define", &define) || !at_is_object(&define))
        return;
    const size_t count = json_object_size(define.json);
    loader->definitions = arena_array(loader->arena, count, sizeof *loader->definitions);
    for (bool more = at_first(&define, &member); more; more = at_next(&member))
        loader->definitions[loader->n_definitions++].name = member.key;
    struct step_list *next = loader->definitions;
    for (bool more = at_first(&define, &member); more; more = at_next(&member), next++)
        load_steps(loader, &member, 0, &next->steps, &next->n_steps);
}
