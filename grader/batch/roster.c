/* batch/roster.c: see roster.h. */
#include "batch/download.h"

#include "base/mem.h"
#include "base/own.h"
#include "submission/submission.h"
#include "submission/unpack.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_NAMED 5 /* of what was set aside */

struct making {
    const struct roster_options *options;
    struct name_pattern *pattern; /* NULL: none was given */
    struct roster *roster;
    struct download singles; /* operands that are a hand-in, or files of one, by their own name */
    const char **forms;      /* of the singles; NULL: plain */
    bool matched;            /* something matched the pattern */
    struct err *err;
};

static void add_entry(struct roster *roster, char *path, struct origin *origin)
{
    roster->entries = xreallocarray(roster->entries, roster->count + 1, sizeof *roster->entries);
    roster->entries[roster->count++] = (struct roster_entry){.path = path, .origin = *origin};
    *origin = (struct origin){.late = -1};
}

static void groups_done(struct groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        origin_done(&groups->items[i].origin);
        free(groups->items[i].path);
        free(groups->items[i].dir);
    }
    free(groups->items);
}

/* ---- what is said of a download ---- */

static void add_count(struct buf *out, size_t count, const char *what)
{
    if (count)
        (void)buf_printf(out, ", %zu %s", count, what);
}

static void add_strays(struct buf *out, const struct download *source)
{
    size_t strays = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct member *member = &source->members[i];
        if (member->known || member->junk ||
            strcasecmp(member->name, "submission_metadata.yml") == 0)
            continue;
        AUTO_FREE char *name = submission_showable(member->name, 60);
        if (strays++ < MAX_NAMED)
            (void)buf_printf(out, "%s%s",
                             strays == 1 ? "; set aside, since not of this form: " : ", ", name);
    }
    if (strays > MAX_NAMED)
        (void)buf_printf(out, " and %zu more", strays - MAX_NAMED);
}

static void tell(const struct making *making, const struct download *source,
                 const struct groups *groups)
{
    size_t late = 0, refused = 0;
    if (!making->options->recognised)
        return;
    for (size_t i = 0; i < groups->count; i++) {
        late += groups->items[i].origin.late > 0;
        refused += groups->items[i].origin.refusal != NULL;
    }
    AUTO_BUF struct buf out = {0};
    AUTO_FREE char *path = submission_showable(source->path, 200);
    (void)buf_printf(&out, "%s: a download of the form %s: %zu hand-in%s", path, source->form,
                     groups->count, groups->count == 1 ? "" : "s");
    add_count(&out, late, "late");
    add_count(&out, refused, "refused");
    add_strays(&out, source);
    if (source->metadata_problem) {
        AUTO_FREE char *problem = submission_showable(source->metadata_problem, 200);
        (void)buf_printf(&out, "; submission_metadata.yml: %s, so numbers may stand for names",
                         problem);
    }
    making->options->recognised(making->options->self, out.data);
}

/* ---- downloads ---- */

static int take_download(struct making *making, struct download *source)
{
    struct groups groups = {0};
    if (metadata_take(source, making->err) != 0)
        return -1;
    groups_make(source, &groups);
    int result = groups_take(source, &groups, making->options->temp_dir, making->err);
    if (result == 0)
        tell(making, source, &groups);
    for (size_t i = 0; result == 0 && i < groups.count; i++) {
        struct group *group = &groups.items[i];
        add_entry(making->roster, TAKE_PTR(group->path), &group->origin);
    }
    groups_done(&groups);
    return result;
}

/* Lists it, in its wrapping folder where it has one; true when it is a download. */
static bool open_download(const struct making *making, const char *path, bool is_archive,
                          struct download *ret)
{
    *ret = (struct download){.path = path, .is_archive = is_archive};
    if (!download_list(ret))
        return false;
    download_recognise(ret, making->pattern);
    struct download within;
    if (ret->form || !download_list_within(ret, &within))
        return ret->form != NULL;
    download_recognise(&within, making->pattern);
    download_done(ret);
    *ret = within;
    return ret->form != NULL;
}

/* ---- operands ---- */

static char *last_component(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    size_t from = len;
    while (from && path[from - 1] != '/')
        from--;
    return xstrndup(path + from, len - from);
}

