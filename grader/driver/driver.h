/* driver/driver.h: plays one scenario against one program and records a trace. Includes base/, scenario/, trace/ and
 * observe/; how programs are started and where sockets come from is the caller's (struct target).
 *
 * One timeline, named endpoints, one epoll loop; lanes of `parallel` advance side by side in it. No verdict is passed
 * here: each step's outcome goes into the trace. No sleeping: every wait is for an event, for the observer's proof, or
 * for a deadline in student time with a hard cap on wall time (design §6, §7). */
#ifndef GRADER_DRIVER_DRIVER_H
#define GRADER_DRIVER_DRIVER_H

#include "base/err.h"
#include "observe/calls.h"
#include "observe/observe.h"
#include "scenario/scenario.h"
#include "trace/trace.h"

#include <stdint.h>

struct target_program; /* the caller's handle of one running program */

struct start_request {
    const char *program;     /* "tcp_echo_server" */
    const char *const *args; /* expanded, n_args of them */
    size_t n_args;
    bool stdin_closed;
    const struct start_step *start; /* its limits, and */
    const struct world *world;      /* the scenario's world: files, hosts, limits */
    const struct data_context
        *context;                    /* to resolve the files' contents and the hosts' addresses */
    const struct call_fault *faults; /* for calls_trace(), with the context's seed */
    size_t n_faults;
};

struct started {
    struct target_program *handle;
    pid_t init, program; /* for the observer */
    int in, out,
        err_out;  /* non-blocking pipe ends, owned by the driver from here on; in is -1 if closed */
    int event_fd; /* readable once the program has ended; owned by the target */
    int timer_ledger;          /* for observer_add(), owned by the driver from here on; -1: none */
    struct call_tracer *calls; /* what meets its system calls; the target's; NULL: none */
};

struct program_exit {
    bool ended, signaled;
    int code;
};

/* What the driver needs from below. Every function returns 0 or -1 with err; self is passed back. */
struct target {
    void *self;
    /* exec that fails because of the hand-in (no such program, not executable) sets *ret_refusal to a sentence (the
     * caller frees) and returns 0 with handle NULL: that is the student's, not the host's. */
    int (*start)(void *self, const struct start_request *request, struct started *ret,
                 char **ret_refusal, struct err *err);
    int (*socket)(void *self, enum observe_host host, int domain, int type, int protocol,
                  struct err *err);
    int (*signal)(void *self, struct target_program *program, int signal, struct err *err);
    int (*poll_exit)(void *self, struct target_program *program, struct program_exit *ret,
                     struct err *err);
    /* Kills what is left of it and frees the handle; fills cpu, rss and limit_hit of ret (which may be NULL). */
    void (*stop)(void *self, struct target_program *program, struct process_summary *ret);
    /* observe_ops' network_rests; NULL: a cable joins the hosts. */
    bool (*network_rests)(void *self, uint64_t *ret_frames);
    /* The next thing that the network did to a packet, in words, and when (io_now_ns() clock); NULL: nothing more. The
     * caller frees. NULL as above. */
    char *(*network_news)(void *self, uint64_t *ret_at_ns);
    int (*add_address)(void *self, enum observe_host host, const char *address, struct err *err);
    const char *program_address, *program_address_2, *program_address6;
    const char *peers_address, *peers_address_2, *peers_address6;
    const char *scratch_dir; /* ${dir} as the program sees it */
};

struct run_options {
    uint64_t seed;                 /* of this run: ports and random bytes derive from it */
    const struct vars *fixed_vars; /* --var NAME=VALUE: win over everything drawn; may be NULL */
    double
        hard_cap_s; /* wall time of the whole scenario, [300 when 0]; reaching it ends the step by deadline */
    double
        settle_s; /* after the last step: so long (wall) the programs may go on until they rest, before they are ended */
    /* Called with true when nothing has happened for a while and the program does nothing either, and with false when that is
     * over, on the same thread: others may have the processor meanwhile. NULL: nobody asks. */
    void (*rests)(void *self, bool begins);
    void *self;
};

/* Runs the scenario. Variables set: ${port} ${port2} ${port3} (swap-safe: swapped >= 1024, different, all free), ${swap}
 * ${swap2} ${swap3}, ${host} (the program's address), ${host2} (its second), ${host6}, ${peer} ${peer2} ${peer6}
 * (the grader's), ${dir}, the file's vars, --var.
 * 0 when the trace holds what happened, a failing program included; -1 only for ERR_HOST and ERR_USAGE, which are also
 * noted in the trace (host_error, scenario_error). trace must be initialised. */
int driver_run(const struct assignment *assignment, const struct scenario *scenario,
               const struct target *target, const struct run_options *options, struct trace *trace,
               struct err *err);

#endif
