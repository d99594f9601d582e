/* sandbox/sandbox.h: boxes for hostile programs, and the small networks they run on. Knows no other stage.
 *
 * One `struct sandbox` a process: it owns the keeper, a small process in a user namespace of its own that makes networks
 * and boxes on request and takes everything with it when it dies (design §5; user_namespaces(7), pid_namespaces(7)).
 * Open it early, before threads are started and before memory grows. Every function here may be called from any thread:
 * requests to the keeper are serialised inside.
 *
 * Faults in here are the host's (ERR_HOST), never the student's. */
#ifndef GRADER_SANDBOX_SANDBOX_H
#define GRADER_SANDBOX_SANDBOX_H

#include "base/err.h"
#include "sandbox/net_faults.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- the sandbox as a whole ---- */

struct sandbox_options {
    unsigned parallel; /* how many boxes run at a time: as many networks are made ahead [4] */
    unsigned slot; /* as root: which unused uid is taken, so that batch workers do not share one */
    const char *
        work_dir; /* an existing folder of the caller's; the keeper mounts below it, invisibly to others */
};

struct sandbox;

/* Starts the keeper. ERR_HOST with the cause and the remedy in one line (explain.c) where the machine cannot do it. There is
 * no mode without namespaces: the silence proof knows all processes and sockets of a box by them, and addresses, names and
 * folders of a scenario exist in them only, so that what was graded without them would be something else. */
int sandbox_open(const struct sandbox_options *options, struct sandbox **ret, struct err *err);
/* Ends the keeper, every box and every network. NULL is fine. */
void sandbox_close(struct sandbox *sandbox);
/* -1 with ERR_HOST when the keeper has died, and every program with it: what was seen of them since then says nothing about
 * them. By the time a box's program is killed for that reason, this knows. */
int sandbox_check(const struct sandbox *sandbox, struct err *err);

/* The uid and gid (of the host) that boxes run as: the caller's own, or an unused one when the caller is root.
 * Folders that a box must read (artefacts, sources) are to be handed to them (chown) by the caller. */
uid_t sandbox_uid(const struct sandbox *sandbox);
gid_t sandbox_gid(const struct sandbox *sandbox);

/* What is in force, for the report and for `doctor`. All texts are static or live as long as the sandbox. */
struct sandbox_status {
    const char *tier;      /* "namespaces" (all seven), "one-host", "none", ... */
    bool one_host;         /* no faulty network can stand between the hosts: they are one */
    const char *limits;    /* "cgroup v2", "cgroup v1", "rlimits" */
    const char *lacks[16]; /* one line each: what is missing and what that loses; NULL-terminated */
};
const struct sandbox_status *sandbox_status(const struct sandbox *sandbox);

/* Removes what sandboxes have left that were killed altogether (kill -9 of everything); what is ending in there is waited for,
 * two seconds at most. A sandbox that is opened does so, too, without waiting. */
void sandbox_sweep(void);

/* Whether this process could make control groups for boxes where it is now: tried, and undone. */
bool sandbox_has_groups(void);

/* One line of `sockgrade doctor`. */
struct sandbox_probe {
    char name[48]; /* "user namespace", "veth", "cgroup v2", "system call filter", ... */
    bool ok;
    bool required;    /* grading refuses without it */
    char detail[256]; /* what was found; where not ok, the cause and the remedy */
};
/* Tries each thing in a throw-away child. Fills up to max entries, returns how many. Never fails. */
size_t sandbox_probe(struct sandbox_probe *ret, size_t max);

/* ---- a network: the program's host and the peers' host, joined by veth(4) ---- */

#define NET_PROGRAM_ADDR   "10.0.0.2" /* the program's host ... */
#define NET_PROGRAM_ADDR_2 "10.0.0.3" /* ... and its second address ("any interface") */
#define NET_PEERS_ADDR     "10.0.0.1" /* the grader's endpoints ... */
#define NET_PEERS_ADDR_2   "10.0.0.5" /* ... and their second address */
#define NET_PROGRAM_ADDR6  "fd00::2"
#define NET_PEERS_ADDR6    "fd00::1"

enum net_host { NET_HOST_PROGRAM, NET_HOST_PEERS };

struct network;

/* A fresh pair of hosts, links up and running, never used before; from a pool made ahead where possible.
 * Both hosts also have 127.0.0.1 and ::1. Routes carry quickack; socket tables are small (128 buckets);
 * ip_unprivileged_port_start is 0. No route leads anywhere else. */
