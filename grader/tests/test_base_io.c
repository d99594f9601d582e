/* base/io: transfers, waiting, descriptors passed on, whole files, trees. */
#include "base/io.h"
#include "base/own.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

static char dir[64];

static void make_dir(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/sockgrade-io-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    struct err err = {0};
    (void)chmod(dir, 0700);
    cr_assert_eq(io_remove_tree(dir, &err), 0, "%s", err.text);
    cr_assert_eq(access(dir, F_OK), -1);
}

static char *in_dir(const char *name)
{
    return xasprintf("%s/%s", dir, name);
}

static void put_file(const char *path, const char *text)
{
    struct err err = {0};
    cr_assert_eq(io_write_file_atomic(path, text, strlen(text), &err), 0, "%s", err.text);
}

static void expect_file(const char *path, const char *text)
{
    AUTO_BUF struct buf bytes = {0};
    struct err err = {0};
    cr_assert_eq(io_read_file(path, 1 << 20, &bytes, ERR_HOST, &err), 0, "%s", err.text);
    cr_assert_str_eq(bytes.data ? bytes.data : "", text);
}

static int count_entries(const char *path)
{
    DIR *listing = opendir(path);
    cr_assert_not_null(listing);
    int count = 0;
    while (readdir(listing))
        count++;
    (void)closedir(listing);
    return count - 2;
}

static void on_alarm(int sig)
{
    (void)sig;
}

/* Signals without SA_RESTART every 2 ms: each blocking call below is interrupted many times. */
static void start_alarms(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval tick = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000};
    cr_assert_eq(setitimer(ITIMER_REAL, &tick, NULL), 0);
}

struct slow_pipe {
    int fd;
    size_t len;
};

static void block_alarms(void)
{
    sigset_t alarms;
    (void)sigemptyset(&alarms);
    (void)sigaddset(&alarms, SIGALRM);
    (void)pthread_sigmask(SIG_BLOCK, &alarms, NULL);
}

static void *write_slowly(void *self)
{
    const struct slow_pipe *slow = self;
    block_alarms(); /* the reader is to be interrupted, not this thread */
    for (size_t i = 0; i < slow->len; i++) {
        char byte = (char)('a' + i % 26);
        if (write(slow->fd, &byte, 1) != 1)
            break;
        (void)usleep(500);
    }
    (void)close(slow->fd);
    return NULL;
}

Test(base_io, a_full_read_survives_signals_and_single_bytes)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct slow_pipe slow = {.fd = ends[1], .len = 60};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, write_slowly, &slow), 0);
    start_alarms();
    char got[100];
    cr_assert_eq(io_read_full(ends[0], got, 50), 50);
    cr_assert_eq(got[49], 'a' + 49 % 26);
    cr_assert_eq(io_read_full(ends[0], got, sizeof got), 10,
                 "the end of the stream gives what there is");
    (void)pthread_join(thread, NULL);
    (void)close(ends[0]);
}

static void *drain_slowly(void *self)
{
    const struct slow_pipe *slow = self;
    block_alarms();
    char bytes[8192];
    size_t *total = xcalloc(1, sizeof *total);
    for (ssize_t n; (n = read(slow->fd, bytes, sizeof bytes)) > 0; (void)usleep(300))
        *total += (size_t)n;
    return total;
}

Test(base_io, a_full_write_survives_signals_and_a_full_pipe)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    struct slow_pipe slow = {.fd = ends[0]};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, drain_slowly, &slow), 0);
    start_alarms();
    size_t len = 500000;
    AUTO_FREE char *bytes = xcalloc(1, len);
    cr_assert_eq(io_write_full(ends[1], bytes, len), 0);
    (void)close(ends[1]);
    void *total = NULL;
    (void)pthread_join(thread, &total);
    cr_assert_eq(*(size_t *)total, len);
    free(total);
    (void)close(ends[0]);
}

