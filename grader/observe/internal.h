/* observe/internal.h: what the files of this folder share. Each function is named after the file that has it. */
#ifndef GRADER_OBSERVE_INTERNAL_H
#define GRADER_OBSERVE_INTERNAL_H

#include "base/mem.h"
#include "observe/calls.h"
#include "observe/observe.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <pthread.h>

#define MAX_TASKS 2048 /* threads watched at a time; with more the answer is UNKNOWN */
#define CACHED_FILES                                                                               \
    512 /* /proc descriptors kept open over all tasks; beyond, opened for each look */
#define MAX_CPUS       1024
#define MAX_TIMERS     256 /* armed timers of one box; with more the answer is UNKNOWN */
#define NSEC_PER_SEC   1000000000ULL
#define NSEC_PER_USEC  1000ULL
#define SOCKET_TIME_NO (-1) /* a socket's time-out could not be read */

/* ---- tasks.c: threads, through cached descriptors ---- */

enum task_file {
    TASK_SCHEDSTAT,
    TASK_STAT,
    TASK_SYSCALL,
    TASK_CHILDREN,
    TASK_STATUS,
    TASK_THREADS, /* the folder of the process's threads */
    TASK_FILES
};

/* How a blocked thread comes to run again. */
enum rest {
    REST_INPUT,   /* only when somebody else acts */
    REST_TIMED,   /* by itself, after a time */
    REST_OUTPUT,  /* when what it writes is read */
    REST_LEDGER,  /* when our ledger answers */
    REST_ENDED,   /* a zombie: never */
    REST_UNKNOWN, /* cannot be said */
};

struct watched; /* one box */

struct task {
    struct watched *box;
    pid_t tid, tgid;
    int dir; /* /proc/TGID/task/TID: pins the identity, a recycled number does not open through it */
    int file[TASK_FILES];
    uint64_t runs;             /* times put on a CPU (schedstat), or context switches (status) */
    uint64_t cpu_ns, delay_ns; /* time on a CPU; time runnable without one */
    uint64_t counted_delay_ns, counted_cpu_ns; /* the parts that the student clock knows already */
    bool lost;                                 /* it ended; its number may already be another's */
    long call;                                 /* system call in which it blocks, -1 none */
    unsigned long arg[6];
    enum rest rest;
    int64_t sleep_ns;   /* TIMED: > 0 length, < 0 minus the end (io_now_ns clock), 0 unknown */
    uint64_t looked_at; /* last look */
    uint64_t asleep_by; /* first look that saw this sleep; 0: not seen asleep since it last ran */
    uint64_t awake_at;  /* last look before this sleep began; 0: none */
    uint64_t scanned_runs;  /* runs when timers.c last saw it */
    bool in_line;           /* the last look of clock.c saw it ready to run... */
    uint64_t line_ns;       /* ... and that began after this... */
    uint64_t line_progress; /* ... and has come no further */
    /* leaders only, see timers.c */
    bool rescan;         /* a thread ran since the process was scanned for timers */
    bool timer_files;    /* holds a timerfd */
    bool alarm_possible; /* without a ledger: a timer's signal may be pending */
    pid_t live;          /* a thread that lives: a leader may have ended before its process */
};

struct task_id {
    struct watched *box;
    pid_t tgid, tid;
};

struct walk {
    struct task_id *ids; /* sorted by tid */
    size_t count, cap;
};

struct observer;

/* Every thread of every box, init included. 0; -1 when a process ended under our hands (try again), or E2BIG in errno. */
int obs_tasks_walk(struct observer *observer, struct walk *walk);
bool obs_tasks_same(const struct observer *observer, const struct walk *walk);
/* Makes the known set equal to the walk, keeping open descriptors; -1 when a task ended meanwhile. */
int obs_tasks_adopt(struct observer *observer, const struct walk *walk);
/* 1: the known set is complete. 0: it was not; it is now as a walk has found it. -1: the walk failed, see above. */
int obs_tasks_again(struct observer *observer);
void obs_tasks_forget(struct observer *observer, const struct watched *box); /* NULL: all */
struct task *obs_task_find(const struct observer *observer, pid_t tid);
bool obs_task_is_init(const struct task *task);

