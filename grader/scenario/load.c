/* scenario/load.c: an assignment file: its head and its scenarios.
 *
 * Order matters in three places: the file's world before the scenarios' (which add to it), the definitions before any
 * step (`do` points to them), and a scenario before those that need it (so that `needs` can only point backwards and
 * never in a circle). Names are checked last, scenario by scenario, on the finished steps (check.c). */
#include "scenario/load.h"

#include "base/own.h"

#include <ctype.h>
#include <string.h>

static const char *const levels[] = {"basic", "robust", "load", "hostile", "optional"};
static const char *const shows[] = {"all", "name", "nothing"};

/* Ids appear in file names, URLs and --only patterns. */
static bool valid_id(const char *text)
{
    const size_t len = strlen(text);
    return len > 0 && len <= 60 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           text[0] != '-';
}

static const char *required_text(const struct at *object, const char *key)
{
    const char *text = "";
    if (!at_has(object, key))
        at_say(object, "needs '%s'", key);
    else if (at_get_text(object, key, &text) && !text[0])
        at_say(object, "'%s' is empty", key);
    return text;
}

static const char *required_id(const struct at *object, const char *key)
{
    const char *id = required_text(object, key);
    struct at at;
    if (id[0] && !valid_id(id) && at_get(object, key, &at))
        at_say(&at, "'%.60s': ids are 1 to 60 lower-case letters, digits and '-'", id);
    return id;
}

void load_args(const struct at *object, const char *const **ret, size_t *ret_n)
{
    (void)at_get_texts(object, "args", ret, ret_n);
}

/* ---- vars ---- */

static bool valid_variable(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return strlen(name) <= 40;
}

static const char *variable_value(struct loader *loader, const struct at *at)
{
    const char *text = "";
    if (json_is_integer(at->json))
        return arena_printf(loader->arena, "%lld", (long long)json_integer_value(at->json));
    (void)at_text(at, &text);
    return text;
}

static void load_vars(struct loader *loader, const struct at *file)
{
    struct assignment *assignment = loader->assignment;
    struct at vars;
    struct at member;
    if (!at_get(file, "vars", &vars) || !at_is_object(&vars))
        return;
    const size_t count = json_object_size(vars.json);
    struct assignment_var *list = arena_array(loader->arena, count, sizeof *list);
    size_t n = 0;
    for (bool more = at_first(&vars, &member); more; more = at_next(&member)) {
        if (!valid_variable(member.key))
            at_say_key(&member, "a variable's name has letters, digits and '_' only");
        else if (check_is_drawn(member.key))
            at_say_key(&member, "'%s' is set by the grader in every run", member.key);
        list[n].name = member.key;
        list[n++].value = variable_value(loader, &member);
    }
    assignment->vars = list;
    assignment->n_vars = n;
}

/* ---- one scenario ---- */

static void load_head_words(const struct at *at, struct scenario *ret)
{
    static const char *const forces[] = {"course", "must", "should", "info"};
    size_t word = LEVEL_BASIC;
    if (at_get_word(at, "level", levels, ARRAY_SIZE(levels), &word))
        ret->level = (enum level)word;
    if (at_get_word(at, "show", shows, ARRAY_SIZE(shows), &word))
        ret->show = (enum show)word;
    word = 0;
    (void)at_get_word(at, "force", forces, ARRAY_SIZE(forces), &word);
    ret->force = word == 2 ? FORCE_SHOULD : (word == 3 ? FORCE_INFO : FORCE_MUST);
    ret->rfc = word == 1 || word == 2;
}

static size_t find_scenario(const struct assignment *assignment, const char *id)
{
    for (size_t i = 0; i < assignment->n_scenarios; i++)
        if (strcmp(assignment->scenarios[i].id, id) == 0)
            return i;
    return SIZE_MAX;
}

static bool need(size_t *needs, size_t *n, size_t index)
{
    for (size_t i = 0; i < *n; i++)
        if (needs[i] == index)
            return false;
    needs[(*n)++] = index;
    return true;
}

