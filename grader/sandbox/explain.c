/* sandbox/explain.c: why this machine refuses namespaces, and what to do about it: one line each.
 *
 * Settings are read only to explain; whether something works is decided by trying it. */
#include "base/io.h"
#include "base/own.h"
#include "sandbox/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* First number of a file of /proc, or -1. */
static int setting(const char *path)
{
    AUTO_BUF struct buf text = {0};
    if (io_read_file(path, 64, &text, ERR_HOST, NULL) != 0 || text.len == 0)
        return -1;
    return (int)strtol(text.data, NULL, 10); /* settings of the kernel are numbers */
}

/* Whether this process runs under somebody's seccomp filter, as in most containers. */
static bool is_filtered(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return false;
    char line[128];
    bool filtered = false;
    while (fgets(line, sizeof line, file))
        filtered = filtered || strncmp(line, "Seccomp:\t2", 10) == 0;
    (void)fclose(file);
    return filtered;
}

void explain_namespaces(int sys_errno, char *text, size_t size)
{
    if (is_filtered() && (sys_errno == EPERM || sys_errno == ENOSYS))
        (void)snprintf(text, size,
                       "sandbox: this container's seccomp profile forbids namespaces (clone: %s). "
                       "Start it with "
                       "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
                       "--security-opt systempaths=unconfined",
                       strerror(sys_errno));
    else if (sys_errno == EPERM && setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
        (void)snprintf(text, size,
                       "sandbox: user namespaces are off: kernel.unprivileged_userns_clone=0. Ask "
                       "an administrator: "
                       "sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root");
    else if (sys_errno == ENOSPC)
        (void)snprintf(
            text, size,
            "sandbox: namespaces are off or used up: user.max_user_namespaces is %d (ENOSPC). "
            "sudo sysctl -w user.max_user_namespaces=15000",
            setting("/proc/sys/user/max_user_namespaces"));
    else if (sys_errno == EINVAL)
        (void)snprintf(text, size, "sandbox: this kernel has no user namespaces (EINVAL)");
    else if (sys_errno == EUSERS)
        (void)snprintf(text, size, "sandbox: namespaces are nested too deep here (EUSERS)");
    else
        (void)snprintf(
            text, size,
            "sandbox: not available on this system (%s). Use a Linux machine, VM or container",
            strerror(sys_errno));
}

void explain_map(int sys_errno, char *text, size_t size)
{
    if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
        (void)snprintf(text, size,
                       "sandbox: AppArmor denies this program capabilities in its user namespace "
                       "(uid_map: %s). "
                       "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, an AppArmor "
                       "profile with "
                       "'userns,' for this program, or running as root helps",
                       strerror(sys_errno));
    else
        (void)snprintf(text, size, "sandbox: mapping the user into its namespace: %s",
                       strerror(sys_errno));
}
