/* scenario/place.h: where each value of a JSON text stands. Private to scenario/.
 *
 * jansson gives no positions once a text is parsed; this is a second, tiny pass over a text that jansson has already
 * accepted. The tree has the shape of the document: an object's members and a list's elements in the order of the text,
 * which is also the order in which jansson iterates. */
#ifndef GRADER_SCENARIO_PLACE_H
#define GRADER_SCENARIO_PLACE_H

#include "scenario/arena.h"

struct place {
    int line, column;         /* of the value, from 1; columns count characters */
    int key_line, key_column; /* of the member's key, 0 in lists and at the top */
    struct place *first, *next;
    struct place *up, *last; /* used while the tree grows */
};

/* The text must be valid JSON (that is what jansson is for). Never NULL: an empty text gives one place at 1:1. */
const struct place *place_map(struct arena *arena, const char *text, size_t len);

#endif