int network_new(struct sandbox *sandbox, struct network **ret, struct err *err);
/* The same with a switch in place of the cable: a thread of this process that delays, loses, repeats and reorders what the
 * hosts send each other. Made when asked for; takes some milliseconds. */
int network_new_faulty(struct sandbox *sandbox, const struct net_faults *faults,
                       struct network **ret, struct err *err);
void network_free(struct network *network);

/* Of a network with a switch: false while any frame is under way in it, as far as it has come to the switch; true at other
 * times, and *ret_frames says how many have come so far. Never blocks; when in doubt false. Without a switch: true, 0. */
bool network_rests(struct network *network, uint64_t *ret_frames);
/* The next thing that the switch did to a packet, each once; false: nothing more. */
bool network_event(struct network *network, struct net_event *ret);
/* What became of the packets to each host (by enum net_host); zeros without a switch. */
void network_counts(struct network *network, struct net_counts ret[2]);

/* Adds an address ("10.0.0.9", or IPv6) with the subnet's prefix to a host of this network. */
int network_add_address(struct network *network, enum net_host host, const char *address,
                        struct err *err);

/* socket(2) made inside a host of the network and passed out: close-on-exec, non-blocking. Also for AF_NETLINK
 * (NETLINK_SOCK_DIAG). Returns the descriptor, which the caller owns, or -1. */
int network_socket(struct network *network, enum net_host host, int domain, int type, int protocol,
                   struct err *err);

/* ---- a box: one program (or one build) and all that it starts ---- */

enum box_kind {
    BOX_BUILD, /* all of /usr, a writable copy of the sources in BOX_BUILD_DIR, no network; files in BOX_BIN_DIR */
    BOX_RUN, /* libraries only, artefacts read-only in BOX_BIN_DIR, scratch folder BOX_SCRATCH_DIR */
};

#define BOX_BUILD_DIR   "/build"
#define BOX_BIN_DIR     "/hand-in"
#define BOX_SCRATCH_DIR "/scratch" /* cwd of a run; ${dir} of a scenario */
#define BOX_LOG_DIR     "/log"     /* of a run with log_dir: writable, empty at the start */
#define BOX_PROGRAM_PID 2          /* what a box's program is called in there: init's first child */

/* Every limit that a box has. 0 means the default, which is in brackets. */
struct box_limits {
    uint64_t
        memory_bytes; /* resident, all processes, memfd and shm included where a cgroup counts it [512 MiB] */
    uint64_t address_bytes; /* RLIMIT_AS of each process [0: not set; sanitizers need terabytes] */
    uint64_t file_bytes;    /* RLIMIT_FSIZE [256 MiB build, 64 MiB run] */
    uint64_t
        scratch_bytes; /* tmpfs size [512 MiB build, 256 MiB run]; sparse files do not count their holes */
    unsigned processes;   /* RLIMIT_NPROC and pids.max, threads included [256 build, 1024 run] */
    unsigned open_files;  /* RLIMIT_NOFILE [1024] */
    unsigned cpu_seconds; /* RLIMIT_CPU of each process [60] */
};

/* A file, folder or link made before the program starts. */
enum box_file_kind { BOX_FILE_DATA, BOX_FILE_SPARSE, BOX_FILE_LINK, BOX_FILE_FIFO };
struct box_file {
    enum box_file_kind kind;
    unsigned mode;     /* 0: 0644; else permission bits, with S_IFREG where they are 000 */
    const char *path;  /* relative to that folder; parents are made */
    const void *bytes; /* DATA: contents. LINK: the target, 0-terminated */
    uint64_t len;      /* DATA: bytes. SPARSE: length of the hole */
};

/* One line of the box's /etc/hosts. */
struct box_host_name {
    const char *address;
    const char *name;
};

/* Some system calls of the box stop their caller for a tracer (ptrace(2), PTRACE_O_TRACESECCOMP) of the caller's. */
struct box_trace {
    const int *calls; /* their numbers, of this machine's own ABI */
    size_t n_calls;
    void *self;
    /* Called once by box_start(), while the program's process waits just before its exec: what attaches here misses no
     * call. Without an attached tracer these calls fail with ENOSYS. 0, or -1 with err, which box_start() passes on. */
    int (*attach)(void *self, pid_t program, struct err *err);
};

