/* grade_target.h: a box and its network, dressed as the struct target that the driver plays against. Part of the
 * conductor. */
#ifndef GRADER_GRADE_TARGET_H
#define GRADER_GRADE_TARGET_H

#include "driver/driver.h"
#include "grade_logs.h"
#include "grade_programs.h"
#include "sandbox/sandbox.h"

/* What all runs of one grade have in common. */
struct grade_place {
    struct sandbox *sandbox;
    const char *bin_dir;
    const struct ready_made_list *ready_made; /* may be NULL */
    const char *
        emulator; /* below /usr: what runs the programs of bin_dir, where they are for another machine; or NULL */
    const char *const
        *env;  /* "NAME=value" of each program, on top of a box's own; NULL-terminated or NULL */
    bool logs; /* programs write into BOX_LOG_DIR */
};

struct run_target {
    struct target target; /* for driver_run() */
    const struct grade_place *place;
    struct network *network;
    struct run_logs logs; /* of the programs that have ended, where place->logs */
};

/* Takes a fresh network, with the faults of this scenario (drawn from seed); the target's self pointer is this struct, so
 * it must not move. */
int run_target_init(struct run_target *run, const struct grade_place *place,
                    const struct scenario *scenario, uint64_t seed, struct err *err);
void run_target_done(struct run_target *run);

#endif
