/* batch/roster_metadata.c: who is behind the numbers of a Gradescope download: its submission_metadata.yml, a mapping from the
 * names of the folders to what Gradescope knows of each, read event by event (libyaml; aliases are never followed).
 *
 *     submission_123:
 *       :submitters:
 *       - :name: Jane Doe
 *         :sid: '77'
 *         :email: jane@example.edu
 *       :created_at: 2026-10-01 05:00:00 Z
 *
 * It may be damaged, and holds what students have typed and printed: nothing in it but these few texts is looked at. */
#include "batch/download.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "submission/submission.h"
#include "submission/unpack.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <yaml.h>

#define FILE_NAME      "submission_metadata.yml"
#define MAX_BYTES      ((size_t)64 << 20)
#define MAX_SHOWN      200
#define MAX_SUBMITTERS 16
#define MAX_DEPTH      100 /* Gradescope's have some ten; libyaml's work grows with the square of it */
#define CPU_SECONDS    600

/* ---- events ---- */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the last one */
    bool has_event, failed;
    size_t depth; /* of mappings and sequences that have begun */
};

static bool begins(yaml_event_type_t type)
{
    return type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
}

static bool ends(yaml_event_type_t type)
{
    return type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
}

static yaml_event_type_t next(struct reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = !reader->failed && yaml_parser_parse(&reader->parser, &reader->event);
    reader->depth += reader->has_event && begins(reader->event.type);
    reader->depth -= reader->has_event && ends(reader->event.type);
    reader->failed = !reader->has_event || reader->depth > MAX_DEPTH;
    return reader->failed ? YAML_NO_EVENT : reader->event.type;
}

/* Past the value whose first event is `type`. */
static void skip(struct reader *reader, yaml_event_type_t type)
{
    size_t depth = begins(type);
    while (depth && type != YAML_NO_EVENT && type != YAML_STREAM_END_EVENT) {
        type = next(reader);
        depth += begins(type);
        depth -= ends(type);
    }
}

/* The text of the last event, Ruby's colon before a symbol left out; NULL: it is no text. The caller frees. */
static char *text_of(const struct reader *reader, yaml_event_type_t type)
{
    if (type != YAML_SCALAR_EVENT)
        return NULL;
    const char *text = (const char *)reader->event.data.scalar.value;
    bool symbol = reader->event.data.scalar.length > 1 && *text == ':';
    return xstrndup(text + symbol, reader->event.data.scalar.length - symbol);
}

/* The next key of a mapping; NULL: it has ended. A key that is no text is passed over with its value. */
static char *next_key(struct reader *reader)
{
    for (;;) {
        yaml_event_type_t type = next(reader);
        if (type == YAML_SCALAR_EVENT)
            return text_of(reader, type);
        if (!begins(type) && type != YAML_ALIAS_EVENT)
            return NULL;
        skip(reader, type);
        skip(reader, next(reader));
    }
}

/* ---- what is looked for ---- */

/* Of several submitters all are named: a group has one hand-in. */
static void join(char **text, char *more)
{
    if (more && *more && !*text) {
        *text = TAKE_PTR(more);
    } else if (more && *more) {
        char *both = xasprintf("%s, %s", *text, more);
        free(*text);
        *text = both;
    }
    free(more);
}

static void read_submitter(struct reader *reader, struct name_parts *parts)
{
    for (;;) {
        AUTO_FREE char *key = next_key(reader);
        if (!key)
            return;
        yaml_event_type_t type = next(reader);
        AUTO_FREE char *value = text_of(reader, type);
        char **place = strcmp(key, "name") == 0    ? &parts->name
                       : strcmp(key, "email") == 0 ? &parts->email
                       : strcmp(key, "sid") == 0   ? &parts->id
                                                   : NULL;
        if (place && value)
            join(place, submission_showable(value, MAX_SHOWN));
        skip(reader, type);
    }
}

static void read_submitters(struct reader *reader, yaml_event_type_t type, struct name_parts *parts)
{
    if (type != YAML_SEQUENCE_START_EVENT) {
        skip(reader, type);
        return;
    }
    for (size_t i = 0; (type = next(reader)) != YAML_SEQUENCE_END_EVENT; i++) {
        if (type == YAML_NO_EVENT || type == YAML_STREAM_END_EVENT)
            return;
        if (type == YAML_MAPPING_START_EVENT && i < MAX_SUBMITTERS)
            read_submitter(reader, parts);
        else
            skip(reader, type);
    }
}

/* "01:02:03" or true is late; nothing, "00:00:00" or false is in time. */
static int lateness(const char *text)
{
    return strcasecmp(text, "true") == 0 || (text[strcspn(text, "123456789")] && strchr(text, ':'));
}

/* What stays unset stays as the folder's name tells it. */
static void read_submission(struct reader *reader, struct name_parts *parts)
{
    yaml_event_type_t type = next(reader);
    struct name_parts found = {.late = parts->late};
    if (type != YAML_MAPPING_START_EVENT) {
        skip(reader, type);
        return;
    }
    for (;;) {
        AUTO_FREE char *key = next_key(reader);
        if (!key)
            break;
        type = next(reader);
        AUTO_FREE char *value = text_of(reader, type);
        if (strcmp(key, "submitters") == 0)
            read_submitters(reader, type, &found);
        else if (value && strcmp(key, "created_at") == 0 && !found.order)
            found.order = submission_showable(value, MAX_SHOWN);
        else if (value && (strcmp(key, "late") == 0 || strcmp(key, "lateness") == 0))
            found.late = lateness(value);
        else
            skip(reader, type);
    }
    if (!found.id)
        found.id = TAKE_PTR(parts->id);
    name_parts_done(parts);
    *parts = found;
}

