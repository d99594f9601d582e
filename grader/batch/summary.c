/* batch/summary.c: summary.json; its keys are described in batch.h. */
#include "batch/parts.h"

#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "submission/submission.h"

#include <string.h>

static const char *const state_names[] = {
    [BATCH_WAITING] = "not-graded", [BATCH_RUNNING] = "not-graded", [BATCH_GRADED] = "graded",
    [BATCH_CURRENT] = "current",    [BATCH_ERROR] = "error",
};

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value ? value : json_null());
}

static json_t *counts(const struct batch *batch)
{
    size_t waiting = batch_count(batch, BATCH_WAITING) + batch_count(batch, BATCH_RUNNING);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)batch->n_hand_ins, "graded",
                     (json_int_t)batch_count(batch, BATCH_GRADED), "current",
                     (json_int_t)batch_count(batch, BATCH_CURRENT), "errors",
                     (json_int_t)batch_count(batch, BATCH_ERROR), "not_graded",
                     (json_int_t)waiting);
}

static json_t *scores(const struct batch *batch)
{
    struct score_figures figures = statistics_scores(batch);
    if (!figures.count)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "mean", figures.mean, "median", figures.median,
                     "min", figures.min, "max", figures.max, "max_score", figures.max_score);
}

static json_t *classes(const struct batch *batch)
{
    AUTO_FREE struct tally *tallies = NULL;
    size_t count = statistics_classes(batch, &tallies);
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        set(object, tallies[i].name, json_integer((json_int_t)tallies[i].failed));
    return object;
}

static json_t *scenarios(const struct batch *batch)
{
    AUTO_FREE struct tally *tallies = NULL;
    size_t count = statistics_scenarios(batch, &tallies);
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        set(object, tallies[i].name,
            json_pack("{s:I, s:I}", "passed", (json_int_t)tallies[i].passed, "failed",
                      (json_int_t)tallies[i].failed));
    return object;
}

static json_t *assignments(const struct batch_hand_in *hand_in)
{
    json_t *list = json_array();
    for (size_t i = 0; i < hand_in->n_assignments; i++) {
        const struct batch_assignment *from = &hand_in->assignments[i];
        json_t *object = json_object();
        set(object, "id", text_to_json(from->id));
        set(object, "status", text_to_json(from->status));
        set(object, "score", from->counts ? json_real(from->score) : NULL);
        set(object, "max_score", json_real(from->max_score));
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *hand_in_json(const struct batch_hand_in *hand_in)
{
    bool graded = hand_in->state == BATCH_GRADED || hand_in->state == BATCH_CURRENT;
    AUTO_FREE char *report = xasprintf("%s.json", hand_in->name);
    json_t *object = json_object();
    set(object, "name", text_to_json(hand_in->name));
    const struct origin *origin = hand_in->origin;
    AUTO_FREE char *path = submission_showable(origin->path ? origin->path : hand_in->path, 4096);
    set(object, "path", text_to_json(path));
    AUTO_JSON json_t *whose = origin_to_json(origin);
    (void)json_object_update(object, whose);
    set(object, "report", graded ? text_to_json(report) : NULL);
    set(object, "status", text_to_json(state_names[hand_in->state]));
    set(object, "score", graded && hand_in->score_ok ? json_real(hand_in->score) : NULL);
    set(object, "max_score", graded && hand_in->score_ok ? json_real(hand_in->max_score) : NULL);
    set(object, "seconds", json_real(hand_in->seconds));
    set(object, "digest", text_to_json(hand_in->digest));
    set(object, "note", text_to_json(hand_in->note));
    set(object, "assignments", assignments(hand_in));
    json_t *names = json_array();
    for (size_t i = 0; i < hand_in->n_classes; i++)
        (void)json_array_append_new(names, text_to_json(hand_in->classes[i]));
    set(object, "classes", names);
    return object;
}

int summary_write(const struct batch *batch, const char *out_dir, struct err *err)
{
    AUTO_JSON json_t *root = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        (void)json_array_append_new(list, hand_in_json(&batch->hand_ins[i]));
    set(root, "format", json_string("sockgrade/summary/1"));
    set(root, "grader", json_pack("{s:s}", "version", batch->version));
    set(root, "grading_digest", text_to_json(batch->grading_digest));
    set(root, "seconds", json_real(batch->seconds));
    set(root, "interrupted", json_boolean(batch->signal != 0));
    set(root, "counts", counts(batch));
    set(root, "score", scores(batch));
    set(root, "classes", classes(batch));
    set(root, "scenarios", scenarios(batch));
    set(root, "hand_ins", list);
    AUTO_FREE char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (!text)
        return err_set(err, ERR_HOST, "the summary cannot be written as JSON");
    AUTO_BUF struct buf out = {0};
    (void)buf_add_str(&out, text);
    (void)buf_add_char(&out, '\n');
    AUTO_FREE char *path = xasprintf("%s/summary.json", out_dir);
    return io_write_file_atomic(path, out.data, out.len, err);
}
