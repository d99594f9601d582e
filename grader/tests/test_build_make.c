/* build: real Makefiles in real boxes: what works, what fails, what hangs, floods, cheats, stays behind. */
#include "build/build.h"

#include "base/io.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static char dir[64];
static char *hand_in, *work;
static struct sandbox *sandbox;

static void open_all(void)
{
    struct err err = {0};
    (void)snprintf(dir, sizeof dir, "/tmp/sockgrade-bld-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(chmod(dir, 0755), 0);
    hand_in = xasprintf("%s/hand-in", dir);
    work = xasprintf("%s/work", dir);
    cr_assert_eq(mkdir(hand_in, 0755), 0);
    cr_assert_eq(mkdir(work, 0755), 0);
    struct sandbox_options options = {.work_dir = work};
    cr_assert_eq(sandbox_open(&options, &sandbox, &err), 0, "%s", err.text);
}

static void close_all(void)
{
    struct err err = {0};
    sandbox_close(sandbox);
    cr_assert_eq(io_remove_tree(dir, &err), 0, "%s", err.text);
    free(hand_in);
    free(work);
}

static void put(const char *name, const char *text)
{
    AUTO_FREE char *path = xasprintf("%s/%s", hand_in, name);
    struct err err = {0};
    cr_assert_eq(io_write_file_atomic(path, text, strlen(text), &err), 0, "%s", err.text);
}

static const char *const programs[] = {"echo_server", "echo_client"};

static struct build *run(double max_seconds)
{
    struct err err = {0};
    struct submission *submission = NULL;
    struct build *build = NULL;
    cr_assert_eq(submission_take(hand_in, work, sandbox_uid(sandbox), sandbox_gid(sandbox),
                                 &submission, &err),
                 0, "%s", err.text);
    cr_assert_null(submission->refusal, "%s", submission->refusal);
    struct build_request request = {
        .submission = submission,
        .work_dir = work,
        .programs = programs,
        .n_programs = ARRAY_SIZE(programs),
        .jobs = 2,
        .max_seconds = max_seconds,
    };
    cr_assert_eq(build_run(sandbox, &request, &build, &err), 0, "%s", err.text);
    submission_free(submission);
    return build;
}

static void expect_status(const struct build *build, enum build_status status)
{
    cr_assert_eq(build->status, status, "%s\n%s", build_status_name(build->status),
                 build->log.data ? build->log.data : "");
}

static bool log_has(const struct build *build, const char *part)
{
    return build->log.data && strstr(build->log.data, part);
}

static bool built(const struct build *build, const char *name, struct stat *ret)
{
    AUTO_FREE char *path = xasprintf("%s/%s", build->bin_dir, name);
    return lstat(path, ret) == 0;
}

TestSuite(build_make, .init = open_all, .fini = close_all, .timeout = 120);

Test(build_make, a_good_hand_in_gives_its_programs)
{
    put("Makefile", "CFLAGS = -Wall\nall: echo_server echo_client\n");
    put("echo_server.c", "int main(void) { return 0; }\n");
    put("echo_client.c", "int main(void) { int unused; return 0; }\n");
    struct build *build = run(0);
    struct stat st;
    expect_status(build, BUILD_OK);
    cr_assert_eq(build->exit_code, 0);
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        cr_assert_str_eq(build->programs[i].name, programs[i]);
        cr_assert(build->programs[i].present, "%s", build->programs[i].reason);
        cr_assert_null(build->programs[i].reason);
        cr_assert(built(build, programs[i], &st));
        cr_assert(S_ISREG(st.st_mode));
        cr_assert_eq(st.st_mode & 07777, 0755);
        cr_assert_eq(st.st_uid, geteuid(), "the copy is sockgrade's");
    }
    cr_assert_eq(build->n_warnings, 1);
    cr_assert_str_eq(build->warnings[0].file, "echo_client.c");
    cr_assert_eq(build->warnings[0].line, 1);
    cr_assert(strstr(build->warnings[0].text, "unused variable"), "%s", build->warnings[0].text);
    cr_assert(log_has(build, "echo_client.c"));
    cr_assert_gt(build->seconds, 0);
    build_free(build);
}

