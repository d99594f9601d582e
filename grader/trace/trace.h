/* trace/trace.h: what was observed while one scenario ran: append-only, bounded, with monotonic times.
 *
 * Two kinds of record: `events` (the wire, the processes; for the report's log) and `results` (how each executed step
 * ended; what verdict/ judges). Both are plain data, so that a stored trace can be judged again. */
#ifndef GRADER_TRACE_TRACE_H
#define GRADER_TRACE_TRACE_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind {
    TRACE_START,    /* a program was started: text = its command line */
    TRACE_READY,    /* its socket appeared in the socket table: text = "tcp 10.0.0.2:7007" */
    TRACE_EXIT,     /* text = "exit 1" or "killed by SIGPIPE" */
    TRACE_SIGNAL,   /* we sent one: text = "SIGSTOP" */
    TRACE_OPEN,     /* connection or socket made: text = "10.0.0.1:41022 -> 10.0.0.2:7007" */
    TRACE_ACCEPT,   /* we accepted: text as above */
    TRACE_REFUSED,  /* connect failed: text = the errno's text */
    TRACE_SEND,     /* we sent bytes (one segment, one datagram, stdin) */
    TRACE_RECEIVE,  /* the program sent bytes (or wrote to stdout, stderr) */
    TRACE_FIN_SENT, /* our shutdown or close */
    TRACE_FIN,      /* end of stream from the program */
    TRACE_RST_SENT,
    TRACE_RST, /* reset by the program */
    TRACE_CLOSE,
    TRACE_STEP,  /* a step begins: text = its verb and name */
    TRACE_FAULT, /* a system call of the program met a fault: text = "accept call 2: ECONNABORTED" */
    TRACE_NOTE,  /* anything worth telling: "silent: blocked in recvfrom on fd 4" */
};

#define TRACE_MAX_EVENTS                                                                           \
    2000 /* the first half and the last half are kept, those between are counted: how it began, how it ended */
#define TRACE_MAX_BYTES 256 /* of each event's data; `len` tells the true length */

struct trace_event {
    uint64_t t_us; /* since the scenario began */
    enum trace_kind kind;
    char actor[32]; /* the endpoint's or program's name; lanes add "#3" */
    int step;     /* index into trace.results' step numbering (struct step_result.step), -1: none */
    uint64_t len; /* bytes sent or received */
    uint8_t *bytes; /* the first TRACE_MAX_BYTES of them, or NULL */
    char *text;     /* or NULL */
};

/* How a step ended. For anything but an expectation OK and OTHER say it all. */
enum outcome {
    OUTCOME_OK,        /* as the step demands */
    OUTCOME_NOTHING,   /* no byte came, the stream is open */
    OUTCOME_SHORT,     /* a correct beginning, then nothing more; the stream is open */
    OUTCOME_EOF,       /* end of stream too early (before or within the expected bytes) */
    OUTCOME_RESET,     /* connection reset */
    OUTCOME_OPEN,      /* all bytes were right but the stream did not end */
    OUTCOME_EXTRA,     /* right bytes, then more of them */
    OUTCOME_DIFFERENT, /* a wrong byte */
    OUTCOME_REFUSED,   /* connection refused, unreachable, or never completed */
    OUTCOME_OTHER,     /* a check that did not hold, a wrong status, ...: `observed` says what */
    OUTCOME_COUNT
};

/* How it was established (design §2). */
enum proof { PROOF_SEEN, PROOF_SILENT, PROOF_IDLE_TICKS, PROOF_DEADLINE };

