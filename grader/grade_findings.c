/* grade_findings.c: from logs to findings, and what they cost. See grade_sanitize.h. */
#include "grade_sanitize.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SOURCES          BOX_BUILD_DIR "/"
#define CLOCK_TICK_US    4000 /* a file's time is that of the last timer tick, at 250 Hz */
#define MAX_FOUND        64   /* of one scenario */
#define MAX_TOLD         100  /* of a hand-in */
#define MAX_SOURCE_BYTES ((size_t)1 << 20)
#define MAX_SOURCE_LINE  200

/* ---- one run ---- */

/* A signal of ours that ends a program: it then has no time to tidy up, and need not. */
static bool was_ended_by_us(const struct trace *trace)
{
    for (size_t i = 0; i < trace->n_events; i++) {
        const char *text = trace->events[i].text;
        if (trace->events[i].kind == TRACE_SIGNAL && text && strcmp(text, "SIGSTOP") != 0 &&
            strcmp(text, "SIGCONT") != 0)
            return true;
    }
    return false;
}

/* The last that was sent before the log was last written to. */
static void note_sent(const struct trace *trace, uint64_t written_us, struct found *ret)
{
    const struct trace_event *last = NULL;
    for (size_t i = 0; i < trace->n_events; i++)
        if (trace->events[i].kind == TRACE_SEND &&
            (!last || trace->events[i].t_us <= written_us + CLOCK_TICK_US))
            last = &trace->events[i];
    if (!last || !last->bytes)
        return;
    (void)snprintf(ret->actor, sizeof ret->actor, "%s", last->actor);
    ret->len = last->len;
    ret->n_bytes = last->len < TRACE_MAX_BYTES ? (size_t)last->len : TRACE_MAX_BYTES;
    memcpy(ret->bytes, last->bytes, ret->n_bytes);
}

static void read_log(const struct run_log *log, const struct trace *trace, uint64_t began_ns,
                     struct found_list *ret)
{
    AUTO_FREE struct sanitizer_finding *list = xcalloc(SANITIZER_MAX_FINDINGS, sizeof *list);
    size_t count =
        sanitize_parse(log->text.data, log->text.len, SOURCES, list, SANITIZER_MAX_FINDINGS);
    const uint64_t written_us =
        log->written_ns > began_ns ? (log->written_ns - began_ns) / 1000 : 0;
    /* A child that serves one client and ends frees nothing by that which its end does not free. */
    const bool leaks_count = log->pid == BOX_PROGRAM_PID && !was_ended_by_us(trace);
    for (size_t i = 0; i < count && ret->count < MAX_FOUND; i++) {
        if (list[i].class == SANITIZER_LEAK && !leaks_count)
            continue;
        ret->list = xreallocarray(ret->list, ret->count + 1, sizeof *ret->list);
        struct found *found = &ret->list[ret->count++];
        *found = (struct found){.finding = list[i]};
        note_sent(trace, written_us, found);
    }
}

void findings_read(const struct run_logs *logs, const struct trace *trace, uint64_t began_ns,
                   struct found_list *ret)
{
    for (size_t i = 0; i < logs->count; i++)
        read_log(&logs->list[i], trace, began_ns, ret);
}

void findings_done(struct found_list *list)
{
    free(list->list);
    *list = (struct found_list){0};
}

/* ---- the student's line ---- */

static void copy_line(const struct buf *text, int number, struct sanitizer_told *ret)
{
    const char *line = text->data;
    for (int i = 1; line && i < number; i++) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        return;
    line += strspn(line, " \t");
    size_t len = strcspn(line, "\r\n");
    ret->source = xstrndup(line, len < MAX_SOURCE_LINE ? len : MAX_SOURCE_LINE);
}

/* From our copy of the hand-in; no link is followed, and nothing above it is reached. */
static void quote_source(const struct submission *submission, struct sanitizer_told *ret)
{
    struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    AUTO_CLOSE int dir = open(submission->copy_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE int fd = dir < 0 || !*ret->finding->file
                            ? -1
                            : (int)syscall(SYS_openat2, dir, ret->finding->file, &how, sizeof how);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return;
    AUTO_BUF struct buf text = {0};
    char chunk[16384];
    while (text.len < MAX_SOURCE_BYTES) {
        ssize_t n = io_read(fd, chunk, sizeof chunk);
        if (n <= 0)
            break;
        (void)buf_add(&text, chunk, (size_t)n);
    }
    copy_line(&text, ret->finding->line, ret);
}

/* ---- each mistake once ---- */

static bool same(const struct sanitizer_finding *a, const struct sanitizer_finding *b)
{
    return a->class == b->class && a->line == b->line && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->file, b->file) == 0;
}

