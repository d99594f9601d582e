/* sandbox/keeper_start.c: starts the keeper's program from its bytes in this one.
 *
 * How it works: the bytes go into a memfd, which posix_spawn(3) runs; nothing of the caller's is copied on the way. So the
 * program needs no file beside it, wherever somebody has copied it. Where the system runs no such files
 * (vm.memfd_noexec), the caller forks, and the copy does the same work with more to copy for each box. */
#include "sandbox/box.h"

#include "base/io.h"
#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* since Linux 6.3 */
#endif
#define MAX_ENV    64
#define SANITIZERS "SAN_OPTIONS"

extern char **environ;
extern const char keeper_image[];
extern const char keeper_image_end[];

static int make_image(void)
{
    AUTO_CLOSE int fd = memfd_create("keeper", MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0)
        fd = memfd_create("keeper", MFD_CLOEXEC);
    if (fd < 0 ||
        io_write_full(fd, keeper_image,
                      (size_t)((uintptr_t)keeper_image_end - (uintptr_t)keeper_image)) != 0)
        return -1;
    return TAKE_FD(fd);
}

/* Of the caller's environment the loader's part, and the sanitizers'; the rest is nobody's business in there. */
static void choose_env(char **env)
{
    size_t count = 0;
    for (char **at = environ; at && *at && count < MAX_ENV; at++) {
        size_t name = strcspn(*at, "=");
        bool sanitizers = name > strlen(SANITIZERS) && strncmp(*at + name - strlen(SANITIZERS),
                                                               SANITIZERS, strlen(SANITIZERS)) == 0;
        if (strncmp(*at, "LD_", 3) == 0 || sanitizers)
            env[count++] = *at;
    }
    env[count] = NULL;
}

static int spawn(const struct setup *setup, const int *high, pid_t *ret)
{
    char path[32];
    char numbers[KEEPER_ARGS][16];
    char *env[MAX_ENV + 1];
    char name[] = "keeper";
    char *argv[] = {name, numbers[0], numbers[1], numbers[2], NULL};
    AUTO_CLOSE int image = make_image();
    posix_spawn_file_actions_t actions;
    if (image < 0)
        return errno;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    (void)snprintf(numbers[0], sizeof numbers[0], "%u", setup->uid);
    (void)snprintf(numbers[1], sizeof numbers[1], "%u", setup->gid);
    (void)snprintf(numbers[2], sizeof numbers[2], "%u", setup->networks_ahead);
    choose_env(env);
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0)
        return result;
    result = posix_spawn_file_actions_adddup2(&actions, high[0], KEEPER_SOCK);
    if (result == 0)
        result = posix_spawn_file_actions_adddup2(&actions, high[1], KEEPER_OWNER);
    if (result == 0)
        result = posix_spawn(ret, path, &actions, NULL, argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    return result;
}

pid_t keeper_start(const struct setup *setup, struct err *err)
{
    /* out of each other's way on their way to their places */
    AUTO_CLOSE int sock = fcntl(setup->sock, F_DUPFD_CLOEXEC, 10);
    AUTO_CLOSE int owner = fcntl(setup->owner_pidfd, F_DUPFD_CLOEXEC, 10);
    const int high[] = {sock, owner};
    pid_t pid = -1;
    if (sock < 0 || owner < 0)
        return err_sys(err, ERR_HOST, errno, "sandbox: descriptors");
    if (spawn(setup, high, &pid) == 0)
        return pid;
    pid = fork();
    if (pid == 0)
        janitor_run(setup);
    return pid > 0 ? pid : err_sys(err, ERR_HOST, errno, "sandbox: fork");
}
