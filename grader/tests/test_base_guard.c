/* base: the guard: whoever keeps a pipe locked is killed, and nobody else. */
#include "base/guard.h"

#include "base/io.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that splices from a socket on which nothing comes into the pipe. */
static pid_t start_splicer(int pipe_end)
{
    int sockets[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)splice(sockets[0], NULL, pipe_end, NULL, 4096, 0);
        _exit(0);
    }
    cr_assert_gt(pid, 0);
    return pid;
}

/* One that watches this thread, and would kill that process. */
static struct guard *watch_for(pid_t pid)
{
    struct err err = {0};
    struct guard *guard = guard_new(&err);
    cr_assert_not_null(guard, "%s", err.text);
    guard_add(guard, pid);
    return guard;
}

Test(base_guard, who_keeps_a_pipe_locked_is_killed, .timeout = 120)
{
    int ends[2];
    char byte = 0;
    int status = 0;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(io_set_nonblock(ends[0], true), 0);
    pid_t pid = start_splicer(ends[1]);
    struct guard *guard = watch_for(pid);
    /* until it has begun both calls end at once: then one of them is where a thread gets stuck */
    while (!guard_struck(guard)) {
        cr_assert_eq(write(ends[1], &byte, 1), 1);
        cr_assert_eq(read(ends[0], &byte, 1), 1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    guard_free(guard);
    close(ends[0]);
    close(ends[1]);
}

/* Waiting for something is no reason, and neither is a pipe that nobody keeps. */
Test(base_guard, who_only_waits_is_left_alone, .timeout = 120)
{
    int ends[2];
    char byte = 0;
    int status = 0;
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)poll(NULL, 0, 7000); /* longer than the guard's patience */
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    struct guard *guard = watch_for(pid);
    cr_expect_eq(read(ends[0], &byte, 1), 1);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_not(guard_struck(guard));
    guard_free(guard);
    guard_free(NULL);
    close(ends[0]);
    close(ends[1]);
}
