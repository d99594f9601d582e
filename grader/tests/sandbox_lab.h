/* tests/sandbox_lab.h: a sandbox, small C programs compiled on the spot, and their run in a box; for test_sandbox_*.c. */
#ifndef GRADER_TESTS_SANDBOX_LAB_H
#define GRADER_TESTS_SANDBOX_LAB_H

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "sandbox/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAB_PATIENCE (60 * 1000000000ULL) /* for what must come; a bug ends here */

extern char **environ;

struct lab {
    struct sandbox *sandbox;
    struct network *network;
    struct err err;
    char dir[64];     /* holds bin and src */
    char bin_dir[80]; /* for spec.bin_dir */
    char src_dir[80]; /* for spec.source_dir */
};

/* What a program in a box did. */
struct outcome {
    char text[1 << 16]; /* stdout and stderr as they came, 0-terminated */
    size_t len;
    struct box_exit end;
    struct box_usage usage;
};

static inline void lab_hand_over(struct lab *lab, const char *path)
{
    if (geteuid() == 0)
        cr_assert(chown(path, sandbox_uid(lab->sandbox), sandbox_gid(lab->sandbox)) == 0);
}

static inline void lab_open(struct lab *lab)
{
    *lab = (struct lab){.dir = "/tmp/sandbox-lab-XXXXXX"};
    cr_assert(mkdtemp(lab->dir) != NULL);
    struct sandbox_options options = {.work_dir = lab->dir};
    cr_assert(sandbox_open(&options, &lab->sandbox, &lab->err) == 0, "%s", lab->err.text);
    (void)snprintf(lab->bin_dir, sizeof lab->bin_dir, "%s/bin", lab->dir);
    (void)snprintf(lab->src_dir, sizeof lab->src_dir, "%s/src", lab->dir);
    cr_assert(mkdir(lab->bin_dir, 0755) == 0 && mkdir(lab->src_dir, 0755) == 0);
    lab_hand_over(lab, lab->dir);
    lab_hand_over(lab, lab->bin_dir);
    lab_hand_over(lab, lab->src_dir);
}

static inline void lab_network(struct lab *lab)
{
    cr_assert(network_new(lab->sandbox, &lab->network, &lab->err) == 0, "%s", lab->err.text);
}

static inline void lab_close(struct lab *lab)
{
    network_free(lab->network);
    sandbox_close(lab->sandbox);
    cr_expect(io_remove_tree(lab->dir, &lab->err) == 0, "%s", lab->err.text);
}

/* A file of the sources, or of the programs. */
static inline void lab_file(struct lab *lab, const char *dir, const char *name, const char *text,
                            mode_t mode)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && io_write_full(fd, text, strlen(text)) == 0 && fchmod(fd, mode) == 0);
    lab_hand_over(lab, path);
}

#define LAB_INCLUDES                                                                                           \
    "#define _GNU_SOURCE\n"                                                                                    \
    "#include <arpa/inet.h>\n#include <errno.h>\n#include <fcntl.h>\n#include <poll.h>\n"                      \
    "#include <pthread.h>\n#include <sched.h>\n#include <semaphore.h>\n#include <signal.h>\n"                  \
    "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n#include "                                \
    "<stdio.h>\n#include <stdlib.h>\n"                                                                         \
    "#include <string.h>\n#include <dirent.h>\n#include <sys/ioctl.h>\n#include <sys/mman.h>\n"                \
    "#include <sys/mount.h>\n#include <sys/prctl.h>\n#include <sys/ptrace.h>\n#include "                       \
    "<sys/resource.h>\n"                                                                                       \
    "#include <sys/ipc.h>\n#include <sys/msg.h>\n#include <sys/sem.h>\n#include <sys/shm.h>\n"                 \
    "#include <sys/socket.h>\n#include <sys/stat.h>\n#include <netinet/tcp.h>\n#include "                      \
    "<mqueue.h>\n"                                                                                             \
    "#include <sys/syscall.h>\n#include <sys/time.h>\n#include <sys/un.h>\n"                                   \
    "#include <sys/wait.h>\n#include <sys/xattr.h>\n#include <grp.h>\n#include "                               \
    "<net/if.h>\n#include <linux/rtnetlink.h>\n#include <unistd.h>\n" /* prints "name: ok" or "name: ERRNO" */ \
    "static void say(const char *name, long result) {\n"                                                       \
    "  printf(\"%s: %s\\n\", name, result >= 0 ? \"ok\" : strerrorname_np(errno));\n"                          \
    "  fflush(stdout); }\n"

/* The body of a main, written as code and passed on as text: LAB_CODE({ ... }). It has no comments and no directives. */
#define LAB_CODE(...) #__VA_ARGS__

