/* submission/names.c: see names.h. Names are read by PCRE2: the forms of the systems are patterns like the teacher's own, so
 * there is one way to read a name. What the systems do: Canvas lib/content_zipper.rb, Moodle
 * mod/assign/classes/downloader.php, Gradescope's export. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "submission/names.h"

#include "base/own.h"
#include "base/text.h"
#include "submission/submission.h"

#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#define MATCH_LIMIT    100000 /* steps; names are short */
#define MAX_PART_BYTES 200
#define MAX_NAME_BYTES 4096

const char *const name_form_ids[NAME_FORMS] = {"canvas", "moodle", "gradescope"};

static const char *const form_patterns[NAME_FORMS] = {
    /* doejane_LATE_12345_67890_server.c; doejane_12345_text.html; anon_x1y2z_67890_hw.zip */
    [NAME_CANVAS] = "^(?:(?<name>anon_[^_]+|[^_]*)_)?(?:(?<late>LATE)_)?(?<id>anon_[^_]+|\\d{2,})_"
                    "(?:(?<text>(?:text|link)\\.html)|(?<order>\\d{2,})_(?<file>.+))$",
    /* Jane Doe_12345_assignsubmission_file[_] (a folder), ..._file_server.c, ..._onlinetext_onlinetext.html */
    [NAME_MOODLE] = "^(?<name>.+)_(?<id>\\d+)_assignsubmission_"
                    "(?:file|(?<text>onlinetext))(?:_(?<file>.*))?$",
    [NAME_GRADESCOPE] = "^submission_(?<id>\\d+)$",
};

enum part {
    PART_ID,
    PART_NAME,
    PART_FIRST,
    PART_LAST,
    PART_EMAIL,
    PART_LATE,
    PART_ATTEMPT,
    PART_FILE,
    PART_ORDER,
    PART_TEXT,
    PARTS
};

static const struct {
    const char *name;
    enum part part;
} groups[] = {
    {"id", PART_ID},          {"student_id", PART_ID},
    {"name", PART_NAME},      {"first_name", PART_FIRST},
    {"last_name", PART_LAST}, {"email", PART_EMAIL},
    {"late", PART_LATE},      {"attempt", PART_ATTEMPT},
    {"file", PART_FILE},      {"file_id", PART_FILE},
    {"order", PART_ORDER},    {"timestamp", PART_ORDER},
    {"text", PART_TEXT},
};

struct name_pattern {
    pcre2_code *code;
    pcre2_code *bytes; /* the same for names that are no UTF-8; NULL where it has no such meaning */
    uint32_t numbers[PARTS]; /* of the groups; 0: there is none */
};

/* ---- compiling ---- */

static int unknown_group(const char *name, struct err *err)
{
    const char *known[ARRAY_SIZE(groups)];
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
        known[i] = groups[i].name;
    const char *near = text_nearest(name, known, ARRAY_SIZE(known));
    return err_set(err, ERR_USAGE, "student pattern: the group '%s' means nothing here%s%s%s", name,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* The table of names in a compiled pattern: entries of a number (two bytes, big-endian) and a name (pcre2api(3)). */
static int find_groups(struct name_pattern *pattern, struct err *err)
{
    uint32_t count = 0, size = 0;
    const unsigned char *table = NULL;
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &count);
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, (void *)&table);
    for (uint32_t i = 0; i < count; i++, table += size) {
        const char *name = (const char *)table + 2;
        size_t row = 0;
        while (row < ARRAY_SIZE(groups) && strcmp(groups[row].name, name) != 0)
            row++;
        if (row == ARRAY_SIZE(groups))
            return unknown_group(name, err);
        pattern->numbers[groups[row].part] = (uint32_t)table[0] << 8 | table[1];
    }
    const uint32_t *numbers = pattern->numbers;
    if (numbers[PART_ID] || numbers[PART_NAME] || numbers[PART_LAST] || numbers[PART_EMAIL])
        return 0;
    return err_set(err, ERR_USAGE,
                   "student pattern: no group tells who it is: name one (?<id>...), (?<name>...), "
                   "(?<last_name>...) or (?<email>...)");
}

