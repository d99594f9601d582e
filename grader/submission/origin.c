/* submission/origin.c: see origin.h. */
#include "submission/origin.h"

#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"
#include "submission/names.h"
#include "submission/submission.h"

#include <stdlib.h>
#include <string.h>

void origin_done(struct origin *origin)
{
    free(origin->download);
    free(origin->id);
    free(origin->name);
    free(origin->email);
    free(origin->label);
    free(origin->path);
    free(origin->refusal_kind);
    free(origin->refusal);
    for (char **notice = origin->notices; notice && *notice; notice++)
        free(*notice);
    free((void *)origin->notices);
    *origin = (struct origin){.late = -1};
}

void origin_notice(struct origin *origin, char *notice)
{
    size_t count = 0;
    while (origin->notices && origin->notices[count])
        count++;
    if (count >= SUBMISSION_MAX_NOTICES) {
        free(notice);
        return;
    }
    origin->notices = xreallocarray((void *)origin->notices, count + 2, sizeof *origin->notices);
    origin->notices[count] = notice;
    origin->notices[count + 1] = NULL;
}

/* The bytes of the last component; NULL for a path that has none. */
static char *last_component(const char *path)
{
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    size_t from = len;
    while (from && path[from - 1] != '/')
        from--;
    return len > from ? xstrndup(path + from, len - from) : NULL;
}

void origin_of_path(const char *path, struct origin *ret)
{
    *ret = (struct origin){.late = -1};
    AUTO_FREE char *last = last_component(path);
    for (int form = 0; last && form < NAME_FORMS; form++) {
        struct name_pattern *pattern = name_form_pattern((enum name_form)form);
        struct name_parts parts;
        bool matched = name_pattern_match(pattern, last, &parts);
        name_pattern_free(pattern);
        if (!matched)
            continue;
        ret->download = xstrdup(name_form_ids[form]);
        ret->id = parts.id ? xstrdup(parts.id) : NULL;
        ret->name = parts.name ? xstrdup(parts.name) : NULL;
        ret->email = parts.email ? xstrdup(parts.email) : NULL;
        ret->late = parts.late;
        ret->attempt = parts.attempt;
        name_parts_done(&parts);
        return;
    }
    ret->id = submission_name(path);
}

/* ---- JSON ---- */

json_t *origin_to_json(const struct origin *origin)
{
    return json_pack("{s:{s:o, s:o, s:o}, s:o, s:o, s:o}", "student", "id",
                     text_to_json(origin->id), "name", text_to_json(origin->name), "email",
                     text_to_json(origin->email), "download", text_to_json(origin->download),
                     "late", origin->late < 0 ? json_null() : json_boolean(origin->late), "attempt",
                     origin->attempt ? json_integer((json_int_t)origin->attempt) : json_null());
}

char *origin_to_text(const struct origin *origin)
{
    AUTO_JSON json_t *json = origin_to_json(origin);
    json_t *notices = json_array();
    for (char **notice = origin->notices; notice && *notice; notice++)
        (void)json_array_append_new(notices, text_to_json(*notice));
    (void)json_object_set_new(json, "label", text_to_json(origin->label));
    (void)json_object_set_new(json, "path", text_to_json(origin->path));
    (void)json_object_set_new(json, "refusal_kind", text_to_json(origin->refusal_kind));
    (void)json_object_set_new(json, "refusal", text_to_json(origin->refusal));
    (void)json_object_set_new(json, "notices", notices);
    char *text = json_dumps(json, JSON_COMPACT);
    return text ? text : xstrdup("{}");
}

static char *take_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? xstrdup(text) : NULL;
}

int origin_from_text(const char *text, struct origin *ret, struct err *err)
{
    *ret = (struct origin){.late = -1};
    AUTO_JSON json_t *json = json_loads(text, 0, NULL);
    const json_t *student = json_object_get(json, "student");
    const json_t *late = json_object_get(json, "late");
    json_int_t attempt = json_integer_value(json_object_get(json, "attempt"));
    if (!json_is_object(student) || attempt < 0 || attempt > 1000000)
        return err_set(err, ERR_USAGE, "--origin: not what `batch` passes on");
    ret->download = take_text(json, "download");
    ret->id = take_text(student, "id");
    ret->name = take_text(student, "name");
    ret->email = take_text(student, "email");
    ret->late = json_is_boolean(late) ? json_is_true(late) : -1;
    ret->attempt = (unsigned)attempt;
    ret->label = take_text(json, "label");
    ret->path = take_text(json, "path");
    ret->refusal_kind = take_text(json, "refusal_kind");
    ret->refusal = take_text(json, "refusal");
    size_t i;
    const json_t *notice;
    for (i = 0; (notice = json_array_get(json_object_get(json, "notices"), i)); i++)
        if (json_is_string(notice))
            origin_notice(ret, xstrdup(json_string_value(notice)));
    return 0;
}
