/* verdict/machines.h: pure: what it means that the same program is right on one kind of machine and wrong on another. It
 * explains a failure and never decides one. */
#ifndef GRADER_VERDICT_MACHINES_H
#define GRADER_VERDICT_MACHINES_H

#include "verdict/verdict.h"

enum machine {
    MACHINE_BIG_ENDIAN, /* s390x: types are as large as here, the order of bytes is the other */
    MACHINE_32_BIT, /* i386: the order of bytes is that of here, long and pointers are half as large */
    MACHINES
};
/* What one scenario came to on another machine. */
enum machine_answer {
    MACHINE_NOT_RUN, /* not played there: no tools, a scenario that is not played on others, a fault of this machine */
    MACHINE_NOT_BUILT, /* make did not make this program for it */
    MACHINE_PASSES,
    MACHINE_FAILS,
    MACHINE_UNCLEAR, /* only its time was over, and the machine is a slow one: says nothing */
};
const char *machine_name(enum machine machine); /* "s390x", "i386" */
const char *machine_answer_name(
    enum machine_answer answer); /* "not run", "not built", "passes", "fails", "unclear" */

/* The answer that a verdict there is. */
enum machine_answer machine_answer_of(const struct verdict *there);

/* The bug class, of classes.json, that the answers stand for; NULL: they say nothing. `order` is that of the class by
 * which it failed here.
 * Each conclusion rests on two facts that were seen: a program is called right where a run of it was right; and one that
 * is right here is called wrong elsewhere only where that was seen or proven, not where a time was over. */
const char *machines_mean(bool passed_here, enum byte_order order,
                          const enum machine_answer answers[MACHINES]);

#endif
