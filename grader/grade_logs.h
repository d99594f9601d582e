/* grade_logs.h: what the programs of one run have written into their boxes' BOX_LOG_DIR. Part of the conductor. */
#ifndef GRADER_GRADE_LOGS_H
#define GRADER_GRADE_LOGS_H

#include "base/mem.h"
#include "sandbox/sandbox.h"

#include <stdint.h>

#define LOGS_MAX_FILES 32                  /* of one run; those of the lowest process ids */
#define LOGS_MAX_BYTES ((size_t)128 << 10) /* of each, its beginning */

struct run_log {
    int pid;             /* in its box; BOX_PROGRAM_PID is the program itself */
    uint64_t written_ns; /* CLOCK_REALTIME of the last write, to about 4 ms */
    struct buf text;
};

struct run_logs {
    struct run_log *list;
    size_t count;
};

/* Ends the box's programs and appends what they have left. A box that has gone already (its memory limit struck) leaves
 * nothing; so does one whose folder holds no regular file of the right name. */
void logs_read(struct box *box, struct run_logs *ret);
void logs_done(struct run_logs *logs);

#endif
