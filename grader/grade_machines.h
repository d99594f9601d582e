/* grade_machines.h: the hand-in built once more, for machines of another kind, and the scenarios about byte order played
 * there: what fails here and passes on a big-endian machine lacks a conversion, and so on (verdict/machines.h). Part of the
 * conductor.
 *
 * The programs run in boxes as ever, under an emulator of one process (qemu-user): to the kernel, and to whoever watches,
 * it is the program, and makes its system calls. A program that it starts by execve(2) would have to be of this machine.
 *
 * Informative throughout: it sharpens a sentence and never moves a point. */
#ifndef GRADER_GRADE_MACHINES_H
#define GRADER_GRADE_MACHINES_H

#include "build/build.h"
#include "grade_schedule.h"
#include "report/report.h"

/* One other machine. */
struct machine_side {
    enum machine machine;
    bool asked;
    struct suite suite; /* the grade's, with other scenarios selected */
    struct suite_entry *entries;
    struct grade_place place;
    struct schedule schedule;
    struct build *build;
    struct err build_error; /* set: the machine could not build it, and `build` is NULL */
    const struct machines_pass *pass;
};

struct machines_pass {
    const struct grade_options *options;
    struct sandbox *sandbox;
    const struct submission *submission;
    const struct build *build; /* the first one: what is missing there is not played */
    const char *work_dir;
    const struct ready_made_list *ready_made;
    struct schedule *grade; /* the grade's own, which has run */
    /* private */
    bool **selected; /* [assignment][scenario] */
    struct machine_side sides[MACHINES];
    struct machines_answers **answers; /* [assignment][scenario] */
    struct machines_result result;
};

/* Decides what to ask (the fields down to grade are set by the caller), builds, plays, and adds what it means to the
 * sentences of the grade's verdicts. Costs nothing where there is nothing to ask. What the fields point to must outlive
 * the pass. */
void machines_play(struct machines_pass *pass);
void machines_done(struct machines_pass *pass);

/* What this machine lacks to build and run programs for that one; NULL: nothing. The caller frees. */
char *machine_lacks(enum machine machine);

/* ---- grade_machines_tell.c ---- */

/* After the runs: answers, sentences, result. */
void machines_tell(struct machines_pass *pass);

#endif
