/* sandbox/box.h: what the files of this stage share. Nobody outside includes it.
 *
 * The processes: the caller (sandbox.c, network.c, box.c) - the janitor (janitor.c) - the keeper (keeper*.c) - and for
 * each box an init (box_child.c, box_init.c) with the program below it (box_program.c). */
#ifndef GRADER_SANDBOX_BOX_H
#define GRADER_SANDBOX_BOX_H

#include "base/err.h"
#include "sandbox/sandbox.h"

#include <limits.h>
#include <linux/filter.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_COLLECT 64 /* files of one box_collect: one message's descriptors (IO_MAX_FDS) */
#define MAX_BOXES   64 /* boxes and networks of one sandbox at a time */
#define MAX_LACKS   8

/* ---- messages between the caller and the keeper: one SOCK_SEQPACKET, one request at a time ---- */

enum keeper_op {
    KEEPER_NETWORK_NEW,
    KEEPER_NETWORK_SWITCHED, /* with a switch: its two packet sockets come with the reply */
    KEEPER_NETWORK_FREE,
    KEEPER_NETWORK_ADDRESS,
    KEEPER_SOCKET,
    KEEPER_BOX_START, /* carries the memfd of spec_pack() */
    KEEPER_BOX_FREE,  /* the init must have ended: the keeper reaps it */
};

struct keeper_request {
    enum keeper_op op;
    uint64_t id; /* of the network or the box; BOX_START: of the network, 0 for none */
    enum net_host host;
    int domain, type, protocol;
    unsigned mtu; /* NETWORK_SWITCHED: of the hosts' way to each other, 0: the link's */
    char address[64];
    bool keep_stdin, timer_ledger;
    bool build, whole_usr;
    char host_dir[PATH_MAX];  /* sources or artefacts; "" for none */
    struct box_limits limits; /* without zeros where a default exists */
};

struct keeper_reply {
    int failed; /* 0, or -1 with: */
    int sys_errno;
    char text[512];
    uint64_t id; /* of what was made */
    /* BOX_FREE: */
    uint64_t cpu_us;
    uint64_t max_rss_kib;
    enum limit { LIMIT_NONE, LIMIT_MEMORY, LIMIT_PROCESSES } limit;
};

/* The first message: the keeper is ready, or why it cannot be. */
struct keeper_hello {
    int failed;
    int sys_errno;
    char text[768];
    enum cgroup_kind { CGROUP_NONE, CGROUP_V1, CGROUP_V2 } cgroup;
    bool has_proc; /* boxes have one of their own */
    bool has_veth;
    char lacks[MAX_LACKS][192];
};

/* The descriptors of a started box, in the order in which BOX_START's reply carries them. */
enum box_fd {
    BOX_FD_INIT,    /* pidfd of PID 1 */
    BOX_FD_CONTROL, /* SOCK_SEQPACKET to init */
    BOX_FD_STATUS,  /* SOCK_SEQPACKET: one struct init_status when the program has ended */
    BOX_FD_FAILURE, /* SOCK_SEQPACKET: a struct box_failure, or nothing and the end once the program was exec'd; before
                     * that, where calls are traced, one byte each way: at the gate, and go on */
    BOX_FD_OUT,
    BOX_FD_ERR,
    BOX_FD_IN, /* only with keep_stdin */
    BOX_FD_MAX,
};

/* ---- messages between the caller and a box's init ---- */

enum init_op {
    INIT_GO_ON, /* no reply: the caller has read the program's pid; from here on init reaps */
    INIT_SIGNAL,
    INIT_COLLECT,
    INIT_LOGS, /* kills everything, then BOX_LOG_DIR comes with the reply */
    INIT_END,  /* no reply: init kills and reaps everything, so that its usage is whole, and ends */
};

struct init_request {
    enum init_op op;
    int signal;
    uint64_t max_bytes;
    unsigned count; /* COLLECT: names, each followed by a 0 byte, come after this struct */
};
#define INIT_MAX_NAMES ((size_t)MAX_COLLECT * 256)

