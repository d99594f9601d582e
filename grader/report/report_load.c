/* report/report_load.c: a stored report comes back. */
#include "report/parts.h"

#include "base/io.h"
#include "base/own.h"

#include <string.h>

#define FORMAT "sockgrade/report/1"

const char *report_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

double report_number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* A file from elsewhere may hold what report_to_json() never writes: its strings are made safe for a terminal again.
 * The depth is bounded by the parser (2048). */
static json_t *cleaned(const json_t *value)
{
    if (json_is_string(value))
        return report_string(json_string_value(value));
    if (json_is_array(value)) {
        json_t *array = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            (void)json_array_append_new(array, cleaned(json_array_get(value, i)));
        return array;
    }
    if (json_is_object(value)) {
        json_t *object = json_object();
        for (void *i = json_object_iter((json_t *)value); i;
             i = json_object_iter_next((json_t *)value, i))
            (void)json_object_set_new(object, json_object_iter_key(i),
                                      cleaned(json_object_iter_value(i)));
        return object;
    }
    return json_deep_copy(value);
}

int report_load(const char *path, json_t **ret, struct err *err)
{
    AUTO_BUF struct buf text = {0};
    json_error_t fault;
    if (io_read_file(path, BUF_DEFAULT_MAX, &text, ERR_USAGE, err) != 0)
        return -1;
    AUTO_JSON json_t *report =
        json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &fault);
    if (!report)
        return err_set(err, ERR_USAGE, "%s:%d:%d: no JSON: %s", path, fault.line, fault.column,
                       fault.text);
    if (strcmp(report_text_of(report, "format"), FORMAT) != 0)
        return err_set(err, ERR_USAGE,
                       "%s:1: no report of sockgrade: \"format\" is not \"" FORMAT "\"", path);
    *ret = cleaned(report);
    return 0;
}
