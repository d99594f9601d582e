/* sandbox/cgroup.c: making, limiting and removing control groups. See cgroup.h.
 *
 * Version 1 has a hierarchy for each controller, and limits count whatever is below; a process joins by writing itself
 * into a descriptor that the keeper has opened (the opener's rights count). Version 2 has one; processes may only be in
 * its leaves: so the keeper lives in a leaf of its own beside those of the boxes. Whoever moves a process needs the right
 * to write cgroup.procs of the common ancestor, which is the sandbox's group and belongs to the boxes' uid. */
#include "sandbox/cgroup.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_PREFIX   "sockgrade-"
#define MAX_TURNS      10
#define KEEPER_LEAF    "keeper"
#define CALLER_LEAF    "caller"
#define MAX_MOVED      1024 /* processes of a delegated group that make way */
/* what was killed with its janitor is gone by then, and is looked at so often until then */
#define SWEEP_NS       2000000000U
#define SWEEP_PAUSE_MS 5

static int write_at(int dir, const char *name, const char *text)
{
    AUTO_CLOSE int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    return fd < 0 || io_write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int read_at(int dir, const char *name, char *text, size_t size)
{
    AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : io_read(fd, text, size - 1);
    if (n < 0)
        return -1;
    text[n] = '\0';
    return 0;
}

/* Removes the groups in this one, of which none has groups of its own. */
static void remove_children(int dir)
{
    int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = again < 0 ? NULL : fdopendir(again);
    if (!list)
        return;
    for (const struct dirent *entry = readdir(list); entry; entry = readdir(list))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            (void)unlinkat(dir, entry->d_name, AT_REMOVEDIR);
    (void)closedir(list);
}

static void remove_tree(const struct cgroup_tree *tree)
{
    remove_children(tree->dir);
    (void)rmdir(tree->path);
}

/* Groups whose janitor was killed with all that it had started: nobody else could remove them. Its number tells which ones
 * these are, and a lock (flock(2)) where that is a number of another pid namespace. Returns how many of them still hold
 * processes that are about to end; a lock says so of the group of a janitor that is known to be ours. */
static unsigned sweep(const char *base, pid_t janitor)
{
    unsigned busy = 0;
    DIR *list = opendir(base);
    for (const struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        const char *pid = entry->d_name + sizeof GROUP_PREFIX - 1;
        if (strncmp(entry->d_name, GROUP_PREFIX, sizeof GROUP_PREFIX - 1) != 0 || !*pid ||
            pid[strspn(pid, "0123456789")] || kill((pid_t)strtol(pid, NULL, 10), 0) == 0 ||
            errno != ESRCH)
            continue;
        AUTO_CLOSE int dir =
            openat(dirfd(list), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
            continue;
        if (flock(dir, LOCK_EX | LOCK_NB) != 0) {
            busy += janitor && strtol(pid, NULL, 10) == janitor;
            continue;
        }
        remove_children(dir);
        busy += unlinkat(dirfd(list), entry->d_name, AT_REMOVEDIR) != 0 && errno == EBUSY;
    }
    if (list)
        (void)closedir(list);
    return busy;
}

/* Makes, opens and locks tree->path; again where somebody took it for a left one between the steps. */
static int open_tree(struct cgroup_tree *tree)
{
    for (int turn = 0; turn < MAX_TURNS; turn++) {
        struct stat there;
        struct stat locked;
        if (mkdir(tree->path, 0755) != 0 && errno != EEXIST)
            return -1;
        AUTO_CLOSE int dir = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 && errno != ENOENT) {
            (void)rmdir(tree->path);
            return -1;
        }
        if (dir < 0)
            continue;
        (void)flock(dir, LOCK_EX);
        if (fstat(dir, &locked) == 0 && stat(tree->path, &there) == 0 &&
            there.st_ino == locked.st_ino) {
            tree->dir = TAKE_FD(dir);
            return 0;
        }
    }
    return -1;
}

/* base/sockgrade-PID, owned by uid. A group of that name is left over from a process that was killed: it makes way. */
static int make_tree(const char *base, uid_t uid, gid_t gid, struct cgroup_tree *tree)
{
    if (snprintf(tree->path, sizeof tree->path, "%s/" GROUP_PREFIX "%d", base, (int)getpid()) >=
        (int)sizeof tree->path)
        return -1;
    (void)sweep(base, 0);
    if (open_tree(tree) != 0)
        return -1;
    remove_children(tree->dir);
    static const char *const owned[] = {".", "cgroup.procs", "cgroup.subtree_control"};
    for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
        if (fchownat(tree->dir, owned[i], uid, gid, 0) != 0 && errno != ENOENT) {
            remove_tree(tree);
            return -1;
        }
    return 0;
}

/* ---- version 1 ---- */

static const char *const controllers[MAX_TREES] = {"memory", "pids"};

static bool make_v1(uid_t uid, gid_t gid, struct cgroups *ret)
{
    char base[PATH_MAX];
    for (size_t i = 0; i < MAX_TREES; i++) {
        if (cgroup_own_path(controllers[i], base, sizeof base) != 0 ||
            make_tree(base, uid, gid, &ret->trees[i]) != 0) {
            cgroups_remove(ret);
            ret->count = 0;
            return false;
        }
        ret->count = i + 1;
    }
    ret->kind = CGROUP_V1;
    return true;
}

/* ---- version 2 ---- */

static bool enables(const char *base, const char *file)
{
    char text[512];
    AUTO_CLOSE int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 && read_at(dir, file, text, sizeof text) == 0 && strstr(text, "memory") &&
           strstr(text, "pids");
}

/* Processes make way to a leaf, so that the group may have groups with limits: the rule of "no internal processes". */
static int make_way(const char *base)
{
    char line[32];
    char leaf[PATH_MAX];
    AUTO_CLOSE int dir = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || (mkdirat(dir, CALLER_LEAF, 0755) != 0 && errno != EEXIST))
        return -1;
    (void)snprintf(leaf, sizeof leaf, "%s/cgroup.procs", CALLER_LEAF);
    int procs = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = procs < 0 ? NULL : fdopen(procs, "r");
    if (!file)
        return -1;
    for (int i = 0; i < MAX_MOVED && fgets(line, sizeof line, file); i++)
        (void)write_at(dir, leaf,
                       line); /* one that has ended meanwhile cannot be moved, and need not */
    (void)fclose(file);
    return write_at(dir, "cgroup.subtree_control", "+memory +pids");
}