/* One executed step. Steps inside repeat and parallel give one result each time they run; containers give none. */
struct step_result {
    int step; /* ordinal of execution within the scenario, from 0 */
    const void *
        source; /* the struct step it came from (scenario/scenario.h): valid as long as the suite */
    char path[64]; /* "steps[3].steps[0]" : place in the file, loop turns as "steps[2]@17" */
    char actor[32];
    enum outcome outcome;
    enum proof proof;
    int alternative; /* index into `else` of the alternative that matched, -1: none */
    char *
        class_name; /* a bug class that the driver itself recognised (missing-htons-port, lf-only, ...), or NULL */
    char *
        generic_class; /* the class to tell when no alternative and no hint says more (match_result.generic_class), or NULL */
    struct buf
        expected; /* bytes that were expected (bounded), empty where the step expects no bytes */
    struct buf observed; /* bytes that came (bounded), for byte expectations */
    uint64_t kept_from;  /* offset of the first byte of `expected` and `observed` */
    uint64_t diff_at;    /* offset of the first wrong byte; UINT64_MAX: none */
    char *expected_text; /* one line for a person: "12 bytes, then end of stream"; "0 zombies" */
    char *observed_text; /* one line: "nothing; blocked in recvfrom ..."; "3 zombies" */
    /* figures for the sentence's braces: {port}, {other}, {n}, {m}, {cpu}, {mib}, {got}, {want}, {arg} */
    struct trace_figure {
        char name[12];
        char value[48];
    } figures[6];
    size_t n_figures;
    uint64_t from_us, to_us; /* since the scenario began, wall clock */
};

#define TRACE_MAX_RESULT_BYTES                                                                     \
    4096 /* of expected and observed each: where they are longer, a window around diff_at, or around the end of what came */

/* How the program under test (the first one started) ended up. */
struct process_summary {
    bool started, ended, signaled;
    int code; /* exit status or signal */
    uint64_t cpu_us;
    uint64_t rss_kib;      /* highest seen */
    unsigned fds;          /* last seen */
    const char *limit_hit; /* static text of a sandbox limit that struck, or NULL */
};

struct trace {
    struct trace_event *events; /* not in order once some were dropped: see trace_event_at() */
    size_t n_events;
    uint64_t dropped_events; /* between the first TRACE_MAX_EVENTS / 2 and those after them */
    struct step_result *results;
    size_t n_results;
    struct process_summary process;
    struct buf out,
        err_out;    /* first bytes of the program's stdout and stderr (each at most 16 KiB) */
    bool completed; /* every step ran; false: ended at the last result, which is not OK */
    bool
        scenario_error; /* the scenario itself could not be carried out: error_text, verdict "error" */
    bool host_error;    /* the machine failed us: error_text, verdict "error" */
    char *error_text;
    double seconds; /* wall time of the run */
    uint64_t
        busy_us; /* wall time that was not the program's own: it, or the grader, waited for a processor */
    uint64_t
        starved_us; /* the longest time in which the grader itself was kept from working: no processor, or stopped */
    struct trace_var {
        char *name;
        char *value;
    } * vars; /* ${port} and the like as drawn for this run */
    size_t n_vars;
};

void trace_init(struct trace *trace);
void trace_done(struct trace *trace);

/* Adds an event (copies bytes and text; either may be NULL). */
void trace_event(struct trace *trace, uint64_t t_us, enum trace_kind kind, const char *actor,
                 int step, const void *bytes, uint64_t len, const char *text);
/* The i-th of the n_events kept, in the order in which they happened. Owned by the trace. */
const struct trace_event *trace_event_at(const struct trace *trace, size_t i);
/* A fresh result at the end of the list; valid until the next call. */
struct step_result *trace_result(struct trace *trace);
/* The same in two halves, for a result that may not come to count: an empty one of the caller's, and its end or its place in
 * the list (which takes over all that it holds). */
void trace_result_init(struct step_result *result);
void trace_result_done(struct step_result *result);
void trace_result_add(struct trace *trace, struct step_result *result);
void trace_figure(struct step_result *result, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void trace_var(struct trace *trace, const char *name, const char *value);

/* The names used in the report and in scenario files ("nothing", "eof"; "seen", "silent"; "receive"). */
const char *outcome_name(enum outcome outcome);
bool outcome_from_name(const char *name, enum outcome *ret);
const char *proof_name(enum proof proof);
const char *trace_kind_name(enum trace_kind kind);

#endif
