/* driver/parts.h: what the files of this stage share. Nobody outside includes it.
 *
 * From outside to inside: driver.c (one run) - play.c (the timeline: waits, proofs, deadlines) - lane.c (which step is
 * next) - step*.c (the verbs) - endpoint*.c and program.c (what carries bytes) - loop.c (epoll). */
#ifndef GRADER_DRIVER_PARTS_H
#define GRADER_DRIVER_PARTS_H

#include "base/guard.h"
#include "driver/driver.h"
#include "driver/limit.h"
#include "scenario/data.h"
#include "scenario/match.h"
#include "scenario/vars.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define NS_PER_S       UINT64_C(1000000000)
#define MAX_NAME_BYTES 64 /* of an endpoint, ".err" and the lane's number included */

struct run;
struct lane;
struct endpoint;
struct fetch;
struct moment;

/* ---- loop.c: one epoll(7), no callbacks but these ---- */

struct watch {
    int fd;
    uint32_t events; /* registered now; 0: not registered */
    void (*ready)(struct run *run, void *self, uint32_t events);
    void *self;
};

/* Registers, changes or (events 0) removes. 0, or -1 with ERR_HOST. */
int loop_watch(struct run *run, struct watch *watch, uint32_t events);
/* Waits until something is ready or the time (io_now_ns() clock) has come, and hands all that is ready to its owners.
 * Returns how many, -1 with err. */
int loop_wait(struct run *run, uint64_t until_ns, struct err *err);

/* ---- endpoints ---- */

enum endpoint_kind {
    ENDPOINT_TCP,
    ENDPOINT_LISTENER,
    ENDPOINT_UDP,
    ENDPOINT_PROGRAM, /* in: its stdout; out: its stdin */
    ENDPOINT_STDERR,
};

struct address {
    struct sockaddr_storage storage;
    socklen_t len; /* 0: none */
};

/* Of a connection. */
struct ends {
    struct address local, remote;
};

struct datagram {
    struct datagram *next;
    size_t len;
    uint8_t bytes[];
};

/* Data on its way out: a stream's part, or one datagram. */
struct sending {
    struct sending *next;
    uint8_t *bytes;
    size_t len, at, until; /* all; written; what may be written now (the end of a segment) */
    size_t *cuts;          /* further ends of segments, ascending */
    size_t n_cuts, cut_every;
    uint64_t gap_ns;
    struct address to;         /* datagrams */
    const struct step *must;   /* the send step, unless it may fail */
    char path[MAX_NAME_BYTES]; /* of that step */
};

struct program {
    struct target_program *handle;
    pid_t init, pid;
    struct watch exit_watch;
    bool reported; /* its end stands in the trace */
    struct program_exit end;
    struct process_stats baseline; /* just after the start */
    struct process_stats last;
    uint64_t highest_rss_kib;
    bool first;                /* the program under test */
    struct call_tracer *calls; /* what meets its system calls; the target's; NULL: none */
};

struct endpoint {
    enum endpoint_kind kind;
    char name[MAX_NAME_BYTES];          /* as in the scenario */
    char actor[MAX_NAME_BYTES];         /* in the trace: with the lane's number */
    struct lane *lane;                  /* whose it is */
    struct watch in, out;               /* sockets use `in` only; out: a program's stdin */
    bool connecting, no_read, is_bound; /* is_bound: a UDP server, which answers its last peer */
    int connect_errno;
    bool eof, reset;
    struct buf bytes; /* a stream's arrived bytes, ... */
    size_t taken;     /* ... of which so many were consumed */
    struct datagram *datagrams, **last_datagram;
    size_t n_datagrams, datagram_bytes;
    struct address peer; /* UDP: whom it talks to, or who talked to it last */
    struct sending *sendings, **last_sending;
    uint64_t gate_ns; /* when the last segment was written whole */
    bool fin_wanted, fin_sent;
    bool broken;               /* nothing more can be written */
    const struct step *unsent; /* a send that did not get through and was not allowed to fail */
    char unsent_path[MAX_NAME_BYTES];
    uint64_t changes; /* counts whatever arrived or ended */
    struct program *program;
};

/* The endpoint that this lane knows by this name ("srv", "srv.err", variables already expanded); NULL. */
struct endpoint *endpoint_find(struct run *run, const struct lane *lane, const char *name);
/* A new one in this lane; one of the same name goes. The caller opens its sockets. */
struct endpoint *endpoint_add(struct run *run, struct lane *lane, enum endpoint_kind kind,
                              const char *name);