struct init_reply {
    int sys_errno;               /* of the request as a whole */
    int file_errno[MAX_COLLECT]; /* COLLECT: 0 where a descriptor came along, in the same order */
};

struct init_status {
    int wait_status; /* of the program, as wait(2) gives it */
};

struct box_failure {
    int sys_errno;
    char what[200];
    bool in_exec; /* the program's execve(2) itself */
};

/* ---- the caller's side (sandbox.c) ---- */

struct sandbox {
    pthread_mutex_t lock; /* one request and its reply at a time */
    int sock;
    pid_t janitor;
    uid_t uid;
    gid_t gid;
    struct sandbox_status status;
    struct keeper_hello hello;
    char few_processes[192];
};

/* Sends a request with at most one descriptor (-1: none) and waits for the reply; descriptors that came with it are in
 * fds (room for BOX_FD_MAX). 0, or -1 with what the keeper said went wrong (ERR_HOST). */
int keeper_ask(struct sandbox *sandbox, const struct keeper_request *request, int fd,
               struct keeper_reply *reply, int *fds, size_t *n_fds, struct err *err);

uint64_t network_id(const struct network *network);

/* A sealed memfd with everything of the spec, limits filled in from `limits`. The caller owns it. */
int spec_pack(const struct box_spec *spec, struct err *err);
/* The spec back from the memfd; its memory lives until the process ends. Of spec->trace only the calls travel. -1 with
 * errno. */
int spec_unpack(int fd, struct box_spec *ret, const int **ret_traced, size_t *ret_n_traced);
/* The limits with every 0 replaced by its default. */
struct box_limits limits_with_defaults(const struct box_spec *spec);

/* ---- processes.c ---- */

/* True, with a sentence for the report, where this user or container may have fewer processes than boxes may need. */
bool processes_lack(char *text, size_t size);

/* ---- ids.c ---- */

/* The uid and gid of boxes: the caller's, or as root an unused one by slot. */
int ids_choose(unsigned slot, uid_t *uid, gid_t *gid, struct err *err);
/* Becomes them for good (only root has anything to do); -1 with errno. */
int ids_become(uid_t uid, gid_t gid);
/* Maps them to 0 in the user namespace that this process has just entered; proc is a descriptor of /proc. -1 with
 * errno. */
int ids_map(int proc, uid_t uid, gid_t gid);

/* ---- janitor.c ---- */

/* What the processes of a sandbox are told at their start. */
struct setup {
    int sock;        /* the keeper's end */
    int owner_pidfd; /* the caller */
    uid_t uid;
    gid_t gid;
    unsigned networks_ahead;
};

/* Starts the janitor, in the keeper's program (keeper_start.c, keeper_main.c); its pid, or -1 with err. */
pid_t keeper_start(const struct setup *setup, struct err *err);
enum keeper_place { KEEPER_SOCK = 3, KEEPER_OWNER = 4 }; /* descriptors at its start */
#define KEEPER_ARGS 3                                    /* uid, gid, networks_ahead */

/* Turns this fresh process into the janitor; never returns. */
_Noreturn void janitor_run(const struct setup *given);

struct keeper;

