/* observe/observe.h: the program, seen from outside: processes, sockets, silence. Reads /proc and sock_diag(7) only; the
 * program does not notice. Includes base/ only: sockets inside the hosts come through struct observe_ops.
 *
 * The one question of patience is observe_activity(): "can the program still act on its own?" (design §6,
 * research/quiescence.md §3 and §4 hold the algorithm and the argument why SILENT is a proof). */
#ifndef GRADER_OBSERVE_OBSERVE_H
#define GRADER_OBSERVE_OBSERVE_H

#include "base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Same order as enum net_host of sandbox.h. */
enum observe_host { OBSERVE_PROGRAM_HOST, OBSERVE_PEERS_HOST };

struct observe_ops {
    void *self;
    /* A fresh non-blocking socket inside that host; the observer closes it. -1 with err set. */
    int (*socket)(void *self, enum observe_host host, int domain, int type, int protocol,
                  struct err *err);
    /* Where user space carries the frames between the hosts, and may keep them: false while it holds any; true otherwise,
     * and *ret_frames says how many have come to it so far. NULL: a cable joins the hosts. */
    bool (*network_rests)(void *self, uint64_t *ret_frames);
    const char
        *program_address; /* IPv4 of the program's host and of the peers' host: the markers' way */
    const char *peers_address;
};

struct observer;

/* One observer a network (a scenario's run). */
int observer_new(const struct observe_ops *ops, struct observer **ret, struct err *err);
void observer_free(struct observer *observer);

/* Watches the process tree below this PID 1 (a box's init; its own state counts, it is known code). A scenario may have
 * several programs, each in its own box on the same host. `program` is the first process that init started.
 * timer_ledger_fd: the descriptor on which the box reports calls that arm timers (seccomp_unotify(2)); it is copied, the
 * caller closes its own, and served from a thread until the box is removed. -1: none; then a program that catches or
 * blocks SIGALRM, or has made a POSIX timer, is TIMED for ever, and an alarm that would only kill it is not seen. */
int observer_add(struct observer *observer, pid_t init, pid_t program, int timer_ledger_fd,
                 struct err *err);
void observer_remove(struct observer *observer, pid_t init);
/* Some system calls of that box are met by this tracer (observe/calls.h), which must outlive the box's place here: a thread
 * that stands still for it is busy, and the time that it takes is not the program's. */
struct call_tracer;
void observer_traced(struct observer *observer, pid_t init, struct call_tracer *tracer);

enum activity {
    ACTIVITY_BUSY,    /* a thread runs, or was about to */
    ACTIVITY_NETWORK, /* bytes, FINs or handshakes are under way */
    ACTIVITY_TIMED, /* all blocked, at least one with a time-out: wake_lo/hi say when the earliest ends */
    ACTIVITY_OUTPUT, /* blocked because its output is not read */
    ACTIVITY_SILENT, /* proven: no progress without new input */
    ACTIVITY_GONE,   /* no process left but init */
    ACTIVITY_UNKNOWN, /* a call that cannot be classified, a file that may not be read: use the clock */
};

struct activity_report {
    enum activity state;
    uint64_t wake_lo_ns,
        wake_hi_ns; /* io_now_ns() clock; TIMED: the interval in which the earliest time-out ends; 0 unknown */
    char why[160]; /* for BUSY, NETWORK, UNKNOWN: the reason in words */
};

/* One probe of everything watched (all boxes together). Costs about 0.1 ms; never blocks for longer than the markers
 * need. When in doubt the weaker answer. After SILENT the caller polls its own sockets once (timeout 0): what the
 * program ever sent is visible there. */
enum activity observe_activity(struct observer *observer, struct activity_report *ret);
const char *activity_name(enum activity state);

/* Time that does not move with the machine's load: wall time less the run delay of the program's threads
 * (/proc/PID/schedstat), less what a tracer took, and less excused_ns, in which the caller was kept from working; together
 * at most 0.95 of the wall time, or what a single thread has waited, and never less than the processor time used, divided
 * by the processors. Nanoseconds since the observer was made. A wait for a processor is known only when it has ended: then
 * the time is less than it was before. */
uint64_t observe_student_ns(struct observer *observer, uint64_t excused_ns);
/* Whether most of that time was worked through, by one thread or by as many as there are processors: it would have been as
 * long on an idle machine, whatever was taken off for others here. */
bool observe_works_hard(const struct observer *observer, uint64_t student_ns);
/* The same with nothing excused: the time in which a program that sleeps could have woken, whatever the caller did. It
 * never goes back. */
uint64_t observe_program_ns(struct observer *observer);

/* Since when the longest wait for a processor lasts that has not ended (io_now_ns() clock; UINT64_MAX: none waits): the call
 * before the first one that saw this thread ready to run, 0 when there was none, or the last one by which it had run a
 * little. Sleep that nothing can interrupt counts as a wait. Every thread counts, PID 1 of a box included (it tells of
 * ends). */
uint64_t observe_in_line_since(struct observer *observer);

/* Where every thread blocks, in the student's words, one line each:
 * "recvfrom on fd 4 (10.0.0.2:7007 <- 10.0.0.1:41022, connected), 0 bytes unread". Freed by the caller. */
char *observe_where(struct observer *observer, pid_t init);

/* ---- the socket table of a host (sock_diag(7)) ---- */

struct socket_entry {
    int family;   /* AF_INET, AF_INET6 */
    int protocol; /* IPPROTO_TCP, IPPROTO_UDP */
    int state; /* TCP_LISTEN, TCP_ESTABLISHED, ... of <netinet/tcp.h>; UDP: TCP_CLOSE when bound */
    char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];
    uint16_t local_port, remote_port; /* host byte order */
    uint32_t receive_queue;           /* unread bytes; listening: connections waiting for accept */
    uint32_t send_queue;              /* bytes not yet acknowledged; listening: the backlog */
    uint64_t inode;                   /* 0: no process holds it any more */
};

/* All sockets of one protocol in that host, every state but TIME_WAIT. *ret is freed by the caller. */
int observe_sockets(struct observer *observer, enum observe_host host, int protocol,
                    struct socket_entry **ret, size_t *ret_count, struct err *err);

/* The sockets that the processes below this init hold as servers: TCP in LISTEN, UDP bound and not connected.
 * *ret is freed by the caller. */
int observe_servers(struct observer *observer, pid_t init, struct socket_entry **ret,
                    size_t *ret_count, struct err *err);

/* ---- the processes of one box ---- */

struct process_stats {
    bool alive; /* the program, or (a daemon that forked away) any process below init, lives */
    unsigned processes; /* living ones below init, zombies not counted */
    unsigned children;  /* living ones other than the service's main process */
    unsigned zombies;   /* of any process but init (init reaps its own at once) */
    unsigned threads;   /* of the main process */
    unsigned
        fds; /* of the main process: the one that holds the listening socket, else the program */
    uint64_t rss_kib;   /* sum of all processes */
    uint64_t vsize_kib; /* address space in use, sum of all processes (proc_pid_stat(5), vsize) */
    uint64_t cpu_us; /* sum of all, ended and reaped ones included as far as their parents know */
};
int observe_processes(struct observer *observer, pid_t init, struct process_stats *ret,
                      struct err *err);

#endif