static bool make_v2_in(const char *base, uid_t uid, gid_t gid, struct cgroups *ret)
{
    struct cgroup_tree *tree = &ret->trees[0];
    if (make_tree(base, uid, gid, tree) != 0)
        return false;
    char keeper[sizeof KEEPER_LEAF + sizeof "/cgroup.procs"] = KEEPER_LEAF "/cgroup.procs";
    if (mkdirat(tree->dir, KEEPER_LEAF, 0755) != 0 ||
        fchownat(tree->dir, KEEPER_LEAF, uid, gid, 0) != 0 ||
        fchownat(tree->dir, keeper, uid, gid, 0) != 0 ||
        write_at(tree->dir, "cgroup.subtree_control", "+memory +pids") != 0) {
        remove_tree(tree);
        return false;
    }
    ret->count = 1;
    ret->kind = CGROUP_V2;
    return true;
}

/* From a group's folder to its parent's; false at the top. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return false;
    *slash = '\0';
    return true;
}

static bool make_v2(uid_t uid, gid_t gid, struct cgroups *ret)
{
    char own[PATH_MAX];
    char parent[PATH_MAX];
    if (cgroup_own_path(NULL, own, sizeof own) != 0)
        return false;
    /* beside our own group, where the parent hands the controllers down: nobody has to move */
    (void)snprintf(parent, sizeof parent, "%s", own);
    if (go_up(parent) && enables(parent, "cgroup.subtree_control") &&
        make_v2_in(parent, uid, gid, ret))
        return true;
    /* within it: a delegated scope, or the top of a container */
    return enables(own, "cgroup.controllers") && make_way(own) == 0 &&
           make_v2_in(own, uid, gid, ret);
}

/* ---- the sandbox's groups ---- */

void cgroups_make(uid_t uid, gid_t gid, struct cgroups *ret)
{
    *ret = (struct cgroups){.kind = CGROUP_NONE};
    if (!make_v1(uid, gid, ret))
        (void)make_v2(uid, gid, ret);
}

/* Wherever make_v1() and make_v2() make groups. */
static unsigned sweep_all(pid_t janitor)
{
    unsigned busy = 0;
    char base[PATH_MAX];
    for (size_t i = 0; i < MAX_TREES; i++)
        if (cgroup_own_path(controllers[i], base, sizeof base) == 0)
            busy += sweep(base, janitor);
    if (cgroup_own_path(NULL, base, sizeof base) != 0)
        return busy;
    busy += sweep(base, janitor);
    return busy + (go_up(base) ? sweep(base, janitor) : 0);
}

void cgroups_sweep(pid_t janitor)
{
    const uint64_t end = io_now_ns() + SWEEP_NS;
    while (sweep_all(janitor) && io_now_ns() < end)
        (void)poll(NULL, 0, SWEEP_PAUSE_MS);
}

void cgroups_remove(const struct cgroups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        remove_tree(&groups->trees[i]);
}

