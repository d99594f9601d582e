/* scenario/load_expect.c: expectations with their alternatives, and hints.
 *
 * The same object is read in two places: as the main part of an `expect` step and as an element of its `else`. What may
 * stand together is checked in one function: one leading part, one ending, or a silence alone. Regular expressions are
 * compiled once to find mistakes where they can be pointed at, with a letter in place of each variable; the matcher
 * compiles them again with the variables' values. */
#include "scenario/load.h"

#include "base/own.h"
#include "base/text.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* ---- hints ---- */

void load_class_name(struct loader *loader, const struct at *at, const char **ret)
{
    if (!at_text(at, ret) || !loader->classes || classes_find(loader->classes, *ret))
        return;
    const struct classes *classes = loader->classes;
    AUTO_FREE const char **names = xcalloc(classes->count + 1, sizeof *names);
    for (size_t i = 0; i < classes->count; i++)
        names[i] = classes->list[i].name;
    at_say(at, "unknown bug class '%.60s'%s", *ret, at_nearest(at, *ret, names, classes->count));
}

void load_hints(struct loader *loader, const struct at *object, struct hints *ret)
{
    const struct key_table *const table = key_table(KEYS_HINT);
    struct at hint;
    struct at member;
    if (!at_get(object, "hint", &hint))
        return;
    if (json_is_string(hint.json)) {
        load_class_name(loader, &hint, &ret->any);
        return;
    }
    if (!json_is_object(hint.json)) {
        at_say(&hint, "must be a bug class, or an object of outcomes and bug classes");
        return;
    }
    at_check_keys(&hint, &table, 1);
    for (bool more = at_first(&hint, &member); more; more = at_next(&member)) {
        enum outcome outcome = OUTCOME_OK;
        if (key_find(table, member.key) && outcome_from_name(member.key, &outcome))
            load_class_name(loader, &member, &ret->by_outcome[outcome]);
    }
}

/* ---- regular expressions ---- */

/* ${var} stands for something unknown here: it is replaced by a letter before regcomp(3) looks at the syntax. */
static char *without_variables(const char *text)
{
    struct buf out = {0};
    for (const char *open = NULL; (open = strstr(text, "${")) != NULL;) {
        const char *close = strchr(open, '}');
        if (!close)
            break;
        (void)buf_add(&out, text, (size_t)(open - text));
        (void)buf_add_char(&out, 'x');
        text = close + 1;
    }
    (void)buf_add_str(&out, text);
    return buf_take(&out);
}

void load_regex(const struct at *at, bool ignore_case, const char **ret)
{
    regex_t regex;
    if (!at_text(at, ret))
        return;
    if (strlen(*ret) > 1000) {
        at_say(at, "a regular expression of more than 1000 characters");
        return;
    }
    AUTO_FREE char *plain = without_variables(*ret);
    const int rc = regcomp(&regex, plain,
                           REG_EXTENDED | REG_NEWLINE | REG_NOSUB | (ignore_case ? REG_ICASE : 0));
    if (rc == 0) {
        regfree(&regex);
        return;
    }
    char why[128];
    (void)regerror(rc, &regex, why, sizeof why);
    at_say(at, "is no POSIX extended regular expression: %s", why);
}

/* ---- expectations ---- */

static void flag(const struct at *at, const char *key, bool *ret)
{
    struct at member;
    if (at_get(at, key, &member) && at_bool(&member, ret) && !*ret)
        at_say(&member, "only true makes sense here");
}

/* The key of these that is there; says so when there are two. */
static const char *one_of(const struct at *at, const char *const *keys, size_t count,
                          const char *complaint)
{
    const char *found = NULL;
    struct at member;
    for (size_t i = 0; i < count; i++) {
        if (!at_get(at, keys[i], &member))
            continue;
        if (found)
            at_say_key(&member, "'%s' and '%s' %s", found, keys[i], complaint);
        found = keys[i];
    }
    return found;
}

