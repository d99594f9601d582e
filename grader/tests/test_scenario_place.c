/* Where each key and value of a JSON text stands. */
#include "scenario/place.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct place *nth(const struct place *place, int n)
{
    place = place->first;
    while (place && n-- > 0)
        place = place->next;
    return place;
}

static const struct place *map(struct arena *arena, const char *text)
{
    return place_map(arena, text, strlen(text));
}

Test(scenario_place, keys_and_values_of_an_object)
{
    struct arena *arena = arena_new();
    const struct place *top = map(arena, "{\n  \"a\": 1,\n  \"b\" : \"x\"\n}");
    cr_expect(top->line == 1 && top->column == 1 && top->key_line == 0);
    const struct place *a = nth(top, 0);
    cr_expect(a->key_line == 2 && a->key_column == 3);
    cr_expect(a->line == 2 && a->column == 8);
    const struct place *b = nth(top, 1);
    cr_expect(b->key_line == 3 && b->key_column == 3);
    cr_expect(b->line == 3 && b->column == 9);
    cr_expect_null(b->next);
    arena_free(arena);
}

Test(scenario_place, nested_lists_and_objects)
{
    struct arena *arena = arena_new();
    const struct place *top = map(arena, "[[1, 2], {\"k\": [true, null]}, \"s\"]");
    const struct place *object = nth(top, 1);
    cr_expect_eq(object->column, 10);
    const struct place *list = nth(object, 0);
    cr_expect(list->key_column == 11 && list->column == 16);
    cr_expect_eq(nth(list, 1)->column, 23);
    cr_expect_eq(nth(top, 2)->column, 31);
    cr_expect_eq(nth(top, 2)->key_column, 0);
    cr_expect_null(nth(top, 3));
    arena_free(arena);
}

Test(scenario_place, strings_may_hold_anything)
{
    struct arena *arena = arena_new();
    const struct place *top = map(arena, "[\"a\\\"]},:{[\", \"\\\\\", \": \", 5]");
    cr_expect_eq(nth(top, 1)->column, 15);
    cr_expect_eq(nth(top, 2)->column, 21);
    cr_expect_eq(nth(top, 3)->column, 27);
    arena_free(arena);
}

Test(scenario_place, columns_count_characters)
{
    struct arena *arena = arena_new();
    const struct place *top = map(arena, "[\"\xc3\xa4\xe2\x82\xac\", 7]");
    cr_expect_eq(nth(top, 1)->column, 8);
    arena_free(arena);
}

Test(scenario_place, deep_nesting_needs_no_stack)
{
    enum { DEPTH = 200000 };
    static char text[2 * DEPTH + 1];
    struct arena *arena = arena_new();
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    const struct place *place = map(arena, text);
    int depth = 0;
    for (; place; place = place->first)
        depth++;
    cr_expect_eq(depth, DEPTH);
    arena_free(arena);
}

Test(scenario_place, garbage_gives_some_place)
{
    static const char *const texts[] = {"",       "]",   "}}}", "\"",      "\"\\",
                                        "{\"a\"", "[1,", "{:}", "\xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct arena *arena = arena_new();
        cr_expect_not_null(map(arena, texts[i]));
        arena_free(arena);
    }
}