static struct member *member_of(struct download *source, const char *name)
{
    for (size_t i = 0; i < source->count; i++)
        if (source->members[i].known && strcmp(source->members[i].name, name) == 0)
            return &source->members[i];
    return NULL;
}

static size_t read_all(struct reader *reader, struct download *source)
{
    static const yaml_event_type_t opening[] = {YAML_STREAM_START_EVENT, YAML_DOCUMENT_START_EVENT,
                                                YAML_MAPPING_START_EVENT};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(opening); i++)
        if (next(reader) != opening[i])
            return 0;
    for (;;) {
        AUTO_FREE char *name = next_key(reader);
        if (!name)
            return count;
        struct member *member = member_of(source, name);
        count += member != NULL;
        if (member)
            read_submission(reader, &member->parts);
        else
            skip(reader, next(reader));
    }
}

static size_t problem_line(const struct reader *reader)
{
    return reader->parser.problem ? reader->parser.problem_mark.line : reader->parser.mark.line;
}

char *metadata_read(struct download *source, const char *bytes, size_t len)
{
    struct reader reader = {0};
    char *problem = NULL;
    if (!yaml_parser_initialize(&reader.parser))
        return xstrdup("it could not be read");
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, len);
    size_t count = read_all(&reader, source);
    if (reader.failed)
        problem = xasprintf("line %zu: %s", problem_line(&reader) + 1,
                            reader.depth > MAX_DEPTH ? "it is nested too deep"
                            : reader.parser.problem  ? reader.parser.problem
                                                     : "it cannot be read");
    else if (!count)
        problem = xstrdup("it tells of none of these hand-ins");
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return problem;
}

/* ---- where it is ---- */

struct fetching {
    const struct download *source;
    struct buf *bytes;
    bool wanted, whole, too_large;
};

static int fetch_entry(void *self, const struct unpack_entry *entry)
{
    struct fetching *fetching = self;
    const char *path = entry->path;
    size_t inner = strlen(fetching->source->inner);
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    fetching->wanted = strncmp(path, fetching->source->inner, inner) == 0 &&
                       strcmp(path + inner, FILE_NAME) == 0 &&
                       (entry->type == UNPACK_FILE || entry->type == UNPACK_PROGRAM);
    return 0;
}

static int fetch_data(void *self, const void *bytes, size_t len)
{
    struct fetching *fetching = self;
    if (!fetching->wanted)
        return 0;
    fetching->too_large = fetching->bytes->len + len > MAX_BYTES;
    if (!fetching->too_large)
        (void)buf_add(fetching->bytes, bytes, len);
    return fetching->too_large ? -1 : 0;
}

/* All that is wanted is there: what comes after it is taken out later. */
static int fetch_end(void *self)
{
    struct fetching *fetching = self;
    fetching->whole = fetching->wanted;
    return fetching->whole ? -1 : 0;
}

/* A damaged archive is met, and named, when it is taken out. */
static bool fetch_from_archive(const struct download *source, struct buf *bytes, struct err *err)
{
    AUTO_CLOSE int fd = open(source->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct fetching fetching = {.source = source, .bytes = bytes};
    struct unpack_limits limits = {
        .entries = DOWNLOAD_MAX_ENTRIES, .bytes = UINT64_MAX, .cpu_seconds = CPU_SECONDS};
    struct unpack_ops ops = {
        .entry = fetch_entry, .data = fetch_data, .end = fetch_end, .self = &fetching};
    struct unpack_refusal refusal = {0};
    const char *form = NULL;
    if (fd >= 0)
        (void)unpack_archive(fd, &limits, &ops, &form, &refusal, err);
    free(refusal.about);
    return fetching.whole;
}

static bool fetch_from_folder(const struct member *file, struct buf *bytes)
{
    struct stat st;
    return lstat(file->path, &st) == 0 && S_ISREG(st.st_mode) &&
           io_read_file(file->path, MAX_BYTES, bytes, ERR_USAGE, NULL) == 0;
}

static const struct member *find_file(const struct download *source)
{
    for (size_t i = 0; i < source->count; i++)
        if (strcasecmp(source->members[i].name, FILE_NAME) == 0 && !source->members[i].folder)
            return &source->members[i];
    return NULL;
}

int metadata_take(struct download *source, struct err *err)
{
    const struct member *file = find_file(source);
    AUTO_BUF struct buf bytes = {0};
    if (!file || !source->form || strcmp(source->form, "gradescope") != 0)
        return 0;
    bool read =
        file->path ? fetch_from_folder(file, &bytes) : fetch_from_archive(source, &bytes, err);
    if (err_is_set(err))
        return -1;
    source->metadata_problem = read ? metadata_read(source, bytes.data ? bytes.data : "", bytes.len)
                                    : xstrdup("it could not be taken out, or is too large");
    return 0;
}
