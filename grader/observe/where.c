/* observe/where.c: where every thread of a program blocks, in the student's words. */
#include "base/own.h"
#include "observe/internal.h"

#include <poll.h>
#include <seccomp.h>
#include <sys/select.h>
#include <sys/syscall.h>

#define MAX_WORDS     32768 /* bytes of the whole answer */
#define MAX_SET       8     /* descriptors of a poll or select that are named */
#define MAX_SET_BYTES (FD_SETSIZE / 8)

enum operand {
    OPERAND_FD,     /* arg 0 */
    OPERAND_POLL,   /* arg 0: struct pollfd[], arg 1: how many */
    OPERAND_SELECT, /* arg 0: highest + 1, args 1, 2: sets for reading and writing */
    OPERAND_NONE,
};

struct call_words {
    long call;
    enum operand operand;
    const char *meaning; /* put behind the call's name; NULL: nothing */
};

static const struct call_words call_words[] = {
    {SYS_read, OPERAND_FD, NULL},
    {SYS_readv, OPERAND_FD, NULL},
    {SYS_write, OPERAND_FD, NULL},
    {SYS_writev, OPERAND_FD, NULL},
    {SYS_recvfrom, OPERAND_FD, NULL},
    {SYS_recvmsg, OPERAND_FD, NULL},
    {SYS_recvmmsg, OPERAND_FD, NULL},
    {SYS_sendto, OPERAND_FD, NULL},
    {SYS_sendmsg, OPERAND_FD, NULL},
    {SYS_sendmmsg, OPERAND_FD, NULL},
    {SYS_sendfile, OPERAND_FD, NULL},
    {SYS_accept, OPERAND_FD, NULL},
    {SYS_accept4, OPERAND_FD, NULL},
    {SYS_connect, OPERAND_FD, NULL},
    {SYS_epoll_pwait, OPERAND_FD, NULL},
    {SYS_epoll_pwait2, OPERAND_FD, NULL},
    {SYS_fcntl, OPERAND_FD, NULL},
    {SYS_flock, OPERAND_FD, NULL},
#ifdef SYS_poll
    {SYS_poll, OPERAND_POLL, NULL},
    {SYS_select, OPERAND_SELECT, NULL},
    {SYS_epoll_wait, OPERAND_FD, NULL},
    {SYS_pause, OPERAND_NONE, "waiting for a signal"},
#endif
    {SYS_ppoll, OPERAND_POLL, NULL},
    {SYS_pselect6, OPERAND_SELECT, NULL},
    {SYS_futex, OPERAND_NONE, "waiting for another thread: a lock, a condition or a join"},
    {SYS_wait4, OPERAND_NONE, "waiting for a child process"},
    {SYS_waitid, OPERAND_NONE, "waiting for a child process"},
    {SYS_nanosleep, OPERAND_NONE, "sleeping"},
    {SYS_clock_nanosleep, OPERAND_NONE, "sleeping"},
    {SYS_rt_sigsuspend, OPERAND_NONE, "waiting for a signal"},
    {SYS_rt_sigtimedwait, OPERAND_NONE, "waiting for a signal"},
    {SYS_semop, OPERAND_NONE, "waiting for a semaphore"},
    {SYS_msgrcv, OPERAND_NONE, "waiting for a message queue"},
};

struct place {
    pid_t tid, tgid;
    char state;
    long call;
    unsigned long arg[3];
};

static bool read_place(const struct task_id *id, struct place *ret)
{
    char text[512];
    *ret = (struct place){.tid = id->tid, .tgid = id->tgid, .call = -1};
    if (obs_proc_read(id->tid, "stat", text, sizeof text) <= 0)
        return false;
    const char *end = strrchr(text, ')');
    ret->state = end && end[1] == ' ' ? end[2] : 'X';
    if (obs_proc_read(id->tid, "syscall", text, sizeof text) <= 0 || text[0] == 'r')
        return true;
    char *at = text;
    ret->call = strtol(text, &at, 10);
    for (size_t i = 0; i < ARRAY_SIZE(ret->arg) && ret->call >= 0; i++)
        ret->arg[i] = strtoul(at, &at, 16);
    return true;
}