struct box_spec {
    enum box_kind kind;
    struct network
        *network; /* RUN: joins its program host. BUILD: NULL (an empty network namespace) */
    const char *const *argv; /* argv[0] is a path inside the box; NULL-terminated */
    const char *const *env;  /* "NAME=value", added to the fixed environment; may be NULL */
    const char *source_dir;  /* BUILD: folder on the host, copied into BOX_BUILD_DIR */
    const char *bin_dir;     /* RUN: folder on the host, bound read-only to BOX_BIN_DIR */
    const struct box_file
        *files; /* RUN: made in BOX_SCRATCH_DIR. BUILD: in BOX_BIN_DIR, which is empty else */
    size_t n_files;
    const struct box_host_name *host_names;
    size_t n_host_names;
    struct box_limits limits;
    bool whole_usr;    /* RUN: all of /usr is visible (shells and interpreters too) */
    bool keep_stdin;   /* false: the program's stdin is at its end from the start */
    bool timer_ledger; /* RUN: calls that arm timers are reported, see box_take_ledger() */
    const struct box_trace *trace; /* RUN: NULL when no call is traced, which then costs nothing */
    bool log_dir;                  /* RUN: there is a BOX_LOG_DIR, see box_end_logs() */
};

struct box;

/* Starts the program; returns once it was exec'd (a failing exec is an error of kind ERR_HOST with ENOENT, EACCES,
 * ENOEXEC in sys_errno: the caller decides whose fault that is). */
int box_start(struct sandbox *sandbox, const struct box_spec *spec, struct box **ret,
              struct err *err);

/* The box's PID 1 and the program, as pids of the caller's namespace: for /proc. */
pid_t box_init_pid(const struct box *box);
pid_t box_program_pid(const struct box *box);

/* The caller's end of the program's stdin (write; -1 unless keep_stdin), stdout, stderr (read): pipes, non-blocking.
 * box_take_* hands the descriptor over; afterwards the caller closes it. */
int box_take_stdin(struct box *box);
int box_take_stdout(struct box *box);
int box_take_stderr(struct box *box);

/* With timer_ledger: the descriptor (seccomp_unotify(2)) that reports alarm, setitimer(ITIMER_REAL), timer_settime,
 * timer_delete and timerfd_create of the box's processes; each waits in its call until the caller lets it continue, so it must be served as
 * long as the box runs (observer_add() does). Handed over; -1 without timer_ledger or where the kernel has no such thing. */
int box_take_ledger(struct box *box);

/* Readable once the program has ended (its descendants may live on). */
int box_event_fd(const struct box *box);

/* How a program ended. */
struct box_exit {
    bool ended;
    bool signaled;
    int code; /* exit status, or the signal's number */
};
/* Non-blocking. Fills ret (ended = false while it runs). */
int box_poll_exit(struct box *box, struct box_exit *ret, struct err *err);

/* Sends sig to the program's process group and to every other process of the box, init excepted. Processes that are
 * gone are no error. */
int box_signal(struct box *box, int sig, struct err *err);

/* BUILD only, once the program has ended: kills all that is left, then opens these files of BOX_BUILD_DIR as regular
 * files (no links, nowhere on the way; at most max_bytes) and returns a descriptor each, or -1 with the reason in
 * ret_errno (ENOENT missing, ELOOP a link, EINVAL not a regular file, EFBIG). */
int box_collect(struct box *box, const char *const *names, size_t count, uint64_t max_bytes,
                int *ret_fds, int *ret_errno, struct err *err);

/* Whether all of it has ended: its init was killed, which only the limit on memory does, or somebody from outside. */
bool box_has_gone(const struct box *box);

/* RUN with log_dir: kills everything in the box, then opens its BOX_LOG_DIR, which nobody can change any more. The
 * descriptor (of a folder) is the caller's; what lies in there is the program's: names, kinds and sizes are foreign.
 * -1 with err (ERR_HOST). */
int box_end_logs(struct box *box, struct err *err);

/* What a box has used, and which limit struck. */
struct box_usage {
    uint64_t cpu_us;      /* user + system, all processes */
    uint64_t max_rss_kib; /* of the largest process, or of all where a cgroup tells */
    const char *
        limit_hit; /* "memory", "processes", "cpu", ... static text; NULL when none is known to have struck */
};
/* Kills everything in the box, waits until it is gone, frees it. ret may be NULL. NULL box is fine. */
void box_free(struct box *box, struct box_usage *ret);

#endif
