/* scenario/place.c: line and column of every key and value of a JSON text. */
#include "scenario/place.h"

#include <stdbool.h>
#include <string.h>

struct scanner {
    struct arena *arena;
    const char *at, *end;
    int line, column;
    int key_line, key_column; /* of a key that waits for its value; 0: none */
    struct place *top, *container;
};

/* Steps over one byte; continuation bytes of UTF-8 do not move the column. */
static void advance(struct scanner *scan)
{
    const unsigned char c = (unsigned char)*scan->at++;
    if (c == '\n') {
        scan->line++;
        scan->column = 1;
    } else if ((c & 0xC0) != 0x80) {
        scan->column++;
    }
}

static struct place *add_place(struct scanner *scan, int line, int column)
{
    struct place *place = arena_alloc(scan->arena, sizeof *place);
    place->line = line;
    place->column = column;
    place->key_line = scan->key_line;
    place->key_column = scan->key_column;
    scan->key_line = 0;
    scan->key_column = 0;
    place->up = scan->container;
    if (!scan->container) {
        scan->top = place;
    } else if (scan->container->last) {
        scan->container->last->next = place;
    } else {
        scan->container->first = place;
    }
    if (scan->container)
        scan->container->last = place;
    return place;
}

static void skip_string(struct scanner *scan)
{
    advance(scan);
    while (scan->at < scan->end && *scan->at != '"') {
        if (*scan->at == '\\')
            advance(scan);
        if (scan->at < scan->end)
            advance(scan);
    }
    if (scan->at < scan->end)
        advance(scan);
}

static void skip_scalar(struct scanner *scan)
{
    while (scan->at < scan->end && !strchr(",:]}[{\" \t\r\n", *scan->at))
        advance(scan);
}

/* A string is a key when what follows it is a colon. */
static void scan_string(struct scanner *scan)
{
    const int line = scan->line;
    const int column = scan->column;
    skip_string(scan);
    const char *next = scan->at;
    while (next < scan->end && strchr(" \t\r\n", *next))
        next++;
    if (next < scan->end && *next == ':') {
        scan->key_line = line;
        scan->key_column = column;
        return;
    }
    (void)add_place(scan, line, column);
}

static void scan_token(struct scanner *scan)
{
    switch (*scan->at) {
    case '{':
    case '[':
        scan->container = add_place(scan, scan->line, scan->column);
        advance(scan);
        break;
    case '}':
    case ']':
        if (scan->container)
            scan->container = scan->container->up;
        advance(scan);
        break;
    case '"':
        scan_string(scan);
        break;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ':':
    case '\0':
        advance(scan);
        break;
    default:
        (void)add_place(scan, scan->line, scan->column);
        skip_scalar(scan);
        break;
    }
}

const struct place *place_map(struct arena *arena, const char *text, size_t len)
{
    struct scanner scan = {.arena = arena, .at = text, .end = text + len, .line = 1, .column = 1};
    while (scan.at < scan.end)
        scan_token(&scan);
    return scan.top ? scan.top : add_place(&scan, 1, 1);
}
