/* grade_order.h: how urgent a scenario is: the longest way through what waits for it. Part of the conductor. */
#ifndef GRADER_GRADE_ORDER_H
#define GRADER_GRADE_ORDER_H

#include "scenario/scenario.h"

/* A number for each scenario of the assignment, n_scenarios of them (the caller frees the array): about the seconds that
 * pass from its start until the last one that needs it, directly or not, has ended. What is most urgent should start first
 * (list scheduling by critical path): a scenario that waits for a program's own timers then runs beside all the others and
 * not after them. An estimate: it decides the order, never a verdict. */
double *order_urgency(const struct assignment *assignment);

#endif