/* ---- the operands ---- */

static void add_fd(struct description *all, const struct place *place, int fd, size_t *named,
                   struct buf *out)
{
    if (*named < MAX_SET) {
        buf_add_str(out, *named ? "; " : " on ");
        obs_describe_fd(all, place->tgid, fd, out);
    } else if (*named == MAX_SET) {
        buf_add_str(out, "; and more");
    }
    ++*named;
}

static void add_poll(struct description *all, const struct place *place, struct buf *out)
{
    struct pollfd fds[MAX_SET + 1];
    size_t count = place->arg[1] < ARRAY_SIZE(fds) ? place->arg[1] : ARRAY_SIZE(fds);
    size_t named = 0;
    if (!count || obs_proc_memory(place->tgid, place->arg[0], fds, count * sizeof fds[0]) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (fds[i].fd >= 0)
            add_fd(all, place, fds[i].fd, &named, out);
}

static void add_select(struct description *all, const struct place *place, struct buf *out)
{
    unsigned char sets[2][MAX_SET_BYTES] = {0};
    size_t limit = place->arg[0] < FD_SETSIZE ? place->arg[0] : FD_SETSIZE;
    size_t named = 0;
    for (size_t i = 0; i < 2; i++)
        if (place->arg[i + 1] &&
            obs_proc_memory(place->tgid, place->arg[i + 1], sets[i], (limit + 7) / 8) < 0)
            return;
    for (size_t fd = 0; fd < limit; fd++)
        if ((sets[0][fd / 8] | sets[1][fd / 8]) & (1U << (fd % 8)))
            add_fd(all, place, (int)fd, &named, out);
}

static void add_call(struct description *all, const struct place *place, struct buf *out)
{
    AUTO_FREE char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)place->call);
    const struct call_words *words = NULL;
    size_t named = 0;
    if (name)
        buf_add_str(out, name);
    else
        buf_printf(out, "system call %ld", place->call);
    for (size_t i = 0; i < ARRAY_SIZE(call_words); i++)
        if (call_words[i].call == place->call)
            words = &call_words[i];
    if (!words)
        return;
    switch (words->operand) {
    case OPERAND_FD:
        add_fd(all, place, (int)place->arg[0], &named, out);
        break;
    case OPERAND_POLL:
        add_poll(all, place, out);
        break;
    case OPERAND_SELECT:
        add_select(all, place, out);
        break;
    case OPERAND_NONE:
        break;
    }
    if (words->meaning)
        buf_printf(out, " (%s)", words->meaning);
}

/* ---- the lines ---- */

static void add_line(struct description *all, const struct place *place, bool several,
                     struct buf *out)
{
    if (several && place->tid == place->tgid)
        buf_printf(out, "process %ld: ", obs_inner_pid(place->tgid));
    else if (several)
        buf_printf(out, "process %ld, thread %ld: ", obs_inner_pid(place->tgid),
                   obs_inner_pid(place->tid));
    if (place->state == 'Z')
        buf_add_str(out, "ended, and nobody has waited for it (zombie)");
    else if (place->state == 'T' || place->state == 't')
        buf_add_str(out, "stopped");
    else if (place->call < 0)
        buf_add_str(out, place->state == 'R' ? "running" : "not in a system call");
    else
        add_call(all, place, out);
    buf_add_char(out, '\n');
}

char *observe_where(struct observer *observer, pid_t init)
{
    struct description all;
    struct buf out;
    size_t count = 0;
    buf_init(&out, MAX_WORDS);
    if (obs_description_new(observer, init, &all) == 0) {
        for (size_t i = 0; i < all.walk.count; i++)
            count += all.walk.ids[i].box->init == init && all.walk.ids[i].tgid != init;
        for (size_t i = 0; i < all.walk.count; i++) {
            struct place place;
            const struct task_id *id = &all.walk.ids[i];
            if (id->box->init == init && id->tgid != init && read_place(id, &place))
                add_line(&all, &place, count > 1, &out);
        }
    }
    obs_description_done(&all);
    return buf_take(&out);
}
