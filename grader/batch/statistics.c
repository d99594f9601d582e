/* batch/statistics.c: a class in figures. */
#include "batch/parts.h"

#include "base/own.h"

#include <search.h>
#include <string.h>

size_t batch_count(const struct batch *batch, enum batch_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        count += batch->hand_ins[i].state == state;
    return count;
}

static bool has_score(const struct batch_hand_in *hand_in)
{
    return (hand_in->state == BATCH_GRADED || hand_in->state == BATCH_CURRENT) && hand_in->score_ok;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

struct score_figures statistics_scores(const struct batch *batch)
{
    struct score_figures figures = {0};
    AUTO_FREE double *scores = xcalloc(batch->n_hand_ins, sizeof *scores);
    double sum = 0;
    for (size_t i = 0; i < batch->n_hand_ins; i++) {
        if (!has_score(&batch->hand_ins[i]))
            continue;
        scores[figures.count++] = batch->hand_ins[i].score;
        sum += batch->hand_ins[i].score;
        figures.max_score = batch->hand_ins[i].max_score;
    }
    if (!figures.count)
        return figures;
    qsort(scores, figures.count, sizeof *scores, by_value);
    size_t middle = figures.count / 2;
    figures.mean = sum / (double)figures.count;
    figures.median = figures.count % 2 ? scores[middle] : (scores[middle - 1] + scores[middle]) / 2;
    figures.min = scores[0];
    figures.max = scores[figures.count - 1];
    return figures;
}

/* ---- tallies: a list that grows, found again by tsearch(3) ---- */

struct tallies {
    struct tally **list; /* each in memory of its own: the tree points to them */
    size_t count;
    void *tree;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tally *)a)->name, ((const struct tally *)b)->name);
}

static struct tally *tally_of(struct tallies *tallies, const char *name)
{
    struct tally key = {.name = name};
    void *found = tfind(&key, &tallies->tree, by_name);
    if (found)
        return *(struct tally **)found;
    struct tally *tally = xcalloc(1, sizeof *tally);
    tally->name = name;
    tallies->list =
        xreallocarray((void *)tallies->list, tallies->count + 1, sizeof(struct tally *));
    tallies->list[tallies->count++] = tally;
    (void)tsearch(tally, &tallies->tree, by_name);
    return tally;
}

static void keep(void *node)
{
    (void)node; /* the list owns it */
}

static size_t tallies_finish(struct tallies *tallies, struct tally **ret)
{
    *ret = xcalloc(tallies->count, sizeof **ret);
    for (size_t i = 0; i < tallies->count; i++) {
        (*ret)[i] = *tallies->list[i];
        free(tallies->list[i]);
    }
    free((void *)tallies->list);
    tdestroy(tallies->tree, keep);
    return tallies->count;
}

/* Most frequent first; equals in the order of their names, so that two runs give the same file. */
static int by_frequency(const void *a, const void *b)
{
    const struct tally *left = a, *right = b;
    if (left->failed != right->failed)
        return left->failed > right->failed ? -1 : 1;
    return strcmp(left->name, right->name);
}

size_t statistics_classes(const struct batch *batch, struct tally **ret)
{
    struct tallies tallies = {0};
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        for (size_t k = 0; k < batch->hand_ins[i].n_classes; k++)
            tally_of(&tallies, batch->hand_ins[i].classes[k])->failed++;
    size_t count = tallies_finish(&tallies, ret);
    if (count)
        qsort(*ret, count, sizeof **ret, by_frequency);
    return count;
}

size_t statistics_scenarios(const struct batch *batch, struct tally **ret)
{
    struct tallies tallies = {0};
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        for (size_t k = 0; k < batch->hand_ins[i].n_outcomes; k++) {
            const struct batch_outcome *outcome = &batch->hand_ins[i].outcomes[k];
            struct tally *tally = tally_of(&tallies, outcome->id);
            *(outcome->passed ? &tally->passed : &tally->failed) += 1;
        }
    return tallies_finish(&tallies, ret);
}