struct name_pattern *name_pattern_new(const char *regex, struct err *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    struct name_pattern *pattern = xcalloc(1, sizeof *pattern);
    pattern->code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL, &code, &at, NULL);
    if (!pattern->code) {
        PCRE2_UCHAR words[200] = "";
        (void)pcre2_get_error_message(code, words, sizeof words);
        (void)err_set(err, ERR_USAGE, "student pattern: character %zu: %s", (size_t)at + 1,
                      (const char *)words);
    } else if (find_groups(pattern, err) == 0) {
        pattern->bytes =
            pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_DOTALL, &code, &at, NULL);
        return pattern;
    }
    name_pattern_free(pattern);
    return NULL;
}

struct name_pattern *name_form_pattern(enum name_form form)
{
    struct err ours = {0};
    struct name_pattern *pattern = name_pattern_new(form_patterns[form], &ours);
    if (!pattern)
        abort(); /* a literal of this file */
    return pattern;
}

void name_pattern_free(struct name_pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    pcre2_code_free(pattern->bytes);
    free(pattern);
}

/* ---- matching ---- */

struct match {
    const struct name_pattern *pattern;
    const char *name;
    const PCRE2_SIZE *ends; /* pairs */
    uint32_t count;
};

/* The bytes of a group; NULL where it is absent or empty. The caller frees. */
static char *raw_part(const struct match *match, enum part part)
{
    uint32_t number = match->pattern->numbers[part];
    if (!number || number >= match->count || match->ends[2 * (size_t)number] == PCRE2_UNSET)
        return NULL;
    size_t from = match->ends[2 * (size_t)number], to = match->ends[2 * (size_t)number + 1];
    return to > from ? xstrndup(match->name + from, to - from) : NULL;
}

static char *shown_part(const struct match *match, enum part part)
{
    AUTO_FREE char *raw = raw_part(match, part);
    return raw ? submission_showable(raw, MAX_PART_BYTES) : NULL;
}

static bool has_part(const struct match *match, enum part part)
{
    AUTO_FREE char *raw = raw_part(match, part);
    return raw != NULL;
}

static char *full_name(const struct match *match)
{
    AUTO_FREE char *name = shown_part(match, PART_NAME);
    AUTO_FREE char *first = shown_part(match, PART_FIRST);
    AUTO_FREE char *last = shown_part(match, PART_LAST);
    if (name || (!first && !last))
        return TAKE_PTR(name);
    return xasprintf("%s%s%s", first ? first : "", first && last ? " " : "", last ? last : "");
}

static void read_parts(const struct match *match, struct name_parts *ret)
{
    unsigned long long attempt = 0;
    AUTO_FREE char *attempt_text = raw_part(match, PART_ATTEMPT);
    ret->id = shown_part(match, PART_ID);
    ret->name = full_name(match);
    ret->email = shown_part(match, PART_EMAIL);
    ret->file = raw_part(match, PART_FILE);
    ret->order = raw_part(match, PART_ORDER);
    ret->late = match->pattern->numbers[PART_LATE] ? has_part(match, PART_LATE) : -1;
    ret->is_text = has_part(match, PART_TEXT);
    if (attempt_text && text_to_u64(attempt_text, &attempt) && attempt <= 1000000)
        ret->attempt = (unsigned)attempt;
}

bool name_pattern_match(const struct name_pattern *pattern, const char *name,
                        struct name_parts *ret)
{
    *ret = (struct name_parts){.late = -1};
    size_t len = strlen(name);
    const pcre2_code *code = text_is_utf8(name, len) ? pattern->code : pattern->bytes;
    if (len > MAX_NAME_BYTES || !code)
        return false;
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    int count = -1;
    if (data && context) {
        (void)pcre2_set_match_limit(context, MATCH_LIMIT);
        count = pcre2_match(code, (PCRE2_SPTR)name, len, 0, 0, data, context);
    }
    if (count > 0) {
        struct match match = {.pattern = pattern,
                              .name = name,
                              .ends = pcre2_get_ovector_pointer(data),
                              .count = (uint32_t)count};
        read_parts(&match, ret);
    }
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    if (ret->id || ret->name || ret->email)
        return true;
    name_parts_done(ret);
    return false;
}

void name_parts_done(struct name_parts *parts)
{
    free(parts->id);
    free(parts->name);
    free(parts->email);
    free(parts->file);
    free(parts->order);
    *parts = (struct name_parts){.late = -1};
}

bool names_later(const char *a, const char *b)
{
    unsigned long long number_a = 0, number_b = 0;
    if (!a || !b)
        return a != NULL;
    if (text_to_u64(a, &number_a) && text_to_u64(b, &number_b))
        return number_a > number_b;
    return strcmp(a, b) > 0;
}