Test(base_io, errors_are_told_by_errno)
{
    char byte = 0;
    cr_assert_eq(io_read_full(-1, &byte, 1), -1);
    cr_assert_eq(errno, EBADF);
    cr_assert_eq(io_write_full(-1, &byte, 1), -1);
    cr_assert_eq(errno, EBADF);
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(io_set_nonblock(ends[0], true), 0);
    cr_assert_eq(io_read(ends[0], &byte, 1), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(io_set_nonblock(ends[0], false), 0);
    cr_assert_eq(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    cr_assert_eq(io_set_nonblock(-1, true), -1);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

Test(base_io, poll_ends_at_readiness_or_at_the_deadline)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    start_alarms();
    uint64_t deadline = io_now_ns() + 20 * 1000000ULL;
    cr_assert_eq(io_poll(ends[0], POLLIN, deadline), 0, "nothing to read");
    cr_assert_geq(io_now_ns(), deadline, "signals do not end the wait early");
    cr_assert_eq(io_poll(ends[0], POLLIN, 0), 0, "a deadline in the past looks once");
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_assert(io_poll(ends[0], POLLIN, UINT64_MAX) & POLLIN);
    cr_assert(io_poll(ends[0], POLLIN, 0) & POLLIN, "ready counts more than late");
    (void)close(ends[1]);
    cr_assert(io_poll(ends[0], POLLIN, UINT64_MAX) & POLLHUP);
    (void)close(ends[0]);
}

Test(base_io, descriptors_travel_close_on_exec)
{
    int pair[2], ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    cr_assert_eq(pipe(ends), 0); /* on purpose without close-on-exec */
    cr_assert_eq(io_send_fds(pair[0], "hello", 5, ends, 2), 0);
    int got[IO_MAX_FDS];
    size_t n_got = 99;
    char text[16];
    cr_assert_eq(io_recv_fds(pair[1], text, sizeof text, got, IO_MAX_FDS, &n_got), 5);
    cr_assert_eq(n_got, 2);
    cr_assert_arr_eq(text, "hello", 5);
    for (size_t i = 0; i < n_got; i++)
        cr_assert(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(write(got[1], "through", 7), 7);
    cr_assert_eq(read(ends[0], text, sizeof text), 7);
    (void)close(pair[0]);
    cr_assert_eq(io_recv_fds(pair[1], text, sizeof text, got, IO_MAX_FDS, &n_got), 0, "the end");
    cr_assert_eq(n_got, 0);
}

Test(base_io, descriptors_nobody_asked_for_are_closed)
{
    int pair[2], ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    int three[] = {ends[1], ends[1], ends[1]};
    cr_assert_eq(io_send_fds(pair[0], "x", 1, three, 3), 0);
    (void)close(ends[1]);
    int got[1];
    size_t n_got = 0;
    char byte;
    cr_assert_eq(io_recv_fds(pair[1], &byte, 1, got, 1, &n_got), 1);
    cr_assert_eq(n_got, 1);
    cr_assert_eq(io_poll(ends[0], POLLIN, 0), 0, "one writer is left");
    (void)close(got[0]);
    cr_assert(io_poll(ends[0], POLLIN, 0) & POLLHUP, "a descriptor leaked");
}

Test(base_io, too_many_descriptors_or_no_byte_are_refused)
{
    int pair[2];
    int fds[IO_MAX_FDS + 1] = {0};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    cr_assert_eq(io_send_fds(pair[0], "x", 1, fds, IO_MAX_FDS + 1), -1);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(io_send_fds(pair[0], "", 0, fds, 1), -1);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(io_send_fds(pair[0], "x", 1, fds, IO_MAX_FDS), 0, "the maximum itself passes");
    int got[IO_MAX_FDS];
    size_t n_got = 0;
    char byte;
    cr_assert_eq(io_recv_fds(pair[1], &byte, 1, got, IO_MAX_FDS, &n_got), 1);
    cr_assert_eq(n_got, IO_MAX_FDS);
    (void)close(pair[1]);
    cr_assert_eq(io_send_fds(pair[0], "x", 1, NULL, 0), -1, "no SIGPIPE");
    cr_assert_eq(errno, EPIPE);
}

Test(base_io, a_file_is_read_whole_or_not_at_all, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *path = in_dir("f");
    put_file(path, "0123456789");
    struct buf bytes = {0};
    struct err err = {0};
    cr_assert_eq(io_read_file(path, 10, &bytes, ERR_USAGE, &err), 0);
    cr_assert_eq(bytes.len, 10);
    cr_assert_eq(io_read_file(path, 9, &bytes, ERR_USAGE, &err), -1, "one byte too many");
    cr_assert_eq(err.kind, ERR_USAGE);
    cr_assert_str_eq(bytes.data, "0123456789", "what was read before stays");
    buf_done(&bytes);
    err = (struct err){0};
    AUTO_FREE char *absent = in_dir("absent");
    cr_assert_eq(io_read_file(absent, 10, &bytes, ERR_HOST, &err), -1);
    cr_assert_eq(err.sys_errno, ENOENT);
    cr_assert(strstr(err.text, "absent"), "%s", err.text);
    err = (struct err){0};
    cr_assert_eq(io_read_file(dir, 10, &bytes, ERR_HOST, &err), -1);
    cr_assert_eq(err.sys_errno, EISDIR);
}

Test(base_io, a_file_is_replaced_and_nothing_else_is_left, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *path = in_dir("report.json");
    put_file(path, "old and longer");
    put_file(path, "new");
    expect_file(path, "new");
    cr_assert_eq(count_entries(dir), 1);
    put_file(path, "");
    expect_file(path, "");
}

Test(base_io, a_failing_write_leaves_the_old_file, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *path = in_dir("report.json");
    put_file(path, "old");
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit saved, small = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &saved), 0);
    small.rlim_max = saved.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    char large[4000] = {0};
    struct err err = {0};
    int result = io_write_file_atomic(path, large, sizeof large, &err);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &saved), 0);
    cr_assert_eq(result, -1);
    cr_assert_eq(err.kind, ERR_HOST);
    cr_assert_eq(err.sys_errno, EFBIG);
    expect_file(path, "old");
    cr_assert_eq(count_entries(dir), 1, "the temporary file is gone");
}