/* Closes and forgets. A program is ended. */
void endpoint_drop(struct run *run, struct endpoint *endpoint);
void endpoint_drop_lane(struct run *run, const struct lane *lane);
/* What the matcher sees. */
void endpoint_arrival(const struct endpoint *endpoint, struct arrival *ret);
void endpoint_consume(struct run *run, struct endpoint *endpoint, size_t count);
/* The oldest datagram that is exactly this becomes the first of those that wait, if there is one. */
void endpoint_prefer(struct endpoint *endpoint, const struct pattern *datagram);
bool endpoint_is_stream(const struct endpoint *endpoint);
/* Reads whatever is there now (called by the loop; also before something is judged). */
void endpoint_read(struct run *run, struct endpoint *endpoint);
void endpoint_readable(struct run *run, void *self, uint32_t events);
/* What may be read or written decides what is watched. */
int endpoint_rewatch(struct run *run, struct endpoint *endpoint);
/* "10.0.0.1:41022 -> 10.0.0.2:7007"; the caller frees. */
char *endpoint_ends(const struct endpoint *endpoint);
uint64_t endpoint_now(struct run *run, struct endpoint *endpoint, enum trace_kind kind,
                      const void *bytes, size_t len, const char *text);

/* sending.c. The sending's memory passes over to the endpoint. */
void sending_add(struct run *run, struct endpoint *endpoint, struct sending *sending);
struct sending *sending_new(uint8_t *bytes, size_t len, const struct send_step *step);
void sending_free(struct sending *sending);
void sending_flush(struct run *run, struct endpoint *endpoint);
bool sending_pending(const struct endpoint *endpoint);
bool sending_gated(
    const struct endpoint *endpoint); /* a segment waits until the last one was consumed */
/* Lets the next segments go whose gap is over; with a moment, also those whose predecessor was consumed, or never will be.
 * True when any did. */
bool sending_open_gates(struct run *run, const struct moment *moment);
uint64_t sending_next_gate(const struct run *run);               /* UINT64_MAX: none */
void sending_finish(struct run *run, struct endpoint *endpoint); /* half-close once all is out */
void sending_discard(struct endpoint *endpoint);
/* endpoint_read.c: a send has found out that the peer has reset the connection. */
void endpoint_was_reset(struct run *run, struct endpoint *endpoint);

/* address.c: "ADDR:PORT", "[v6]:PORT", "ADDR". ERR_USAGE. */
int sockaddr_parse(const char *text, bool with_port, struct address *ret, struct err *err);
void sockaddr_text(const struct address *address, char *text, size_t size);
uint16_t sockaddr_port(const struct address *address);

/* ---- program.c ---- */

/* Starts it; *ret is NULL and *ret_refusal set (the caller frees) when the hand-in's file cannot be run. */
int program_start(struct run *run, struct lane *lane, const struct step *step,
                  struct endpoint **ret, char **ret_refusal, struct err *err);
void program_drop(struct run *run, struct program *program);
/* Looks whether it has ended; notes that in the trace once. */
int program_poll(struct run *run, struct endpoint *endpoint, struct err *err);
int program_look(struct run *run, struct program *program, struct process_stats *ret,
                 struct err *err);
char *program_end_text(const struct program_exit *end); /* "exit 1", "killed by SIGPIPE" */

/* A socket as in "tcp 7007": `listening`, or what else is there. */
enum server_state {
    SERVER_THERE,
    SERVER_NONE,
    SERVER_SWAPPED,
    SERVER_OTHER_PORT,
    SERVER_OTHER_TYPE
};
struct server_look {
    enum server_state state;
    uint16_t port, other;
    int protocol;
    char address[INET6_ADDRSTRLEN];
};
/* what: "tcp PORT" or "udp PORT", expanded. */
int program_server(struct run *run, const struct program *program, const char *what,
                   struct server_look *ret, struct err *err);

/* ---- findings: how a step ended, before it is written down ---- */

struct finding {
    bool done;
    bool
        by_quiet; /* it rests on nothing more coming (known by quiet_proof), not on something seen */
    enum proof quiet_proof;
    size_t consume; /* from the endpoint, once it is accepted */
    struct step_result result;
};

