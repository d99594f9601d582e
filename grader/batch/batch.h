/* batch/batch.h: a class: many hand-ins, each graded by a worker process, one report each; gradebook and summary.
 *
 * A worker is `WORKER ARGS... --slot N --format json -o OUT/NAME.json -- HAND-IN` (sockgrade itself, subcommand grade). It
 * runs in a process group of its own, with TMPDIR in a folder that is removed after it, and dies with this process. It
 * writes its report atomically, so whatever ends it, or us, a report is there as a whole or not at all. Whether a report
 * is current is read from the report alone (digest of the hand-in, digest of everything else): there is no other state,
 * and so nothing that could disagree with it.
 *
 * OUT/gradebook.csv (RFC 4180; CRLF, header line; a cell that a spreadsheet would take for a formula gets a ' in front):
 *     hand_in, student_id, student_name, student_email, late ("late", "in-time" or empty), attempt, status ("graded", "refused", "error", "not-graded"), score, max_score, one column for each assignment (its
 *     score), bug_classes (names, joined by spaces), report (file name), note. A score that is not known is empty, never 0.
 *
 * OUT/summary.json, keys in this order:
 *     format             "sockgrade/summary/1"
 *     grader             {version}
 *     grading_digest     SHA-256 (hex) over everything but the hand-ins that the scores depend on
 *     seconds            real; wall time of this run
 *     interrupted        bool; a signal ended the run early
 *     counts             {total, graded, current, errors, not_graded}; graded: by this run; current: kept from an earlier
 *                        one; errors: could not be graded; not_graded: the run ended before their turn
 *     score              {mean, median, min, max, max_score} over graded and current ones, in points; null when none
 *     classes            {NAME: number of hand-ins with this bug class}, most frequent first
 *     scenarios          {"ASSIGNMENT/SCENARIO": {passed, failed}}, hand-ins; skipped ones are in neither
 *     hand_ins           [{name, path, student: {id, name, email}, download, late, attempt (as in a report), report, status, score, max_score, seconds, digest, note,
 *                        assignments: [{id, status, score, max_score}], classes: [...]}] in the order given; status
 *                        "graded", "current", "error", "not-graded"; score, max_score: null unless all assignments count;
 *                        report: file name, null when there is none; note: null or a sentence (refusal, cause of an error) */
#ifndef GRADER_BATCH_BATCH_H
#define GRADER_BATCH_BATCH_H

#include "base/err.h"
#include "base/mem.h"
#include "submission/origin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum batch_state {
    BATCH_WAITING, /* its turn has not come (at the end: never came) */
    BATCH_RUNNING,
    BATCH_GRADED,  /* by this run */
    BATCH_CURRENT, /* its report was current: not graded again */
    BATCH_ERROR,   /* it could not be graded; costs no points, gives none */
};

struct batch_assignment {
    char *id, *status; /* as in the report */
    bool counts;       /* false: withheld, the score means nothing */
    double score, max_score;
};

/* A failed or passed scenario, for the statistics. */
struct batch_outcome {
    char *id; /* "assignment/scenario" */
    bool passed;
};

struct batch_hand_in {
    const char *path;            /* as given, or where it was taken out to */
    const struct origin *origin; /* whose it is; its path, where there is one, is the one to show */
    char *name;   /* safe for a file name, unique among the hand-ins without regard to case */
    char *report; /* OUT/NAME.json; may not exist */
    enum batch_state state;
    char *note;    /* one sentence: why it could not be graded, or was refused; NULL */
    bool refused;  /* graded, with no points: the hand-in was refused */
    bool score_ok; /* every assignment counts */
    double score, max_score;
    double seconds; /* of its worker */
    char digest[65];
    struct batch_assignment *assignments;
    size_t n_assignments;
    struct batch_outcome *outcomes;
    size_t n_outcomes;
    char **classes; /* each once */
    size_t n_classes;
};

/* Where a run stands. */
struct batch_progress {
    const struct batch_hand_in *ended; /* the one that this is about; NULL: time has passed */
    size_t total, graded, current, errors, running;
    double per_minute;   /* hand-ins graded in a minute, 0 while unknown */
    double seconds_left; /* negative while unknown */
};

/* What batch needs of the stages that it may not include, and of its caller. */
struct batch_ops {
    const char *worker; /* executable: "/proc/self/exe" */
    const char *const *
        worker_args; /* its first arguments, NULL-terminated: "grade", "--jobs=1", options passed on */
    const char *grading_digest; /* grade_digest() of those options */
    /* May be NULL. Called in batch_run()'s thread for every hand-in that has ended, and about once a second. */
    void (*progress)(void *self, const struct batch_progress *progress);
    /* May be NULL. Told of every download (roster.h) before the first worker starts: one line. */
    void (*recognised)(void *self, const char *sentence);
    void *self;
};

struct batch_options {
    const char *const *paths; /* hand-ins, and downloads of many */
    size_t n_paths;
    const char *student_regex; /* roster.h; NULL: the known forms */
    const char *out_dir;       /* made when it does not exist */
    /* an existing folder; the workers' temporary files, and what is taken out of downloads, are in one below it */
    const char *temp_dir;
    unsigned workers; /* at most so many at once; at least 1 */
};

struct roster;

struct batch {
    struct roster *roster; /* owns the paths and origins */
    char *version, *grading_digest;
    struct batch_hand_in *hand_ins;
    size_t n_hand_ins;
    int signal; /* the one that ended the run early, or 0 */
    double seconds;
};

/* Grades what is not current and writes gradebook.csv and summary.json (also when interrupted, and from time to time
 * while it runs). SIGINT, SIGTERM and SIGHUP, unless ignored, end the run: no new worker starts, those that run get
 * SIGTERM and are waited for (a second signal, or 10 s: SIGKILL); ret->signal tells.
 * -1: the output folder cannot be made or written, or roster_make() found a fault (ERR_USAGE), or the host failed as a whole (ERR_HOST). */
int batch_run(const struct batch_options *options, const struct batch_ops *ops, struct batch **ret,
              struct err *err);
void batch_free(struct batch *batch);

/* How many are in this state. */
size_t batch_count(const struct batch *batch, enum batch_state state);

/* The closing table, as text for a terminal or a log. */
void batch_table(const struct batch *batch, struct buf *out);

/* "8.5/10", "error", ...: what became of a hand-in, in one short word. The caller frees. */
char *batch_result_text(const struct batch_hand_in *hand_in);

#endif