Test(base_io, a_reader_sees_the_old_file_or_the_new_one, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *path = in_dir("f");
    size_t len = 200000;
    AUTO_FREE char *bytes = xmalloc(len);
    memset(bytes, 'a', len);
    struct err err = {0};
    cr_assert_eq(io_write_file_atomic(path, bytes, len, &err), 0);
    pid_t writer = fork();
    if (writer == 0) {
        for (char c = 'b';; c = c == 'z' ? 'a' : (char)(c + 1)) {
            memset(bytes, c, len);
            if (io_write_file_atomic(path, bytes, len, &err) != 0)
                _exit(1);
        }
    }
    for (int turn = 0; turn < 200; turn++) {
        struct buf seen = {0};
        cr_assert_eq(io_read_file(path, len, &seen, ERR_HOST, &err), 0, "%s", err.text);
        cr_assert_eq(seen.len, len);
        cr_assert_eq(seen.data[0], seen.data[len - 1], "half of one and half of the other");
        buf_done(&seen);
    }
    cr_assert_eq(kill(writer, SIGKILL), 0);
    cr_assert_eq(waitpid(writer, NULL, 0), writer);
}

Test(base_io, a_link_stays_and_its_file_is_replaced, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *path = in_dir("real");
    AUTO_FREE char *link = in_dir("link");
    put_file(path, "old");
    cr_assert_eq(symlink("real", link), 0);
    put_file(link, "new");
    expect_file(path, "new");
    struct stat st;
    cr_assert_eq(lstat(link, &st), 0);
    cr_assert(S_ISLNK(st.st_mode));
}

Test(base_io, a_pipe_is_written_in_place, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *path = in_dir("fifo");
    cr_assert_eq(mkfifo(path, 0600), 0);
    AUTO_CLOSE int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    put_file(path, "report");
    char got[16] = {0};
    cr_assert_eq(read(reader, got, sizeof got), 6);
    struct stat st;
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert(S_ISFIFO(st.st_mode), "it was replaced");
}

Test(base_io, unwritable_places_are_said, .init = make_dir, .fini = remove_dir)
{
    struct err err = {0};
    cr_assert_eq(io_write_file_atomic(dir, "x", 1, &err), -1);
    cr_assert_eq(err.sys_errno, EISDIR);
    err = (struct err){0};
    AUTO_FREE char *path = in_dir("no/such/folder/f");
    cr_assert_eq(io_write_file_atomic(path, "x", 1, &err), -1);
    cr_assert_eq(err.sys_errno, ENOENT);
    cr_assert(strstr(err.text, "no/such/folder/f"), "%s", err.text);
    AUTO_FREE char *name = xmalloc(NAME_MAX + 1);
    memset(name, 'n', NAME_MAX);
    name[NAME_MAX] = '\0';
    AUTO_FREE char *longest = in_dir(name);
    put_file(longest, "as long as a name can be");
}

