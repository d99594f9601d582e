/* scenario/load_suite.c: which assignments count, for how much, and which scenarios run.
 *
 * Three filters meet: the suite's levels, its weights (0 leaves a scenario out), and --only. What a selected scenario
 * needs is selected with it, or it could never pass; it keeps its own factor. */
#include "base/own.h"
#include "base/text.h"
#include "scenario/load.h"
#include "scenario/open.h"

#include <string.h>
#include <unistd.h>

#define MAX_ASSIGNMENTS 100

struct suite_loader {
    struct source *source;
    const char *testcases_dir;
    struct suite *suite;
    unsigned levels; /* bits of enum level */
};

/* ---- an entry ---- */

static void load_levels(struct suite_loader *loader, const struct at *file)
{
    const char *words[LEVEL_OPTIONAL + 1];
    struct at list;
    struct at item;
    size_t word = 0;
    loader->levels = ~0U;
    if (!at_get(file, "levels", &list) || !at_is_list(&list))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        words[i] = level_name((enum level)i);
    loader->levels = 0;
    for (bool more = at_first(&list, &item); more; more = at_next(&item))
        if (at_word(&item, words, ARRAY_SIZE(words), &word))
            loader->levels |= 1U << word;
    if (json_array_size(list.json) == 0)
        at_say(&list, "leaves nothing to grade");
}

/* Patterns in their order; the last one that matches a scenario counts. */
static void load_weights(const struct at *at, const struct assignment *assignment, double *factors)
{
    struct at weights;
    struct at member;
    if (!at_get(at, "weights", &weights) || !at_is_object(&weights))
        return;
    for (bool more = at_first(&weights, &member); more; more = at_next(&member)) {
        double factor = 1;
        bool matched = false;
        if (!at_number(&member, 0, 1000, &factor))
            continue;
        for (size_t i = 0; i < assignment->n_scenarios; i++) {
            if (!text_glob(member.key, assignment->scenarios[i].id))
                continue;
            factors[i] = factor;
            matched = true;
        }
        if (!matched)
            at_say_key(&member, "matches no scenario of %s", assignment->id);
    }
}

static void select_needs(const struct assignment *assignment, bool *selected)
{
    for (size_t i = assignment->n_scenarios; i-- > 0;) /* needs point backwards */
        for (size_t k = 0; selected[i] && k < assignment->scenarios[i].n_needs; k++)
            selected[assignment->scenarios[i].needs[k]] = true;
}

