/* batch/parts.h: what the files of batch share; nobody outside includes it. */
#ifndef GRADER_BATCH_PARTS_H
#define GRADER_BATCH_PARTS_H

#include "batch/batch.h"

#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>

/* names.c: gives every hand-in its name and the place of its report. */
void names_assign(struct batch *batch, const char *out_dir);

/* outcome.c: fills a hand-in from its report. False when the report is not of the expected form (state is unchanged). */
bool outcome_read(struct batch_hand_in *hand_in, const json_t *report);
/* Frees and empties what a report filled in, the state and the name excepted. */
void outcome_clear(struct batch_hand_in *hand_in);

/* resume.c: true, and the hand-in filled and BATCH_CURRENT, when its report is there and up to date. Also notes the
 * hand-in's digest. temp_dir: archives are unpacked below it meanwhile. */
bool resume_is_current(struct batch_hand_in *hand_in, const char *grading_digest,
                       const char *temp_dir);

/* statistics.c: over those that have a score. */
struct score_figures {
    size_t count;
    double mean, median, min, max, max_score;
};
struct score_figures statistics_scores(const struct batch *batch);
/* How many hand-ins have which class / passed and failed which scenario; classes most frequent first. */
struct tally {
    const char *name;
    size_t failed, passed; /* classes count in `failed` */
};
size_t statistics_classes(const struct batch *batch, struct tally **ret);
size_t statistics_scenarios(const struct batch *batch, struct tally **ret);

/* gradebook.c, summary.c: atomically written; -1 with ERR_HOST. */
int gradebook_write(const struct batch *batch, const char *out_dir, struct err *err);
int summary_write(const struct batch *batch, const char *out_dir, struct err *err);
/* One cell of a CSV line, quoted and guarded as RFC 4180 and spreadsheets need it. */
void gradebook_cell(struct buf *out, const char *text);

/* worker.c: one process that grades one hand-in. */
struct worker {
    struct batch_hand_in *hand_in; /* NULL: this slot is free */
    pid_t pid;
    int pidfd;
    int words;              /* memfd: what it wrote to standard error */
    char *temp_dir;         /* its own TMPDIR */
    struct stat old_report; /* as it was before; st_ino is 0 where there was none */
    uint64_t began_ns;
};
/* Starts a worker in a free slot; slot: its number, from 1. old_mask: the signals it has blocked. -1: ERR_HOST, and the
 * slot is free. */
int worker_start(struct worker *worker, const struct batch_ops *ops, const char *temp_base,
                 unsigned slot, const sigset_t *old_mask, struct batch_hand_in *hand_in,
                 struct err *err);
/* The process has ended (pidfd is readable): reaps it and fills the hand-in. The slot is free afterwards. */
void worker_end(struct worker *worker, const char *grading_digest);
/* Sends a signal, where there is a process. */
void worker_signal(const struct worker *worker, int sig);

#endif
