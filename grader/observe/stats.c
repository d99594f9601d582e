/* observe/stats.c: the processes of a box: who holds which server socket, how many there are, what they use. */
#include "base/own.h"
#include "base/proc.h"
#include "observe/internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define MAX_TRIES  8
#define MAX_INODES 4096

/* ---- a private picture of the box's processes ---- */

/* Walks until a walk succeeds; what comes and goes meanwhile is counted as it was seen. */
static int walk_box(struct observer *observer, struct walk *ret, struct err *err)
{
    *ret = (struct walk){0};
    for (int tries = 0; tries < MAX_TRIES; tries++)
        if (obs_tasks_walk(observer, ret) == 0)
            return 0;
    if (errno == E2BIG)
        return err_set(err, ERR_HOST, "the program has more than %d threads", MAX_TASKS);
    return 0; /* a fork loop: the part that was seen counts */
}

static bool is_process_of(const struct task_id *id, pid_t init)
{
    return id->box->init == init && id->tid == id->tgid && id->tid != init;
}

static char state_of(pid_t pid)
{
    char text[512];
    if (obs_proc_read(pid, "stat", text, sizeof text) <= 0)
        return 'X';
    char state = proc_state(text);
    return state ? state : 'X';
}

static bool is_living(char state)
{
    return state != 'Z' && state != 'X';
}

/* ---- the servers among the sockets ---- */

struct inode_list {
    uint64_t inodes[MAX_INODES];
    size_t count;
};

static void collect_inode(void *self, int fd, const char *link)
{
    struct inode_list *list = self;
    uint64_t inode = 0;
    (void)fd;
    if (list->count < MAX_INODES && obs_socket_inode(link, &inode))
        list->inodes[list->count++] = inode;
}

static bool has_inode(const struct inode_list *list, uint64_t inode)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->inodes[i] == inode)
            return true;
    return false;
}

static bool is_server(const struct socket_entry *entry)
{
    if (entry->protocol == IPPROTO_TCP)
        return entry->state == TCP_LISTEN;
    return entry->state == TCP_CLOSE && entry->local_port != 0;
}

static int add_servers(struct observer *observer, int protocol, const struct inode_list *held,
                       struct socket_entry **ret, size_t *ret_count, struct err *err)
{
    AUTO_FREE struct socket_entry *all = NULL;
    size_t count = 0;
    if (observe_sockets(observer, OBSERVE_PROGRAM_HOST, protocol, &all, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!is_server(&all[i]) || !has_inode(held, all[i].inode))
            continue;
        *ret = xreallocarray(*ret, *ret_count + 1, sizeof **ret);
        (*ret)[(*ret_count)++] = all[i];
    }
    return 0;
}

int observe_servers(struct observer *observer, pid_t init, struct socket_entry **ret,
                    size_t *ret_count, struct err *err)
{
    AUTO_FREE struct inode_list *held = xcalloc(1, sizeof *held);
    struct walk walk = {0};
    *ret = NULL;
    *ret_count = 0;
    if (walk_box(observer, &walk, err) < 0) {
        free(walk.ids);
        return -1;
    }
    for (size_t i = 0; i < walk.count; i++)
        if (is_process_of(&walk.ids[i], init))
            (void)obs_proc_fds(walk.ids[i].tid, collect_inode,
                               held); /* it may have ended: nothing */
    free(walk.ids);
    if (add_servers(observer, IPPROTO_TCP, held, ret, ret_count, err) < 0 ||
        add_servers(observer, IPPROTO_UDP, held, ret, ret_count, err) < 0) {
        free(*ret);
        *ret = NULL;
        *ret_count = 0;
        return -1;
    }
    return 0;
}

/* ---- counting ---- */

static uint64_t ticks_us(unsigned long long ticks)
{
    return ticks * 1000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK);
}

/* Nanoseconds on a CPU, exact for the threads that live; ended ones and reaped children in clock ticks. */
static uint64_t cpu_of(const struct walk *walk, pid_t pid, const char *stat)
{
    uint64_t exact_us = 0;
    uint64_t own_us = ticks_us(obs_stat_field(stat, 14) + obs_stat_field(stat, 15));
    uint64_t children_us = ticks_us(obs_stat_field(stat, 16) + obs_stat_field(stat, 17));
    for (size_t i = 0; i < walk->count; i++) {
        char text[128];
        if (walk->ids[i].tgid == pid &&
            obs_proc_read(walk->ids[i].tid, "schedstat", text, sizeof text) > 0)
            exact_us += strtoull(text, NULL, 10) / NSEC_PER_USEC;
    }
    return (exact_us > own_us ? exact_us : own_us) + children_us;
}

