/* fuzz/fuzz_report.c: a stored report that comes back, and every form made from it. First byte: the style. */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "batch/parts.h"
#include "report/report.h"

#define MAX_INPUT_BYTES ((size_t)64 << 10)

static void check_text(const json_t *report, uint8_t style_bits)
{
    AUTO_BUF struct buf out = {0};
    const struct report_style style = {
        .verbose = style_bits & 1, .colour = style_bits & 2, .width = style_bits >> 2};
    report_text(report, &style, &out);
    if (!style.colour)
        fuzz_check_shown(out.data ? out.data : "", out.len);
}

/* Written and read again it is the same: nothing is added to a report by passing it on. */
static void check_json(const json_t *report)
{
    AUTO_BUF struct buf first = {0};
    AUTO_BUF struct buf second = {0};
    AUTO_JSON json_t *again = NULL;
    char path[FUZZ_PATH_SIZE];
    struct err err = {0};
    if (report_json_text(report, &first, &err) != 0)
        return;
    AUTO_CLOSE int fd = fuzz_file(first.data, first.len, path);
    FUZZ_HOLDS(report_load(path, &again, &err) == 0);
    FUZZ_HOLDS(report_json_text(again, &second, &err) == 0);
    FUZZ_HOLDS(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

/* The class's view of it. */
static void check_batch(const json_t *report)
{
    struct batch_hand_in hand_in = {.path = "p",
                                    .name = (char *)(uintptr_t) "n",
                                    .report = (char *)(uintptr_t) "n.json",
                                    .state = BATCH_GRADED};
    struct batch batch = {.version = (char *)(uintptr_t) "0",
                          .grading_digest = (char *)(uintptr_t) "0",
                          .hand_ins = &hand_in,
                          .n_hand_ins = 1};
    if (outcome_read(&hand_in, report)) {
        AUTO_BUF struct buf table = {0};
        struct tally *tally = NULL;
        AUTO_FREE char *result = batch_result_text(&hand_in);
        fuzz_check_line(result);
        batch_table(&batch, &table);
        fuzz_check_shown(table.data ? table.data : "", table.len);
        FUZZ_HOLDS(statistics_classes(&batch, &tally) == hand_in.n_classes);
        free(tally);
        FUZZ_HOLDS(statistics_scenarios(&batch, &tally) <= hand_in.n_outcomes);
        free(tally);
    }
    outcome_clear(&hand_in);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t style = fuzz_take(&bytes, &len);
    char path[FUZZ_PATH_SIZE];
    struct err err = {0};
    AUTO_JSON json_t *report = NULL;
    if (len > MAX_INPUT_BYTES)
        return -1;
    AUTO_CLOSE int fd = fuzz_file(bytes, len, path);
    if (report_load(path, &report, &err) != 0) {
        FUZZ_HOLDS(err.kind == ERR_USAGE && !report);
        return 0;
    }
    check_text(report, style);
    AUTO_BUF struct buf junit = {0};
    report_junit(report, &junit);
    fuzz_check_shown(junit.data, junit.len);
    check_json(report);
    check_batch(report);
    return 0;
}
