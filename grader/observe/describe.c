/* observe/describe.c: what a descriptor of the program is, in the student's words. */
#include "base/own.h"
#include "base/text.h"
#include "observe/internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define MAX_NAME  120 /* bytes of a file's name that are shown */
#define LINK_SIZE 256

int obs_description_new(struct observer *observer, pid_t init, struct description *ret)
{
    AUTO_FREE struct socket_entry *udp = NULL;
    size_t n_udp = 0;
    *ret = (struct description){.observer = observer, .init = init};
    if (observe_sockets(observer, OBSERVE_PROGRAM_HOST, IPPROTO_TCP, &ret->sockets, &ret->n_sockets,
                        NULL) < 0 ||
        observe_sockets(observer, OBSERVE_PROGRAM_HOST, IPPROTO_UDP, &udp, &n_udp, NULL) < 0)
        return -1;
    size_t total = ret->n_sockets + n_udp;
    ret->sockets = xreallocarray(ret->sockets, total ? total : 1, sizeof *ret->sockets);
    if (n_udp)
        memcpy(ret->sockets + ret->n_sockets, udp, n_udp * sizeof *udp);
    ret->n_sockets = total;
    return obs_tasks_walk(observer, &ret->walk);
}

void obs_description_done(struct description *all)
{
    free(all->sockets);
    free(all->walk.ids);
}

long obs_inner_pid(pid_t pid)
{
    char text[4096];
    char *line = NULL;
    long inner = pid;
    if (obs_proc_read(pid, "status", text, sizeof text) <= 0 || !(line = strstr(text, "\nNSpid:")))
        return inner;
    line += sizeof "\nNSpid:" - 1;
    while (*line && *line != '\n') { /* outermost namespace first */
        char *end = line;
        long number = strtol(line, &end, 10);
        if (end == line)
            break;
        inner = number;
        line = end;
    }
    return inner;
}

/* ---- sockets ---- */

static void describe_tcp(const struct socket_entry *entry, struct buf *out)
{
    if (entry->state == TCP_LISTEN) {
        buf_printf(out, " (listening on %s port %u), %u connection%s waiting", entry->local,
                   entry->local_port, entry->receive_queue, entry->receive_queue == 1 ? "" : "s");
        return;
    }
    buf_printf(out, " (%s:%u <- %s:%u, ", entry->local, entry->local_port, entry->remote,
               entry->remote_port);
    switch (entry->state) {
    case TCP_ESTABLISHED:
        buf_add_str(out, "connected)");
        break;
    case TCP_CLOSE_WAIT:
        buf_add_str(out, "the peer has sent its last byte)");
        break;
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
        buf_add_str(out, "shut down for sending)");
        break;
    case TCP_SYN_SENT:
        buf_add_str(out, "connecting)");
        break;
    default:
        buf_add_str(out, "closing)");
        break;
    }
    buf_printf(out, ", %u bytes unread", entry->receive_queue);
    if (entry->send_queue)
        buf_printf(out, ", %u bytes sent that the peer has not read", entry->send_queue);
}

static void describe_udp(const struct socket_entry *entry, struct buf *out)
{
    buf_printf(out, " (UDP socket on %s port %u", entry->local, entry->local_port);
    if (entry->remote_port)
        buf_printf(out, ", connected to %s:%u", entry->remote, entry->remote_port);
    /* the kernel counts a datagram with its bookkeeping: only "none" is exact */
    buf_add_str(out, entry->receive_queue ? "), datagrams unread" : "), nothing unread");
}

static void describe_socket(const struct description *all, uint64_t inode, struct buf *out)
{
    for (size_t i = 0; i < all->n_sockets; i++) {
        if (all->sockets[i].inode != inode)
            continue;
        if (all->sockets[i].protocol == IPPROTO_TCP)
            describe_tcp(&all->sockets[i], out);
        else
            describe_udp(&all->sockets[i], out);
        return;
    }
    buf_add_str(out, " (a socket that is not connected)");
}

/* ---- pipes ---- */

struct pipe_search {
    const char *link;
    bool found;
};

static void find_pipe(void *self, int fd, const char *link)
{
    struct pipe_search *search = self;
    (void)fd;
    search->found |= strcmp(link, search->link) == 0;
}

static void describe_pipe(const struct description *all, pid_t pid, int fd, const char *link,
                          struct buf *out)
{
    static const char *const standard[] = {"stdin", "stdout", "stderr"};
    if (fd >= 0 && fd < (int)ARRAY_SIZE(standard)) {
        buf_printf(out, " (%s)", standard[fd]);
        return;
    }
    for (size_t i = 0; i < all->walk.count; i++) {
        const struct task_id *id = &all->walk.ids[i];
        struct pipe_search search = {.link = link};
        if (id->box->init != all->init || id->tid != id->tgid || id->tid == all->init ||
            id->tid == pid)
            continue;
        (void)obs_proc_fds(id->tid, find_pipe,
                           &search); /* it may have ended: then it holds nothing */
        if (search.found) {
            buf_printf(out, " (a pipe shared with process %ld)", obs_inner_pid(id->tid));
            return;
        }
    }
    buf_add_str(out, " (a pipe)");
}

/* ---- all kinds ---- */

static unsigned watched_by_epoll(pid_t pid, int fd)
{
    char name[32];
    char text[8192];
    unsigned count = 0;
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    if (obs_proc_read(pid, name, text, sizeof text) <= 0)
        return 0;
    for (const char *at = text; (at = strstr(at, "tfd:")); at++)
        count++;
    return count;
}

static void describe_kind(pid_t pid, int fd, const char *link, struct buf *out)
{
    static const char *const kinds[][2] = {
        {"anon_inode:[timerfd]", "a timer"},
        {"anon_inode:[eventfd]", "an eventfd"},
        {"anon_inode:[signalfd]", "signals, by signalfd"},
        {"anon_inode:inotify", "file changes, by inotify"},
        {"anon_inode:[pidfd]", "a process, by pidfd"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(link, kinds[i][0]) == 0) {
            buf_printf(out, " (%s)", kinds[i][1]);
            return;
        }
    }
    if (strcmp(link, "anon_inode:[eventpoll]") == 0) {
        unsigned count = watched_by_epoll(pid, fd);
        buf_printf(out, " (epoll of %u descriptor%s)", count, count == 1 ? "" : "s");
        return;
    }
    buf_add_str(out, " (");
    text_escape(out, link, strlen(link), MAX_NAME); /* a file's name is the program's choice */
    buf_add_str(out, ")");
}

void obs_describe_fd(struct description *all, pid_t pid, int fd, struct buf *out)
{
    char path[64];
    char link[LINK_SIZE];
    uint64_t inode = 0;
    buf_printf(out, "fd %d", fd);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    ssize_t len = readlink(path, link, sizeof link - 1);
    if (len < 0) {
        if (errno == ENOENT)
            buf_add_str(out, " (not open)");
        return;
    }
    link[len] = 0;
    if (obs_socket_inode(link, &inode))
        describe_socket(all, inode, out);
    else if (strncmp(link, "pipe:[", 6) == 0)
        describe_pipe(all, pid, fd, link, out);
    else
        describe_kind(pid, fd, link, out);
}