Test(base_io, folders_are_made_with_their_parents, .init = make_dir, .fini = remove_dir)
{
    struct err err = {0};
    AUTO_FREE char *path = in_dir("a//b/c/");
    cr_assert_eq(io_mkdirs(path, &err), 0, "%s", err.text);
    cr_assert_eq(io_mkdirs(path, &err), 0, "again: %s", err.text);
    AUTO_FREE char *file = in_dir("a/file");
    put_file(file, "x");
    cr_assert_eq(io_mkdirs(file, &err), -1);
    cr_assert_eq(err.sys_errno, ENOTDIR);
    err = (struct err){0};
    AUTO_FREE char *below = in_dir("a/file/b");
    cr_assert_eq(io_mkdirs(below, &err), -1);
    cr_assert_eq(err.sys_errno, ENOTDIR);
}

/* Makes a chain of folders deeper than PATH_MAX, with a file in each. Leaves the working directory where it was. */
static void make_chain(const char *top, int depth)
{
    AUTO_CLOSE int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth; i++) {
        cr_assert_eq(mkdirat(fd, "folder", 0700), 0);
        AUTO_CLOSE int file = openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        cr_assert_geq(file, 0);
        int next = openat(fd, "folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = next;
    }
}

Test(base_io, a_tree_deeper_than_any_path_is_removed, .init = make_dir, .fini = remove_dir)
{
    struct rlimit few = {.rlim_cur = 32, .rlim_max = 32};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    make_chain(dir, 3000);
}

Test(base_io, a_tree_of_many_folders_is_removed, .init = make_dir, .fini = remove_dir)
{
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 20; k++) {
            AUTO_FREE char *path = xasprintf("%s/%d/%d", dir, i, k);
            cr_assert_eq(io_mkdirs(path, NULL), 0);
        }
}

Test(base_io, removing_does_not_follow_links, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *kept = in_dir("kept/file");
    AUTO_FREE char *tree = in_dir("tree/sub");
    AUTO_FREE char *top = in_dir("tree");
    AUTO_FREE char *folder = in_dir("kept");
    cr_assert_eq(io_mkdirs(folder, NULL), 0);
    put_file(kept, "precious");
    cr_assert_eq(io_mkdirs(tree, NULL), 0);
    AUTO_FREE char *link = in_dir("tree/sub/link");
    AUTO_FREE char *loop = in_dir("tree/sub/loop");
    cr_assert_eq(symlink("../../kept", link), 0);
    cr_assert_eq(symlink("..", loop), 0);
    struct err err = {0};
    cr_assert_eq(io_remove_tree(top, &err), 0, "%s", err.text);
    expect_file(kept, "precious");
    AUTO_FREE char *outer = in_dir("outer");
    cr_assert_eq(symlink("kept", outer), 0);
    cr_assert_eq(io_remove_tree(outer, &err), 0, "the link itself: %s", err.text);
    expect_file(kept, "precious");
}

Test(base_io, folders_without_permissions_are_removed, .init = make_dir, .fini = remove_dir)
{
    AUTO_FREE char *tree = in_dir("a/b/c");
    cr_assert_eq(io_mkdirs(tree, NULL), 0);
    AUTO_FREE char *file = in_dir("a/b/c/file");
    put_file(file, "x");
    AUTO_FREE char *b = in_dir("a/b");
    cr_assert_eq(chmod(tree, 0), 0);
    cr_assert_eq(chmod(b, 0), 0);
    AUTO_FREE char *a = in_dir("a");
    struct err err = {0};
    cr_assert_eq(io_remove_tree(a, &err), 0, "%s", err.text);
    cr_assert_eq(access(a, F_OK), -1);
}

Test(base_io, removing_what_is_not_there_is_no_error, .init = make_dir, .fini = remove_dir)
{
    struct err err = {0};
    AUTO_FREE char *absent = in_dir("absent");
    cr_assert_eq(io_remove_tree(absent, &err), 0, "%s", err.text);
    AUTO_FREE char *evil = in_dir("a\n\xff\x1b[31m");
    put_file(evil, "x");
}

Test(base_io, what_cannot_be_removed_is_said)
{
    struct err err = {0};
    cr_assert_eq(io_remove_tree("/proc/self/fdinfo", &err), -1);
    cr_assert_eq(err.kind, ERR_HOST);
    cr_assert(strstr(err.text, "cannot remove"), "%s", err.text);
}