Test(build_make, a_failing_make_keeps_what_it_made)
{
    put("Makefile",
        "all:\n\t$(CC) -o echo_server echo_server.c\n\t$(CC) -o echo_client echo_client.c\n");
    put("echo_server.c", "int main(void) { return 0; }\n");
    put("echo_client.c", "int main(void) { return 0 }\n");
    struct build *build = run(0);
    expect_status(build, BUILD_FAILED);
    cr_assert_eq(build->exit_code, 2);
    cr_assert(build->programs[0].present);
    cr_assert_not(build->programs[1].present);
    cr_assert(strstr(build->programs[1].reason, "make failed"), "%s", build->programs[1].reason);
    cr_assert_eq(build->n_warnings, 1);
    cr_assert_eq(strncmp(build->warnings[0].text, "error: ", 7), 0, "%s", build->warnings[0].text);
    build_free(build);
}

Test(build_make, without_a_makefile_nothing_is_run)
{
    put("echo_server.c", "int main(void) { return 0; }\n");
    struct build *build = run(0);
    struct stat st;
    expect_status(build, BUILD_NO_MAKEFILE);
    cr_assert_str_eq(build->programs[0].reason, "there is no Makefile");
    cr_assert_eq(stat(build->bin_dir, &st), 0, "the folder is there all the same");
    build_free(build);
}

Test(build_make, a_program_that_was_not_asked_for_is_not_taken)
{
    put("Makefile", "all:\n\techo x > other\n");
    struct build *build = run(0);
    struct stat st;
    expect_status(build, BUILD_OK);
    cr_assert_not(built(build, "other", &st));
    cr_assert_str_eq(build->programs[0].reason, "make did not produce it");
    build_free(build);
}

Test(build_make, a_make_that_never_ends_is_ended)
{
    put("Makefile", "all:\n\t@echo before; while :; do :; done\n");
    struct build *build = run(0.5);
    expect_status(build, BUILD_TIMEOUT);
    cr_assert(log_has(build, "before"));
    cr_assert(log_has(build, "make was ended"));
    build_free(build);
}

Test(build_make, a_make_that_waits_for_ever_is_ended)
{
    put("Makefile", "all:\n\tcp /bin/true echo_server\n\tsleep 1000\n");
    struct build *build = run(0.5);
    expect_status(build, BUILD_TIMEOUT);
    cr_assert(build->programs[0].present, "what exists is graded: %s", build->programs[0].reason);
    cr_assert(strstr(build->programs[1].reason, "in time"), "%s", build->programs[1].reason);
    build_free(build);
}

Test(build_make, a_make_that_reads_its_input_finds_the_end)
{
    put("Makefile", "all:\n\t@read line || echo at the end\n");
    struct build *build = run(0);
    expect_status(build, BUILD_OK);
    cr_assert(log_has(build, "at the end"));
    build_free(build);
}

Test(build_make, a_flood_is_ended)
{
    put("Makefile", "all:\n\t@echo first; yes\n");
    struct build *build = run(0);
    expect_status(build, BUILD_FLOOD);
    cr_assert_leq(build->log.len, BUILD_MAX_LOG);
    cr_assert_eq(strncmp(build->log.data, "first\ny\n", 8), 0);
    cr_assert(log_has(build, "64 MiB"));
    build_free(build);
}

Test(build_make, a_make_that_closes_its_output_is_still_followed)
{
    put("Makefile", "all:\n\t@kill -0 $$PPID; cp /bin/true echo_server\n");
    put("GNUmakefile", "all:\n\t@exec >&- 2>&-; cp /bin/true echo_server; exit 7\n");
    struct build *build = run(0);
    expect_status(build, BUILD_FAILED);
    cr_assert(build->programs[0].present);
    build_free(build);
}

Test(build_make, what_is_no_file_is_no_program)
{
    put("Makefile", "all:\n\tln -s /bin/true echo_server\n\tmkdir echo_client\n");
    struct build *build = run(0);
    struct stat st;
    expect_status(build, BUILD_OK);
    cr_assert_not(build->programs[0].present);
    cr_assert(strstr(build->programs[0].reason, "link"), "%s", build->programs[0].reason);
    cr_assert_not(build->programs[1].present);
    cr_assert(strstr(build->programs[1].reason, "folder") ||
                  strstr(build->programs[1].reason, "regular"),
              "%s", build->programs[1].reason);
    cr_assert_not(built(build, "echo_server", &st));
    cr_assert_not(built(build, "echo_client", &st));
    build_free(build);
}

Test(build_make, a_named_pipe_is_no_program)
{
    put("Makefile",
        "all:\n\tmkfifo echo_server\n\tcp /bin/true echo_client; chmod 4777 echo_client\n");
    struct build *build = run(0);
    struct stat st;
    cr_assert_not(build->programs[0].present);
    cr_assert(build->programs[1].present);
    cr_assert(built(build, "echo_client", &st));
    cr_assert_eq(st.st_mode & 07777, 0755, "no set-uid bit comes out");
    build_free(build);
}

