/* scenario/value.c: JSON values as C types, with a message where they do not fit.
 *
 * at_x() reads the value itself; at_get_x() a member of an object, silently leaving the default when there is none. All
 * ranges are stated by the caller and told in the message. Whole numbers must be written as such: 3.0 is none, because a
 * reader would ask what 3.5 were. Words are compared exactly, and the nearest one is suggested. */
#include "base/mem.h"
#include "scenario/source.h"

#include <math.h>
#include <string.h>

static const char *type_name(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static bool refuse(const struct at *at, const char *wanted)
{
    at_say(at, "must be %s, not %s", wanted, type_name(at->json));
    return false;
}

bool at_is_object(const struct at *at)
{
    return json_is_object(at->json) || refuse(at, "an object");
}

bool at_is_list(const struct at *at)
{
    return json_is_array(at->json) || refuse(at, "a list");
}

bool at_text(const struct at *at, const char **ret)
{
    if (!json_is_string(at->json))
        return refuse(at, "a text");
    *ret = json_string_value(at->json);
    return true;
}

bool at_bool(const struct at *at, bool *ret)
{
    if (!json_is_boolean(at->json))
        return refuse(at, "true or false");
    *ret = json_is_true(at->json);
    return true;
}

bool at_number(const struct at *at, double min, double max, double *ret)
{
    if (!json_is_number(at->json))
        return refuse(at, "a number");
    const double value = json_number_value(at->json);
    if (!isfinite(value) || value < min || value > max) {
        at_say(at, "must lie between %g and %g", min, max);
        return false;
    }
    *ret = value;
    return true;
}

bool at_integer(const struct at *at, int64_t min, int64_t max, int64_t *ret)
{
    if (!json_is_integer(at->json))
        return refuse(at, json_is_real(at->json) ? "a whole number (no point, no exponent)"
                                                 : "a whole number");
    const int64_t value = json_integer_value(at->json);
    if (value < min || value > max) {
        at_say(at, "must lie between %lld and %lld", (long long)min, (long long)max);
        return false;
    }
    *ret = value;
    return true;
}

bool at_word(const struct at *at, const char *const *words, size_t count, size_t *ret)
{
    const char *text = NULL;
    if (!at_text(at, &text))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            *ret = i;
            return true;
        }
    }
    AUTO_BUF struct buf all = {0};
    for (size_t i = 0; i < count; i++)
        (void)buf_printf(&all, "%s\"%s\"", i ? ", " : "", words[i]);
    at_say(at, "must be one of %s%s", all.data ? all.data : "", at_nearest(at, text, words, count));
    return false;
}

bool at_get_text(const struct at *object, const char *key, const char **ret)
{
    struct at member;
    return at_get(object, key, &member) && at_text(&member, ret);
}

bool at_get_bool(const struct at *object, const char *key, bool *ret)
{
    struct at member;
    return at_get(object, key, &member) && at_bool(&member, ret);
}

bool at_get_number(const struct at *object, const char *key, double min, double max, double *ret)
{
    struct at member;
    return at_get(object, key, &member) && at_number(&member, min, max, ret);
}

bool at_get_integer(const struct at *object, const char *key, int64_t min, int64_t max,
                    int64_t *ret)
{
    struct at member;
    return at_get(object, key, &member) && at_integer(&member, min, max, ret);
}

bool at_get_word(const struct at *object, const char *key, const char *const *words, size_t count,
                 size_t *ret)
{
    struct at member;
    return at_get(object, key, &member) && at_word(&member, words, count, ret);
}

bool at_get_texts(const struct at *object, const char *key, const char *const **ret, size_t *ret_n)
{
    struct at list;
    struct at item;
    if (!at_get(object, key, &list) || !at_is_list(&list))
        return false;
    const size_t count = json_array_size(list.json);
    const char **texts = arena_array(list.source->arena, count, sizeof *texts);
    size_t n = 0;
    for (bool more = at_first(&list, &item); more; more = at_next(&item))
        if (at_text(&item, &texts[n]))
            n++;
    *ret = texts;
    *ret_n = n;
    return n == count;
}
