/* sandbox/processes.c: whether there may be enough processes here for every box: the fewest that the user
 * (RLIMIT_NPROC, setrlimit(2)) or a control group above this one (pids.max, cgroups(7)) is allowed. A container's group is
 * the only one of it that can be seen; a limit above it cannot be known. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sandbox/cgroup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ENOUGH 2048 /* several boxes at once, of which one may have 1024 */

/* Of this group and those above it, as far as they can be seen; ULLONG_MAX: no limit. */
static unsigned long long most_of_group(const char *controller)
{
    char path[PATH_MAX];
    unsigned long long most = ULLONG_MAX;
    if (cgroup_own_path(controller, path, sizeof path) != 0)
        return most;
    for (char *end = path + strlen(path); end; end = strrchr(path, '/')) {
        *end = '\0';
        AUTO_FREE char *file = xasprintf("%s/pids.max", path);
        AUTO_BUF struct buf text;
        buf_init(&text, 0);
        if (io_read_file(file, 64, &text, ERR_HOST, NULL) != 0)
            continue; /* the root of a hierarchy has none */
        char *rest = NULL;
        unsigned long long here = strtoull(text.data, &rest, 10);
        if (rest != text.data && here < most)
            most = here;
    }
    return most;
}

bool processes_lack(char *text, size_t size)
{
    struct rlimit own;
    unsigned long long most = ULLONG_MAX;
    const char *by = "ulimit -u";
    if (getrlimit(RLIMIT_NPROC, &own) == 0 && own.rlim_cur != RLIM_INFINITY)
        most = own.rlim_cur;
    unsigned long long groups[] = {most_of_group("pids"), most_of_group(NULL)};
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (groups[i] >= most)
            continue;
        most = groups[i];
        by = "pids.max of the control group";
    }
    if (most >= ENOUGH)
        return false;
    (void)snprintf(text, size,
                   "limits: there may be only %llu processes here (%s), and %d may be needed: a "
                   "server with one for each client may fail for want of them",
                   most, by, ENOUGH);
    return true;
}
