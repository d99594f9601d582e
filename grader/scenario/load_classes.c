/* scenario/load_classes.c: the bug classes and the sentences students read. */
#include "base/own.h"
#include "scenario/load.h"
#include "scenario/open.h"

#include <string.h>

/* Figures that a run can fill in, see verdict_sentence(). */
static const char *const figures[] = {"port", "other", "n",    "m",  "cpu",
                                      "mib",  "got",   "want", "arg"};

static void check_sentence(const struct at *at, const char *text)
{
    for (; (text = strchr(text, '{')) != NULL; text++) {
        const char *close = strchr(text, '}');
        if (!close) {
            at_say(at, "'{' without its '}'");
            return;
        }
        AUTO_FREE char *name = xstrndup(text + 1, (size_t)(close - text - 1));
        bool known = false;
        for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
            known |= strcmp(figures[i], name) == 0;
        if (!known)
            at_say(at, "unknown figure {%.40s}%s", name,
                   at_nearest(at, name, figures, ARRAY_SIZE(figures)));
    }
}

/* In the order of enum byte_order, without its first. */
static const char *const byte_orders[] = {"missing", "wrong"};

static void load_class(const struct at *at, struct bug_class *ret)
{
    const struct key_table *const table = key_table(KEYS_CLASS);
    struct at sentence;
    *ret = (struct bug_class){.name = at->key, .sentence = ""};
    if (!at_is_object(at))
        return;
    at_check_keys(at, &table, 1);
    if (!at_get(at, "sentence", &sentence))
        at_say(at, "needs 'sentence'");
    else if (at_text(&sentence, &ret->sentence))
        check_sentence(&sentence, ret->sentence);
    (void)at_get_text(at, "read", &ret->read);
    bool capped = true;
    (void)at_get_bool(at, "cap", &capped);
    ret->uncapped = !capped;
    size_t order = 0;
    if (at_get_word(at, "byte_order", byte_orders, ARRAY_SIZE(byte_orders), &order))
        ret->byte_order = (enum byte_order)(BYTE_ORDER_MISSING + order);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct bug_class *)left)->name, ((const struct bug_class *)right)->name);
}

struct classes *load_classes(struct source *source)
{
    const struct key_table *const table = key_table(KEYS_CLASSES);
    struct classes *ret = arena_alloc(source->arena, sizeof *ret);
    const struct at file = source_top(source);
    struct at list;
    struct at member;
    ret->arena = source->arena;
    if (!file.json || !at_is_object(&file))
        return ret;
    at_check_keys(&file, &table, 1);
    if (!at_get(&file, "classes", &list)) {
        at_say(&file, "needs 'classes'");
        return ret;
    }
    if (!at_is_object(&list))
        return ret;
    ret->list = arena_array(source->arena, json_object_size(list.json), sizeof *ret->list);
    for (bool more = at_first(&list, &member); more; more = at_next(&member))
        load_class(&member, &ret->list[ret->count++]);
    if (ret->count)
        qsort(ret->list, ret->count, sizeof *ret->list, by_name);
    return ret;
}

int classes_load(const char *path, struct classes **ret, struct err *err)
{
    struct arena *arena = arena_new();
    struct source source;
    struct classes *classes = NULL;
    int rc = source_open(&source, path, arena, err);
    if (rc == 0) {
        classes = load_classes(&source);
        rc = source_verdict(&source, err);
    }
    source_done(&source);
    if (rc < 0)
        arena_free(arena);
    else
        *ret = classes;
    return rc;
}

void classes_free(struct classes *classes)
{
    if (classes)
        arena_free(classes->arena);
}

const struct bug_class *classes_find(const struct classes *classes, const char *name)
{
    const struct bug_class wanted = {.name = name};
    if (!classes || !name || !classes->count)
        return NULL;
    return bsearch(&wanted, classes->list, classes->count, sizeof *classes->list, by_name);
}