/* A bad index or null pointer which AddressSanitizer has told of as a memory error, in whatever scenario. */
static bool told_otherwise(const struct sanitize_pass *pass,
                           const struct sanitizer_finding *finding)
{
    if (!sanitize_foretells_memory_error(finding))
        return false;
    for (size_t a = 0; a < pass->own_suite.n_entries; a++)
        for (size_t s = 0; s < pass->entries[a].assignment->n_scenarios; s++)
            for (size_t i = 0; i < pass->found[a][s].count; i++) {
                const struct sanitizer_finding *other = &pass->found[a][s].list[i].finding;
                if (other->class == SANITIZER_MEMORY_ERROR && other->line == finding->line &&
                    strcmp(other->file, finding->file) == 0)
                    return true;
            }
    return false;
}

/* The mistake among those that are told already; a new one at their end; NULL when there are too many. */
static struct sanitizer_told *told_of(struct sanitize_pass *pass, const struct found *found,
                                      bool *ret_new)
{
    struct sanitizer_result *result = &pass->result;
    *ret_new = false;
    for (size_t i = 0; i < result->n_findings; i++)
        if (same(result->findings[i].finding, &found->finding))
            return &result->findings[i];
    if (result->n_findings == MAX_TOLD)
        return NULL;
    *ret_new = true;
    result->findings =
        xreallocarray(result->findings, result->n_findings + 1, sizeof *result->findings);
    struct sanitizer_told *told = &result->findings[result->n_findings++];
    *told = (struct sanitizer_told){
        .finding = &found->finding,
        .class = classes_find(pass->suite->classes, sanitizer_class_name(found->finding.class)),
        .kind_class = classes_find(pass->suite->classes, found->finding.kind),
    };
    quote_source(pass->submission, told);
    return told;
}

static void name_scenario(const struct sanitize_pass *pass, const struct assignment *file,
                          const struct scenario *scenario, const struct found *found,
                          struct sanitizer_told *told)
{
    enum show show = pass->suite->obey_show ? scenario->show : SHOW_ALL;
    /* the shortest that does it says most */
    if (show == SHOW_ALL && found->actor[0] && (!told->actor || found->len < told->len)) {
        told->actor = found->actor;
        told->bytes = found->bytes;
        told->n_bytes = found->n_bytes;
        told->len = found->len;
    }
    if (show == SHOW_NOTHING)
        return;
    AUTO_FREE char *name = xasprintf("%s/%s", file->id, scenario->id);
    for (size_t i = 0; i < told->n_scenarios; i++)
        if (strcmp(told->scenarios[i], name) == 0)
            return;
    told->scenarios = xreallocarray((void *)told->scenarios, told->n_scenarios + 1, sizeof(char *));
    told->scenarios[told->n_scenarios++] = TAKE_PTR(name);
}

/* What a new mistake of this class costs an assignment: its share, once, within what is left of the class's cap. */
static double cost_of(const struct suite_sanitizer *item, enum sanitizer_class class,
                      const struct sanitizer_part *part, bool *charged, double *spent)
{
    double share = 0;
    for (size_t i = 0; i < SUITE_SANITIZER_CLASSES; i++)
        if (strcmp(item->costs[i].class_name, sanitizer_class_name(class)) == 0)
            share = item->costs[i].share;
    double cost = charged[class] ? 0 : share * part->max_score;
    double left = item->cap * item->points - spent[class];
    cost = cost > left ? left : cost;
    cost = cost > part->score ? part->score : cost;
    charged[class] = true;
    spent[class] += cost;
    return cost;
}

/* One assignment. `spent` is what each class has cost so far. */
static void tell_part(struct sanitize_pass *pass, size_t a, struct sanitizer_part *part,
                      double *spent)
{
    const struct assignment *file = pass->entries[a].assignment;
    bool charged[SANITIZER_CLASSES] = {false};
    for (size_t s = 0; s < file->n_scenarios; s++)
        for (size_t i = 0; i < pass->found[a][s].count; i++) {
            const struct found *found = &pass->found[a][s].list[i];
            bool is_new = false;
            if (told_otherwise(pass, &found->finding))
                continue;
            struct sanitizer_told *told = told_of(pass, found, &is_new);
            if (!told)
                continue;
            name_scenario(pass, file, &file->scenarios[s], found, told);
            if (strcmp(part->status, "clean") == 0)
                part->status = "findings";
            if (!is_new)
                continue;
            told->points_lost =
                cost_of(&pass->suite->sanitizer, found->finding.class, part, charged, spent);
            part->score -= told->points_lost;
        }
}

void findings_tell(struct sanitize_pass *pass)
{
    double spent[SANITIZER_CLASSES] = {0};
    size_t part = 0;
    for (size_t a = 0; a < pass->own_suite.n_entries && part < pass->result.n_parts; a++)
        if (strcmp(pass->result.parts[part].assignment, pass->entries[a].assignment->id) == 0)
            tell_part(pass, a, &pass->result.parts[part++], spent);
}
