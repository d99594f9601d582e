/* tests/test_verdict_machines.c: what the same program on another machine says, and what it does not. */
#include "base/own.h"
#include "verdict/machines.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *mean(bool passed_here, enum byte_order order, enum machine_answer big,
                        enum machine_answer small)
{
    const enum machine_answer answers[MACHINES] = {
        [MACHINE_BIG_ENDIAN] = big, [MACHINE_32_BIT] = small};
    const char *name = machines_mean(passed_here, order, answers);
    return name ? name : "";
}

Test(verdict_machines, each_meaning)
{
    static const struct {
        bool passed_here;
        enum byte_order order;
        enum machine_answer big, small;
        const char *name;
    } rows[] = {
        {false, BYTE_ORDER_MISSING, MACHINE_PASSES, MACHINE_FAILS, "conversion-missing"},
        {false, BYTE_ORDER_MISSING, MACHINE_PASSES, MACHINE_NOT_RUN, "conversion-missing"},
        {false, BYTE_ORDER_WRONG, MACHINE_PASSES, MACHINE_NOT_BUILT, "conversion-wrong"},
        {false, BYTE_ORDER_NOT, MACHINE_PASSES, MACHINE_FAILS, "conversion-wrong"},
        {false, BYTE_ORDER_NOT, MACHINE_PASSES, MACHINE_NOT_RUN, ""},
        {false, BYTE_ORDER_NOT, MACHINE_PASSES, MACHINE_UNCLEAR, ""},
        {false, BYTE_ORDER_MISSING, MACHINE_PASSES, MACHINE_PASSES, "right-by-chance"},
        {false, BYTE_ORDER_NOT, MACHINE_FAILS, MACHINE_PASSES, "size-of-long"},
        {false, BYTE_ORDER_NOT, MACHINE_NOT_RUN, MACHINE_PASSES, "size-of-long"},
        {false, BYTE_ORDER_MISSING, MACHINE_FAILS, MACHINE_FAILS, ""},
        {true, BYTE_ORDER_NOT, MACHINE_FAILS, MACHINE_PASSES, "swaps-by-hand"},
        {true, BYTE_ORDER_NOT, MACHINE_FAILS, MACHINE_NOT_RUN, "swaps-by-hand"},
        {true, BYTE_ORDER_NOT, MACHINE_PASSES, MACHINE_FAILS, "only-64-bit"},
        {true, BYTE_ORDER_NOT, MACHINE_FAILS, MACHINE_FAILS, "only-this-machine"},
        {true, BYTE_ORDER_NOT, MACHINE_PASSES, MACHINE_PASSES, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        cr_expect_str_eq(mean(rows[i].passed_here, rows[i].order, rows[i].big, rows[i].small),
                         rows[i].name, "row %zu", i);
}

/* What fails here is explained by a pass elsewhere only, what passes here is doubted by a failure elsewhere only. */
Test(verdict_machines, nothing_is_concluded_from_no_answer)
{
    static const enum machine_answer empty[] = {MACHINE_NOT_RUN, MACHINE_NOT_BUILT,
                                                MACHINE_UNCLEAR};
    static const enum byte_order orders[] = {BYTE_ORDER_NOT, BYTE_ORDER_MISSING, BYTE_ORDER_WRONG};
    for (size_t i = 0; i < ARRAY_SIZE(empty); i++)
        for (size_t k = 0; k < ARRAY_SIZE(empty); k++)
            for (size_t o = 0; o < ARRAY_SIZE(orders); o++) {
                cr_expect_str_eq(mean(false, orders[o], empty[i], empty[k]), "");
                cr_expect_str_eq(mean(true, orders[o], empty[i], empty[k]), "");
                cr_expect_str_eq(mean(false, orders[o], empty[i], MACHINE_FAILS), "");
                cr_expect_str_eq(mean(true, orders[o], MACHINE_PASSES, empty[k]), "");
            }
}

static enum machine_answer answer(enum verdict_kind kind, enum proof proof)
{
    const struct verdict verdict = {.kind = kind, .proof = proof};
    return machine_answer_of(&verdict);
}

Test(verdict_machines, a_time_out_on_a_slow_machine_is_no_answer)
{
    cr_expect_eq(answer(VERDICT_OK, PROOF_SEEN), MACHINE_PASSES);
    cr_expect_eq(answer(VERDICT_INFO, PROOF_DEADLINE), MACHINE_PASSES);
    cr_expect_eq(answer(VERDICT_FAILED, PROOF_SEEN), MACHINE_FAILS);
    cr_expect_eq(answer(VERDICT_NON_STRICT, PROOF_SILENT), MACHINE_FAILS);
    cr_expect_eq(answer(VERDICT_FAILED, PROOF_DEADLINE), MACHINE_UNCLEAR);
    cr_expect_eq(answer(VERDICT_FAILED, PROOF_IDLE_TICKS), MACHINE_UNCLEAR);
    cr_expect_eq(answer(VERDICT_ERROR, PROOF_SEEN), MACHINE_NOT_RUN);
    cr_expect_eq(answer(VERDICT_SKIPPED, PROOF_SEEN), MACHINE_NOT_RUN);
}
