/* sandbox/cgroup.h: control groups of a sandbox and of its boxes (cgroups(7)): memory and number of tasks.
 *
 * The janitor makes one group a sandbox (as root: below its own group of version 1, or beside its own of version 2; as
 * an ordinary user: where a service manager has delegated one) and removes it at the end; the keeper makes one a box in
 * it. Everything goes through descriptors of the folders, for the keeper covers /sys. */
#ifndef GRADER_SANDBOX_CGROUP_H
#define GRADER_SANDBOX_CGROUP_H

#include "sandbox/box.h"

#include <limits.h>

#define MAX_TREES 2

struct cgroups {
    enum cgroup_kind kind; /* CGROUP_NONE: nothing below is set */
    size_t count;          /* V1: memory and pids, V2: one for both */
    struct cgroup_tree {
        char path[PATH_MAX]; /* of the sandbox's group */
        int dir;             /* its descriptor */
    } trees[MAX_TREES];
};

/* Makes the sandbox's groups, owned by uid. Leaves CGROUP_NONE where that cannot be done. */
void cgroups_make(uid_t uid, gid_t gid, struct cgroups *ret);
/* Removes them and all groups of boxes in them; all processes must have gone. */
void cgroups_remove(const struct cgroups *groups);
/* Removes what sandboxes have left whose janitors were killed; what is ending in there is waited for, two seconds at most.
 * janitor: one of ours that was killed, whose keeper may be about to end; 0: none. */
void cgroups_sweep(pid_t janitor);
/* Version 2: moves this process to where the keeper is to live; -1 with errno. */
int cgroups_enter(const struct cgroups *groups);

/* A group for a box. procs[i] is a descriptor into which a process writes "0" to join; -1 where there is none. */
int cgroups_box_make(const struct cgroups *groups, uint64_t id, const struct box_limits *limits,
                     int *procs, struct err *err);
/* Whether the kernel has killed a process of the box for its memory. */
bool cgroups_box_starved(const struct cgroups *groups, uint64_t id);
/* Which limit of the box's group has struck; removes the group. */
enum limit cgroups_box_end(const struct cgroups *groups, uint64_t id);

/* Where this process is (cgroup_find.c): the folder of its group in the hierarchy of that controller ("memory"), or of
 * version 2 (NULL); -1 where there is none. */
int cgroup_own_path(const char *controller, char *path, size_t size);

#endif
