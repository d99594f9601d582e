/* grade_order.c: see grade_order.h.
 *
 * Nobody knows how long a scenario takes, but its author wrote down where time may pass: pauses and spans in which
 * something must stay true pass in full, patience beyond the usual one passes in part. */
#include "grade_order.h"

#include "base/mem.h"

#define USUAL_S       0.02 /* a scenario without any pause */
#define PATIENCE_PART 0.3  /* of an explicit `within`, on the average */

static double steps_seconds(const struct step *steps, size_t n_steps);

static double repeat_seconds(const struct step *step)
{
    const struct repeat_step *repeat = &step->u.repeat;
    double longest = steps_seconds(repeat->steps, repeat->n_steps);
    for (size_t i = 0; i < repeat->n_lanes; i++) {
        double lane = steps_seconds(repeat->lanes[i].steps, repeat->lanes[i].n_steps);
        longest = lane > longest ? lane : longest;
    }
    return step->verb == VERB_REPEAT ? longest * (repeat->count ? repeat->count : 1) : longest;
}

static double step_seconds(const struct step *step)
{
    double patience = step->within_s > 0 ? step->within_s * PATIENCE_PART : 0;
    switch (step->verb) {
    case VERB_WAIT:
        return step->u.wait_s;
    case VERB_CHECK:
        return step->u.check.for_s + patience;
    case VERB_EXPECT:
        return patience;
    case VERB_REPEAT:
    case VERB_PARALLEL:
        return repeat_seconds(step);
    case VERB_DO:
        return steps_seconds(step->u.definition->steps, step->u.definition->n_steps);
    default: /* opening, sending and closing take no time of their own */
        return 0;
    }
}

static double steps_seconds(const struct step *steps, size_t n_steps)
{
    double sum = 0;
    for (size_t i = 0; i < n_steps; i++)
        sum += step_seconds(&steps[i]);
    return sum;
}

struct order *order_make(const struct assignment *assignment)
{
    struct order *order = xcalloc(assignment->n_scenarios, sizeof *order);
    double *followed_by = xcalloc(assignment->n_scenarios, sizeof *followed_by);
    for (size_t i = assignment->n_scenarios; i-- > 0;) { /* needs point backwards only */
        const struct scenario *scenario = &assignment->scenarios[i];
        order[i].seconds =
            scenario->repeat_seed * (USUAL_S + steps_seconds(scenario->steps, scenario->n_steps));
        order[i].urgency = followed_by[i] + order[i].seconds;
        for (size_t n = 0; n < scenario->n_needs; n++)
            if (followed_by[scenario->needs[n]] < order[i].urgency)
                followed_by[scenario->needs[n]] = order[i].urgency;
    }
    free(followed_by);
    return order;
}
