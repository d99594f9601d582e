/* batch/roster_take.c: hand-ins are taken out of a download: each into a folder of its own, with the limits of one hand-in, so
 * that what one student put there ends at that student. */
#include "batch/download.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "submission/scratch.h"
#include "submission/submission.h"
#include "submission/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES   ((uint64_t)16 << 30)
#define CPU_SECONDS 600
#define CHUNK       ((size_t)64 << 10)

/* ---- a place for each ---- */

struct stage {
    struct group *group;
    struct scratch scratch;
};

static int say(void *self, const char *kind, const char *format, const char *about)
{
    struct origin *origin = self;
    if (!kind) {
        origin_notice(origin, submission_sentence(format, about));
    } else if (!origin->refusal) {
        origin->refusal_kind = xstrdup(kind);
        origin->refusal = submission_sentence(format, about);
    }
    return -1;
}

static struct stage *make_stages(const struct groups *groups, struct err *err)
{
    struct stage *stages = xcalloc(groups->count + 1, sizeof *stages);
    for (size_t i = 0; i < groups->count; i++) {
        struct group *group = &groups->items[i];
        stages[i].group = group;
        stages[i].scratch =
            (struct scratch){.top = -1, .say = say, .self = &group->origin, .err = err, .file = -1};
    }
    return stages;
}

static void stage_close(struct stage *stage)
{
    if (stage->scratch.file >= 0)
        (void)close(stage->scratch.file); /* cut short, and refused */
    if (stage->scratch.top >= 0)
        (void)close(stage->scratch.top);
    stage->scratch.file = stage->scratch.top = -1;
}

