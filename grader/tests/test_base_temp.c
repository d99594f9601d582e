/* base/temp: what a killed process leaves is removed by the next one, and nothing else is. */
#include "base/io.h"
#include "base/own.h"
#include "base/temp.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64];

static void make_dir(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/sockgrade-tmp-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    struct err err = {0};
    cr_assert_eq(io_remove_tree(dir, &err), 0, "%s", err.text);
}

TestSuite(temp, .init = make_dir, .fini = remove_dir);

static void make(struct temp *temp)
{
    struct err err = {0};
    cr_assert_eq(temp_make(dir, "work", temp, &err), 0, "%s", err.text);
}

/* Makes a folder with a file in it, and is killed. Returns its path. */
static char *left_by_a_killed_process(void)
{
    int pipe_fds[2];
    char path[128] = "";
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        struct temp temp;
        make(&temp);
        AUTO_FREE char *file = xasprintf("%s/file", temp.path);
        (void)close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        (void)io_write_full(pipe_fds[1], temp.path, strlen(temp.path));
        (void)raise(SIGKILL);
    }
    (void)close(pipe_fds[1]);
    cr_assert_gt(io_read_full(pipe_fds[0], path, sizeof path - 1), 0);
    (void)close(pipe_fds[0]);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    return xstrdup(path);
}

Test(temp, what_was_left_goes_and_what_is_used_stays)
{
    struct temp used;
    struct temp fresh;
    make(&used);
    AUTO_FREE char *left = left_by_a_killed_process();
    cr_expect_eq(access(left, F_OK), 0, "the killed process has left nothing: no test");
    make(&fresh);
    cr_expect_neq(access(left, F_OK), 0, "what was left is still there");
    cr_expect_eq(access(used.path, F_OK), 0, "what is used was removed");
    struct stat st;
    cr_expect_eq(stat(fresh.path, &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0711);
    AUTO_FREE char *path = xstrdup(fresh.path);
    temp_done(&fresh);
    cr_expect_neq(access(path, F_OK), 0);
    temp_done(&used);
    temp_done(&used); /* there is none any more */
}

Test(temp, what_only_looks_like_it_stays)
{
    static const char *const names[] = {"work", "work-12345", "work-1234567", "other-123456"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, names[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
    }
    AUTO_FREE char *away = xasprintf("%s/work-link00", dir);
    AUTO_FREE char *target = xasprintf("%s/work", dir);
    cr_assert_eq(symlink(target, away), 0);
    struct temp temp;
    make(&temp);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s", dir, names[i]);
        cr_expect_eq(access(path, F_OK), 0, "%s was removed", names[i]);
    }
    temp_done(&temp);
}

Test(temp, files_that_were_never_renamed_go_unless_somebody_writes_them)
{
    AUTO_FREE char *left = xasprintf("%s/.new-1-left", dir);
    AUTO_FREE char *written = xasprintf("%s/.new-1-written", dir);
    AUTO_FREE char *report = xasprintf("%s/report.json", dir);
    (void)close(open(left, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    (void)close(open(report, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    AUTO_CLOSE int writer = open(written, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_eq(flock(writer, LOCK_EX), 0);
    temp_sweep_files(dir);
    cr_expect_neq(access(left, F_OK), 0);
    cr_expect_eq(access(written, F_OK), 0);
    cr_expect_eq(access(report, F_OK), 0);
    (void)unlink(written);
}

/* Two that make and sweep side by side never take each other's folder. */
Test(temp, makers_side_by_side)
{
    pid_t children[4];
    for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        for (int turn = 0; turn < 200; turn++) {
            struct temp temp;
            struct err err = {0};
            if (temp_make(dir, "work", &temp, &err) != 0 || access(temp.path, W_OK) != 0)
                _exit(1);
            AUTO_FREE char *file = xasprintf("%s/report", dir);
            if (io_write_file_atomic(file, "whole", 5, &err) != 0)
                _exit(2);
            temp_sweep_files(dir);
            if (access(temp.path, W_OK) != 0)
                _exit(3);
            temp_done(&temp);
        }
        _exit(0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
        int status = -1;
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_expect_eq(status, 0, "child %zu: status %x", i, status);
    }
}
