/* scenario/scenario.h: an assignment's scenarios as checked plain data (testcases/FORMAT.md is the manual).
 *
 * Loading checks everything that can be checked without running: what comes out needs no further validation. Everything
 * is owned by the struct assignment (or struct suite) and freed with it; const pointers travel forward. Errors are the
 * author's (ERR_USAGE) and read "FILE:LINE:COLUMN: PATH: what is wrong (did you mean 'x'?)". */
#ifndef GRADER_SCENARIO_SCENARIO_H
#define GRADER_SCENARIO_SCENARIO_H

#include "base/err.h"
#include "base/mem.h"
#include "trace/trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data; /* scenario/data.h */
struct vars; /* scenario/vars.h */

/* Every limit of a scenario file. */
#define SCENARIO_MAX_FILE_BYTES ((size_t)8 << 20)
#define SCENARIO_MAX_SCENARIOS  500
#define SCENARIO_MAX_STEPS      1000 /* in one list */
#define SCENARIO_MAX_DEPTH      8    /* repeat, parallel and do inside each other */
#define SCENARIO_MAX_REPEAT     10000
#define SCENARIO_MAX_LANES      1024
#define SCENARIO_MAX_DATA_BYTES ((size_t)64 << 20)
/* What has no end is called so (class "endless-answer"): interim responses (1xx) before one answer. */
#define SCENARIO_MAX_INTERIM    64
#define SCENARIO_CLASS_ENDLESS  "endless-answer"

enum verb {
    VERB_START,
    VERB_OPEN,
    VERB_SEND,
    VERB_EXPECT,
    VERB_CLOSE,
    VERB_CHECK,
    VERB_FETCH,
    VERB_WAIT,
    VERB_REPEAT,
    VERB_PARALLEL,
    VERB_DO,
    VERB_MEET,
};

enum force { FORCE_MUST, FORCE_SHOULD, FORCE_INFO };

/* What a matched alternative or a kept step means. */
enum verdict_kind {
    VERDICT_OK,
    VERDICT_NON_STRICT,
    VERDICT_INFO,
    VERDICT_FAILED,
    VERDICT_SKIPPED,
    VERDICT_ERROR
};
const char *verdict_name(
    enum verdict_kind kind); /* "ok", "non-strict", "info", "failed", "skipped", "error" */

/* outcome -> bug class; `any` is the plain-string form of "hint". NULL where nothing is said. */
struct hints {
    const char *any;
    const char *by_outcome[OUTCOME_COUNT];
};

/* A number of a check: "0", "<=5", ">=1", "+2" (at most 2 more than just after the start), also "-"less KiB, MiB, GiB. */
enum bound_kind { BOUND_NONE, BOUND_EQUAL, BOUND_AT_MOST, BOUND_AT_LEAST, BOUND_GROWTH };
struct bound {
    enum bound_kind kind;
    double value;
};

struct http_header_want {
    const char *name; /* lower case */
    const char
        *pattern; /* POSIX extended regular expression, case-insensitive; NULL: must be absent */
};

enum http_framing {
    HTTP_FRAMING_ANY,
    HTTP_FRAMING_LENGTH,
    HTTP_FRAMING_CHUNKED,
    HTTP_FRAMING_CLOSE
};

/* What one HTTP message must be (expect "http", and the result of fetch). */
struct http_want {
    bool is_request;
    const char *request_line; /* "GET /x HTTP/1.1" (with ${var}); NULL: any */
    const char *method; /* method of the request this answers, "HEAD": no body follows; NULL: GET */
    int status[16];     /* accepted codes; 404 exactly, or 4 for "4xx"; n_status 0: any */
    size_t n_status;
    const struct http_header_want *headers;
    size_t n_headers;
    const struct data *body; /* NULL: any */
    enum http_framing framing;
};

/* What an endpoint must bring; the main part of an expect step, and each of its alternatives. */
struct expectation {
    const struct data
        *data;        /* the next bytes, exactly (one datagram on UDP); NULL: none asked for */
    bool any_order;   /* UDP: whichever of the waiting datagrams that is; else the oldest */
    bool eof;         /* then end of stream */
    bool reset;       /* then (or instead) a reset */
    bool closed;      /* end of stream or reset, either; bytes before it are ignored */
    bool silence_set; /* nothing comes; ends with the proof, or after silence_s of student time */
    double silence_s;
    bool open;           /* silence: an orderly end of stream does not count as silence */
    bool any_bytes;      /* silence: what comes is passed over, and the silence behind it counts */
    const char *matches; /* POSIX extended regex that the bytes so far must match (with ${var}) */
    const struct http_want *http;
    uint64_t count; /* count_set: exactly so many bytes (any) come */
    bool count_set;
    const char *hint;          /* alternatives: the recognised bug */
    enum verdict_kind verdict; /* alternatives: what a match means (default VERDICT_FAILED) */
};