static bool valid_assignment_name(const char *name)
{
    return name[0] && strlen(name) <= 60 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static void load_entry(struct suite_loader *loader, const struct at *at, struct suite_entry *ret)
{
    const struct key_table *const table = key_table(KEYS_SUITE_ENTRY);
    const char *name = NULL;
    struct at member;
    struct assignment *assignment = NULL;
    struct err err = {0};
    if (!at_is_object(at))
        return;
    at_check_keys(at, &table, 1);
    ret->points = 100;
    (void)at_get_number(at, "points", 0, 100000, &ret->points);
    if (!at_get(at, "assignment", &member) || !at_text(&member, &name)) {
        if (!at_has(at, "assignment"))
            at_say(at, "needs 'assignment'");
        return;
    }
    if (!valid_assignment_name(name)) {
        at_say(&member, "'%.60s' is no name of an assignment", name);
        return;
    }
    const char *path =
        arena_printf(loader->source->arena, "%s/%s.json", loader->testcases_dir, name);
    if (access(path, F_OK) != 0) {
        at_say(&member, "there is no %s", path);
        return;
    }
    if (assignment_open(path, loader->suite->classes, &assignment, &err) < 0) {
        if (err.kind == ERR_HOST && !err_is_set(&loader->source->host))
            loader->source->host = err;
        at_say(&member, "%s", err.text);
        return;
    }
    ret->assignment = assignment;
    if (strcmp(assignment->id, name) != 0)
        at_say(&member, "%s calls itself '%s'", path, assignment->id);
    const size_t n = assignment->n_scenarios;
    double *factors = arena_array(loader->source->arena, n, sizeof *factors);
    bool *selected = arena_array(loader->source->arena, n, sizeof *selected);
    for (size_t i = 0; i < n; i++)
        factors[i] = loader->levels & 1U << assignment->scenarios[i].level ? 1 : 0;
    load_weights(at, assignment, factors);
    for (size_t i = 0; i < n; i++)
        selected[i] = factors[i] > 0;
    select_needs(assignment, selected);
    ret->factors = factors;
    ret->selected = selected;
}

static void load_entries(struct suite_loader *loader, const struct at *file)
{
    struct suite *suite = loader->suite;
    struct at list;
    struct at item;
    if (!at_get(file, "assignments", &list)) {
        at_say(file, "needs 'assignments'");
        return;
    }
    if (!at_is_list(&list))
        return;
    const size_t count = json_array_size(list.json);
    if (count == 0 || count > MAX_ASSIGNMENTS) {
        at_say(&list, "must hold 1 to %d assignments", MAX_ASSIGNMENTS);
        return;
    }
    suite->entries = arena_array(loader->source->arena, count, sizeof *suite->entries);
    for (bool more = at_first(&list, &item); more; more = at_next(&item)) {
        struct suite_entry *entry = &suite->entries[suite->n_entries++];
        load_entry(loader, &item, entry);
        for (size_t i = 0; entry->assignment && i + 1 < suite->n_entries; i++)
            if (suite->entries[i].assignment &&
                strcmp(suite->entries[i].assignment->id, entry->assignment->id) == 0)
                at_say(&item, "'%s' stands here twice", entry->assignment->id);
    }
}

/* ---- the sanitizer item ---- */

static void load_costs(const struct at *object, struct suite_sanitizer *ret)
{
    struct at costs;
    struct at member;
    const char *names[SUITE_SANITIZER_CLASSES];
    if (!at_get(object, "costs", &costs) || !at_is_object(&costs))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        names[i] = ret->costs[i].class_name;
    for (bool more = at_first(&costs, &member); more; more = at_next(&member)) {
        size_t i = 0;
        while (i < ARRAY_SIZE(names) && strcmp(names[i], member.key) != 0)
            i++;
        if (i < ARRAY_SIZE(names))
            (void)at_number(&member, 0, 1, &ret->costs[i].share);
        else
            at_say_key(&member, "is no class of the sanitizers (%s, %s, %s)", names[0], names[1],
                       names[2]);
    }
}

static void load_sanitizer(const struct at *file, struct suite_sanitizer *ret)
{
    const struct key_table *const table = key_table(KEYS_SUITE_SANITIZER);
    struct at object;
    *ret = (struct suite_sanitizer){
        .points = 5,
        .cap = 1,
        .costs = {{"memory-error", 1}, {"undefined-behaviour", 0.5}, {"memory-leak", 0.5}},
    };
    if (!at_get(file, "sanitizer", &object) || !at_is_object(&object))
        return;
    ret->asked = true;
    at_check_keys(&object, &table, 1);
    (void)at_get_number(&object, "points", 0, 100000, &ret->points);
    (void)at_get_number(&object, "cap", 0.01, 1, &ret->cap);
    (void)at_get_bool(&object, "required", &ret->required);
    load_costs(&object, ret);
}

struct suite *load_suite(struct source *source, const char *testcases_dir,
                         const struct classes *classes)
{
    const struct key_table *const table = key_table(KEYS_SUITE);
    struct suite *ret = arena_alloc(source->arena, sizeof *ret);
    struct suite_loader loader = {.source = source, .testcases_dir = testcases_dir, .suite = ret};
    const struct at file = source_top(source);
    *ret = (struct suite){.id = "", .title = "", .arena = source->arena, .classes = classes};
    ret->file = arena_printf(source->arena, "%s", source->file);
    if (!file.json || !at_is_object(&file))
        return ret;
    at_check_keys(&file, &table, 1);
    if (!at_get_text(&file, "suite", &ret->id))
        at_say(&file, "needs 'suite': its name");
    ret->title = ret->id;
    (void)at_get_text(&file, "title", &ret->title);
    (void)at_get_bool(&file, "show", &ret->obey_show);
    load_sanitizer(&file, &ret->sanitizer);
    load_levels(&loader, &file);
    load_entries(&loader, &file);
    return ret;
}

/* ---- --only ---- */

static bool only_matches(const char *pattern, const char *assignment, const char *scenario)
{
    if (!strchr(pattern, '/'))
        return text_glob(pattern, assignment);
    AUTO_FREE char *full = xasprintf("%s/%s", assignment, scenario);
    return text_glob(pattern, full);
}

static int no_match(const struct suite *suite, const char *pattern, struct err *err)
{
    size_t n = 0;
    size_t max = 0;
    for (size_t e = 0; e < suite->n_entries; e++)
        max += suite->entries[e].assignment->n_scenarios + 1;
    const char **names = arena_array(suite->arena, max, sizeof(const char *));
    for (size_t e = 0; e < suite->n_entries; e++) {
        const struct assignment *assignment = suite->entries[e].assignment;
        names[n++] = assignment->id;
        for (size_t i = 0; i < assignment->n_scenarios; i++)
            names[n++] =
                arena_printf(suite->arena, "%s/%s", assignment->id, assignment->scenarios[i].id);
    }
    const char *nearest = text_nearest(pattern, names, n);
    return err_set(err, ERR_USAGE, "--only %s: no scenario of suite '%s' matches%s%s%s", pattern,
                   suite->id, nearest ? " (did you mean '" : "", nearest ? nearest : "",
                   nearest ? "'?)" : "");
}

static int apply_only(struct suite *suite, const char *const *only, size_t n_only, struct err *err)
{
    for (size_t p = 0; p < n_only; p++) {
        bool matched = false;
        for (size_t e = 0; e < suite->n_entries && !matched; e++) {
            const struct assignment *assignment = suite->entries[e].assignment;
            for (size_t i = 0; i < assignment->n_scenarios && !matched; i++)
                matched = suite->entries[e].selected[i] &&
                          only_matches(only[p], assignment->id, assignment->scenarios[i].id);
        }
        if (!matched)
            return no_match(suite, only[p], err);
    }
    for (size_t e = 0; n_only && e < suite->n_entries; e++) {
        struct suite_entry *entry = &suite->entries[e];
        const struct assignment *assignment = entry->assignment;
        bool *selected = arena_array(suite->arena, assignment->n_scenarios, sizeof *selected);
        for (size_t i = 0; i < assignment->n_scenarios; i++)
            for (size_t p = 0; p < n_only; p++)
                selected[i] |= entry->selected[i] &&
                               only_matches(only[p], assignment->id, assignment->scenarios[i].id);
        select_needs(assignment, selected);
        entry->selected = selected;
    }
    return 0;
}

void suite_leave_out_net(struct suite *suite)
{
    for (size_t e = 0; e < suite->n_entries; e++) {
        struct suite_entry *entry = &suite->entries[e];
        const size_t n = entry->assignment->n_scenarios;
        bool *selected = arena_array(suite->arena, n, sizeof *selected);
        for (size_t i = 0; i < n; i++)
            selected[i] = entry->selected[i] && !entry->assignment->scenarios[i].world.net;
        entry->selected = selected;
    }
}

/* ---- the suite as a whole ---- */

int suite_load(const char *testcases_dir, const char *suite_file, const char *const *only,
               size_t n_only, struct suite **ret, struct err *err)
{
    AUTO_FREE char *classes_path = xasprintf("%s/classes.json", testcases_dir);
    AUTO_FREE char *usual = xasprintf("%s/suites/course.json", testcases_dir);
    struct classes *classes = NULL;
    struct source source;
    if (classes_load(classes_path, &classes, err) < 0)
        return -1;
    struct arena *arena = arena_new();
    if (source_open(&source, suite_file ? suite_file : usual, arena, err) < 0) {
        classes_free(classes);
        arena_free(arena);
        return -1;
    }
    struct suite *suite = load_suite(&source, testcases_dir, classes);
    int rc = source_verdict(&source, err);
    source_done(&source);
    if (rc == 0)
        rc = apply_only(suite, only, n_only, err);
    if (rc < 0)
        suite_free(suite);
    else
        *ret = suite;
    return rc;
}

void suite_free(struct suite *suite)
{
    if (!suite)
        return;
    for (size_t i = 0; i < suite->n_entries; i++)
        assignment_free((struct assignment *)suite->entries[i].assignment);
    classes_free((struct classes *)suite->classes);
    arena_free(suite->arena);
}
