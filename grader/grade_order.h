/* grade_order.h: how urgent a scenario is: the longest way through what waits for it. Part of the conductor. */
#ifndef GRADER_GRADE_ORDER_H
#define GRADER_GRADE_ORDER_H

#include "scenario/scenario.h"

struct order {
    double seconds; /* that may pass until the scenario itself has ended, about */
    double urgency; /* until the last one that needs it, directly or not, has ended */
};

/* One for each scenario of the assignment, n_scenarios of them (the caller frees the array). What is most urgent should
 * start first (list scheduling by critical path): a scenario that waits for a program's own timers then runs beside all the
 * others and not after them. Estimates: they decide the order, never a verdict. */
struct order *order_make(const struct assignment *assignment);

#endif