/* Notes in the first message what is missing and what that loses, one line (printf(3)). */
void keeper_lacks(struct keeper *keeper, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line of cause and remedy for namespaces that this machine refuses (errno of clone(2) or of writing a map). */
void explain_namespaces(int sys_errno, char *text, size_t size);
void explain_map(int sys_errno, char *text, size_t size);

/* ---- the keeper ---- */

struct filters {                 /* compiled once; attached raw in each program */
    struct sock_fprog allow;     /* which calls there are */
    struct sock_fprog arguments; /* what they may be asked */
    struct sock_fprog timers;    /* calls that are reported to a ledger */
};
/* Compiles both filters. memfd: memory that no file system bounds is counted by a cgroup. -1 with err. */
int filters_compile(bool memfd, struct filters *ret, struct err *err);
/* Attaches both to this process (needs no_new_privs); -1 with errno. */
int filters_attach(const struct filters *filters);
/* Attaches the one that reports; the descriptor that reports, close-on-exec, or -1 with errno. */
int filters_attach_timers(const struct filters *filters);
/* Makes one for these calls, which stop for a tracer, and attaches it; 0 or -1 with errno. */
int filters_attach_trace(const int *calls, size_t n_calls);

struct cgroups; /* cgroup.h */

struct host_pair {
    uint64_t id; /* 0: the slot is free */
    int ns[2];   /* by enum net_host: descriptors of the network namespaces */
};

enum root { ROOT_OF_RUN, ROOT_OF_TOOLS, ROOTS }; /* libraries only; all of /usr */

#define MAX_VERSIONS 32
struct bins {
    uint64_t prints[MAX_VERSIONS]; /* of the folders that were copied; 0 where there is none */
    unsigned next;
};

struct keeper {
    int sock;
    int host_mounts;   /* mount namespace in which the host's files are seen */
    int roots[ROOTS];  /* and those whose root is a tree of roots.c */
    size_t n_settings; /* of keeper_net.c, for each host */
    int base_net; /* network namespace of the keeper: new pairs are made from here (socket table sizes) */
    uint64_t next_id;
    struct host_pair pairs[MAX_BOXES];
    struct pool *pool; /* of pairs made ahead */
    struct kept_box {
        uint64_t id;
        pid_t init; /* in the keeper's pid namespace */
        pid_t seen; /* in keeper->proc */
        uint64_t memory_bytes;
        bool memory_struck; /* the watchdog ended it */
    } boxes[MAX_BOXES];
    struct filters filters;
    struct bins bins;
    const struct cgroups *groups;
    int host_proc; /* the host's /proc */
    int proc;      /* of the keeper's pid namespace; the host's where no other can be mounted */
    bool one_host; /* no veth: both hosts of a network are one */
    struct keeper_hello hello;
};

/* ---- watchdog.c ---- */

#define WATCHDOG_MS 50
int watchdog_init(struct keeper *keeper, struct err *err);
/* A box's init as the watchdog sees it. */
pid_t watchdog_pid(const struct keeper *keeper, pid_t pid, int pidfd);
/* Ends every box whose processes hold more memory than they may, or have been killed for it in part. */
void watchdog_look(struct keeper *keeper);

/* PID 1 of the sandbox: serves requests until the caller's end of the socket closes; never returns. */
_Noreturn void keeper_run(const struct setup *setup, int host_proc, const struct cgroups *groups);

int keeper_network_init(struct keeper *keeper, struct err *err);
/* between: NULL for a cable, or what is to be filled in for a switch. */
struct keeper_switch;
int keeper_pair_make(struct keeper *keeper, struct keeper_switch *between, struct host_pair *ret,
                     struct err *err);
/* keeper_pool.c: starts making pairs, `ahead` of them; takes one, waiting where none is ready. What poll says of the
 * descriptor (-1: none is expected) tells when another can be stored. */
int keeper_pool_init(struct keeper *keeper, unsigned ahead, struct err *err);
int keeper_pool_fd(const struct keeper *keeper);
void keeper_pool_store(struct keeper *keeper);
int keeper_pool_take(struct keeper *keeper, struct host_pair *ret, struct err *err);
int keeper_network_new(struct keeper *keeper, struct keeper_switch *between, uint64_t *ret_id,
                       struct err *err);
/* With a switch; fds: its sockets by enum net_host, which the caller sends and closes. */
int keeper_network_switched(struct keeper *keeper, unsigned mtu, uint64_t *ret_id, int *fds,
                            struct err *err);
void keeper_network_free(struct keeper *keeper, uint64_t id);
int keeper_network_address(struct keeper *keeper, const struct keeper_request *request,
                           struct err *err);
/* The socket, owned by the caller, or -1. */
int keeper_network_socket(struct keeper *keeper, const struct keeper_request *request,
                          struct err *err);
/* Enters the program's host of that network. */
int keeper_network_enter(struct keeper *keeper, uint64_t id, struct err *err);
int keeper_network_leave(struct keeper *keeper, struct err *err);

/* spec_fd: the memfd. Fills fds (BOX_FD_MAX, -1 where there is none), which the caller sends and closes. */
int keeper_box_start(struct keeper *keeper, const struct keeper_request *request, int spec_fd,
                     uint64_t *ret_id, int *fds, struct err *err);
int keeper_box_free(struct keeper *keeper, uint64_t id, struct keeper_reply *reply,
                    struct err *err);

/* ---- the root trees (roots.c): made once by the keeper, copied by each box ---- */

#define ROOTS_DIR  "/sys" /* covered by a tmpfs in the keeper's mount namespace; see roots.c */
#define ROOT_LIBS  ROOTS_DIR "/libs"  /* libraries only */
#define ROOT_WHOLE ROOTS_DIR "/whole" /* all of /usr */
#define ROOT_PROC  ROOTS_DIR "/proc"  /* of the keeper's pid namespace */

int roots_init(struct keeper *keeper, struct err *err);
/* Makes a tree the root of this process, to clone a box from there; and back to the host's files. */
int roots_enter(const struct keeper *keeper, enum root root, struct err *err);
int roots_leave(const struct keeper *keeper, struct err *err);

/* ---- bins.c ---- */

int bins_init(struct err *err);
/* The folder, or a copy of it in the keeper's memory, as roots_detached() gives it. */
int bins_mount(struct bins *bins, const char *dir);

/* A copy of the mount of a folder on the host, read-only, attached to nothing: the descriptor, or -1 with errno. */
int roots_detached(const char *dir);
/* Sets attributes (MOUNT_ATTR_*) of a mount, with all mounts below it when recursive; -1 with errno. */
int mount_attributes(const char *path, uint64_t set, bool recursive);
/* Writes one short text into an existing file (of /proc, which dir may be a descriptor of); -1 with errno. */
int write_text(int dir, const char *path, const char *text);

/* ---- inside a box ---- */

struct box_plan {
    struct box_spec spec;
    int procs[2];     /* descriptors of control groups to join, -1 where there is none */
    bool own_network; /* an empty network namespace came with the clone */
    bool timer_ledger;
    const struct filters *filters;
    const int *traced; /* numbers of the calls that stop for a tracer, n_traced of them */
    size_t n_traced;
    int control, status, failure; /* init's ends */
    int in, out, err_out;         /* the program's stdio */
    int proc;                     /* the keeper's descriptor of the host's /proc */
    bool has_proc;                /* the box has one of its own */
    int source_fd;                /* BUILD: the sources' folder on the host */
    int bin_mount;                /* RUN: the artefacts' folder as a detached mount, read-only */
};

/* PID 1 of a box: sets everything up, starts the program, serves as init; never returns. */
_Noreturn void box_child_run(struct box_plan *plan);

/* Steps; each 0 or -1 with errno. */
int box_mount_own(struct box_plan *plan);
int box_mount_bin(struct box_plan *plan);
int box_mount_proc(struct box_plan *plan);
int box_mount_seal(struct box_plan *plan);
int box_make_files(struct box_plan *plan);
int box_copy_sources(struct box_plan *plan);
int box_drop_capabilities(struct box_plan *plan);

/* The last steps of the program's process and execve(2); returns only on failure, with errno and *ret_what. */
void box_program_exec(const struct box_plan *plan, const char **ret_what, bool *ret_in_exec);

/* Serves the caller until it is gone; never returns. */
_Noreturn void box_init_run(const struct box_plan *plan, pid_t program);
/* Waits until every thread of the box but init's is stopped (or none is), by the /proc of this process; init: its pid there,
 * in the box itself 1. -1 with ETIMEDOUT. */
int box_await_stopped(bool stopped, pid_t init);
/* Overwrites the argument area of this process, so that its cmdline in /proc is empty. */
void wipe_arguments(void);

#endif
