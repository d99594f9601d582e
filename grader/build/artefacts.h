/* build/artefacts.h: the programs that make produced, copied out of the box. Private to build. */
#ifndef GRADER_BUILD_ARTEFACTS_H
#define GRADER_BUILD_ARTEFACTS_H

#include "build/build.h"

/* Makes the folder for them below work_dir and fills build->bin_dir and build->programs, none of them present yet. -1: ERR_HOST. */
int artefacts_prepare(const struct build_request *request, struct build *build, struct err *err);

/* Kills what is left of the build, then copies its programs. build->status must be known. -1: ERR_HOST. */
int artefacts_collect(struct box *box, const struct build_request *request, struct build *build,
                      struct err *err);

/* Writes the reason of every program that is not present, by the build's status (ENOENT: make did not make it). */
void artefacts_explain(struct build *build, const int *causes);

#endif
