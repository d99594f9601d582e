/* scenario/source.c: a JSON file with its findings, and values that know where they stand.
 *
 * jansson parses, refuses duplicate keys, and forgets positions; place.c finds them again. A struct at walks both trees
 * side by side: a container's children come in the order of the text in either. It lives on the stack of the function that
 * looks at the value and points to its container's, so that a path costs nothing until a message needs one. Findings are
 * collected, deduplicated (a definition is looked at for each of its uses), bounded, and sorted by place at the end. What
 * the file's author wrote stands in them, so control characters are taken out. */
#include "scenario/source.h"

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "scenario/scenario.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int source_open(struct source *source, const char *file, struct arena *arena, struct err *err)
{
    AUTO_BUF struct buf text = {0};
    *source = (struct source){.file = file, .arena = arena};
    if (io_read_file(file, SCENARIO_MAX_FILE_BYTES, &text, ERR_USAGE, err) < 0)
        return -1;
    json_error_t error;
    source->root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &error);
    if (!source->root) {
        source_say(source, error.line, error.column, "", error.text);
        return 0;
    }
    arena_keep_json(arena, source->root);
    source->places = place_map(arena, text.data ? text.data : "", text.len);
    return 0;
}

void source_done(struct source *source)
{
    for (size_t i = 0; i < source->n_findings; i++)
        free(source->findings[i].text);
    free(source->findings);
    source->findings = NULL;
    source->n_findings = 0;
}

struct at source_top(struct source *source)
{
    return (struct at){.source = source, .json = source->root, .place = source->places};
}

/* ---- findings ---- */

void source_say(struct source *source, int line, int column, const char *path, const char *message)
{
    AUTO_FREE char *text = xasprintf("%s:%d:%d: %s%s%s", source->file, line, column, path,
                                     path[0] ? ": " : "", message);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' '; /* keys and values of the file stand in it: a finding stays one line */
    for (size_t i = 0; i < source->n_findings; i++)
        if (strcmp(source->findings[i].text, text) == 0)
            return; /* steps of a definition are looked at once for each use */
    if (source->n_findings == SOURCE_MAX_FINDINGS) {
        source->dropped_findings++;
        return;
    }
    source->findings =
        xreallocarray(source->findings, source->n_findings + 1, sizeof *source->findings);
    source->findings[source->n_findings++] =
        (struct finding){.line = line, .column = column, .text = TAKE_PTR(text)};
}

static int by_place(const void *left, const void *right)
{
    const struct finding *a = left;
    const struct finding *b = right;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return strcmp(a->text, b->text);
}

void source_sort(struct source *source)
{
    if (source->n_findings > 1)
        qsort(source->findings, source->n_findings, sizeof *source->findings, by_place);
}

int source_verdict(struct source *source, struct err *err)
{
    if (err_is_set(&source->host))
        return err_set(err, ERR_HOST, "%s", source->host.text);
    if (source->n_findings == 0)
        return 0;
    source_sort(source);
    const size_t more = source->n_findings - 1 + source->dropped_findings;
    if (more == 0)
        return err_set(err, ERR_USAGE, "%s", source->findings[0].text);
    return err_set(err, ERR_USAGE, "%s (and %zu more; see: sockgrade lint %s)",
                   source->findings[0].text, more, source->file);
}

/* ---- where a value stands ---- */

static void add_path(struct buf *path, const struct at *at)
{
    const struct at *chain[64];
    size_t depth = 0;
    for (; at && at->up && depth < ARRAY_SIZE(chain); at = at->up)
        chain[depth++] = at;
    while (depth-- > 0) {
        if (!chain[depth]->key)
            (void)buf_printf(path, "[%zu]", chain[depth]->index);
        else
            (void)buf_printf(path, "%s%s", path->len ? "." : "", chain[depth]->key);
    }
}

const char *at_path(const struct at *at)
{
    AUTO_BUF struct buf path = {0};
    add_path(&path, at);
    return arena_printf(at->source->arena, "%s", path.data ? path.data : "");
}

static void say(const struct at *at, int line, int column, const char *format, va_list list)
{
    char message[512];
    (void)vsnprintf(message, sizeof message, format, list);
    AUTO_BUF struct buf path = {0};
    add_path(&path, at);
    source_say(at->source, line, column, path.data ? path.data : "", message);
}

void at_say(const struct at *at, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    say(at, at->place->line, at->place->column, format, list);
    va_end(list);
}

void at_say_key(const struct at *at, const char *format, ...)
{
    const bool keyed = at->place->key_line > 0;
    va_list list;
    va_start(list, format);
    say(at, keyed ? at->place->key_line : at->place->line,
        keyed ? at->place->key_column : at->place->column, format, list);
    va_end(list);
}

const char *at_nearest(const struct at *at, const char *word, const char *const *candidates,
                       size_t count)
{
    const char *nearest = text_nearest(word, candidates, count);
    return nearest ? arena_printf(at->source->arena, " (did you mean '%s'?)", nearest) : "";
}

/* ---- ways through the tree ---- */

bool at_first(const struct at *container, struct at *ret)
{
    *ret = (struct at){.source = container->source, .up = container};
    if (json_is_object(container->json)) {
        ret->iterator = json_object_iter(container->json);
        if (!ret->iterator)
            return false;
        ret->key = json_object_iter_key(ret->iterator);
        ret->json = json_object_iter_value(ret->iterator);
    } else {
        ret->json = json_array_get(container->json, 0);
    }
    ret->place = container->place->first;
    return ret->json && ret->place;
}

bool at_next(struct at *at)
{
    at->index++;
    at->place = at->place->next;
    if (at->iterator) {
        at->iterator = json_object_iter_next(at->up->json, at->iterator);
        if (!at->iterator)
            return false;
        at->key = json_object_iter_key(at->iterator);
        at->json = json_object_iter_value(at->iterator);
    } else {
        at->json = json_array_get(at->up->json, at->index);
    }
    return at->json && at->place;
}

bool at_get(const struct at *object, const char *key, struct at *ret)
{
    if (!json_object_get(object->json, key))
        return false;
    for (bool more = at_first(object, ret); more; more = at_next(ret))
        if (strcmp(ret->key, key) == 0)
            return true;
    return false;
}

bool at_has(const struct at *object, const char *key)
{
    return json_object_get(object->json, key) != NULL;
}

void at_check_keys(const struct at *object, const struct key_table *const *tables, size_t count)
{
    struct at member;
    for (bool more = at_first(object, &member); more; more = at_next(&member)) {
        const struct key *key = NULL;
        for (size_t i = 0; i < count && !key; i++)
            key = key_find(tables[i], member.key);
        if (key && key->reserved)
            at_say_key(&member, "%s", key->reserved);
        if (key)
            continue;
        const char *names[KEYS_MAX_NAMES];
        size_t n_names = 0;
        for (size_t i = 0; i < count; i++)
            n_names += key_names(tables[i], names + n_names, KEYS_MAX_NAMES - n_names);
        at_say_key(&member, "unknown key '%.60s'%s", member.key,
                   at_nearest(object, member.key, names, n_names));
    }
}