/* The gates above it, then what it names itself. */
static void load_needs(struct loader *loader, const struct at *at, struct scenario *ret)
{
    const struct assignment *assignment = loader->assignment;
    struct at list;
    struct at item;
    size_t *needs = arena_array(loader->arena, assignment->n_scenarios, sizeof *needs);
    size_t n = 0;
    for (size_t i = 0; i < assignment->n_scenarios; i++)
        if (assignment->scenarios[i].gate)
            (void)need(needs, &n, i);
    if (at_get(at, "needs", &list) && at_is_list(&list)) {
        for (bool more = at_first(&list, &item); more; more = at_next(&item)) {
            const char *id = NULL;
            if (!at_text(&item, &id))
                continue;
            const size_t index = find_scenario(assignment, id);
            if (index != SIZE_MAX) {
                (void)need(needs, &n, index);
                continue;
            }
            const char *names[SCENARIO_MAX_SCENARIOS];
            for (size_t i = 0; i < assignment->n_scenarios; i++)
                names[i] = assignment->scenarios[i].id;
            at_say(&item, "no scenario '%.60s' above this one%s", id,
                   at_nearest(at, id, names, assignment->n_scenarios));
        }
    }
    ret->needs = needs;
    ret->n_needs = n;
}

static void load_gate(const struct loader *loader, const struct at *at, struct scenario *ret)
{
    const struct assignment *assignment = loader->assignment;
    struct at gate;
    if (!at_get(at, "gate", &gate) || !at_bool(&gate, &ret->gate) || !ret->gate)
        return;
    for (size_t i = 0; i < assignment->n_scenarios; i++)
        if (!assignment->scenarios[i].gate)
            at_say_key(&gate, "a gate stands before everything else: move this scenario above '%s'",
                       assignment->scenarios[i].id);
}

static void load_scenario_steps(struct loader *loader, const struct at *at,
                                const struct step_list *setup, struct scenario *ret)
{
    struct at steps;
    struct at member;
    bool with_setup = true;
    const struct step *own = NULL;
    size_t n_own = 0;
    if (at_get(at, "setup", &member) && at_bool(&member, &with_setup) && with_setup)
        at_say_key(&member, "only false makes a difference: the file's setup runs anyway");
    loader->default_force = ret->force;
    if (at_get(at, "steps", &steps))
        load_steps(loader, &steps, 0, &own, &n_own);
    else
        at_say(at, "needs 'steps'");
    loader->default_force = FORCE_MUST;
    ret->n_setup = with_setup ? setup->n_steps : 0;
    ret->n_steps = ret->n_setup + n_own;
    struct step *all = arena_array(loader->arena, ret->n_steps, sizeof *all);
    if (ret->n_setup)
        memcpy(all, setup->steps, ret->n_setup * sizeof *all);
    if (n_own)
        memcpy(all + ret->n_setup, own, n_own * sizeof *all);
    ret->steps = all;
}

static void load_scenario(struct loader *loader, const struct at *at, const struct world *world,
                          const struct step_list *setup, struct scenario *ret)
{
    const struct key_table *const table = key_table(KEYS_SCENARIO);
    struct at member;
    int64_t seeds = 1;
    *ret = (struct scenario){.points = 1, .level = LEVEL_BASIC, .id = "", .title = ""};
    if (!at_is_object(at))
        return;
    at_check_keys(at, &table, 1);
    ret->id = required_id(at, "id");
    if (ret->id[0] && find_scenario(loader->assignment, ret->id) != SIZE_MAX &&
        at_get(at, "id", &member))
        at_say(&member, "the id '%s' is taken by a scenario above", ret->id);
    ret->title = required_text(at, "title");
    (void)at_get_text(at, "note", &ret->note);
    (void)at_get_text(at, "standard", &ret->standard);
    (void)at_get_number(at, "points", 0, 1000, &ret->points);
    (void)at_get_integer(at, "repeat_seed", 1, 100, &seeds);
    ret->repeat_seed = (unsigned)seeds;
    load_head_words(at, ret);
    load_gate(loader, at, ret);
    if (at_get(at, "core", &member))
        (void)at_bool(&member, &ret->core);
    load_needs(loader, at, ret);
    load_hints(loader, at, &ret->hints);
    load_world(loader, at, world, &ret->world);
    load_scenario_steps(loader, at, setup, ret);
    check_scenario(loader, ret);
}

