/* tests/observe_lab.h: a network, a box with one of the servers of observe_styles.h, an observer; for the tests and
 * figures of observe/. The server is this very executable: its box starts it with the style in the environment, and a
 * constructor serves in place of main(). */
#ifndef GRADER_TESTS_OBSERVE_LAB_H
#define GRADER_TESTS_OBSERVE_LAB_H

#include "base/io.h"
#include "base/own.h"
#include "observe/observe.h"
#include "sandbox/sandbox.h"
#include "tests/observe_styles.h"

#include <limits.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#define LAB_BOXES    2
#define LAB_PATIENCE (20 * 1000000000ULL) /* for what must come; a bug ends here */

struct lab {
    struct sandbox *sandbox;
    struct network *network;
    struct box *boxes[LAB_BOXES];
    int out[LAB_BOXES]; /* stdout of each */
    struct observer *observer;
    bool ledger;                                     /* of the boxes to come */
    const struct net_faults *faults;                 /* of the networks to come; NULL: a cable */
    bool (*rests)(void *self, uint64_t *ret_frames); /* in place of network_rests() */
    struct activity_report report;                   /* of the last probe */
    struct err err;
    char dir[64];
    char server[PATH_MAX];
};

__attribute__((constructor)) static void lab_serve_instead(void)
{
    const char *style = getenv("OBSERVE_STYLE");
    if (style)
        _exit(styles_main(style));
}

static int lab_observer_socket(void *self, enum observe_host host, int domain, int type,
                               int protocol, struct err *err)
{
    return network_socket(self, (enum net_host)host, domain, type, protocol, err);
}

static int lab_copy_self(struct lab *lab)
{
    struct buf image;
    buf_init(&image, 0);
    snprintf(lab->server, sizeof lab->server, "%s/server", lab->dir);
    int result = io_read_file("/proc/self/exe", (size_t)1 << 26, &image, ERR_HOST, &lab->err);
    if (result == 0)
        result = io_write_file_atomic(lab->server, image.data, image.len, &lab->err);
    buf_done(&image);
    if (result < 0)
        return -1;
    return chmod(lab->server, 0755) || chmod(lab->dir, 0755) ||
                   chown(lab->server, sandbox_uid(lab->sandbox), sandbox_gid(lab->sandbox)) ||
                   chown(lab->dir, sandbox_uid(lab->sandbox), sandbox_gid(lab->sandbox))
               ? err_sys(&lab->err, ERR_HOST, errno, "cannot hand over %s", lab->dir)
               : 0;
}

static bool lab_network_rests(void *self, uint64_t *ret_frames)
{
    return network_rests(self, ret_frames);
}

static int lab_fresh_network(struct lab *lab)
{
    struct observe_ops ops = {.socket = lab_observer_socket,
                              .program_address = NET_PROGRAM_ADDR,
                              .peers_address = NET_PEERS_ADDR};
    if (lab->faults)
        ops.network_rests = lab->rests ? lab->rests : lab_network_rests;
    if ((lab->faults ? network_new_faulty(lab->sandbox, lab->faults, &lab->network, &lab->err)
                     : network_new(lab->sandbox, &lab->network, &lab->err)) < 0)
        return -1;
    ops.self = lab->network;
    return observer_new(&ops, &lab->observer, &lab->err);
}

/* 0, or -1 with lab->err. */
static int lab_open(struct lab *lab)
{
    struct sandbox_options options = {0};
    *lab = (struct lab){.dir = "/tmp/observe-lab.XXXXXX", .out = {-1, -1}};
    if (!mkdtemp(lab->dir))
        return err_sys(&lab->err, ERR_HOST, errno, "mkdtemp");
    options.work_dir = lab->dir;
    if (sandbox_open(&options, &lab->sandbox, &lab->err) < 0 || lab_copy_self(lab) < 0)
        return -1;
    return lab_fresh_network(lab);
}

static void lab_stop(struct lab *lab, size_t place)
{
    if (!lab->boxes[place])
        return;
    observer_remove(lab->observer, box_init_pid(lab->boxes[place]));
    box_free(lab->boxes[place], NULL);
    lab->boxes[place] = NULL;
    own_close(&lab->out[place]);
    lab->out[place] = -1;
}

static void lab_drop_network(struct lab *lab)
{
    for (size_t i = 0; i < LAB_BOXES; i++)
        lab_stop(lab, i);
    observer_free(lab->observer);
    network_free(lab->network);
    lab->observer = NULL;
    lab->network = NULL;
}

static void lab_close(struct lab *lab)
{
    lab_drop_network(lab);
    sandbox_close(lab->sandbox);
    unlink(lab->server);
    rmdir(lab->dir);
}