static int stage_open(struct stage *stage, struct err *err)
{
    if (stage->scratch.top >= 0)
        return 0;
    stage->scratch.top = open(stage->group->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (stage->scratch.top < 0)
        return err_sys(err, ERR_HOST, errno, "opening '%s'", stage->group->dir);
    return 0;
}

static const char *file_of(const struct member *member)
{
    return member->parts.file ? member->parts.file : member->name;
}

/* ---- out of an archive ---- */

struct taking {
    struct download *source;
    struct stage *stages;
    struct stage *now;          /* whose entry is under way; NULL: nobody's */
    const struct stage *opened; /* at most one has its folder open */
    size_t last;                /* member of the last entry: the next one is likely of the same */
    struct err *err;
};

static struct member *find_member(struct taking *taking, const char *name, size_t len)
{
    struct download *source = taking->source;
    for (size_t i = 0; i < source->count; i++) {
        size_t at = (taking->last + i) % source->count;
        struct member *member = &source->members[at];
        if (strlen(member->name) != len || memcmp(member->name, name, len) != 0)
            continue;
        taking->last = at;
        return member;
    }
    return NULL;
}

/* What an op of the scratch folder said: a refusal ends this hand-in only, a fault of the host everything. */
static int settle(struct taking *taking, int result)
{
    if (result == 0)
        return 0;
    taking->now = NULL;
    return err_is_set(taking->err) ? -1 : 0;
}

static int take_entry(void *self, const struct unpack_entry *entry)
{
    struct taking *taking = self;
    const char *path = entry->path;
    size_t inner = strlen(taking->source->inner);
    taking->now = NULL;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (strncmp(path, taking->source->inner, inner) != 0)
        return 0;
    path += inner;
    size_t len = strcspn(path, "/");
    const struct member *member = find_member(taking, path, len);
    if (!member || !member->known || !member->taken)
        return 0;
    struct stage *stage = &taking->stages[member->group];
    if (stage->group->origin.refusal)
        return 0;
    const char *rest = path + len + strspn(path + len, "/");
    struct unpack_entry own = {.type = entry->type, .path = rest, .target = entry->target};
    if (!member->folder)
        own.path = file_of(member);
    if (!*own.path)
        return 0; /* the folder itself */
    if (taking->opened && taking->opened != stage)
        stage_close(&taking->stages[taking->opened - taking->stages]);
    taking->opened = stage;
    if (stage_open(stage, taking->err) != 0)
        return -1;
    taking->now = stage;
    return settle(taking, scratch_entry(&stage->scratch, &own));
}

static int take_data(void *self, const void *bytes, size_t len)
{
    struct taking *taking = self;
    return taking->now ? settle(taking, scratch_data(&taking->now->scratch, bytes, len)) : 0;
}

static int take_end(void *self)
{
    struct taking *taking = self;
    return taking->now ? settle(taking, scratch_end(&taking->now->scratch)) : 0;
}

static int take_out(struct download *source, struct stage *stages, struct err *err)
{
    AUTO_CLOSE int fd = open(source->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_USAGE, errno, "download '%s'", source->path);
    struct taking taking = {.source = source, .stages = stages, .err = err};
    struct unpack_limits limits = {
        .entries = DOWNLOAD_MAX_ENTRIES, .bytes = MAX_BYTES, .cpu_seconds = CPU_SECONDS};
    struct unpack_ops ops = {
        .entry = take_entry, .data = take_data, .end = take_end, .self = &taking};
    struct unpack_refusal refusal = {0};
    const char *form = NULL;
    int result = unpack_archive(fd, &limits, &ops, &form, &refusal, err);
    if (taking.opened)
        stage_close(&stages[taking.opened - stages]);
    if (refusal.kind) {
        AUTO_FREE char *sentence = submission_sentence(refusal.format, refusal.about);
        AUTO_FREE char *path = submission_showable(source->path, 200);
        (void)err_set(err, ERR_USAGE,
                      "download '%s': %s. Nothing was graded and no report was touched", path,
                      sentence);
    }
    free(refusal.about);
    return result;
}

/* ---- loose files of a folder ---- */

static int copy_bytes(struct stage *stage, int from)
{
    AUTO_FREE char *chunk = xmalloc(CHUNK);
    ssize_t n;
    while ((n = io_read_full(from, chunk, CHUNK)) > 0)
        if (scratch_data(&stage->scratch, chunk, (size_t)n) != 0)
            return -1;
    if (n < 0)
        return say(&stage->group->origin, "unreadable", "%s cannot be read", stage->scratch.path);
    return scratch_end(&stage->scratch);
}

static int copy_file(struct stage *stage, const struct member *member)
{
    struct stat st;
    AUTO_CLOSE int from =
        open(member->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 && errno == ELOOP)
        return say(&stage->group->origin, "link-leaves-tree", "%s is a symbolic link",
                   member->name);
    if (from < 0 || fstat(from, &st) != 0)
        return say(&stage->group->origin, "unreadable", "%s cannot be read", member->name);
    if (!S_ISREG(st.st_mode))
        return say(&stage->group->origin, "unknown-type", "%s is no file", member->name);
    struct unpack_entry entry = {.type = UNPACK_FILE, .path = file_of(member), .target = ""};
    if (scratch_entry(&stage->scratch, &entry) != 0)
        return -1;
    return copy_bytes(stage, from);
}

static int put_together(const struct download *source, struct stage *stages, struct err *err)
{
    for (size_t i = 0; i < source->count; i++) {
        const struct member *member = &source->members[i];
        struct stage *stage = &stages[member->group];
        if (!member->known || !member->taken || !stage->group->dir || stage->group->origin.refusal)
            continue;
        int result = stage_open(stage, err) == 0 ? copy_file(stage, member) : -1;
        stage_close(stage);
        if (result != 0 && err_is_set(err))
            return -1;
    }
    return 0;
}

/* ---- the whole ---- */

static size_t count_taken(const struct download *source, size_t group, const struct member **ret)
{
    size_t count = 0;
    for (size_t i = 0; i < source->count; i++)
        if (source->members[i].known && source->members[i].taken &&
            source->members[i].group == group) {
            *ret = &source->members[i];
            count++;
        }
    return count;
}

/* Decides where a hand-in is, or will be, and makes its folder. */
static int find_place(const struct download *source, struct group *group, size_t index,
                      const char *temp_dir, struct err *err)
{
    const struct member *only = NULL;
    size_t count = count_taken(source, index, &only);
    bool whole = count == 1 && (only->folder || only->archive);
    if (group->origin.refusal || (whole && only->path)) {
        group->path = xstrdup(whole ? only->path : group->origin.path);
        return 0;
    }
    group->dir = xasprintf("%s/taken-XXXXXX", temp_dir);
    if (!mkdtemp(group->dir))
        return err_sys(err, ERR_HOST, errno, "cannot make a folder in '%s'", temp_dir);
    group->path = whole && only->archive ? xasprintf("%s/%s", group->dir, file_of(only))
                                         : xstrdup(group->dir);
    return 0;
}

int groups_take(struct download *source, struct groups *groups, const char *temp_dir,
                struct err *err)
{
    for (size_t i = 0; i < groups->count; i++)
        if (find_place(source, &groups->items[i], i, temp_dir, err) != 0)
            return -1;
    AUTO_FREE struct stage *stages = make_stages(groups, err);
    return source->is_archive ? take_out(source, stages, err) : put_together(source, stages, err);
}