static void add_single(struct making *making, const char *path, const char *form, bool folder)
{
    AUTO_FREE char *last = last_component(path);
    struct member *member = download_add(&making->singles, last, strlen(last));
    member->path = xstrdup(path);
    member->folder = folder;
    member->archive = member->archive && !folder;
    making->forms =
        xreallocarray((void *)making->forms, making->singles.count, sizeof *making->forms);
    making->forms[making->singles.count - 1] = form;
}

/* The form of an operand's own name. */
static const char *own_form(const struct making *making, const char *path)
{
    const char *form = NULL;
    struct member member = {.name = last_component(path)};
    download_recognise_operand(&member, making->pattern, &form);
    name_parts_done(&member.parts);
    free(member.name);
    return form;
}

/* All that was named is one archive that cannot be opened. Among others it is one student's, and costs only that one; alone
 * it may be the whole class, of which no gradebook with a single line is to be made. */
static int refuse_class(const char *path, const char *why, struct err *err)
{
    AUTO_FREE char *shown = submission_showable(path, 200);
    return err_set(
        err, ERR_USAGE,
        "'%s' cannot be opened: %s. Nothing was graded and no report was touched: get it "
        "again if it is a class, or grade it by `sockgrade grade` if it is one hand-in",
        shown, why);
}

static int take_operand(struct making *making, const char *path)
{
    struct stat st;
    size_t stem = 0;
    const char *form = own_form(making, path);
    bool there = lstat(path, &st) == 0;
    bool folder = there && S_ISDIR(st.st_mode);
    bool archive = there && S_ISREG(st.st_mode) && unpack_is_archive_name(path, &stem);
    struct download source = {0};
    int result = 0;
    if (!form && (folder || archive) && open_download(making, path, archive, &source)) {
        making->matched = true;
        result = take_download(making, &source);
    } else if (source.unreadable && making->options->n_paths == 1) {
        result = refuse_class(path, source.unreadable, making->err);
    } else {
        add_single(making, path, form, folder);
        making->matched = making->matched || form;
    }
    download_done(&source);
    return result;
}

/* Those of one form are one download without a place; the plain ones stand for themselves. */
static int take_singles(struct making *making)
{
    static const char *const forms[] = {"pattern", "canvas", "moodle", "gradescope"};
    struct download *singles = &making->singles;
    for (size_t f = 0; f < ARRAY_SIZE(forms); f++) {
        struct groups groups = {0};
        singles->form = forms[f];
        size_t members = 0;
        for (size_t i = 0; i < singles->count; i++) {
            struct member *member = &singles->members[i];
            const char *form = NULL;
            name_parts_done(&member->parts);
            member->known = false;
            if (!making->forms[i] || strcmp(making->forms[i], forms[f]) != 0)
                continue;
            download_recognise_operand(member, making->pattern, &form);
            members += member->known;
        }
        if (members)
            groups_make(singles, &groups);
        int result =
            members ? groups_take(singles, &groups, making->options->temp_dir, making->err) : 0;
        for (size_t i = 0; result == 0 && i < groups.count; i++)
            add_entry(making->roster, TAKE_PTR(groups.items[i].path), &groups.items[i].origin);
        groups_done(&groups);
        if (result != 0)
            return -1;
    }
    for (size_t i = 0; i < singles->count; i++) {
        struct origin origin;
        if (making->forms[i])
            continue;
        origin_of_path(singles->members[i].path, &origin);
        add_entry(making->roster, xstrdup(singles->members[i].path), &origin);
    }
    return 0;
}

static int make(struct making *making)
{
    const struct roster_options *options = making->options;
    if (options->student_regex &&
        !(making->pattern = name_pattern_new(options->student_regex, making->err)))
        return -1;
    for (size_t i = 0; i < options->n_paths; i++)
        if (take_operand(making, options->paths[i]) != 0)
            return -1;
    if (making->pattern && !making->matched)
        return err_set(making->err, ERR_USAGE, "--student-regex: no name of a hand-in matches it");
    return take_singles(making);
}

int roster_make(const struct roster_options *options, struct roster *ret, struct err *err)
{
    struct making making = {.options = options, .roster = ret, .err = err};
    *ret = (struct roster){0};
    int result = make(&making);
    name_pattern_free(making.pattern);
    download_done(&making.singles);
    free((void *)making.forms);
    if (result != 0)
        roster_done(ret);
    return result;
}

void roster_done(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        origin_done(&roster->entries[i].origin);
        free(roster->entries[i].path);
    }
    free(roster->entries);
    *roster = (struct roster){0};
}