/* Reads a file of the task from its start into text (terminated); the length, or -1 with errno. */
ssize_t obs_task_read(struct observer *observer, struct task *task, enum task_file file, char *text,
                      size_t size);
/* Fills runs, cpu_ns and delay_ns: *ret_runs apart, so that it can be compared. */
int obs_task_runs(struct observer *observer, struct task *task, uint64_t *ret_runs);
char obs_task_state(struct observer *observer, struct task *task); /* 'X': it has gone */
enum blocked { BLOCKED_NO, BLOCKED_YES, BLOCKED_FORBIDDEN };
/* Fills call and arg when the kernel confirms that the task is off every CPU. */
enum blocked obs_task_blocked(struct observer *observer, struct task *task);

/* ---- proc.c: other files of /proc ---- */

/* The number after "Name:" of a /proc/PID/status text (base 10 or 16); false when it is not there. */
bool obs_status_field(const char *status, const char *name, int base, unsigned long long *ret);
/* Field n (from 3, proc(5)) of a stat text; 0 when it is not there. */
unsigned long long obs_stat_field(const char *stat, int field);
/* The number in a link text "socket:[123]"; false when it is another text. */
bool obs_socket_inode(const char *link, uint64_t *ret);
/* Reads /proc/PID/name; the length or -1. */
ssize_t obs_proc_read(pid_t pid, const char *name, char *text, size_t size);
/* The process of a thread; the thread's own number when it has gone. */
pid_t obs_process_of(pid_t tid);
/* Calls visit for each descriptor of a process with its link text ("socket:[123]"); -1 when they cannot be listed. */
typedef void (*obs_fd_visit)(void *self, int fd, const char *link);
int obs_proc_fds(pid_t pid, obs_fd_visit visit, void *self);
/* pidfd_getfd(2): a copy of a descriptor of that process, close-on-exec; -1 with errno. */
int obs_proc_copy_fd(pid_t pid, int fd);
/* Bytes of its memory; 0 or -1. */
int obs_proc_memory(pid_t pid, unsigned long address, void *bytes, size_t len);
/* The same, written: of a process that this thread traces (process_vm_writev(2)). */
int obs_proc_memory_write(pid_t pid, unsigned long address, const void *bytes, size_t len);

/* ---- classify.c ---- */

/* Sets rest and sleep_ns from call and arg of a task that is blocked. */
void obs_classify(struct task *task);

/* ---- netlink.c ---- */

/* One dump request (netlink(7)) inside a host; calls visit for each message of the answer. The header's flags and
 * sequence number are filled in here. protocol: NETLINK_SOCK_DIAG or NETLINK_ROUTE. 0, or -1 with errno. */
typedef void (*obs_netlink_visit)(void *self, const struct nlmsghdr *header);
int obs_netlink_dump(struct observer *observer, enum observe_host host, int protocol,
                     struct nlmsghdr *header, obs_netlink_visit visit, void *self);
/* What a host knows of its neighbours' link addresses (arp(7)). -1 with errno. */
struct neighbours {
    bool awaited; /* a packet waits for its receiver's link address */
    bool learned; /* some were learned, or have yet to be: answers may need a resolution first */
};
int obs_neighbours(struct observer *observer, enum observe_host host, struct neighbours *ret);

/* ---- sockets.c ---- */

/* Is anything under way in either host? */
enum traffic {
    TRAFFIC_NONE,
    TRAFFIC_UNREAD_OUTPUT, /* only bytes of the program that the grader does not read */
    TRAFFIC_UNREAD_INPUT,  /* only bytes that the program does not read */
    TRAFFIC_UNDER_WAY,
    TRAFFIC_FAILED,
};
enum traffic obs_sockets_traffic(struct observer *observer);
/* One raw dump: calls visit for each entry. -1 with errno. */
typedef void (*obs_diag_visit)(void *self, const struct inet_diag_msg *entry);
int obs_sockets_dump(struct observer *observer, enum observe_host host, int family, int protocol,
                     unsigned states, obs_diag_visit visit, void *self);