enum close_how { CLOSE_BOTH, CLOSE_WRITE, CLOSE_RESET, CLOSE_SIGNAL };

struct start_step {
    const char *program;     /* NULL: the file's program */
    const char *const *args; /* with ${var}; NULL: the file's args. n_args tells */
    size_t n_args;
    bool args_set;
    bool stdin_closed;
    const char *ready; /* "tcp ${port}", "udp ${port}", "none"; NULL: the file's `ready` */
    struct {
        double memory_mib, address_mib;
        unsigned open_files, processes, cpu_seconds;
    } limits; /* 0: not set here */
};

enum open_kind { OPEN_TCP, OPEN_LISTEN, OPEN_ACCEPT, OPEN_UDP, OPEN_BIND };
struct open_step {
    enum open_kind kind;
    const char *
        target; /* "ADDR:PORT" with ${var} ([v6]:port for IPv6); ACCEPT: the listener's name, with ${var} */
    const char *from; /* local "ADDR" or "ADDR:PORT" for TCP and UDP; NULL */
    int rcvbuf;       /* bytes; 0 unset */
    bool no_read;     /* "read": false : not drained */
    bool connected;   /* UDP: connect(2) the socket */
    bool refused;     /* the connect must be refused */
    bool never;       /* ACCEPT: no connection may come */
};

struct send_step {
    const struct data *data;
    const char *to; /* UDP: to the last peer of that endpoint (with ${var}); NULL: its own peer */
    const size_t *cuts; /* offsets, ascending */
    size_t n_cuts;
    size_t cut_every; /* "cut": N ; 0 unset */
    double gap_s;     /* between segments */
    bool may_fail;    /* the peer may have closed */
    double stall_s;   /* > 0: the send is expected to stall; wait until it has, at most so long */
};

struct close_step {
    enum close_how how;
    int signal; /* CLOSE_SIGNAL: SIGTERM, SIGKILL, SIGINT, SIGSTOP, SIGCONT */
};

struct check_step {
    bool alive_set, alive;
    bool exit_set; /* exit status one of exits[], or... */
    int exits[8];
    size_t n_exits;
    bool exit_nonzero; /* ... anything but 0 ("exit": "nonzero") and no signal */
    struct bound fds, threads, children, zombies, rss, vsize,
        cpu; /* rss and vsize bytes, cpu seconds (spent during `for`) */
    const char
        *listening; /* "tcp ${port}" : held by this program; "" with not_listening: none at all */
    bool not_listening;
    double for_s; /* must stay true so long; 0: must become true within */
};

struct fetch_step {
    const char *url;
    const char *method;                     /* NULL: GET */
    const struct http_header_want *headers; /* request headers: name and value (pattern) */
    size_t n_headers;
    struct http_want want;
};

struct repeat_step { /* repeat and parallel */
    unsigned count;  /* turns, or lanes */
    const struct data *const
        *values;    /* table-driven: one value a turn; NULL. Text values with ${var} */
    const char *as; /* variable that holds the turn's number (from 1) or value; NULL: "i" */
    const struct step *steps; /* NULL for parallel with `lanes` */
    size_t n_steps;
    const struct step_list *lanes; /* parallel [[...],[...]] */
    size_t n_lanes;
};

struct step {
    enum verb verb;
    const char *
        name; /* the verb's value: endpoint or program (with ${var}: "c${i}"), barrier, definition or URL; NULL
                         for wait, repeat and parallel */
    double within_s; /* < 0: not set (the file's, else 2) */
    enum force force;
    struct hints hints;
    const char *note;
    struct {
        int line, column; /* in the scenario file */
    } where;
    char path[64];             /* "scenarios[3].steps[1]" shortened from the left if need be */
    struct expectation expect; /* VERB_EXPECT */
    const struct expectation *alternatives; /* `else` */
    size_t n_alternatives;
    union {
        struct start_step start;
        struct open_step open;
        struct send_step send;
        struct close_step close;
        struct check_step check;
        struct fetch_step fetch;
        struct repeat_step repeat; /* VERB_REPEAT, VERB_PARALLEL */
        double wait_s;
        const struct step_list *definition; /* VERB_DO */
    } u;
};

