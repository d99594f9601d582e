/* build/output.c: what make prints is foreign bytes, as many as it likes: nothing here grows with them.
 *
 * How it works: the first bytes are kept as they are, later ones go round in a ring, so that the beginning (which file
 * failed first) and the end (make's own words) of any flood are there. Beside that each line is put together, up to a
 * maximum, and read as a compiler message. All is made printable when it is handed over, not before: an escape sequence
 * could otherwise be cut in two and slip through in halves. */
#include "build/output.h"

#include "base/own.h"
#include "base/text.h"

#include <string.h>

#define KEPT_EACH  ((size_t)24 << 10) /* raw bytes of head and of tail */
/* Sanitized text may be four times as long as the bytes it stands for. */
#define SHOWN_EACH (BUILD_MAX_LOG / 2 - 128)

void output_init(struct output *output)
{
    *output = (struct output){.tail = xmalloc(KEPT_EACH)};
    buf_init(&output->head, KEPT_EACH);
    buf_init(&output->line, OUTPUT_MAX_LINE);
}

void output_done(struct output *output)
{
    buf_done(&output->head);
    buf_done(&output->line);
    free(output->tail);
    for (size_t i = 0; i < output->n_warnings; i++) {
        free(output->warnings[i].file);
        free(output->warnings[i].text);
    }
    free(output->warnings);
    *output = (struct output){0};
}

/* ---- compiler messages ---- */

/* A decimal number of at most 7 digits that ends with ':'; moves *at behind it. */
static bool take_number(const char **at, const char *end, int *ret)
{
    int value = 0;
    const char *digit = *at;
    while (digit < end && digit - *at < 7 && *digit >= '0' && *digit <= '9')
        value = value * 10 + (*digit++ - '0');
    if (digit == *at || digit == end || *digit != ':')
        return false;
    *ret = value;
    *at = digit + 1;
    return true;
}

static bool starts_with(const char *at, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

static char *printable(const char *from, const char *to, size_t max)
{
    AUTO_BUF struct buf out = {0};
    text_sanitize(&out, from, (size_t)(to - from), max);
    return buf_take(&out);
}

bool output_parse_warning(const char *line, size_t len, struct build_warning *ret)
{
    static const char *const kinds[] = {" warning: ", " error: ", " fatal error: "};
    const char *end = line + len;
    for (const char *colon = line; (colon = memchr(colon, ':', (size_t)(end - colon))); colon++) {
        const char *at = colon + 1;
        int row = 0, column = 0;
        /* the first place that fits: a file name may have colons itself */
        if (colon == line || !take_number(&at, end, &row) || !take_number(&at, end, &column))
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
            if (starts_with(at, end, kinds[i])) {
                *ret = (struct build_warning){.file = printable(line, colon, 300),
                                              .line = row,
                                              .column = column,
                                              .text = printable(at + 1, end, 1000)};
                return true;
            }
    }
    return false;
}

static void end_line(struct output *output)
{
    struct build_warning warning;
    if (output->n_warnings < OUTPUT_MAX_WARNINGS && output->line.len &&
        output_parse_warning(output->line.data, output->line.len, &warning)) {
        output->warnings = xreallocarray(output->warnings, output->n_warnings + 1, sizeof warning);
        output->warnings[output->n_warnings++] = warning;
    }
    buf_reset(&output->line);
}

static void add_lines(struct output *output, const char *bytes, size_t len)
{
    const char *end = bytes + len;
    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        (void)buf_add(&output->line, bytes, (size_t)((newline ? newline : end) - bytes));
        if (!newline)
            return;
        end_line(output);
        bytes = newline + 1;
    }
}

/* ---- head and tail ---- */

static void add_tail(struct output *output, const char *bytes, size_t len)
{
    if (len > KEPT_EACH) {
        output->tail_seen += len - KEPT_EACH;
        bytes += len - KEPT_EACH;
        len = KEPT_EACH;
    }
    size_t at = (size_t)(output->tail_seen % KEPT_EACH);
    size_t first = len < KEPT_EACH - at ? len : KEPT_EACH - at;
    memcpy(output->tail + at, bytes, first);
    memcpy(output->tail, bytes + first, len - first);
    output->tail_seen += len;
}

void output_add(struct output *output, const char *bytes, size_t len)
{
    output->total += len;
    add_lines(output, bytes, len);
    size_t room = KEPT_EACH - output->head.len;
    size_t first = len < room ? len : room;
    (void)buf_add(&output->head, bytes, first);
    if (len > first)
        add_tail(output, bytes + first, len - first);
}

/* The ring as one piece, oldest byte first. */
static void unroll_tail(const struct output *output, struct buf *ret)
{
    size_t at = (size_t)(output->tail_seen % KEPT_EACH);
    if (output->tail_seen > KEPT_EACH)
        (void)buf_add(ret, output->tail + at, KEPT_EACH - at);
    (void)buf_add(ret, output->tail, at ? at : output->tail_seen ? KEPT_EACH : 0);
}

/* Adds the end of the text, at most max bytes, from a whole character on. */
static void add_end_of(struct buf *out, const struct buf *text, size_t max)
{
    size_t at = text->len > max ? text->len - max : 0;
    while (at < text->len && at && ((unsigned char)text->data[at] & 0xC0) == 0x80)
        at++;
    if (text->len)
        (void)buf_add(out, text->data + at, text->len - at);
}

static void compose_log(const struct output *output, struct buf *log)
{
    AUTO_BUF struct buf head = {0};
    AUTO_BUF struct buf tail = {0};
    AUTO_BUF struct buf raw = {0};
    buf_init(log, BUILD_MAX_LOG);
    if (output->head.len)
        text_sanitize(&head, output->head.data, output->head.len, KEPT_EACH);
    unroll_tail(output, &raw);
    if (raw.len)
        text_sanitize(&tail, raw.data, raw.len, KEPT_EACH);
    bool cut = output->tail_seen > KEPT_EACH || head.len > SHOWN_EACH || tail.len > SHOWN_EACH;
    size_t shown = head.len < SHOWN_EACH ? head.len : SHOWN_EACH;
    while (shown < head.len && shown && ((unsigned char)head.data[shown] & 0xC0) == 0x80)
        shown--;
    if (shown)
        (void)buf_add(log, head.data, shown);
    if (cut)
        (void)buf_printf(log, "\n[... of %llu bytes of output the middle is left out ...]\n",
                         (unsigned long long)output->total);
    add_end_of(log, &tail, SHOWN_EACH);
}

void output_finish(struct output *output, struct build *build)
{
    end_line(output);
    compose_log(output, &build->log);
    build->warnings = TAKE_PTR(output->warnings);
    build->n_warnings = output->n_warnings;
    output->n_warnings = 0;
}
