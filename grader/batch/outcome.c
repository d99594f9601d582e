/* batch/outcome.c: what the gradebook and the summary need of one report. */
#include "batch/parts.h"

#include "base/own.h"

#include <stdio.h>
#include <string.h>

void outcome_clear(struct batch_hand_in *hand_in)
{
    for (size_t i = 0; i < hand_in->n_assignments; i++) {
        free(hand_in->assignments[i].id);
        free(hand_in->assignments[i].status);
    }
    for (size_t i = 0; i < hand_in->n_outcomes; i++)
        free(hand_in->outcomes[i].id);
    for (size_t i = 0; i < hand_in->n_classes; i++)
        free(hand_in->classes[i]);
    free(hand_in->assignments);
    free(hand_in->outcomes);
    free((void *)hand_in->classes);
    free(hand_in->note);
    hand_in->assignments = NULL;
    hand_in->outcomes = NULL;
    hand_in->classes = NULL;
    hand_in->note = NULL;
    hand_in->n_assignments = hand_in->n_outcomes = hand_in->n_classes = 0;
    hand_in->refused = hand_in->score_ok = false;
    hand_in->score = hand_in->max_score = 0;
}

static void add_class(struct batch_hand_in *hand_in, const char *name)
{
    for (size_t i = 0; i < hand_in->n_classes; i++)
        if (strcmp(hand_in->classes[i], name) == 0)
            return;
    hand_in->classes =
        xreallocarray((void *)hand_in->classes, hand_in->n_classes + 1, sizeof *hand_in->classes);
    hand_in->classes[hand_in->n_classes++] = xstrdup(name);
}

static void add_outcome(struct batch_hand_in *hand_in, const char *assignment, const char *scenario,
                        bool passed)
{
    hand_in->outcomes =
        xreallocarray(hand_in->outcomes, hand_in->n_outcomes + 1, sizeof *hand_in->outcomes);
    hand_in->outcomes[hand_in->n_outcomes++] = (struct batch_outcome){
        .id = xasprintf("%s/%s", assignment, scenario),
        .passed = passed,
    };
}

/* Skipped scenarios and those that a fault of the host ended say nothing about the program. */
static bool read_scenario(struct batch_hand_in *hand_in, const char *assignment,
                          const json_t *scenario)
{
    static const char *const passing[] = {"ok", "non-strict", "info"};
    const char *id = json_string_value(json_object_get(scenario, "id"));
    const char *verdict = json_string_value(json_object_get(scenario, "verdict"));
    const char *class = json_string_value(json_object_get(scenario, "class"));
    if (!id || !verdict)
        return false;
    bool passed = false;
    for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
        passed = passed || strcmp(verdict, passing[i]) == 0;
    if (passed || strcmp(verdict, "failed") == 0)
        add_outcome(hand_in, assignment, id, passed);
    if (class && *class && !passed)
        add_class(hand_in, class);
    return true;
}

static bool read_assignment(struct batch_hand_in *hand_in, const json_t *assignment)
{
    const char *id = json_string_value(json_object_get(assignment, "id"));
    const char *status = json_string_value(json_object_get(assignment, "status"));
    const json_t *scenarios = json_object_get(assignment, "scenarios");
    if (!id || !status || !json_is_array(scenarios))
        return false;
    hand_in->assignments = xreallocarray(hand_in->assignments, hand_in->n_assignments + 1,
                                         sizeof *hand_in->assignments);
    hand_in->assignments[hand_in->n_assignments++] = (struct batch_assignment){
        .id = xstrdup(id),
        .status = xstrdup(status),
        .counts = strcmp(status, "withheld") != 0,
        .score = json_number_value(json_object_get(assignment, "score")),
        .max_score = json_number_value(json_object_get(assignment, "max_score")),
    };
    for (size_t i = 0; i < json_array_size(scenarios); i++)
        if (!read_scenario(hand_in, id, json_array_get(scenarios, i)))
            return false;
    return true;
}

static bool read_all(struct batch_hand_in *hand_in, const json_t *report)
{
    const json_t *submission = json_object_get(report, "submission");
    const json_t *assignments = json_object_get(report, "assignments");
    const char *refusal = json_string_value(json_object_get(submission, "refusal"));
    const char *error = json_string_value(json_object_get(report, "error"));
    if (!json_is_object(submission) || !json_is_array(assignments))
        return false;
    hand_in->score = json_number_value(json_object_get(report, "score"));
    hand_in->max_score = json_number_value(json_object_get(report, "max_score"));
    hand_in->refused = refusal != NULL;
    const char *digest = json_string_value(json_object_get(submission, "digest"));
    (void)snprintf(hand_in->digest, sizeof hand_in->digest, "%s", digest ? digest : "");
    const json_t *sanitizer = json_object_get(report, "sanitizer");
    hand_in->score_ok = !error && !json_is_true(json_object_get(sanitizer, "withheld"));
    if (error || refusal)
        hand_in->note = xstrdup(error ? error : refusal);
    for (size_t i = 0; i < json_array_size(assignments); i++) {
        if (!read_assignment(hand_in, json_array_get(assignments, i)))
            return false;
        if (!hand_in->assignments[i].counts)
            hand_in->score_ok = false;
    }
    return true;
}

bool outcome_read(struct batch_hand_in *hand_in, const json_t *report)
{
    outcome_clear(hand_in);
    if (read_all(hand_in, report))
        return true;
    outcome_clear(hand_in);
    return false;
}
