/* scenario/load_data.c: data D: a text, a list of D, or an object of one of six forms.
 *
 * Which form an object has is told by one key (hex, base64, file, gen, pack, times); the keys that belong to it are
 * checked by a small table made for that form, so that "size" beside "hex" is an error. Numbers that may be variables are
 * kept as text until a run knows their value; those without a variable are checked here. A part that is wrong makes the
 * whole NULL, and its finding has been said: a file with findings is never run. */
#include "scenario/load.h"

#include "base/own.h"

#include <ctype.h>
#include <nettle/base64.h>
#include <string.h>

static const struct data *load_at(struct arena *arena, const struct at *at, unsigned depth);

/* ---- bytes ---- */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Pairs of digits or `??`, blanks anywhere between them. */
static bool load_hex(struct arena *arena, const struct at *at, struct data *ret)
{
    const char *text = NULL;
    if (!at_text(at, &text))
        return false;
    uint8_t *bytes = arena_alloc(arena, strlen(text) / 2 + 1);
    uint8_t *mask = arena_alloc(arena, strlen(text) / 2 + 1);
    for (const char *c = text; *c; c++) {
        if (strchr(" \t\r\n", *c))
            continue;
        const bool any = c[0] == '?' && c[1] == '?';
        const int high = hex_digit(c[0]);
        const int low = hex_digit(c[1]);
        if (!any && (high < 0 || low < 0)) {
            at_say(at, "\"%.8s\": hex is pairs of digits, or ?? for any byte", c);
            return false;
        }
        if (any)
            ret->mask = mask;
        else
            bytes[ret->len] = (uint8_t)(high * 16 + low);
        mask[ret->len++] = any ? 0x00 : 0xff;
        c++;
    }
    ret->kind = DATA_BYTES;
    ret->bytes = bytes;
    return true;
}

static bool load_base64(struct arena *arena, const struct at *at, struct data *ret)
{
    const char *text = NULL;
    struct base64_decode_ctx decode;
    if (!at_text(at, &text))
        return false;
    const size_t len = strlen(text);
    uint8_t *bytes = arena_alloc(arena, BASE64_DECODE_LENGTH(len) + 1);
    ret->len = BASE64_DECODE_LENGTH(len);
    base64_decode_init(&decode);
    if (!base64_decode_update(&decode, &ret->len, bytes, len, text) ||
        !base64_decode_final(&decode)) {
        at_say(at, "is no base64");
        return false;
    }
    ret->kind = DATA_BYTES;
    ret->bytes = bytes;
    return true;
}

/* ---- numbers that may be variables ---- */

static bool load_amount(const struct at *object, const char *key, uint64_t missing, uint64_t max,
                        struct amount *ret)
{
    struct at at;
    int64_t value = 0;
    ret->value = missing;
    if (!at_get(object, key, &at))
        return true;
    if (json_is_string(at.json)) {
        ret->text = json_string_value(at.json);
        if (strstr(ret->text, "${"))
            return true;
        at_say(&at, "must be a whole number, or a text with a variable like \"${n}\"");
        return false;
    }
    if (!at_integer(&at, 0, (int64_t)max, &value))
        return false;
    ret->value = (uint64_t)value;
    return true;
}

static bool load_gen(const struct at *object, const struct at *at, struct data *ret)
{
    static const char *const words[] = {"random", "text", "lines", "count", "zero"};
    size_t word = 0;
    if (!at_word(at, words, ARRAY_SIZE(words), &word))
        return false;
    ret->kind = DATA_GEN;
    ret->gen = (enum data_gen)word;
    if (!at_has(object, "size")) {
        at_say(object, "needs 'size'");
        return false;
    }
    return load_amount(object, "size", 0, SCENARIO_MAX_DATA_BYTES, &ret->size) &&
           load_amount(object, "seed", 1, INT64_MAX, &ret->seed);
}

/* ---- packed numbers ---- */

static bool load_field(struct arena *arena, const struct at *value, const char *type, size_t len,
                       struct pack_field *ret)
{
    uint8_t bytes[8];
    size_t size = 0;
    (void)snprintf(ret->type, sizeof ret->type, "%.*s", (int)(len < 4 ? len : 3), type);
    if (len > 3 || !pack_size(ret->type)) {
        at_say(value, "'%.*s' is no type: u8 u16 u32 u64 i8 i16 i32 i64",
               (int)(len < 20 ? len : 20), type);
        return false;
    }
    if (json_is_integer(value->json))
        ret->text = arena_printf(arena, "%lld", (long long)json_integer_value(value->json));
    else if (!json_is_string(value->json))
        return at_integer(value, 0, 0, &(int64_t){0}); /* says what it should be */
    else
        ret->text = json_string_value(value->json);
    if (strstr(ret->text, "${") || pack_number(ret->type, ret->text, bytes, &size))
        return true;
    at_say(value, "%.40s does not fit into %s", ret->text, ret->type);
    return false;
}

