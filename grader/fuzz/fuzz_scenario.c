/* fuzz/fuzz_scenario.c: a scenario, suite or classes file: loader and lint agree, findings are lines of text. */
#include "fuzz/fuzz.h"

#include "base/own.h"
#include "scenario/open.h"

#define MAX_INPUT_BYTES ((size_t)64 << 10)

static void count_finding(void *self, const char *line)
{
    size_t *count = self;
    FUZZ_HOLDS(line[0] != '\0');
    fuzz_check_line(line);
    ++*count;
}

/* What a loaded file promises (scenario.h). */
static void check_loaded(const struct assignment *assignment)
{
    FUZZ_HOLDS(assignment->n_scenarios > 0 && assignment->n_scenarios <= SCENARIO_MAX_SCENARIOS);
    for (size_t i = 0; i < assignment->n_scenarios; i++) {
        const struct scenario *scenario = &assignment->scenarios[i];
        FUZZ_HOLDS(scenario->id && scenario->id[0] && scenario->title);
        FUZZ_HOLDS(scenario->points >= 0 && scenario->repeat_seed >= 1);
        FUZZ_HOLDS(scenario->n_setup <= scenario->n_steps);
        for (size_t j = 0; j < scenario->n_needs; j++)
            FUZZ_HOLDS(scenario->needs[j] < i);
    }
}

static bool is_assignment(const char *path)
{
    json_error_t error;
    AUTO_JSON json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    return root && !json_object_get(root, "suite") && !json_object_get(root, "classes");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char path[FUZZ_PATH_SIZE];
    struct err err = {0};
    size_t findings = 0;
    if (len > MAX_INPUT_BYTES)
        return -1;
    AUTO_CLOSE int fd = fuzz_file(bytes, len, path);
    int found = scenario_lint(path, "/nonexistent", count_finding, &findings, &err);
    FUZZ_HOLDS(found >= 0 && (found > 0) == (findings > 0));
    if (!is_assignment(path))
        return 0;
    struct assignment *assignment = NULL;
    int result = assignment_load(path, &assignment, &err);
    FUZZ_HOLDS((result == 0) == (found == 0) && (result == 0) == !err_is_set(&err));
    if (result == 0)
        check_loaded(assignment);
    else
        FUZZ_HOLDS(err.kind == ERR_USAGE && !assignment);
    assignment_free(assignment);
    return 0;
}