struct step_list {
    const char *name; /* of a definition; NULL otherwise */
    const struct step *steps;
    size_t n_steps;
};

enum world_file_kind { WORLD_DATA, WORLD_LINK, WORLD_FIFO, WORLD_SPARSE };
struct world_file {
    enum world_file_kind kind;
    const char *path;        /* relative to ${dir} */
    const struct data *data; /* WORLD_DATA */
    const char *target;      /* WORLD_LINK */
    uint64_t size;           /* WORLD_SPARSE */
    unsigned
        mode; /* 0: not said; else permission bits and S_IFREG, so that mode 000 is said, too */
};
struct world_host {
    const char *name;
    const char *const *addresses; /* with ${var} */
    size_t n_addresses;
};
/* Faults of the network between the two hosts (FORMAT.md, "net"). */
#define WORLD_NET_MAX_NUMBERS 64
struct world_net_choice { /* which packets: all zero for none */
    double share;         /* 0..1 of all */
    uint32_t every;       /* every nth */
    const uint32_t *numbers;
    size_t n_numbers; /* at most WORLD_NET_MAX_NUMBERS */
};
struct world_net_way {
    double delay_s;
    double rate; /* bytes a second; 0: no limit */
    struct world_net_choice loss, duplicate, reorder;
};
struct world_net {
    unsigned mtu; /* bytes; 0: not said */
    struct world_net_way to_program, to_peers;
};

/* System calls of the program that fail, or move less than asked, on purpose (FORMAT.md, calls). */
enum world_call_kind {
    WORLD_CALL_ACCEPT,
    WORLD_CALL_CONNECT,
    WORLD_CALL_RECV,
    WORLD_CALL_SEND,
    WORLD_CALL_POLL,
    WORLD_CALL_KINDS
};
struct world_call {
    enum world_call_kind kind;
    int sys_errno;              /* 0: none */
    uint64_t max;               /* bytes; 0: no limit */
    uint64_t nth, times, every; /* 0: not set */
    double chance;              /* 0: not set */
};
struct world {
    const struct world_file *files;
    size_t n_files;
    const struct world_host *hosts;
    size_t n_hosts;
    const char *const *addresses; /* extra addresses of the peers' host */
    size_t n_addresses;
    const struct world_net *net; /* NULL: nothing happens to packets */
    const struct world_call
        *calls; /* at most one of each kind; with any, the program runs under ptrace(2) */
    size_t n_calls;
    struct start_step limits_only; /* .limits: nofile, as, nproc, cpu, memory */
};

enum level { LEVEL_BASIC, LEVEL_ROBUST, LEVEL_LOAD, LEVEL_HOSTILE, LEVEL_OPTIONAL };
enum show { SHOW_ALL, SHOW_NAME, SHOW_NOTHING };
const char *level_name(enum level level);
const char *force_name(enum force force);
const char *show_name(enum show show);

struct scenario {
    const char *id; /* "half-close": unique in the file */
    const char *title;
    const char *note; /* one teaching paragraph, or NULL */
    enum level level;
    /* Strength of the demand behind it, for the report. The steps written in the scenario have it as their own force
     * already, unless they say another; those of setup and of definitions are MUST. In the file's words: "course" is
     * MUST without rfc, "must" and "should" have rfc, "info" is INFO. */
    enum force force;
    bool rfc;      /* an RFC says MUST or SHOULD, not only the sheet */
    double points; /* relative weight */
    enum show show;
    const size_t *
        needs; /* indices into assignment.scenarios, each smaller than this one's; gates included */
    size_t n_needs;
    bool
        gate; /* everything else in the file is skipped without it: all that follows has it in `needs` */
    bool core; /* what the program is for: no cap helps one that fails it by a class without cap */
    const char *standard; /* "RFC 9293 3.6.1; slide: ..." */
    struct hints hints;
    struct world world;       /* merged with the file's: files of both, the scenario's win */
    const struct step *steps; /* setup's steps first (unless "setup": false), then its own */
    size_t n_steps;
    size_t n_setup;       /* how many of them are the setup's */
    unsigned repeat_seed; /* >= 1 */
    bool alone;           /* has `check cpu` or `parallel`: not to be run beside others */
    bool
        sanitizable; /* bears a build that needs more: neither calls nor a limit on memory, address space or processor time */
};

