/* batch/table.c: the closing table: who has how much, who could not be graded and why, what went wrong most often. */
#include "batch/parts.h"

#include "base/own.h"

#include <string.h>

#define MAX_NAME_COLUMNS 40
#define MAX_CLASSES      5

/* Characters, not bytes: names may be UTF-8 (what is wider than one column only spoils the alignment). */
static size_t columns(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static void add_padded(struct buf *out, const char *text, size_t width)
{
    (void)buf_add_str(out, text);
    for (size_t at = columns(text); at < width; at++)
        (void)buf_add_char(out, ' ');
}

static size_t name_width(const struct batch *batch)
{
    size_t width = strlen("hand-in");
    for (size_t i = 0; i < batch->n_hand_ins; i++) {
        size_t own = columns(batch->hand_ins[i].name);
        if (own > width)
            width = own;
    }
    return width < MAX_NAME_COLUMNS ? width : MAX_NAME_COLUMNS;
}

char *batch_result_text(const struct batch_hand_in *hand_in)
{
    switch (hand_in->state) {
    case BATCH_GRADED:
    case BATCH_CURRENT:
        return xasprintf("%.4g/%.4g", hand_in->score, hand_in->max_score);
    case BATCH_ERROR:
        return xstrdup("error");
    case BATCH_WAITING:
    case BATCH_RUNNING:
        break;
    }
    return xstrdup("not graded");
}

static void add_row(struct buf *out, const struct batch_hand_in *hand_in, size_t width)
{
    AUTO_FREE char *result = batch_result_text(hand_in);
    add_padded(out, hand_in->name, width);
    (void)buf_printf(out, "  %12s  ", result);
    if (hand_in->note)
        (void)buf_add_str(out, hand_in->note);
    for (size_t i = 0; !hand_in->note && i < hand_in->n_classes && i < MAX_CLASSES; i++)
        (void)buf_printf(out, "%s%s", i ? ", " : "", hand_in->classes[i]);
    if (!hand_in->note && hand_in->n_classes > MAX_CLASSES)
        (void)buf_printf(out, ", +%zu", hand_in->n_classes - MAX_CLASSES);
    while (out->len && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    (void)buf_add_char(out, '\n');
}

static void add_counts(struct buf *out, const struct batch *batch)
{
    size_t current = batch_count(batch, BATCH_CURRENT), errors = batch_count(batch, BATCH_ERROR);
    size_t left = batch_count(batch, BATCH_WAITING) + batch_count(batch, BATCH_RUNNING);
    (void)buf_printf(out, "%zu of %zu graded", batch_count(batch, BATCH_GRADED) + current,
                     batch->n_hand_ins);
    if (current)
        (void)buf_printf(out, " (%zu of them before: their reports are current)", current);
    if (errors)
        (void)buf_printf(out, ", %zu could not be graded", errors);
    if (left)
        (void)buf_printf(out, ", %zu not reached", left);
    (void)buf_printf(out, "; %.1f s\n", batch->seconds);
}

static void add_figures(struct buf *out, const struct batch *batch)
{
    struct score_figures figures = statistics_scores(batch);
    if (figures.count)
        (void)buf_printf(out, "score: mean %.4g, median %.4g, from %.4g to %.4g, of %.4g\n",
                         figures.mean, figures.median, figures.min, figures.max, figures.max_score);
    AUTO_FREE struct tally *classes = NULL;
    size_t count = statistics_classes(batch, &classes);
    for (size_t i = 0; i < count && i < MAX_CLASSES; i++)
        (void)buf_printf(out, "%s%s (%zu)", i ? ", " : "most frequent: ", classes[i].name,
                         classes[i].failed);
    if (count)
        (void)buf_add_char(out, '\n');
}

void batch_table(const struct batch *batch, struct buf *out)
{
    size_t width = name_width(batch);
    add_padded(out, "hand-in", width);
    (void)buf_printf(out, "  %12s  %s\n", "score", "why");
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        add_row(out, &batch->hand_ins[i], width);
    (void)buf_add_char(out, '\n');
    add_counts(out, batch);
    add_figures(out, batch);
}