/* Compiles main's body into bin_dir/name, with one more option for the compiler, or NULL. */
static inline void lab_program_with(struct lab *lab, const char *name, const char *body,
                                    const char *option)
{
    AUTO_FREE char *source = xasprintf("%s/%s.c", lab->dir, name);
    AUTO_FREE char *program = xasprintf("%s/%s", lab->bin_dir, name);
    AUTO_FREE char *text = xasprintf(
        "%s\nint main(int argc, char **argv) {\n(void)argc; (void)argv;\n%s\nreturn 0; }\n",
        LAB_INCLUDES, body);
    AUTO_CLOSE int fd = open(source, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert(fd >= 0 && io_write_full(fd, text, strlen(text)) == 0);
    const char *argv[] = {"cc", "-w", "-O1", "-pthread", "-o", program, source, option, NULL};
    pid_t pid = 0;
    int status = -1;
    cr_assert(posix_spawnp(&pid, "cc", NULL, NULL, (char *const *)argv, environ) == 0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    cr_assert(status == 0, "cc failed on %s", name);
    lab_hand_over(lab, program);
}

static inline void lab_program(struct lab *lab, const char *name, const char *body)
{
    lab_program_with(lab, name, body, NULL);
}

/* Starts bin_dir/name in a run box, in that network or (NULL) an empty one. */
static inline struct box *lab_start(struct lab *lab, const char *name, struct network *network)
{
    AUTO_FREE char *path = xasprintf("%s/%s", BOX_BIN_DIR, name);
    const char *argv[] = {path, NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .network = network, .argv = argv, .bin_dir = lab->bin_dir};
    struct box *box = NULL;
    cr_assert(box_start(lab->sandbox, &spec, &box, &lab->err) == 0, "%s", lab->err.text);
    return box;
}

/* Waits until the program has printed its first byte; returns its stdout, which the caller closes. */
static inline int lab_await_ready(struct box *box)
{
    char byte = 0;
    int out = box_take_stdout(box);
    cr_assert(io_poll(out, POLLIN, io_now_ns() + LAB_PATIENCE) > 0 && io_read(out, &byte, 1) == 1,
              "not ready");
    return out;
}

/* Reads both pipes until their ends. */
static inline void lab_drain(struct box *box, struct outcome *ret)
{
    int fds[2] = {box_take_stdout(box), box_take_stderr(box)};
    struct pollfd ends[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && io_now_ns() < deadline) {
        if (poll(ends, 2, 1000) <= 0)
            continue;
        for (int i = 0; i < 2; i++) {
            if (ends[i].fd < 0 || !ends[i].revents)
                continue;
            size_t room = sizeof ret->text - 1 - ret->len;
            char spare[4096];
            ssize_t n =
                io_read(fds[i], room ? ret->text + ret->len : spare, room ? room : sizeof spare);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                ends[i].fd = -1;
            else if (n > 0 && room)
                ret->len += (size_t)n;
        }
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
    ret->text[ret->len] = '\0';
}

static inline void lab_await_exit(struct lab *lab, struct box *box, struct box_exit *ret)
{
    cr_assert(io_poll(box_event_fd(box), POLLIN, io_now_ns() + LAB_PATIENCE) > 0, "did not end");
    cr_assert(box_poll_exit(box, ret, &lab->err) == 0, "%s", lab->err.text);
    cr_assert(ret->ended);
}

/* Runs the spec to its end. The outcome is large: static in each test, or from the heap. */
static inline void lab_run(struct lab *lab, const struct box_spec *spec, struct outcome *ret)
{
    struct box *box = NULL;
    memset(ret, 0, sizeof *ret);
    cr_assert(box_start(lab->sandbox, spec, &box, &lab->err) == 0, "%s", lab->err.text);
    lab_drain(box, ret);
    lab_await_exit(lab, box, &ret->end);
    box_free(box, &ret->usage);
}

/* Compiles and runs main's body in a run box with an empty network, or the lab's. Freed by the caller. */
static inline struct outcome *lab_attack(struct lab *lab, const char *body)
{
    struct outcome *outcome = xcalloc(1, sizeof *outcome);
    const char *argv[] = {BOX_BIN_DIR "/attack", NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .network = lab->network, .argv = argv, .bin_dir = lab->bin_dir};
    lab_program(lab, "attack", body);
    lab_run(lab, &spec, outcome);
    return outcome;
}

/* Runs a shell script in a run box with all of /usr. Freed by the caller. */
static inline struct outcome *lab_shell(struct lab *lab, const char *script)
{
    struct outcome *outcome = xcalloc(1, sizeof *outcome);
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct box_spec spec = {
        .kind = BOX_RUN, .network = lab->network, .argv = argv, .whole_usr = true};
    lab_run(lab, &spec, outcome);
    return outcome;
}

#define cr_expect_text(outcome, expected)                                                          \
    cr_expect_str_eq((outcome)->text, (expected), "printed: %s", (outcome)->text)

#endif
