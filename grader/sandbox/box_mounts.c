/* sandbox/box_mounts.c: the mounts of one box.
 *
 * How it works: the box's mount namespace is a copy of one whose root is a tree of the keeper's (roots.c). One tmpfs of
 * the box's own holds its writable folders, so that one size bounds them all: work (the scratch or build folder), tmp,
 * shm, log where one is asked for, a build's own tools, and the hosts file. It is mounted on /tmp and in the end covered there by its own folder
 * tmp: its root cannot be seen in the box, which may not unmount anything. */
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

#define OWN        "/tmp"
#define OWN_INODES 65536

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

static int bind_own(const char *from, unsigned mode, const char *to)
{
    if (mkdir(from, 0755) != 0 || (mode != 0755 && chmod(from, mode) != 0))
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
    if (mount("box", OWN, "tmpfs", MS_NOSUID | MS_NODEV, size) != 0)
        return -1;
    if (bind_own(OWN "/work", 0755, build ? BOX_BUILD_DIR : BOX_SCRATCH_DIR) != 0 ||
        bind_own(OWN "/shm", 01777, "/dev/shm") != 0)
        return -1;
    if (build && plan->spec.n_files && bind_own(OWN "/bin", 0755, BOX_BIN_DIR) != 0)
        return -1;
    if (plan->spec.log_dir && bind_own(OWN "/log", 0755, BOX_LOG_DIR) != 0)
        return -1;
    if (write_hosts(plan, OWN "/hosts") != 0 || bind_read_only(OWN "/hosts", "/etc/hosts") != 0)
        return -1;
    return bind_own(OWN "/tmp", 01777, OWN);
}

int box_mount_bin(struct box_plan *plan)
{
    if (plan->bin_mount < 0)
        return 0;
    return (int)syscall(SYS_move_mount, plan->bin_mount, "", AT_FDCWD, BOX_BIN_DIR,
                        MOVE_MOUNT_F_EMPTY_PATH);
}

int box_mount_proc(struct box_plan *plan)
{
    if (!plan->has_proc)
        return 0;
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* The box's uid is 0 in its namespaces, which owns some of the settings there (shmall, message queues). */
int box_mount_seal(struct box_plan *plan)
{
    return plan->has_proc ? bind_read_only("/proc/sys", "/proc/sys") : 0;
}
