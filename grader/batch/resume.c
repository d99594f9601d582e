/* batch/resume.c: is the report that an earlier run left still true? */
#include "batch/parts.h"

#include "base/own.h"
#include "report/report.h"
#include "submission/submission.h"

#include <string.h>
#include <unistd.h>

static bool same(const json_t *object, const char *key, const char *wanted)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value && *value && strcmp(value, wanted) == 0;
}

/* A hand-in may have become late, or another attempt, without any change of its files. */
static bool same_origin(const json_t *submission, const struct origin *origin)
{
    AUTO_JSON json_t *wanted = origin_to_json(origin);
    const char *key;
    json_t *value;
    json_object_foreach(wanted, key, value)
    {
        if (!json_equal(value, json_object_get(submission, key)))
            return false;
    }
    return true;
}

bool resume_is_current(struct batch_hand_in *hand_in, const char *grading_digest,
                       const char *temp_dir)
{
    AUTO_JSON json_t *report = NULL;
    /* What is wrong with the hand-in or with an old report is found again, and said, by the worker. */
    struct err ignored = {0};
    if (access(hand_in->report, R_OK) != 0 ||
        submission_digest(hand_in->path, temp_dir, hand_in->digest, &ignored) != 0 ||
        report_load(hand_in->report, &report, &ignored) != 0)
        return false;
    if (!same_origin(json_object_get(report, "submission"), hand_in->origin) ||
        !same(json_object_get(report, "submission"), "digest", hand_in->digest) ||
        !same(report, "grading_digest", grading_digest))
        return false;
    if (!outcome_read(hand_in, report) || !hand_in->score_ok) {
        outcome_clear(hand_in); /* a score that was withheld is tried again */
        return false;
    }
    hand_in->state = BATCH_CURRENT;
    return true;
}
