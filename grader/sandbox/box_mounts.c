/* sandbox/box_mounts.c: the mounts of one box.
 *
 * How it works: the keeper's tree (roots.c) is bound, with everything in it, to ROOT_NEW. One tmpfs of the box's own
 * holds its writable folders, so that one size bounds them all: work (the scratch or build folder), tmp, shm, and the
 * hosts file; its root is not visible in the box. All in a mount namespace of its own; the tree becomes its root. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <sys/mount.h> and <linux/mount.h> cannot be included together with glibc 2.36 */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH 2

#define OWN_INODES 65536

int box_mount_root(struct box_plan *plan)
{
    bool whole = plan->spec.kind == BOX_BUILD || plan->spec.whole_usr;
    return mount(whole ? ROOT_WHOLE : ROOT_LIBS, ROOT_NEW, NULL, MS_BIND | MS_REC, NULL);
}

static int write_hosts(const struct box_plan *plan, const char *path)
{
    AUTO_BUF struct buf text;
    buf_init(&text, 1 << 20);
    (void)buf_add_str(&text, "127.0.0.1 localhost\n::1 localhost\n");
    for (size_t i = 0; i < plan->spec.n_host_names; i++)
        (void)buf_printf(&text, "%s %s\n", plan->spec.host_names[i].address,
                         plan->spec.host_names[i].name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    return fd < 0 ? -1 : io_write_full(fd, text.data, text.len);
}

static int bind_own(const char *name, unsigned mode, const char *place)
{
    char from[64];
    char to[64];
    (void)snprintf(from, sizeof from, ROOT_SCRATCH "/%s", name);
    (void)snprintf(to, sizeof to, ROOT_NEW "%s", place);
    if (mkdir(from, 0755) != 0 || chmod(from, mode) != 0)
        return -1;
    return mount(from, to, NULL, MS_BIND, NULL);
}

static int bind_read_only(const char *from, const char *to)
{
    if (mount(from, to, NULL, MS_BIND, NULL) != 0)
        return -1;
    return mount_attributes(to, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false);
}

int box_mount_own(struct box_plan *plan)
{
    char size[96];
    bool build = plan->spec.kind == BOX_BUILD;
    (void)snprintf(size, sizeof size, "size=%llu,nr_inodes=%d,mode=755",
                   (unsigned long long)plan->spec.limits.scratch_bytes, OWN_INODES);
    if (mount("box", ROOT_SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, size) != 0)
        return -1;
    if (bind_own("work", 0755, build ? BOX_BUILD_DIR : BOX_SCRATCH_DIR) != 0 ||
        bind_own("tmp", 01777, "/tmp") != 0 || bind_own("shm", 01777, "/dev/shm") != 0)
        return -1;
    if (write_hosts(plan, ROOT_SCRATCH "/hosts") != 0 ||
        bind_read_only(ROOT_SCRATCH "/hosts", ROOT_NEW "/etc/hosts") != 0)
        return -1;
    return plan->spec.bin_dir ? bind_read_only(plan->spec.bin_dir, ROOT_NEW BOX_BIN_DIR) : 0;
}

int box_mount_proc(struct box_plan *plan)
{
    (void)plan;
    return mount("proc", ROOT_NEW "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* pivot_root(2) with both arguments "." stacks the old root on the new one, from where it is detached. Where a container
 * refuses it, the tree is moved over / instead: the same for a program without capabilities. */
int box_enter_root(struct box_plan *plan)
{
    (void)plan;
    if (chdir(ROOT_NEW) != 0)
        return -1;
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (umount2(".", MNT_DETACH) != 0)
            return -1;
    } else if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) {
        return -1;
    }
    return chdir("/");
}

/* The box's uid is 0 in its namespaces, which owns some of the settings there (shmall, message queues). */
int box_mount_seal(struct box_plan *plan)
{
    (void)plan;
    return bind_read_only("/proc/sys", "/proc/sys");
}