void finding_ok(struct finding *finding);
/* Texts are in printf style; both are needed. */
void finding_fail(struct finding *finding, enum outcome outcome, const char *expected,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* It was established by nothing more coming. */
void finding_by_quiet(struct finding *finding, enum proof proof);
/* Puts where the program blocks behind what was observed. */
void finding_add_where(struct run *run, struct finding *finding);

/* What is known at this moment about what the programs can still do. */
struct moment {
    bool quiet;        /* nothing comes by itself ... */
    enum proof proof;  /* ... as is known so ... */
    uint64_t until_ns; /* ... before this time (io_now_ns() clock) */
    bool may_fail;     /* it was looked at twice: a failure may rest on it */
    bool blocked_output;
};

extern const struct moment nothing_known;

/* ---- steps ---- */

struct active {
    const struct step *step; /* NULL: none */
    int number;
    char path[MAX_NAME_BYTES];
    char name[MAX_NAME_BYTES]; /* step->name, expanded */
    struct limit limit;
    uint64_t began_us;
    struct endpoint *endpoint;
    uint64_t changes; /* of the endpoint when it was last looked at; UINT64_MAX: never */
    struct resolved want;
    struct resolved *alternatives;
    size_t agreed;
    struct program *program;
    char *text;            /* expanded: ready, listening, refusal */
    uint64_t next_look_ns; /* checks: when to look again */
    uint64_t pause_ns;
    uint64_t cpu_before_us;
    struct fetch *fetch;
    bool is_ready;    /* start: its socket is there */
    bool at_door;     /* open: it has not asked for its connection yet, to address */
    bool refused;     /* start: text is the refusal; send: there is nobody to send to */
    bool has_ends;    /* close: ... */
    struct ends ends; /* ... of the connection that was reset */
    struct address address;
    const char *meeting;
};

struct lane {
    struct lane *next; /* in run->lanes */
    struct lane *parent;
    unsigned number; /* from 1; 0: the root */
    struct vars vars;
    struct frame *frame; /* innermost */
    struct active active;
    unsigned children; /* lanes of its parallel step that still run */
    bool ended;
};

/* A listening socket of the program's host, as it was at this turn of the timeline. */
struct door {
    bool known;
    uint16_t port;
    size_t inside, room; /* connections that nobody has accepted yet; how many its backlog holds */
    bool admits;         /* somebody was let in since */
};

struct run {
    const struct assignment *assignment;
    const struct scenario *scenario;
    const struct target *target;
    const struct run_options *options;
    struct trace *trace;
    struct observer *observer;
    struct guard *guard;
    struct vars vars; /* drawn, the file's, --var */
    int epoll;
    uint64_t began_ns, cap_ns;
    uint64_t student_now_ns; /* of this iteration; 0: not read yet */
    uint64_t line_ns;        /* of this iteration: since when a thread waits for a processor */
    uint64_t turn_ns, turn_cpu_ns; /* when the last wait ended, by the wall and by our own work */
    uint64_t excused_ns;           /* time in which we were kept from working, or woken too late */
    uint64_t starved_ns;           /* the longest such time */
    uint64_t busy_ns; /* time that was not the program's own, when the clock was last read */
    bool rests;       /* options->rests() was told so */
    bool glance;      /* a span has begun: what is there already is looked at first */
    struct door door;
    uint64_t network_ns; /* time in which probes found something under way between the hosts */
    int last_events;     /* of the last wait */
    size_t kept_bytes;   /* arrived and not consumed, of all endpoints */
    struct endpoint **endpoints;
    size_t n_endpoints;
    struct lane *lanes;
    struct lane *root;
    int n_steps;
    bool line_known;       /* line_ns: somebody has asked in this iteration */
    bool over;             /* a step failed: nothing more is done */
    bool postponed;        /* a step would fail if the silence were looked at once more */
    struct program *first; /* the program under test: the first one, or what replaced it */
    struct process_summary summary;
    struct { /* probes since anything moved */
        unsigned all, busy;
        uint64_t cpu_us; /* of the program at the first busy one */
    } probes;
    bool closing;          /* the run is over: what ends now is our doing */
    uint64_t inputs;       /* counts what we did to the programs */
    uint64_t silent_since; /* value of `inputs` at the last proof of silence; UINT64_MAX: none */
    bool distrust;         /* a byte came after a proof: the clock alone decides from then on */
    struct err err;        /* of a callback */
};

struct verb_ops {
    /* 0, or -1 with err. */
    int (*begin)(struct run *run, struct lane *lane, struct err *err);
    /* Sets finding->done when the step has ended; otherwise it will be called again. */
    int (*poll)(struct run *run, struct lane *lane, const struct moment *moment,
                struct finding *finding, struct err *err);
    void (*end)(struct run *run, struct lane *lane); /* may be NULL */
};
extern const struct verb_ops verb_start, verb_open, verb_send, verb_expect, verb_close, verb_check,
    verb_fetch, verb_wait;

/* No input is coming any more that this step could still wait for; *ret_proof says how that is known. */
bool step_settled(struct run *run, struct lane *lane, const struct moment *moment,
                  enum proof *ret_proof);
/* A span has passed, though step_settled() may still wait for a thread that stands in line: what has changed since the last
 * look may have changed after it, and counts for nothing. */
bool step_undated(const struct active *active);
const struct vars *lane_vars(const struct lane *lane); /* the innermost scope */
int step_expand(const struct lane *lane, const char *text, char **ret, struct err *err);
void step_context(const struct run *run, const struct lane *lane, struct data_context *ret);
double step_within(const struct run *run, const struct step *step, double fallback);
/* The endpoint that the step names; ERR_USAGE when there is none. */
int step_endpoint(struct run *run, struct lane *lane, struct endpoint **ret, struct err *err);

/* peer.c: the two ends of a connection. False, with nothing to compare, where there is none (any more). */
bool peer_ends(const struct endpoint *endpoint, struct ends *ret);
/* The program's end of it in its host's socket table. 1: *ret (which may be NULL) is filled; 0: it is not there; -1 with err. */
int peer_find(struct run *run, const struct ends *ends, struct socket_entry *ret, struct err *err);
/* The program's end of this connection, as its kernel sees it; false when there is none. */
bool peer_entry(struct run *run, const struct endpoint *endpoint, struct socket_entry *ret);
/* Would the program's host let one more connection to this port in now, or has its listener's queue as many as listen(2) was
 * told? True takes the place. A SYN that finds the queue full is dropped, and a handshake that ends then is given up by the
 * server after two retries, with a reset for its client's first bytes: the peers of a slow server are not in its way. */
bool peer_has_room(struct run *run, uint16_t port);
/* Does anything that was sent to the programs still lie unread in their hosts' queues? */
bool peer_unread(struct run *run);

/* explain.c: where a program that does nothing blocks, in one line ("" when unknown); the caller frees. */
char *explain_blocked(struct run *run);
/* Does a program that is blocked in epoll for ever leave bytes of this connection unread? Fills in {n}. */
bool explain_unread(struct run *run, const struct endpoint *endpoint, const struct moment *moment,
                    struct step_result *result);
/* The mistake that this state of things means by itself, or NULL: for results that nothing else explains. */
const char *explain_hang(struct run *run, const struct lane *lane, const struct moment *moment,
                         enum outcome outcome, struct step_result *result);

/* faults.c: system calls that are made to fail. The world's, in the observer's words; returns how many. */
size_t faults_of(const struct world *world, struct call_fault ret[CALL_KINDS]);
/* What is new since the last time goes into the trace. */
void faults_note(struct run *run);
/* All of it in words behind what a failed step observed. */
void faults_explain(struct run *run, struct step_result *result);

/* lane.c */
void lanes_open(struct run *run);
void lanes_close(struct run *run);
/* Takes every lane as far as it can go at this moment. *ret_moved: any step ended or began. */
int lanes_advance(struct run *run, const struct moment *moment, bool *ret_moved, struct err *err);
bool lane_is_looking(const struct lane *lane); /* a proof of silence could end its step */

/* fetch.c: libcurl's side of a lane's fetch */
uint64_t fetch_next_timer(const struct run *run); /* UINT64_MAX: none */
void fetch_run_timers(struct run *run);

/* explain.c: notes in the trace what the network has done to packets since the last time. */
void explain_network(struct run *run);

/* play.c: the timeline. 0 when it has ended, -1 with err. */
int play(struct run *run, struct err *err);
/* After the timeline: reads on until every program rests or has ended, at most most_ns. No verdict comes of it. */
void play_out(struct run *run, uint64_t most_ns);

#endif
