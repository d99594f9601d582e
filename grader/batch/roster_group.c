/* batch/roster_group.c: the entries of one student become one hand-in. Which entries count is decided here, and what does not
 * is said in the report of its owner. */
#include "batch/download.h"

#include "base/mem.h"
#include "base/own.h"
#include "submission/submission.h"

#include <string.h>

#define MAX_SHOWN 200

static const char *key_of(const struct name_parts *parts)
{
    return parts->id ? parts->id : parts->email ? parts->email : parts->name;
}

static char *shown_name(const char *name)
{
    return submission_showable(name, MAX_SHOWN);
}

static void set_aside(struct group *group, const struct member *member, const char *why)
{
    AUTO_FREE char *name = shown_name(member->name);
    origin_notice(&group->origin, xasprintf("%s was set aside: %s", name, why));
}

/* ---- who ---- */

/* What a hand-in is called: in the table, and as its report's file. */
static char *label_of(const struct download *source, const struct name_parts *parts)
{
    if (strcmp(source->form, "plain") != 0 && parts->name && parts->id)
        return xasprintf("%s_%s", parts->name, parts->id);
    return xstrdup(key_of(parts));
}

static struct group *add_group(const struct download *source, struct groups *groups,
                               const struct name_parts *parts)
{
    groups->items = xreallocarray(groups->items, groups->count + 1, sizeof *groups->items);
    struct group *group = &groups->items[groups->count++];
    *group = (struct group){.origin = {.late = -1}};
    group->origin.label = label_of(source, parts);
    group->origin.download = strcmp(source->form, "plain") == 0 ? NULL : xstrdup(source->form);
    group->origin.id = parts->id ? xstrdup(parts->id) : NULL;
    group->origin.name = parts->name ? xstrdup(parts->name) : NULL;
    group->origin.email = parts->email ? xstrdup(parts->email) : NULL;
    return group;
}

/* Names of a plain download stand for themselves: anna.zip and anna.tar are two. */
static size_t find_group(const struct download *source, const struct groups *groups,
                         const struct member *member)
{
    const char *key = key_of(&member->parts);
    size_t at = 0;
    if (strcmp(source->form, "plain") == 0)
        return groups->count;
    for (; at < groups->count; at++) {
        const struct origin *origin = &groups->items[at].origin;
        const char *known = origin->id ? origin->id : origin->email ? origin->email : origin->name;
        if (known && key && strcmp(known, key) == 0)
            break;
    }
    return at;
}

/* ---- which entries count ---- */

static bool is_makefile(const struct member *member)
{
    const char *name = member->parts.file ? member->parts.file : member->name;
    return strcmp(name, "Makefile") == 0 || strcmp(name, "makefile") == 0 ||
           strcmp(name, "GNUmakefile") == 0;
}

/* What a member is taken under. */
static const char *file_of(const struct member *member)
{
    return member->parts.file ? member->parts.file : member->name;
}

static bool is_later(const struct member *a, const struct member *b)
{
    if (a->parts.attempt != b->parts.attempt)
        return a->parts.attempt > b->parts.attempt;
    return names_later(a->parts.order, b->parts.order);
}

/* The members of one group that may still count. */
struct choice {
    struct download *source;
    size_t index;
    struct group *group;
};

static bool counts(const struct choice *choice, const struct member *member)
{
    return member->known && member->group == choice->index && member->taken;
}

static void drop(const struct choice *choice, struct member *member, const char *why)
{
    member->taken = false;
    set_aside(choice->group, member, why);
}

static void drop_texts(const struct choice *choice)
{
    for (size_t i = 0; i < choice->source->count; i++) {
        struct member *member = &choice->source->members[i];
        if (counts(choice, member) && member->parts.is_text)
            drop(choice, member, "a text typed into the system is no program");
    }
}

/* Earlier attempts, where the names tell attempts; and of two files of one name the earlier. */
static void drop_earlier(const struct choice *choice)
{
    struct member *members = choice->source->members;
    unsigned last = 0;
    for (size_t i = 0; i < choice->source->count; i++)
        if (counts(choice, &members[i]) && members[i].parts.attempt > last)
            last = members[i].parts.attempt;
    for (size_t i = 0; i < choice->source->count; i++) {
        if (counts(choice, &members[i]) && members[i].parts.attempt < last)
            drop(choice, &members[i], "there is a later attempt");
        for (size_t j = 0; j < i && counts(choice, &members[i]); j++) {
            if (!counts(choice, &members[j]) || !members[i].parts.file || !members[j].parts.file ||
                strcmp(members[i].parts.file, members[j].parts.file) != 0)
                continue;
            struct member *earlier = is_later(&members[i], &members[j]) ? &members[j] : &members[i];
            drop(choice, earlier, "there is a later file of the same name");
        }
    }
    choice->group->origin.attempt = last;
}

