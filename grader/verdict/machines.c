/* verdict/machines.c: see machines.h. */
#include "verdict/machines.h"

#include "base/own.h"

#include <stddef.h>

static const char *const machine_names[] = {
    [MACHINE_BIG_ENDIAN] = "s390x", [MACHINE_32_BIT] = "i386"};

static const char *const answer_names[] = {
    [MACHINE_NOT_RUN] = "not run", [MACHINE_NOT_BUILT] = "not built", [MACHINE_PASSES] = "passes",
    [MACHINE_FAILS] = "fails",     [MACHINE_UNCLEAR] = "unclear",
};

const char *machine_name(enum machine machine)
{
    return machine_names[machine];
}

const char *machine_answer_name(enum machine_answer answer)
{
    return answer_names[answer];
}

enum machine_answer machine_answer_of(const struct verdict *there)
{
    switch (there->kind) {
    case VERDICT_OK:
    case VERDICT_INFO:
        return MACHINE_PASSES;
    case VERDICT_FAILED:
    case VERDICT_NON_STRICT:
        return there->proof == PROOF_SEEN || there->proof == PROOF_SILENT ? MACHINE_FAILS
                                                                          : MACHINE_UNCLEAR;
    default:
        return MACHINE_NOT_RUN;
    }
}

/* Sets of answers, and of enum byte_order. */
#define ONLY(value) (1U << (value))
#define ANY         (~0U)

/* The first row that fits. Where the class here has nothing to do with byte order, that a big-endian machine is right says
 * so only if the other little-endian one is as wrong as this one. */
static const struct row {
    bool passed_here;
    unsigned big, small, orders;
    const char *class_name;
} rows[] = {
    {false, ONLY(MACHINE_PASSES), ONLY(MACHINE_PASSES), ANY, "right-by-chance"},
    {false, ONLY(MACHINE_PASSES), ANY, ONLY(BYTE_ORDER_MISSING), "conversion-missing"},
    {false, ONLY(MACHINE_PASSES), ANY, ONLY(BYTE_ORDER_WRONG), "conversion-wrong"},
    {false, ONLY(MACHINE_PASSES), ONLY(MACHINE_FAILS), ANY, "conversion-wrong"},
    {false, ANY, ONLY(MACHINE_PASSES), ANY, "size-of-long"},
    {true, ONLY(MACHINE_FAILS), ONLY(MACHINE_FAILS), ANY, "only-this-machine"},
    {true, ONLY(MACHINE_FAILS), ANY, ANY, "swaps-by-hand"},
    {true, ANY, ONLY(MACHINE_FAILS), ANY, "only-64-bit"},
};

const char *machines_mean(bool passed_here, enum byte_order order,
                          const enum machine_answer answers[MACHINES])
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        if (row->passed_here == passed_here && (row->big & ONLY(answers[MACHINE_BIG_ENDIAN])) &&
            (row->small & ONLY(answers[MACHINE_32_BIT])) && (row->orders & ONLY(order)))
            return row->class_name;
    }
    return NULL;
}