static void load_scenarios(struct loader *loader, const struct at *file, const struct world *world,
                           const struct step_list *setup)
{
    struct assignment *assignment = loader->assignment;
    struct at list;
    struct at item;
    if (!at_get(file, "scenarios", &list)) {
        at_say(file, "needs 'scenarios'");
        return;
    }
    if (!at_is_list(&list))
        return;
    size_t count = json_array_size(list.json);
    if (count == 0)
        at_say(&list, "is empty: an assignment needs at least one scenario");
    if (count > SCENARIO_MAX_SCENARIOS) {
        at_say(&list, "has %zu scenarios, more than %d", count, SCENARIO_MAX_SCENARIOS);
        count = SCENARIO_MAX_SCENARIOS;
    }
    struct scenario *scenarios = arena_array(loader->arena, count, sizeof *scenarios);
    assignment->scenarios = scenarios;
    bool more = count > 0 && at_first(&list, &item);
    for (size_t i = 0; more && i < count; i++, more = at_next(&item)) {
        load_scenario(loader, &item, world, setup, &scenarios[i]);
        assignment->n_scenarios = i + 1; /* from here on it can be needed */
    }
}

/* ---- the file's head ---- */

static void load_head(struct loader *loader, const struct at *file)
{
    struct assignment *ret = loader->assignment;
    const struct key_table *const table = key_table(KEYS_FILE);
    at_check_keys(file, &table, 1);
    ret->id = required_id(file, "assignment");
    ret->title = ret->id;
    (void)at_get_text(file, "title", &ret->title);
    (void)at_get_text(file, "program", &ret->program);
    load_args(file, &ret->args, &ret->n_args);
    load_ready(file, "ready", true, &ret->ready);
    (void)at_get_number(file, "within", 0.001, LOAD_MAX_SECONDS, &ret->within_s);
    (void)at_get_number(file, "cap", 0.01, 1, &ret->cap);
    (void)at_get_bool(file, "byte_order", &ret->byte_order);
    load_vars(loader, file);
}

struct assignment *load_assignment(struct source *source, const struct classes *classes)
{
    struct assignment *ret = arena_alloc(source->arena, sizeof *ret);
    struct loader loader = {.source = source,
                            .arena = source->arena,
                            .classes = classes,
                            .assignment = ret,
                            .default_force = FORCE_MUST};
    const struct world empty = {0};
    struct world world = {0};
    struct step_list setup = {0};
    struct at list;
    *ret = (struct assignment){
        .file = arena_printf(source->arena, "%s", source->file), .within_s = 2, .cap = 1};
    ret->arena = source->arena;
    ret->id = "";
    const struct at file = source_top(source);
    if (!file.json || !at_is_object(&file))
        return ret;
    load_head(&loader, &file);
    load_world(&loader, &file, &empty, &world);
    load_definitions(&loader, &file);
    if (at_get(&file, "setup", &list))
        load_steps(&loader, &list, 0, &setup.steps, &setup.n_steps);
    load_scenarios(&loader, &file, &world, &setup);
    if (!ret->program && loader.uses_program)
        at_say(&file, "needs 'program': a start step names none of its own");
    return ret;
}

/* ---- names ---- */

const char *level_name(enum level level)
{
    return (unsigned)level < ARRAY_SIZE(levels) ? levels[level] : "?";
}

const char *show_name(enum show show)
{
    return (unsigned)show < ARRAY_SIZE(shows) ? shows[show] : "?";
}

const char *force_name(enum force force)
{
    static const char *const names[] = {"must", "should", "info"};
    return (unsigned)force < ARRAY_SIZE(names) ? names[force] : "?";
}

const char *verdict_name(enum verdict_kind kind)
{
    static const char *const names[] = {"ok", "non-strict", "info", "failed", "skipped", "error"};
    return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}