/* At most one leading part, at most one ending; a silence is alone. */
static void check_combination(const struct at *at, const struct expectation *ret)
{
    static const char *const leads[] = {"data", "matches", "count", "http"};
    static const char *const endings[] = {"eof", "reset", "closed"};
    const char *lead = one_of(at, leads, ARRAY_SIZE(leads), "in one step: make two of it");
    const char *ending = one_of(at, endings, ARRAY_SIZE(endings), "contradict each other");
    const char *other = lead ? lead : ending;
    struct at member;
    if (ret->silence_set && other)
        at_say(at, "'silence' cannot stand beside '%s'", other);
    if (at_get(at, "open", &member) && !ret->silence_set)
        at_say_key(&member, "belongs to 'silence': an end of stream is no silence then");
    if (at_get(at, "any_bytes", &member) && !ret->silence_set)
        at_say_key(&member, "belongs to 'silence': what comes before it is passed over");
    if (!other && !ret->silence_set)
        at_say(at, "expects nothing: data, eof, reset, closed, silence, matches, count or http");
}

static void load_expectation(struct loader *loader, const struct at *at, struct expectation *ret)
{
    struct at member;
    int64_t count = 0;
    ret->data = load_get_data(loader->arena, at, "data");
    flag(at, "eof", &ret->eof);
    flag(at, "reset", &ret->reset);
    flag(at, "closed", &ret->closed);
    flag(at, "open", &ret->open);
    flag(at, "any_bytes", &ret->any_bytes);
    ret->silence_set = at_has(at, "silence");
    (void)at_get_number(at, "silence", 0, LOAD_MAX_SECONDS, &ret->silence_s);
    if (at_get(at, "matches", &member))
        load_regex(&member, false, &ret->matches);
    ret->count_set = at_get_integer(at, "count", 0, (int64_t)1 << 40, &count);
    ret->count = (uint64_t)count;
    if (at_get(at, "http", &member))
        ret->http = load_http(loader, &member);
    check_combination(at, ret);
}

static void load_alternative(struct loader *loader, const struct at *at, struct expectation *ret)
{
    static const char *const words[] = {"ok", "non-strict", "info", "failed"};
    static const enum verdict_kind kinds[] = {VERDICT_OK, VERDICT_NON_STRICT, VERDICT_INFO,
                                              VERDICT_FAILED};
    const struct key_table *const tables[] = {key_table(KEYS_EXPECTATION),
                                              key_table(KEYS_ALTERNATIVE)};
    struct at hint;
    size_t word = 3;
    if (!at_is_object(at))
        return;
    at_check_keys(at, tables, ARRAY_SIZE(tables));
    load_expectation(loader, at, ret);
    if (at_get(at, "hint", &hint))
        load_class_name(loader, &hint, &ret->hint);
    (void)at_get_word(at, "verdict", words, ARRAY_SIZE(words), &word);
    ret->verdict = kinds[word];
    if (!at_has(at, "hint") && !at_has(at, "verdict"))
        at_say(at, "says nothing: needs 'hint' or 'verdict'");
}

void load_expect(struct loader *loader, const struct at *at, struct step *step)
{
    struct at list;
    struct at item;
    (void)at_get_text(at, "expect", &step->name);
    load_expectation(loader, at, &step->expect);
    flag(at, "any_order", &step->expect.any_order);
    if (step->expect.any_order && !step->expect.data)
        at_say(at, "'any_order' needs 'data': which of the waiting datagrams");
    if (!at_get(at, "else", &list) || !at_is_list(&list))
        return;
    if (step->expect.any_bytes)
        at_say_key(&list, "is never tried: 'any_bytes' lets everything pass");
    const size_t count = json_array_size(list.json);
    if (count > SCENARIO_MAX_STEPS) {
        at_say(&list, "has more than %d alternatives", SCENARIO_MAX_STEPS);
        return;
    }
    struct expectation *alternatives = arena_array(loader->arena, count, sizeof *alternatives);
    for (bool more = at_first(&list, &item); more; more = at_next(&item))
        load_alternative(loader, &item, &alternatives[step->n_alternatives++]);
    step->alternatives = alternatives;
}
