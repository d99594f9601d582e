/* batch/roster_list.c: what is at the top of a folder or of an archive. Nothing is taken out and nothing is followed. */
#include "batch/download.h"

#include "base/mem.h"
#include "base/own.h"
#include "submission/junk.h"
#include "submission/submission.h"
#include "submission/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_CPU_SECONDS 20

static const char *const makefiles[] = {"Makefile", "makefile", "GNUmakefile"};
static const char *const source_ends[] = {".c", ".h", ".cc", ".cpp", ".cxx", ".hpp"};

static bool is_makefile(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(makefiles); i++)
        if (strcmp(makefiles[i], name) == 0)
            return true;
    return false;
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < ARRAY_SIZE(source_ends); i++)
        if (strcasecmp(source_ends[i], dot) == 0)
            return true;
    return false;
}

void download_done(struct download *source)
{
    for (size_t i = 0; i < source->count; i++) {
        name_parts_done(&source->members[i].parts);
        free(source->members[i].name);
        free(source->members[i].path);
    }
    free(source->members);
    free(source->inner);
    free(source->unreadable);
    free(source->metadata_problem);
    *source = (struct download){0};
}

struct member *download_add(struct download *source, const char *name, size_t len)
{
    if (source->count == source->cap) {
        source->cap = source->cap ? source->cap * 2 : 32;
        source->members = xreallocarray(source->members, source->cap, sizeof *source->members);
    }
    struct member *member = &source->members[source->count++];
    size_t stem = 0;
    *member = (struct member){.name = xstrndup(name, len), .parts = {.late = -1}};
    member->archive = unpack_is_archive_name(member->name, &stem);
    member->junk = junk_is(member->name) || strcmp(member->name, ".git") == 0;
    return member;
}

/* A file at the top may make the whole one hand-in. */
static void look_at_file(struct download *source, const struct member *member)
{
    source->makefile_at_top = source->makefile_at_top || is_makefile(member->name);
    source->sources_at_top = source->sources_at_top || is_source(member->name);
}

/* ---- a folder ---- */

static bool has_entry(int folder, const char *name)
{
    struct stat st;
    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void look_into_folder(int parent, struct member *member)
{
    AUTO_CLOSE int fd =
        openat(parent, member->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    member->git = has_entry(fd, ".git");
    for (size_t i = 0; i < ARRAY_SIZE(makefiles); i++)
        member->makefile = member->makefile || has_entry(fd, makefiles[i]);
}

static bool list_folder(struct download *source)
{
    AUTO_FREE char *place = xasprintf("%s/%s", source->path, source->inner);
    DIR *folder = opendir(place);
    if (!folder)
        return false;
    const struct dirent *entry;
    while (source->count < DOWNLOAD_MAX_MEMBERS && (entry = readdir(folder))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        struct member *member = download_add(source, entry->d_name, strlen(entry->d_name));
        member->path = xasprintf("%s/%s%s", source->path, source->inner, entry->d_name);
        member->folder = S_ISDIR(st.st_mode);
        if (member->folder) {
            member->archive = false;
            look_into_folder(dirfd(folder), member);
        } else {
            look_at_file(source, member);
        }
    }
    (void)closedir(folder);
    return true;
}

/* ---- an archive ---- */

static struct member *member_of(struct download *source, const char *name, size_t len)
{
    for (size_t i = source->count; i-- > 0;) /* entries of one folder come one after the other */
        if (strlen(source->members[i].name) == len &&
            memcmp(source->members[i].name, name, len) == 0)
            return &source->members[i];
    return source->count < DOWNLOAD_MAX_MEMBERS ? download_add(source, name, len) : NULL;
}

/* Names that an archive must not have are met again when it is taken out, and cost their owner. */
static int list_entry(void *self, const struct unpack_entry *entry)
{
    struct download *source = self;
    const char *kind = NULL;
    const char *path = entry->path;
    size_t inner = strlen(source->inner);
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (unpack_path_fault(path, &kind) || strncmp(path, source->inner, inner) != 0)
        return 0;
    path += inner;
    size_t len = strcspn(path, "/");
    if (len == 0 || (len == 1 && path[0] == '.'))
        return 0;
    struct member *member = member_of(source, path, len);
    if (!member)
        return -1;
    const char *rest = path + len + strspn(path + len, "/");
    if (path[len] || entry->type == UNPACK_FOLDER) {
        member->folder = true;
        member->archive = false;
        member->makefile = member->makefile || is_makefile(rest);
        member->git = member->git || strncmp(rest, ".git", 4) == 0;
    } else {
        look_at_file(source, member);
    }
    return source->makefile_at_top ? -1 : 0; /* what is known is enough */
}

static int no_data(void *self, const void *bytes, size_t len)
{
    (void)self;
    (void)bytes;
    (void)len;
    return 0;
}

static int no_end(void *self)
{
    (void)self;
    return 0;
}

static bool list_archive(struct download *source)
{
    AUTO_CLOSE int fd = open(source->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    struct unpack_limits limits = {.entries = DOWNLOAD_MAX_ENTRIES,
                                   .bytes = UINT64_MAX,
                                   .cpu_seconds = LIST_CPU_SECONDS,
                                   .names_only = true};
    struct unpack_ops ops = {.entry = list_entry, .data = no_data, .end = no_end, .self = source};
    struct unpack_refusal refusal = {0};
    struct err ignored = {0};
    const char *form = NULL;
    int result = unpack_archive(fd, &limits, &ops, &form, &refusal, &ignored);
    if (refusal.kind && !source->makefile_at_top)
        source->unreadable = submission_sentence(refusal.format, refusal.about);
    free(refusal.about);
    return result == 0 || source->makefile_at_top;
}

static bool list_once(struct download *source)
{
    return source->is_archive ? list_archive(source) : list_folder(source);
}

/* The only member that counts, when it is a folder. */
static const struct member *only_folder(const struct download *source)
{
    const struct member *only = NULL;
    for (size_t i = 0; i < source->count; i++) {
        if (source->members[i].junk)
            continue;
        if (only)
            return NULL;
        only = &source->members[i];
    }
    return only && only->folder ? only : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

bool download_list(struct download *source)
{
    if (!source->inner)
        source->inner = xstrdup("");
    if (!list_once(source))
        return false;
    if (source->count)
        qsort(source->members, source->count, sizeof *source->members, by_name);
    return true;
}

bool download_list_within(const struct download *source, struct download *ret)
{
    const struct member *only = only_folder(source);
    *ret = (struct download){.path = source->path, .is_archive = source->is_archive};
    if (!only || only->makefile || only->git || source->makefile_at_top || *source->inner)
        return false;
    ret->inner = xasprintf("%s/", only->name);
    if (download_list(ret))
        return true;
    download_done(ret);
    return false;
}
