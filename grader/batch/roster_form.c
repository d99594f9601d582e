/* batch/roster_form.c: which form of download this is. The names decide, and never against a Makefile at the top: what can be
 * built as it is is one hand-in. */
#include "batch/download.h"

#include "base/mem.h"
#include "base/own.h"
#include "submission/submission.h"
#include "submission/unpack.h"

#include <string.h>

static size_t count_real(const struct download *source)
{
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++)
        count += !source->members[i].junk;
    return count;
}

static void forget(struct download *source)
{
    for (size_t i = 0; i < source->count; i++) {
        name_parts_done(&source->members[i].parts);
        source->members[i].known = false;
    }
}

/* Reads all names by one pattern; how many match. */
static size_t read_all(struct download *source, const struct name_pattern *pattern)
{
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++) {
        struct member *member = &source->members[i];
        member->known = !member->junk && name_pattern_match(pattern, member->name, &member->parts);
        count += member->known;
    }
    return count;
}

/* One stray entry (an index page, a list of grades) does not change what the others are. */
static bool is_form(struct download *source, enum name_form form)
{
    struct name_pattern *pattern = name_form_pattern(form);
    size_t matching = read_all(source, pattern);
    name_pattern_free(pattern);
    if (matching && 2 * matching >= count_real(source))
        return true;
    forget(source);
    return false;
}

/* ---- GitHub Classroom: ASSIGNMENT-USER, a checkout each ---- */

static bool all_checkouts(const struct download *source)
{
    for (size_t i = 0; i < source->count; i++)
        if (!source->members[i].junk && !(source->members[i].folder && source->members[i].git))
            return false;
    return count_real(source) >= 1;
}

/* How many bytes all names have in common; *ret_first: one of them. */
static size_t shared_length(const struct download *source, const char **ret_first)
{
    const char *first = NULL;
    size_t shared = 0;
    for (size_t i = 0; i < source->count; i++) {
        const char *name = source->members[i].name;
        if (source->members[i].junk)
            continue;
        if (!first) {
            first = name;
            shared = strlen(name);
        }
        while (shared && strncmp(first, name, shared) != 0)
            shared--;
    }
    *ret_first = first;
    return shared;
}

/* How many bytes of a folder's name ASSIGNMENT-submissions are the assignment's; 0: it has another name. */
static size_t classroom_stem(const char *folder)
{
    static const char tail[] = "-submissions";
    size_t len = strlen(folder), end = sizeof tail - 1;
    return len > end && strcmp(folder + len - end, tail) == 0 ? len - end : 0;
}

/* How many bytes at the start of each name are the assignment's: `gh classroom clone` makes a folder
 * ASSIGNMENT-submissions, which says it; else what all names share, up to a hyphen. */
static size_t assignment_length(const struct download *source)
{
    const char *first = NULL;
    size_t shared = shared_length(source, &first);
    AUTO_FREE char *place = xasprintf("%s/%s", source->path, source->inner);
    size_t len = strlen(place);
    while (len && place[len - 1] == '/')
        place[--len] = '\0';
    const char *slash = strrchr(place, '/');
    const char *folder = slash ? slash + 1 : place;
    size_t stem = classroom_stem(folder);
    if (stem && first && shared > stem && strncmp(first, folder, stem) == 0 && first[stem] == '-')
        return stem + 1;
    while (shared && first[shared - 1] != '-')
        shared--;
    return shared;
}

static bool is_classroom(struct download *source)
{
    size_t skip = all_checkouts(source) ? assignment_length(source) : 0;
    if (!skip)
        return false;
    for (size_t i = 0; i < source->count; i++) {
        struct member *member = &source->members[i];
        if (member->junk || !member->name[skip])
            continue;
        member->parts = (struct name_parts){.id = submission_name(member->name + skip), .late = -1};
        member->known = true;
    }
    return true;
}

/* ---- plain: one archive or one folder with a Makefile a student ---- */

static bool is_plain(struct download *source)
{
    size_t good = 0;
    for (size_t i = 0; i < source->count; i++) {
        const struct member *member = &source->members[i];
        good += !member->junk && (member->folder ? member->makefile : member->archive);
    }
    if (source->sources_at_top || good < 2 || 2 * good < count_real(source))
        return false;
    for (size_t i = 0; i < source->count; i++) {
        struct member *member = &source->members[i];
        if (member->junk || (!member->folder && !member->archive))
            continue;
        member->parts = (struct name_parts){.id = submission_name(member->name), .late = -1};
        member->known = true;
    }
    return true;
}

void download_recognise(struct download *source, const struct name_pattern *pattern)
{
    source->form = NULL;
    if (source->makefile_at_top)
        return;
    if (pattern) {
        if (read_all(source, pattern))
            source->form = "pattern";
        return;
    }
    for (int form = 0; form < NAME_FORMS && !source->form; form++)
        if (is_form(source, (enum name_form)form))
            source->form = name_form_ids[form];
    if (!source->form && is_classroom(source))
        source->form = "github-classroom";
    if (!source->form && is_plain(source))
        source->form = "plain";
}

void download_recognise_operand(struct member *member, const struct name_pattern *pattern,
                                const char **ret_form)
{
    *ret_form = NULL;
    if (pattern) {
        member->known = name_pattern_match(pattern, member->name, &member->parts);
        *ret_form = member->known ? "pattern" : NULL;
        return;
    }
    for (int form = 0; form < NAME_FORMS && !member->known; form++) {
        struct name_pattern *known = name_form_pattern((enum name_form)form);
        member->known = name_pattern_match(known, member->name, &member->parts);
        if (member->known)
            *ret_form = name_form_ids[form];
        name_pattern_free(known);
    }
}
