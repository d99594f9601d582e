/* sandbox/cgroup_find.c: where in the file system the control group of this process is.
 *
 * From /proc/self/cgroup and /proc/self/mountinfo, never from a path known by heart: containers and some desktops mount
 * only a part of the tree, and put it elsewhere. */
#include "sandbox/cgroup.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 8192

/* Whether a comma-separated list holds the word. */
static bool lists(const char *list, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++)
        if ((i == 0 || list[i - 1] == ',') && (i + n == len || list[i + n] == ',') &&
            strncmp(list + i, word, n) == 0)
            return true;
    return false;
}

/* The path of the group within its hierarchy: "N:controllers:/path", for version 2 "0::/path". */
static int own_group(const char *controller, char *path, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return -1;
    char line[MAX_LINE];
    int result = -1;
    while (result != 0 && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *list = strchr(line, ':');
        char *group = list ? strchr(list + 1, ':') : NULL;
        if (!group)
            continue;
        size_t len = (size_t)(group - list - 1);
        if (controller ? lists(list + 1, len, controller) : len == 0)
            result = snprintf(path, size, "%s", group + 1) < (int)size ? 0 : -1;
    }
    (void)fclose(file);
    return result;
}

/* One line of mountinfo: "id parent major:minor ROOT POINT options [tags] - TYPE source OPTIONS" (proc(5)). */
struct mount_line {
    char *root, *point, *type, *options;
};

static bool split_mount(char *line, struct mount_line *ret)
{
    char *dash = strstr(line, " - ");
    char *save = NULL;
    if (!dash)
        return false;
    *dash = '\0';
    (void)strtok_r(line, " ", &save);
    (void)strtok_r(NULL, " ", &save);
    (void)strtok_r(NULL, " ", &save);
    ret->root = strtok_r(NULL, " ", &save);
    ret->point = strtok_r(NULL, " ", &save);
    ret->type = strtok_r(dash + 3, " ", &save);
    (void)strtok_r(NULL, " ", &save);
    ret->options = strtok_r(NULL, " \n", &save);
    return ret->root && ret->point && ret->type && ret->options;
}

static bool is_hierarchy(const struct mount_line *mount, const char *controller)
{
    if (!controller)
        return strcmp(mount->type, "cgroup2") == 0;
    return strcmp(mount->type, "cgroup") == 0 &&
           lists(mount->options, strlen(mount->options), controller);
}

int cgroup_own_path(const char *controller, char *path, size_t size)
{
    char group[PATH_MAX];
    if (own_group(controller, group, sizeof group) != 0)
        return -1;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return -1;
    char line[MAX_LINE];
    struct mount_line mount;
    int result = -1;
    while (result != 0 && fgets(line, sizeof line, file)) {
        if (!split_mount(line, &mount) || !is_hierarchy(&mount, controller))
            continue;
        /* what is mounted may be a group further down; ours must lie within it */
        size_t skip = strcmp(mount.root, "/") == 0 ? 0 : strlen(mount.root);
        if (strncmp(group, mount.root, skip) != 0 || (skip && group[skip] && group[skip] != '/'))
            continue;
        const char *rest = group + skip;
        result = snprintf(path, size, "%s%s", mount.point, strcmp(rest, "/") == 0 ? "" : rest) <
                         (int)size
                     ? 0
                     : -1;
    }
    (void)fclose(file);
    return result;
}