/* Starts a server; 0, or -1 with lab->err. */
static inline int lab_start(struct lab *lab, size_t place, const char *style)
{
    char variable[64];
    const char *argv[] = {BOX_BIN_DIR "/server", NULL};
    const char *env[] = {variable, NULL};
    struct box_spec spec = {.kind = BOX_RUN,
                            .network = lab->network,
                            .argv = argv,
                            .env = env,
                            .bin_dir = lab->dir,
                            .keep_stdin = true,
                            .timer_ledger = lab->ledger};
    snprintf(variable, sizeof variable, "OBSERVE_STYLE=%s", style);
    if (box_start(lab->sandbox, &spec, &lab->boxes[place], &lab->err) < 0)
        return -1;
    lab->out[place] = box_take_stdout(lab->boxes[place]);
    AUTO_CLOSE int ledger = box_take_ledger(lab->boxes[place]);
    return observer_add(lab->observer, box_init_pid(lab->boxes[place]),
                        box_program_pid(lab->boxes[place]), ledger, &lab->err);
}

static enum activity lab_probe(struct lab *lab)
{
    return observe_activity(lab->observer, &lab->report);
}

/* Probes until the program rests in some way; the state. */
static inline enum activity lab_settle(struct lab *lab)
{
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    enum activity state = lab_probe(lab);
    while ((state == ACTIVITY_BUSY || state == ACTIVITY_NETWORK) && io_now_ns() < deadline) {
        poll(NULL, 0, 1); /* leaves it the CPU */
        state = lab_probe(lab);
    }
    return state;
}

/* A peer's socket, connected to the server; -1 with lab->err. */
static inline int lab_connect(struct lab *lab, int type)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(STYLES_PORT)};
    int one = 1;
    AUTO_CLOSE int fd = network_socket(lab->network, NET_HOST_PEERS, AF_INET, type, 0, &lab->err);
    if (fd < 0)
        return -1;
    inet_pton(AF_INET, NET_PROGRAM_ADDR, &to.sin_addr);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        return err_sys(&lab->err, ERR_HOST, errno, "connect");
    if (!(io_poll(fd, POLLOUT, io_now_ns() + LAB_PATIENCE) & POLLOUT))
        return err_set(&lab->err, ERR_HOST, "connect: no answer");
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return TAKE_FD(fd);
}

enum lab_end { LAB_ANSWERED, LAB_CLOSED, LAB_SILENT, LAB_GONE, LAB_LATE };

/* What poll(2) and recv(2) say right now; LAB_LATE: nothing. */
static enum lab_end lab_look(int fd)
{
    char byte = 0;
    ssize_t len = recv(fd, &byte, 1, MSG_DONTWAIT);
    if (len == 1)
        return LAB_ANSWERED;
    return len < 0 && errno == EAGAIN ? LAB_LATE : LAB_CLOSED;
}

/* Waits as a driver does: a short wait for the socket, then probes. Any end but LATE is final. */
static inline enum lab_end lab_await(struct lab *lab, int fd)
{
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    uint64_t pause_ns = 50000;
    while (io_now_ns() < deadline) {
        enum lab_end now = lab_look(fd);
        if (now != LAB_LATE)
            return now;
        enum activity state = lab_probe(lab);
        if (state == ACTIVITY_SILENT || state == ACTIVITY_GONE) {
            now = lab_look(fd);
            if (now != LAB_LATE)
                return now;
            return state == ACTIVITY_GONE ? LAB_GONE : LAB_SILENT;
        }
        struct timespec span = {0, (long)pause_ns};
        struct pollfd ready = {fd, POLLIN, 0};
        ppoll(&ready, 1, &span, NULL);
        pause_ns = pause_ns * 3 / 2 < 3000000 ? pause_ns * 3 / 2 : 3000000;
    }
    return LAB_LATE;
}

static inline enum lab_end lab_ask(struct lab *lab, int fd, char command)
{
    if (send(fd, &command, 1, MSG_NOSIGNAL) != 1)
        return LAB_CLOSED;
    return lab_await(lab, fd);
}

/* Probes back to back from the command on: the worst case, and many fall into the time in which a packet is under way.
 * LAB_GONE: the command could not be sent. */
static inline enum lab_end lab_ask_eagerly(struct lab *lab, int fd, char command)
{
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    if (send(fd, &command, 1, MSG_NOSIGNAL) != 1)
        return LAB_GONE;
    while (io_now_ns() < deadline) {
        bool silent = lab_probe(lab) == ACTIVITY_SILENT;
        enum lab_end now = lab_look(fd);
        if (now != LAB_LATE)
            return now;
        if (silent)
            return LAB_SILENT;
    }
    return LAB_LATE;
}

#endif
