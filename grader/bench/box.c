/* bench/box.c: how long a box takes, side by side with bubblewrap and the same namespaces: start, run `true`, end, gone.
 *
 *     box [ROUNDS]
 *
 * They are interleaved, so that other load on the machine meets all of them alike; what is not measured is given a moment
 * to settle before each. Like is compared with like in the row "one-shot": bubblewrap and the box both make an empty
 * network. "pooled" is what a grade does: the box is on a network of two hosts, made ahead. Making it has its cost all the
 * same, only elsewhere: the last row says what one takes when they are asked for faster than they are made. */
#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define DRY 32

static int spawn_and_wait(const char *const argv[])
{
    pid_t pid = 0;
    int status = 0;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_bubblewrap(const char *program_dir)
{
    const char *argv[] = {
        "bwrap",     "--unshare-all", "--ro-bind",     "/usr",          "/usr",
        "--symlink", "usr/lib",       "/lib",          "--symlink",     "usr/lib64",
        "/lib64",    "--proc",        "/proc",         "--dev",         "/dev",
        "--tmpfs",   "/tmp",          "--new-session", "--cap-drop",    "ALL",
        "--ro-bind", program_dir,     "/hand-in",      "/hand-in/true", NULL};
    return spawn_and_wait(argv);
}

static int run_box(struct sandbox *sandbox, struct network *network, const char *program_dir,
                   struct err *err)
{
    const char *argv[] = {BOX_BIN_DIR "/true", NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .network = network, .argv = argv, .bin_dir = program_dir};
    struct box *box = NULL;
    if (box_start(sandbox, &spec, &box, err) != 0)
        return -1;
    struct box_exit end = {0};
    int result = 0;
    if (io_poll(box_event_fd(box), POLLIN, UINT64_MAX) < 0 || box_poll_exit(box, &end, err) != 0 ||
        !end.ended || end.code != 0)
        result = err_set(err, ERR_HOST, "the box's program did not end well");
    box_free(box, NULL);
    return result;
}

static int run_pair(struct sandbox *sandbox, const char *program_dir, struct err *err)
{
    struct network *network = NULL;
    if (network_new(sandbox, &network, err) != 0)
        return -1;
    int result = run_box(sandbox, network, program_dir, err);
    network_free(network);
    return result;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const char *name, double *us, size_t count, double base)
{
    qsort(us, count, sizeof *us, compare);
    double median = us[count / 2];
    (void)printf("  %-36s min %7.0f  median %7.0f  p90 %7.0f us   ratio %.2f\n", name, us[0],
                 median, us[count * 9 / 10], median / base);
}

/* One after the other without a pause: the pool runs dry, and each waits for its own. */
static int print_networks(struct sandbox *sandbox, double base, struct err *err)
{
    struct network *networks[DRY] = {NULL};
    double us[DRY];
    int result = 0;
    for (size_t i = 0; i < DRY && result == 0; i++) {
        uint64_t began = io_now_ns();
        result = network_new(sandbox, &networks[i], err);
        us[i] = (double)(io_now_ns() - began) / 1e3;
    }
    for (size_t i = 0; i < DRY; i++)
        network_free(networks[i]);
    if (result == 0)
        print_row("network of two hosts, none ready", us + DRY / 2, DRY / 2, base);
    return result;
}

static int make_program(const char *dir, uid_t owner, gid_t group)
{
    AUTO_FREE char *source = xasprintf("%s/true.c", dir);
    AUTO_FREE char *program = xasprintf("%s/true", dir);
    AUTO_CLOSE int fd = open(source, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    static const char text[] = "int main(void) { return 0; }\n";
    if (fd < 0 || io_write_full(fd, text, sizeof text - 1) != 0)
        return -1;
    const char *argv[] = {"cc", "-O1", "-static", "-o", program, source, NULL};
    if (spawn_and_wait(argv) != 0)
        return -1;
    return geteuid() == 0 ? chown(dir, owner, group) : 0;
}

#define SETTLE_NS 10000000L

enum { BWRAP, BOX, PAIR, KINDS };

static int measure(struct sandbox *sandbox, const char *program_dir, size_t rounds, struct err *err)
{
    double *us[KINDS];
    for (int k = 0; k < KINDS; k++)
        us[k] = xcalloc(rounds, sizeof *us[k]);
    int result = 0;
    for (size_t i = 0; i < rounds && result == 0; i++)
        for (int turn = 0; turn < KINDS && result == 0; turn++) {
            int k = (int)((i + (size_t)turn) % KINDS); /* none always follows the same one */
            (void)nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
            uint64_t began = io_now_ns();
            if (k == BWRAP && run_bubblewrap(program_dir) != 0)
                result = err_set(err, ERR_HOST, "bubblewrap failed");
            else if (k == BOX)
                result = run_box(sandbox, NULL, program_dir, err);
            else if (k == PAIR)
                result = run_pair(sandbox, program_dir, err);
            us[k][i] = (double)(io_now_ns() - began) / 1e3;
        }
    if (result == 0) {
        qsort(us[BWRAP], rounds, sizeof *us[BWRAP], compare);
        double base = us[BWRAP][rounds / 2];
        print_row("bubblewrap, same namespaces", us[BWRAP], rounds, base);
        print_row("box, one-shot (network made for it)", us[BOX], rounds, base);
        print_row("box, pooled network", us[PAIR], rounds, base);
        result = print_networks(sandbox, base, err);
    }
    for (int k = 0; k < KINDS; k++)
        free(us[k]);
    return result;
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    char work[] = "/tmp/sockgrade-bench-XXXXXX";
    struct err err = {0};
    struct sandbox *sandbox = NULL;
    if (!rounds || !mkdtemp(work))
        return 2;
    AUTO_FREE char *program_dir = xasprintf("%s/bin", work);
    struct sandbox_options options = {.work_dir = work};
    int result = sandbox_open(&options, &sandbox, &err);
    if (result == 0 && (mkdir(program_dir, 0755) != 0 || chmod(work, 0755) != 0 ||
                        make_program(program_dir, sandbox_uid(sandbox), sandbox_gid(sandbox)) != 0))
        result = err_set(&err, ERR_HOST, "making the program to run: %m");
    if (result == 0)
        result = measure(sandbox, program_dir, rounds, &err);
    if (result != 0)
        (void)fprintf(stderr, "bench: %s\n", err.text);
    sandbox_close(sandbox);
    (void)io_remove_tree(work, NULL);
    return result == 0 ? 0 : 1;
}