Test(build_make, too_large_a_program_is_not_taken)
{
    put("Makefile", "all:\n\ttruncate -s 65M echo_server\n");
    struct build *build = run(0);
    cr_assert_not(build->programs[0].present);
    cr_assert(strstr(build->programs[0].reason, "64 MiB"), "%s", build->programs[0].reason);
    build_free(build);
}

Test(build_make, a_daemon_that_is_left_behind_changes_nothing)
{
    put("Makefile", "all:\n\tcp /bin/true echo_server\n"
                    "\tsetsid sh -c 'while :; do echo spoiled > echo_server; done' &\n"
                    "\tsetsid sh -c 'while :; do echo noise; done' &\n");
    struct build *build = run(0);
    expect_status(build, BUILD_OK); /* and it comes back, though the pipe is never at its end */
    cr_assert(build->programs[0].present);
    AUTO_FREE char *path = xasprintf("%s/echo_server", build->bin_dir);
    AUTO_BUF struct buf first = {0}, second = {0};
    struct err err = {0};
    cr_assert_eq(io_read_file(path, 1 << 20, &first, ERR_HOST, &err), 0, "%s", err.text);
    cr_assert_eq(io_read_file(path, 1 << 20, &second, ERR_HOST, &err), 0, "%s", err.text);
    cr_assert_eq(first.len, second.len);
    build_free(build);
}

Test(build_make, the_environment_is_fixed)
{
    cr_assert_eq(setenv("CFLAGS", "-DSTOLEN", 1), 0);
    cr_assert_eq(setenv("MAKEFLAGS", "-n", 1), 0);
    cr_assert_eq(setenv("PATH", "/nowhere", 1), 0);
    put("Makefile", "all:\n\t@env; pwd; echo \"file=$(origin CFLAGS)\"\n");
    struct build *build = run(0);
    expect_status(build, BUILD_OK);
    cr_assert(log_has(build, "PATH=/usr/bin:/bin\n"), "%s", build->log.data);
    cr_assert(log_has(build, "LANG=C.UTF-8\n"));
    cr_assert(log_has(build, "TZ=UTC\n"));
    cr_assert(log_has(build, BOX_BUILD_DIR "\n"));
    cr_assert(log_has(build, "file=undefined"));
    cr_assert_not(log_has(build, "STOLEN"));
    build_free(build);
}

Test(build_make, the_box_is_closed)
{
    AUTO_FREE char *canary = xasprintf("%s/canary", dir);
    struct err err = {0};
    cr_assert_eq(io_write_file_atomic(canary, "alive", 5, &err), 0);
    AUTO_FREE char *makefile =
        xasprintf("SECRET := $(shell cat %s /etc/shadow 2>&1)\nall:\n"
                  "\t@echo got: $(SECRET)\n\t-echo dead > %s\n\t-touch /usr/x /etc/x ../x\n"
                  "\t-echo > /dev/tcp/127.0.0.1/80\n",
                  canary, canary);
    put("Makefile", makefile);
    struct build *build = run(0);
    cr_assert_not(log_has(build, "alive"), "%s", build->log.data);
    AUTO_BUF struct buf bytes = {0};
    cr_assert_eq(io_read_file(canary, 100, &bytes, ERR_HOST, &err), 0);
    cr_assert_str_eq(bytes.data, "alive");
    build_free(build);
}

/* Its files count as memory, and init may be what the kernel takes for it: that is no fault of the machine's. */
Test(build_make, filling_the_memory_with_files_is_a_failed_build)
{
    put("Makefile",
        "all:\n\tfor i in 1 2 3 4 5 6 7 8 9; do head -c 200000000 /dev/zero > $$i; done\n");
    struct build *build = run(0);
    expect_status(build, BUILD_FAILED);
    cr_expect_not(build->programs[0].present);
    build_free(build);
}

Test(build_make, messages_come_in_the_order_in_which_they_were_written)
{
    put("Makefile", "all:\n\t@for i in 1 2 3 4 5 6 7 8 9; do echo o$$i; echo e$$i >&2; done\n");
    struct build *build = run(0);
    cr_assert_str_eq(build->log.data,
                     "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\no6\ne6\no7\ne7\no8\ne8\no9\ne9\n");
    build_free(build);
}