static void count_fd(void *self, int fd, const char *link)
{
    unsigned *count = self;
    (void)fd;
    (void)link;
    ++*count;
}

static void count_main(pid_t pid, struct process_stats *ret)
{
    char text[4096];
    unsigned long long threads = 0;
    (void)obs_proc_fds(pid, count_fd, &ret->fds); /* it may have ended: none */
    if (obs_proc_read(pid, "status", text, sizeof text) > 0 &&
        obs_status_field(text, "Threads", 10, &threads))
        ret->threads = (unsigned)threads;
}

struct holder_search {
    const struct socket_entry *servers;
    size_t count;
    bool found;
};

static void find_server(void *self, int fd, const char *link)
{
    struct holder_search *search = self;
    uint64_t inode = 0;
    (void)fd;
    if (!obs_socket_inode(link, &inode))
        return;
    for (size_t i = 0; i < search->count; i++)
        search->found |= search->servers[i].inode == inode;
}

/* The first process, parents before children, that holds a server socket; else the program; else any that lives. */
static pid_t main_process(const struct walk *walk, const struct watched *box,
                          struct holder_search *search)
{
    pid_t any = 0;
    bool program_lives = is_living(state_of(box->program));
    if (program_lives) {
        (void)obs_proc_fds(box->program, find_server, search);
        if (search->found)
            return box->program;
    }
    for (size_t i = 0; i < walk->count; i++) {
        pid_t pid = walk->ids[i].tid;
        if (!is_process_of(&walk->ids[i], box->init) || !is_living(state_of(pid)))
            continue;
        any = pid;
        (void)obs_proc_fds(pid, find_server, search);
        if (search->found)
            return pid;
    }
    return program_lives ? box->program : any;
}

static void count_all(const struct walk *walk, const struct watched *box, struct process_stats *ret)
{
    long page_kib = sysconf(_SC_PAGESIZE) / 1024;
    for (size_t i = 0; i < walk->count; i++) {
        char stat[1024];
        pid_t pid = walk->ids[i].tid;
        if (!is_process_of(&walk->ids[i], box->init) ||
            obs_proc_read(pid, "stat", stat, sizeof stat) <= 0)
            continue;
        const char *end = strrchr(stat, ')');
        bool zombie = end && end[1] == ' ' && end[2] == 'Z';
        ret->cpu_us += cpu_of(walk, pid, stat);
        if (zombie) {
            /* PID 1 reaps its own at once */
            ret->zombies += (pid_t)obs_stat_field(stat, 4) != box->init;
            continue;
        }
        ret->processes++;
        ret->rss_kib += obs_stat_field(stat, 24) * (unsigned long long)page_kib;
        ret->vsize_kib += obs_stat_field(stat, 23) / 1024;
    }
}

int observe_processes(struct observer *observer, pid_t init, struct process_stats *ret,
                      struct err *err)
{
    AUTO_FREE struct socket_entry *servers = NULL;
    const struct watched *box = NULL;
    struct holder_search search = {0};
    struct walk walk = {0};
    *ret = (struct process_stats){0};
    for (size_t i = 0; i < observer->n_boxes; i++)
        if (observer->boxes[i]->init == init)
            box = observer->boxes[i];
    if (!box)
        return err_set(err, ERR_HOST, "process %d is not watched", (int)init);
    if (observe_servers(observer, init, &servers, &search.count, err) < 0)
        return -1;
    search.servers = servers;
    if (walk_box(observer, &walk, err) < 0) {
        free(walk.ids);
        return -1;
    }
    count_all(&walk, box, ret);
    ret->alive = ret->processes > 0;
    ret->children = ret->processes > 0 ? ret->processes - 1 : 0;
    pid_t main_pid = ret->alive ? main_process(&walk, box, &search) : 0;
    if (main_pid)
        count_main(main_pid, ret);
    free(walk.ids);
    return 0;
}