struct assignment {
    const char *id;   /* "tcp-echo-server" */
    const char *file; /* path it was loaded from */
    const char *title;
    const char *program; /* "tcp_echo_server" */
    const char *const *args;
    size_t n_args;
    const char *ready; /* "tcp ${port}" or NULL */
    double within_s;   /* default patience; 2 */
    const struct assignment_var {
        const char *name, *value;
    } * vars;
    size_t n_vars;
    double cap;      /* share (0..1] of the assignment's points that one class may cost; 1: none */
    bool byte_order; /* how its numbers look on the wire must not depend on the machine */
    const struct scenario *scenarios;
    size_t n_scenarios;
    void *arena; /* private: what owns it all */
};

/* Loads one assignment file. */
int assignment_load(const char *path, struct assignment **ret, struct err *err);
void assignment_free(struct assignment *assignment);

/* ---- suites: which assignments count, and for how much ---- */

struct suite_entry {
    const struct assignment *assignment;
    double points;         /* the assignment's points in the report */
    const double *factors; /* per scenario: weight multiplier; 0: left out */
    const bool *selected;  /* per scenario: run it (suite and --only together) */
};
/* The item of a suite that is earned on a second build, with sanitizers (testcases/FORMAT.md, "The sanitizer item"). */
#define SUITE_SANITIZER_CLASSES 3
struct suite_sanitizer {
    bool asked;    /* the suite has such an item */
    double points; /* of the whole item, spread over the assignments in proportion to theirs */
    double cap;    /* share (0..1] of them that one class may cost; 1: none */
    struct {
        const char *class_name; /* "memory-error", ... : each once, in this order in every suite */
        double share;           /* of an assignment's part that it costs */
    } costs[SUITE_SANITIZER_CLASSES];
    bool
        required; /* what cannot be built with sanitizers loses its part; else it is left out of the sum */
};

struct suite {
    const char *id;
    const char *title;
    const char *file;
    struct suite_entry *entries;
    size_t n_entries;
    bool obey_show; /* students' suite: `show` is honoured */
    struct suite_sanitizer sanitizer;
    const struct classes *classes;
    void *arena;
};

/* Loads suite_file (NULL: TESTCASES/suites/course.json) and the assignments and classes it names, from testcases_dir.
 * only: n_only patterns as of --only ("tcp-echo-server/half-*", "udp-*"); one that matches nothing is an error.
 * A selected scenario's needs are selected with it. */
int suite_load(const char *testcases_dir, const char *suite_file, const char *const *only,
               size_t n_only, struct suite **ret, struct err *err);
void suite_free(struct suite *suite);
/* Leaves every scenario with a `world.net` out, as if the suite had not named it: no points, nothing lost. For a machine
 * that cannot put a faulty network between two hosts. */
void suite_leave_out_net(struct suite *suite);

/* ---- bug classes: the sentences students read (testcases/classes.json) ---- */

/* What a class has to do with the order of bytes in numbers, ports, addresses. */
enum byte_order {
    BYTE_ORDER_NOT,     /* nothing */
    BYTE_ORDER_MISSING, /* a conversion is missing */
    BYTE_ORDER_WRONG,   /* one is wrong, or one too many */
};
struct bug_class {
    const char *name;
    const char *sentence; /* with {port} {other} {n} {m} {cpu} {mib} {got} {want} {arg} */
    const char *read;     /* where to read on, or NULL */
    bool
        uncapped; /* "cap": false: it says that the program does not work at all, so no cap limits its cost */
    enum byte_order byte_order;
};
struct classes {
    struct bug_class *list;
    size_t count;
    void *arena;
};
int classes_load(const char *path, struct classes **ret, struct err *err);
void classes_free(struct classes *classes);
const struct bug_class *classes_find(const struct classes *classes, const char *name);

/* ---- for lint: all errors of a file, not just the first ---- */

/* Called once for each finding, with a line as described at the top. */
typedef void scenario_finding(void *self, const char *line);
/* Checks one file (assignment, suite or classes; told apart by its keys). Returns the number of findings, -1 with err
 * when the file cannot be read. testcases_dir resolves what the file refers to. */
int scenario_lint(const char *path, const char *testcases_dir, scenario_finding *report, void *self,
                  struct err *err);

#endif
