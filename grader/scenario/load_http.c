/* scenario/load_http.c: what an HTTP message must be: in `expect` and in `fetch`. */
#include "scenario/load.h"

#include "base/own.h"

#include <ctype.h>
#include <string.h>

#define MAX_HEADERS 100

static const char *lower(struct arena *arena, const char *text)
{
    char *copy = arena_printf(arena, "%s", text);
    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if (!text[0])
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(others, *text))
            return false;
    return true;
}

void load_header_patterns(const struct at *object, const char *key, bool patterns,
                          const struct http_header_want **ret, size_t *ret_n)
{
    struct at headers;
    struct at member;
    if (!at_get(object, key, &headers) || !at_is_object(&headers))
        return;
    struct arena *arena = object->source->arena;
    const size_t count = json_object_size(headers.json);
    if (count > MAX_HEADERS) {
        at_say(&headers, "more than %d headers", MAX_HEADERS);
        return;
    }
    struct http_header_want *list = arena_array(arena, count, sizeof *list);
    size_t n = 0;
    for (bool more = at_first(&headers, &member); more; more = at_next(&member)) {
        if (!is_token(member.key))
            at_say_key(&member, "'%.40s' is no header name", member.key);
        list[n].name = lower(arena, member.key);
        for (size_t i = 0; i < n; i++)
            if (strcmp(list[i].name, list[n].name) == 0)
                at_say_key(&member, "'%s' stands here twice", list[n].name);
        if (!json_is_null(member.json) && patterns)
            load_regex(&member, true, &list[n].pattern);
        else if (!json_is_null(member.json))
            (void)at_text(&member, &list[n].pattern);
        n++;
    }
    *ret = list;
    *ret_n = n;
}

/* 404, or "4xx". */
static void add_status(const struct at *at, struct http_want *want)
{
    int64_t code = 0;
    if (want->n_status == ARRAY_SIZE(want->status)) {
        at_say(at, "more than %zu status codes", ARRAY_SIZE(want->status));
        return;
    }
    if (json_is_string(at->json)) {
        const char *text = json_string_value(at->json);
        if (text[0] >= '1' && text[0] <= '5' && strcmp(text + 1, "xx") == 0)
            want->status[want->n_status++] = text[0] - '0';
        else
            at_say(at, "must be a number from 100 to 599, or a class like \"4xx\"");
    } else if (at_integer(at, 100, 599, &code)) {
        want->status[want->n_status++] = (int)code;
    }
}

void load_http_answer(struct loader *loader, const struct at *at, struct http_want *want)
{
    struct at status;
    struct at item;
    if (at_get(at, "status", &status)) {
        if (!json_is_array(status.json))
            add_status(&status, want);
        else
            for (bool more = at_first(&status, &item); more; more = at_next(&item))
                add_status(&item, want);
    }
    load_header_patterns(at, "headers", true, &want->headers, &want->n_headers);
    want->body = load_get_data(loader->arena, at, "body");
}

const struct http_want *load_http(struct loader *loader, const struct at *at)
{
    static const char *const framings[] = {"length", "chunked", "close"};
    static const enum http_framing values[] = {HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED,
                                               HTTP_FRAMING_CLOSE};
    const struct key_table *const table = key_table(KEYS_HTTP);
    struct http_want *want = arena_alloc(loader->arena, sizeof *want);
    struct at request;
    size_t word = 0;
    if (!at_is_object(at))
        return want;
    at_check_keys(at, &table, 1);
    load_http_answer(loader, at, want);
    (void)at_get_text(at, "method", &want->method);
    if (at_get_word(at, "framing", framings, ARRAY_SIZE(framings), &word))
        want->framing = values[word];
    if (at_get(at, "request", &request)) {
        want->is_request = true;
        if (!json_is_true(request.json))
            (void)at_text(&request, &want->request_line);
        if (at_has(at, "status") || at_has(at, "method"))
            at_say(at, "a request has no 'status', and its 'method' stands in the request line");
    }
    return want;
}
