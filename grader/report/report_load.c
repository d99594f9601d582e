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
    *ret = TAKE_PTR(report);
    return 0;
}