static bool load_pack(struct arena *arena, const struct at *object, const struct at *at,
                      struct data *ret)
{
    const char *types = NULL;
    struct at list;
    struct at item;
    if (!at_text(at, &types))
        return false;
    if (!at_get(object, "of", &list)) {
        at_say(object, "needs 'of': the numbers");
        return false;
    }
    if (!at_is_list(&list))
        return false;
    struct pack_field *fields = arena_array(arena, json_array_size(list.json), sizeof *fields);
    bool good = true;
    bool more = at_first(&list, &item);
    for (types += strspn(types, " "); *types && more; more = at_next(&item)) {
        const size_t len = strcspn(types, " ");
        good &= load_field(arena, &item, types, len, &fields[ret->n_fields++]);
        types += len;
        types += strspn(types, " ");
    }
    if (*types || more) {
        at_say(&list, "%s than types in \"%s\"", more ? "more numbers" : "fewer numbers",
               json_string_value(at->json));
        return false;
    }
    ret->kind = DATA_PACK;
    ret->fields = fields;
    return good;
}

/* ---- compositions ---- */

static bool load_times(struct arena *arena, const struct at *object, unsigned depth,
                       struct data *ret)
{
    struct at of;
    if (!at_get(object, "of", &of)) {
        at_say(object, "needs 'of': what is repeated");
        return false;
    }
    const struct data **parts = arena_array(arena, 1, sizeof(const struct data *));
    parts[0] = load_at(arena, &of, depth + 1);
    ret->kind = DATA_TIMES;
    ret->parts = parts;
    ret->n_parts = 1;
    return load_amount(object, "times", 0, SCENARIO_MAX_DATA_BYTES, &ret->size) && parts[0];
}

static bool load_list(struct arena *arena, const struct at *list, unsigned depth, struct data *ret)
{
    const struct data **parts =
        arena_array(arena, json_array_size(list->json), sizeof(const struct data *));
    struct at item;
    bool good = true;
    for (bool more = at_first(list, &item); more; more = at_next(&item)) {
        parts[ret->n_parts] = load_at(arena, &item, depth + 1);
        good &= parts[ret->n_parts++] != NULL;
    }
    ret->kind = DATA_LIST;
    ret->parts = parts;
    return good;
}

/* Which form an object has is told by one key; the others belong to it. */
static bool load_form(struct arena *arena, const struct at *object, unsigned depth,
                      struct data *ret)
{
    static const struct {
        const char *form;
        const char *with[2];
    } forms[] = {{"hex", {0}},           {"base64", {0}},
                 {"file", {0}},          {"gen", {"size", "seed"}},
                 {"pack", {"of", NULL}}, {"times", {"of", NULL}}};
    struct at at = {0};
    size_t form = 0;
    while (form < ARRAY_SIZE(forms) && !at_get(object, forms[form].form, &at))
        form++;
    if (form == ARRAY_SIZE(forms)) {
        const struct key_table *const table = key_table(KEYS_DATA);
        at_check_keys(object, &table, 1);
        at_say(object, "is no data: a text, a list, or an object with hex, base64, file, gen, pack "
                       "or times");
        return false;
    }
    struct key keys[3] = {{forms[form].form, NULL}};
    struct key_table table = {forms[form].form, keys, 1};
    for (size_t i = 0; i < 2 && forms[form].with[i]; i++)
        keys[table.count++] = (struct key){forms[form].with[i], NULL};
    const struct key_table *const tables[] = {&table};
    at_check_keys(object, tables, 1);
    switch (form) {
    case 0:
        return load_hex(arena, &at, ret);
    case 1:
        return load_base64(arena, &at, ret);
    case 2:
        ret->kind = DATA_FILE;
        return at_text(&at, &ret->text);
    case 3:
        return load_gen(object, &at, ret);
    case 4:
        return load_pack(arena, object, &at, ret);
    default:
        return load_times(arena, object, depth, ret);
    }
}

static const struct data *load_at(struct arena *arena, const struct at *at, unsigned depth)
{
    struct data *ret = arena_alloc(arena, sizeof *ret);
    bool good = false;
    if (depth >= DATA_MAX_DEPTH) {
        at_say(at, "data is nested more than %d deep", DATA_MAX_DEPTH);
    } else if (json_is_string(at->json)) {
        ret->kind = DATA_TEXT;
        good = at_text(at, &ret->text);
    } else if (json_is_array(at->json)) {
        good = load_list(arena, at, depth, ret);
    } else if (json_is_object(at->json)) {
        good = load_form(arena, at, depth, ret);
    } else {
        at_say(at, "is no data: a text, a list, or an object with hex, base64, file, gen, pack or "
                   "times");
    }
    return good ? ret : NULL;
}

const struct data *load_data(struct arena *arena, const struct at *at)
{
    return load_at(arena, at, 0);
}

const struct data *load_get_data(struct arena *arena, const struct at *object, const char *key)
{
    struct at at;
    return at_get(object, key, &at) ? load_data(arena, &at) : NULL;
}
