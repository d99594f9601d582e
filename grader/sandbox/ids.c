/* sandbox/ids.c: as whom boxes run: the caller, or an unused uid when the caller is root; and its mapping. */
#include "base/io.h"
#include "base/own.h"
#include "sandbox/box.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FIRST_UID                                                                                  \
    61000 /* above what distributions give to people and services, below nobody's 65534 */
#define LAST_UID 64999
#define SLOTS    500

/* Where this user namespace's id comes from (user_namespaces(7), uid_map); false when it is not mapped. */
static bool is_mapped(const char *path, unsigned id, unsigned *ret_outside)
{
    AUTO_BUF struct buf map = {0};
    *ret_outside = id;
    if (io_read_file(path, 4096, &map, ERR_HOST, NULL) != 0)
        return true; /* no such file: no user namespaces, nothing is mapped anew */
    char *at = map.data;
    while (at && *at) { /* lines of three numbers: inside, outside, count */
        unsigned long inside = strtoul(at, &at, 10);
        unsigned long outside = strtoul(at, &at, 10);
        unsigned long count = strtoul(at, &at, 10);
        *ret_outside = (unsigned)(outside + (id - inside));
        if (id >= inside && id - inside < count)
            return true;
        at += strspn(at, " \n");
        if (count == 0)
            break;
    }
    return false;
}

static bool is_unused(uid_t candidate)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char scratch[4096];
    unsigned outside = 0;
    return getpwuid_r(candidate, &entry, scratch, sizeof scratch, &found) == 0 && !found &&
           is_mapped("/proc/self/uid_map", candidate, &outside) &&
           is_mapped("/proc/self/gid_map", candidate, &outside);
}

int ids_choose(unsigned slot, uid_t *uid, gid_t *gid, struct err *err)
{
    unsigned outside = 0;
    *uid = geteuid();
    *gid = getegid();
    /* root of a user namespace that is an ordinary user outside has nothing to give up */
    if (*uid != 0 || (is_mapped("/proc/self/uid_map", 0, &outside) && outside != 0))
        return 0;
    /* As root a box must not run as uid 0: the kernel exempts it from RLIMIT_NPROC (setrlimit(2)). */
    for (uid_t candidate = FIRST_UID + slot % SLOTS; candidate <= LAST_UID; candidate += SLOTS) {
        if (!is_unused(candidate))
            continue;
        *uid = candidate;
        *gid = candidate;
        return 0;
    }
    return err_set(
        err, ERR_HOST,
        "sandbox: root needs an unused uid between %d and %d for its boxes, and none is mapped "
        "here; start it as an ordinary user, or map that range into this user namespace",
        FIRST_UID, LAST_UID);
}

int ids_become(uid_t uid, gid_t gid)
{
    if (geteuid() != uid &&
        (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
        return -1;
    /* a change of uid made this process undumpable: its own uid_map would belong to root (proc(5)) */
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int ids_map(int proc, uid_t uid, gid_t gid)
{
    char map[64];
    (void)write_text(proc, "self/setgroups", "deny"); /* absent before Linux 3.19 */
    (void)snprintf(map, sizeof map, "0 %u 1", uid);
    if (write_text(proc, "self/uid_map", map) != 0)
        return -1;
    (void)snprintf(map, sizeof map, "0 %u 1", gid);
    return write_text(proc, "self/gid_map", map);
}
