/* batch/gradebook.c: gradebook.csv, one line a hand-in. RFC 4180 for the form; for what a spreadsheet makes of a cell:
 * CWE-1236, formula injection. Names and bug classes come from students' files, so no cell is trusted. */
#include "batch/parts.h"

#include "base/io.h"
#include "base/own.h"

#include <string.h>

void gradebook_cell(struct buf *out, const char *text)
{
    bool formula = *text && strchr("=+-@\t\r\n", *text);
    bool quoted = formula || *text == ' ' || strpbrk(text, ",;\"\r\n\t");
    if (quoted)
        (void)buf_add_char(out, '"');
    if (formula)
        (void)buf_add_char(out, '\'');
    for (const char *at = text; *at; at++) {
        if (*at == '"')
            (void)buf_add_char(out, '"');
        (void)buf_add_char(out, *at);
    }
    if (quoted)
        (void)buf_add_char(out, '"');
}

/* Figures are ours and never negative: no quotes, so that a spreadsheet can add them up. */
static void add_number(struct buf *out, double value, bool known)
{
    if (known)
        (void)buf_printf(out, "%.10g", value);
}

/* The hand-in whose assignments are the columns: the first that has any (a suite is the same for all). */
static const struct batch_hand_in *columns_of(const struct batch *batch)
{
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        if (batch->hand_ins[i].n_assignments)
            return &batch->hand_ins[i];
    return NULL;
}

static const struct batch_assignment *assignment_of(const struct batch_hand_in *hand_in,
                                                    const char *id)
{
    for (size_t i = 0; i < hand_in->n_assignments; i++)
        if (strcmp(hand_in->assignments[i].id, id) == 0)
            return &hand_in->assignments[i];
    return NULL;
}

static const char *status_of(const struct batch_hand_in *hand_in)
{
    switch (hand_in->state) {
    case BATCH_GRADED:
    case BATCH_CURRENT:
        return hand_in->refused ? "refused" : "graded";
    case BATCH_ERROR:
        return "error";
    case BATCH_WAITING:
    case BATCH_RUNNING:
        break;
    }
    return "not-graded";
}

static void add_header(struct buf *out, const struct batch_hand_in *columns)
{
    (void)buf_add_str(
        out, "hand_in,student_id,student_name,student_email,late,attempt,status,score,max_score");
    for (size_t i = 0; columns && i < columns->n_assignments; i++) {
        (void)buf_add_char(out, ',');
        gradebook_cell(out, columns->assignments[i].id);
    }
    (void)buf_add_str(out, ",bug_classes,report,note\r\n");
}

static void add_student(struct buf *out, const struct origin *origin)
{
    const char *const texts[] = {origin->id, origin->name, origin->email};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        (void)buf_add_char(out, ',');
        gradebook_cell(out, texts[i] ? texts[i] : "");
    }
    (void)buf_printf(out, ",%s,", origin->late < 0 ? "" : origin->late ? "late" : "in-time");
    if (origin->attempt)
        (void)buf_printf(out, "%u", origin->attempt);
}

static void add_line(struct buf *out, const struct batch_hand_in *hand_in,
                     const struct batch_hand_in *columns)
{
    gradebook_cell(out, hand_in->name);
    add_student(out, hand_in->origin);
    (void)buf_printf(out, ",%s,", status_of(hand_in));
    bool graded = hand_in->state == BATCH_GRADED || hand_in->state == BATCH_CURRENT;
    add_number(out, hand_in->score, graded && hand_in->score_ok);
    (void)buf_add_char(out, ',');
    add_number(out, hand_in->max_score, graded);
    for (size_t i = 0; columns && i < columns->n_assignments; i++) {
        const struct batch_assignment *assignment =
            assignment_of(hand_in, columns->assignments[i].id);
        (void)buf_add_char(out, ',');
        add_number(out, assignment ? assignment->score : 0, assignment && assignment->counts);
    }
    AUTO_BUF struct buf classes = {0};
    for (size_t i = 0; i < hand_in->n_classes; i++)
        (void)buf_printf(&classes, "%s%s", i ? " " : "", hand_in->classes[i]);
    (void)buf_add_char(out, ',');
    gradebook_cell(out, classes.data ? classes.data : "");
    (void)buf_add_char(out, ',');
    AUTO_FREE char *report = xasprintf("%s.json", hand_in->name);
    gradebook_cell(out, graded ? report : "");
    (void)buf_add_char(out, ',');
    gradebook_cell(out, hand_in->note ? hand_in->note : "");
    (void)buf_add_str(out, "\r\n");
}

int gradebook_write(const struct batch *batch, const char *out_dir, struct err *err)
{
    AUTO_BUF struct buf out = {0};
    const struct batch_hand_in *columns = columns_of(batch);
    add_header(&out, columns);
    for (size_t i = 0; i < batch->n_hand_ins; i++)
        add_line(&out, &batch->hand_ins[i], columns);
    AUTO_FREE char *path = xasprintf("%s/gradebook.csv", out_dir);
    return io_write_file_atomic(path, out.data, out.len, err);
}