int cgroups_enter(const struct cgroups *groups)
{
    return groups->kind == CGROUP_V2
               ? write_at(groups->trees[0].dir, KEEPER_LEAF "/cgroup.procs", "0")
               : 0;
}

/* ---- a box's groups ---- */

enum amount { AMOUNT_MEMORY, AMOUNT_TASKS, AMOUNT_ZERO, AMOUNT_ONE };

static const struct limit_file {
    enum cgroup_kind kind;
    size_t tree;
    const char *name;
    enum amount amount;
    bool optional; /* swap accounting is often off */
} limit_files[] = {
    {CGROUP_V1, 0, "memory.limit_in_bytes", AMOUNT_MEMORY, false},
    {CGROUP_V1, 0, "memory.memsw.limit_in_bytes", AMOUNT_MEMORY, true},
    {CGROUP_V1, 1, "pids.max", AMOUNT_TASKS, false},
    {CGROUP_V2, 0, "memory.max", AMOUNT_MEMORY, false},
    {CGROUP_V2, 0, "memory.swap.max", AMOUNT_ZERO, true},
    {CGROUP_V2, 0, "memory.oom.group", AMOUNT_ONE, true},
    {CGROUP_V2, 0, "pids.max", AMOUNT_TASKS, false},
};

static void box_name(uint64_t id, char *name, size_t size)
{
    (void)snprintf(name, size, "box-%llu", (unsigned long long)id);
}

static int set_limits(const struct cgroups *groups, size_t tree, const char *box,
                      const struct box_limits *limits)
{
    const uint64_t amounts[] = {[AMOUNT_MEMORY] = limits->memory_bytes,
                                [AMOUNT_TASKS] = (uint64_t)limits->processes + 1, /* and init */
                                [AMOUNT_ZERO] = 0,
                                [AMOUNT_ONE] = 1};
    for (size_t i = 0; i < ARRAY_SIZE(limit_files); i++) {
        const struct limit_file *file = &limit_files[i];
        char name[128];
        char text[32];
        if (file->kind != groups->kind || file->tree != tree)
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", box, file->name);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)amounts[file->amount]);
        if (write_at(groups->trees[tree].dir, name, text) != 0 && !file->optional)
            return -1;
    }
    return 0;
}

int cgroups_box_make(const struct cgroups *groups, uint64_t id, const struct box_limits *limits,
                     int *procs, struct err *err)
{
    char box[64];
    char name[128];
    box_name(id, box, sizeof box);
    (void)snprintf(name, sizeof name, "%s/cgroup.procs", box);
    for (size_t i = 0; i < MAX_TREES; i++)
        procs[i] = -1;
    for (size_t i = 0; i < groups->count; i++) {
        if (mkdirat(groups->trees[i].dir, box, 0755) != 0 ||
            set_limits(groups, i, box, limits) != 0)
            return err_sys(err, ERR_HOST, errno, "sandbox: limiting a control group");
        procs[i] = openat(groups->trees[i].dir, name, O_WRONLY | O_CLOEXEC);
        if (procs[i] < 0)
            return err_sys(err, ERR_HOST, errno, "sandbox: opening a control group");
    }
    return 0;
}

/* The number behind a word at the start of a line of such a file. */
static uint64_t counter(const struct cgroups *groups, size_t tree, const char *box,
                        const char *file, const char *word)
{
    char name[128];
    char text[1024];
    (void)snprintf(name, sizeof name, "%s/%s", box, file);
    if (read_at(groups->trees[tree].dir, name, text, sizeof text) != 0)
        return 0;
    size_t len = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, len) == 0 && line[len] == ' ')
            return strtoull(line + len, NULL, 10);
    }
    return 0;
}

static bool is_starved(const struct cgroups *groups, const char *box)
{
    const char *file = groups->kind == CGROUP_V1 ? "memory.oom_control" : "memory.events";
    return counter(groups, 0, box, file, "oom_kill") > 0;
}

bool cgroups_box_starved(const struct cgroups *groups, uint64_t id)
{
    char box[64];
    box_name(id, box, sizeof box);
    return groups->kind != CGROUP_NONE && is_starved(groups, box);
}

enum limit cgroups_box_end(const struct cgroups *groups, uint64_t id)
{
    char box[64];
    enum limit struck = LIMIT_NONE;
    if (groups->kind == CGROUP_NONE)
        return LIMIT_NONE;
    box_name(id, box, sizeof box);
    if (counter(groups, groups->count - 1, box, "pids.events", "max") > 0)
        struck = LIMIT_PROCESSES;
    if (is_starved(groups, box))
        struck = LIMIT_MEMORY;
    for (size_t i = 0; i < groups->count; i++)
        (void)unlinkat(groups->trees[i].dir, box, AT_REMOVEDIR);
    return struck;
}