/* The latest member that is whole by itself (folders: true for a folder, else for an archive); *ret_count: how many. */
static struct member *latest(const struct choice *choice, bool folders, unsigned *ret_count)
{
    struct member *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < choice->source->count; i++) {
        struct member *member = &choice->source->members[i];
        if (!counts(choice, member) || (folders ? !member->folder : !member->archive))
            continue;
        (*ret_count)++;
        if (!found || is_later(member, found))
            found = member;
    }
    return found;
}

static bool has_makefile(const struct choice *choice)
{
    for (size_t i = 0; i < choice->source->count; i++)
        if (counts(choice, &choice->source->members[i]) && is_makefile(&choice->source->members[i]))
            return true;
    return false;
}

/* A folder, else loose files with a Makefile, else the latest archive, else loose files. */
static void choose(const struct choice *choice)
{
    unsigned count = 0;
    struct member *whole = latest(choice, true, &count);
    if (!whole && !has_makefile(choice))
        whole = latest(choice, false, &count);
    if (!whole)
        return;
    for (size_t i = 0; i < choice->source->count; i++) {
        struct member *member = &choice->source->members[i];
        if (member == whole || !counts(choice, member))
            continue;
        AUTO_FREE char *name = shown_name(file_of(whole));
        AUTO_FREE char *why = xasprintf("the hand-in is %s", name);
        drop(choice, member, why);
    }
    if (count > 1 && !choice->group->origin.attempt)
        choice->group->origin.attempt = count;
}

/* ---- what is said ---- */

/* How many members count; *ret_first: one that does, or any when none does. */
static size_t count_members(const struct choice *choice, const struct member **ret_first)
{
    size_t count = 0;
    *ret_first = NULL;
    for (size_t i = 0; i < choice->source->count; i++) {
        const struct member *member = &choice->source->members[i];
        if (!member->known || member->group != choice->index)
            continue;
        if (!*ret_first || (member->taken && !(*ret_first)->taken))
            *ret_first = member;
        count += member->taken;
    }
    return count;
}

/* One late file is a late hand-in. */
static int lateness(const struct choice *choice)
{
    int late = -1;
    for (size_t i = 0; i < choice->source->count; i++) {
        const struct member *member = &choice->source->members[i];
        if (counts(choice, member) && member->parts.late > late)
            late = member->parts.late;
    }
    return late;
}

static void describe(const struct choice *choice)
{
    const struct download *source = choice->source;
    struct origin *origin = &choice->group->origin;
    const struct member *first = NULL;
    size_t count = count_members(choice, &first);
    if (!first)
        return; /* a group has at least one member: it was made for it */
    AUTO_FREE char *operand = shown_name(source->path ? source->path : "");
    AUTO_FREE char *inner = shown_name(source->path ? source->inner : "");
    AUTO_FREE char *name = shown_name(source->path || !first->path ? first->name : first->path);
    AUTO_FREE char *more = count > 1 ? xasprintf(" and %zu more", count - 1) : xstrdup("");
    origin->path = xasprintf("%s%s%s%s%s", operand, source->path ? "/" : "", inner, name, more);
    origin->late = count ? lateness(choice) : first->parts.late;
    if (count)
        return;
    origin->refusal_kind = xstrdup("nothing-handed-in");
    origin->refusal = xstrdup("only a text or a link was handed in, no file");
}

void groups_make(struct download *source, struct groups *ret)
{
    for (size_t i = 0; i < source->count; i++) {
        struct member *member = &source->members[i];
        if (!member->known)
            continue;
        member->group = find_group(source, ret, member);
        member->taken = true;
        if (member->group == ret->count)
            (void)add_group(source, ret, &member->parts);
    }
    for (size_t i = 0; i < ret->count; i++) {
        struct choice choice = {.source = source, .index = i, .group = &ret->items[i]};
        drop_texts(&choice);
        drop_earlier(&choice);
        choose(&choice);
        describe(&choice);
    }
}