void obs_socket_entry(const struct inet_diag_msg *from, int protocol, struct socket_entry *ret);

/* ---- describe.c: descriptors in the student's words ---- */

struct description {
    struct observer *observer;
    pid_t init;
    struct socket_entry *sockets; /* of the program's host: TCP, then UDP */
    size_t n_sockets;
    struct walk walk;
};
int obs_description_new(struct observer *observer, pid_t init, struct description *ret);
void obs_description_done(struct description *all);
/* Appends "fd 4 (what it is), 0 bytes unread". */
void obs_describe_fd(struct description *all, pid_t pid, int fd, struct buf *out);
/* The number that the program itself sees (getpid(2), gettid(2)). */
long obs_inner_pid(pid_t pid);

/* ---- marks.c ---- */

struct marks;
int obs_marks_new(const struct observe_ops *ops, struct marks **ret, struct err *err);
void obs_marks_free(struct marks *marks);
/* 0 when every CPU's receive queue was flushed, -1 when a marker got lost. thorough: answers to what is flushed may need a
 * resolution of a link address first. */
int obs_marks_flush(struct marks *marks, bool thorough);

/* ---- ledger.c ---- */

struct ledger;
/* Serves a seccomp notification descriptor (seccomp_unotify(2)) from a thread of its own, on a copy of it. */
int obs_ledger_new(int notify_fd, struct ledger **ret, struct err *err);
void obs_ledger_free(struct ledger *ledger);
/* True once a process of the box has made a timerfd. */
bool obs_ledger_timer_files(struct ledger *ledger);
/* True when a timer that this box set is armed. Only while all tasks are known and asleep. */
bool obs_ledger_armed(struct ledger *ledger, const struct observer *observer,
                      struct activity_report *report);

/* ---- timers.c ---- */

enum timers { TIMERS_NONE, TIMERS_ARMED, TIMERS_UNREADABLE };
/* Is a timer armed, or may one be? Narrows the interval of the report. Only while all tasks are known and asleep. */
enum timers obs_timers(struct observer *observer, struct activity_report *report);
/* Notes one more end of a sleep in the report: the earliest counts. (0, UINT64_MAX) when nothing is known about it. */
void obs_wake(struct activity_report *report, uint64_t lo, uint64_t hi);

/* ---- clock.c ---- */

struct student_clock {
    uint64_t start_ns;
    uint64_t delay_ns;         /* run delay of all tasks since the start */
    uint64_t longest_delay_ns; /* of one task */
    uint64_t cpu_ns;           /* time of all on CPUs */
    uint64_t next_walk_ns;     /* when threads are looked for again */
    uint64_t line_look_ns;     /* last look of observe_in_line_since() */
    uint64_t last_program_ns;  /* the last answer of observe_program_ns() */
};
/* Takes the growth of a task's run delay into account; called whenever schedstat was read. */
void obs_clock_count(struct observer *observer, struct task *task);
/* The same for what the tracer of a box took. */
void obs_clock_count_tracer(struct observer *observer, struct watched *box);

/* ---- the observer ---- */

struct watched {
    pid_t init, program;
    int proc; /* /proc/INIT: stays with this process for ever */
    struct ledger *ledger;
    struct call_tracer *tracer; /* borrowed; NULL: none */
    uint64_t counted_held_ns;   /* the part of its time that the student clock knows already */
};

struct observer {
    struct observe_ops ops;
    int netlink[2][2]; /* by host: socket tables, neighbours; -1: not open */
    uint32_t netlink_seq;
    struct marks *marks;
    bool learned_neighbours; /* in either host, as of the last look at the traffic */
    struct watched **boxes;
    size_t n_boxes;
    struct task *tasks; /* sorted by tid */
    size_t n_tasks;
    size_t open_files;
    bool stable; /* tasks was the whole set, all asleep, when it was last looked at */
    struct walk walk;
    struct student_clock clock;
};

#endif
