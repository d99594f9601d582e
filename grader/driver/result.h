/* driver/result.h: a finding becomes a result in the trace. Private to driver/. */
#ifndef GRADER_DRIVER_RESULT_H
#define GRADER_DRIVER_RESULT_H

#include "driver/parts.h"

void finding_init(struct finding *finding);
void finding_done(struct finding *finding);
/* Writes it down, consumes what belongs to it, and ends the run where a step failed that must not. */
int finding_accept(struct run *run, struct lane *lane, struct finding *finding, struct err *err);
/* A lane has ended: a send of its that had to get through and did not is a failure, even where nobody has looked at its
 * connection since. */
void results_unsent(struct run *run, const struct lane *lane);

#endif
