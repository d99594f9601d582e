/* sanitize/parse.c: a log becomes findings. See sanitize.h.
 *
 * How it works: the text is walked line by line, once. A headline opens a finding, and the lines that follow fill it in:
 * the first frame of the student's is its place, the summary its kind, and all that tells something goes into the excerpt.
 * A headline, a summary or the end closes it. Leaks are one report with a finding for each "Direct leak". */
#include "sanitize/parts.h"

#include <stdio.h>
#include <string.h>

#define MAX_EXCERPT_LINES 14

struct parser {
    const char *root;
    struct sanitizer_finding *list;
    size_t count, max;
    struct sanitizer_finding *open; /* the one that is being filled in, or NULL */
    unsigned lines;                 /* of its excerpt */
    bool placed;                    /* a frame of the student's was seen */
    bool stack_over; /* its first stack is complete: later ones tell of other places */
    bool leaks;      /* within a report of leaks */
};

/* ---- the excerpt ---- */

static void excerpt_add(struct parser *parser, struct span text)
{
    struct sanitizer_finding *finding = parser->open;
    size_t room = SANITIZER_MAX_EXCERPT - finding->excerpt_len;
    size_t len = text.len < room ? text.len : room;
    memcpy(finding->excerpt + finding->excerpt_len, text.at, len);
    finding->excerpt_len += len;
    finding->excerpt[finding->excerpt_len] = '\0';
}

static void excerpt_text(struct parser *parser, const char *text)
{
    excerpt_add(parser, (struct span){text, strlen(text)});
}

/* Addresses differ from run to run and tell nothing: "0x.." */
static void excerpt_masked(struct parser *parser, struct span line)
{
    for (;;) {
        const char *address = span_find(line, "0x");
        if (!address)
            break;
        excerpt_add(parser, (struct span){line.at, (size_t)(address - line.at)});
        excerpt_text(parser, "0x..");
        const char *end = line.at + line.len;
        for (address += 2; address < end && strchr("0123456789abcdef", *address) && *address;)
            address++;
        line = (struct span){address, (size_t)(end - address)};
    }
    excerpt_add(parser, line);
}

/* Without "==12==ERROR: ", and without the registers of a headline. */
static void excerpt_line(struct parser *parser, struct span line)
{
    if (parser->lines++ >= MAX_EXCERPT_LINES)
        return;
    const char *error = span_starts(line, "==") ? span_find(line, "ERROR: ") : NULL;
    if (error)
        line = (struct span){error + 7, line.len - (size_t)(error + 7 - line.at)};
    const char *registers = span_find(line, " at pc 0x");
    if (!registers)
        registers = span_find(line, " (pc 0x");
    if (error && registers)
        line.len = (size_t)(registers - line.at);
    excerpt_masked(parser, line);
    excerpt_text(parser, "\n");
}

static void excerpt_frame(struct parser *parser, const struct frame *frame)
{
    char place[64];
    if (parser->lines++ >= MAX_EXCERPT_LINES)
        return;
    excerpt_text(parser, "    in ");
    excerpt_add(parser, frame->function);
    excerpt_text(parser, "  ");
    excerpt_add(parser, frame->file);
    (void)snprintf(place, sizeof place, ":%d\n", frame->line);
    excerpt_text(parser, place);
}

/* ---- opening and closing a finding ---- */

static void close_finding(struct parser *parser)
{
    const struct sanitizer_finding *finding = parser->open;
    parser->open = NULL;
    /* a leak that a library made, or the runtime: not the student's to mend */
    if (finding && finding->class == SANITIZER_LEAK && !parser->placed)
        parser->count--;
}

static void open_finding(struct parser *parser, enum sanitizer_class class, const char *kind,
                         struct span headline)
{
    close_finding(parser);
    if (parser->count == parser->max)
        return;
    parser->open = &parser->list[parser->count++];
    *parser->open = (struct sanitizer_finding){.class = class};
    span_copy((struct span){kind, strlen(kind)}, parser->open->kind, sizeof parser->open->kind);
    parser->lines = 0;
    parser->placed = parser->stack_over = false;
    excerpt_line(parser, headline);
}

/* ---- the lines ---- */

/* "FILE:LINE:COLUMN: runtime error: MESSAGE" */
static bool undefined_line(struct parser *parser, struct span line)
{
    static const char mark[] = ": runtime error: ";
    const char *at = span_find(line, mark);
    if (!at)
        return false;
    const char *message = at + sizeof mark - 1;
    struct span rest = {message, line.len - (size_t)(message - line.at)};
    struct span place = {line.at, (size_t)(at - line.at)};
    struct frame frame = {.line = 0};
    open_finding(parser, SANITIZER_UNDEFINED, kind_of_undefined(rest), rest);
    if (!parser->open)
        return true;
    if (span_starts(place, parser->root))
        place = place_below(place, parser->root);
    place_parse(place,
                &frame); /* as the compiler was given it; a frame of the stack says it better */
    span_copy(frame.file, parser->open->file, sizeof parser->open->file);
    parser->open->line = frame.line;
    parser->open->column = frame.column;
    return true;
}

/* "==12==ERROR: TOOL: ...". Where both runtimes are in one program, either name may stand before what AddressSanitizer
 * has to say, for the last one that was set up gives it. */
static bool error_line(struct parser *parser, struct span line)
{
    static const char *const tools[] = {"AddressSanitizer: ", "UndefinedBehaviorSanitizer: "};
    const char *error = span_starts(line, "==") ? span_find(line, "ERROR: ") : NULL;
    if (!error)
        return false;
    struct span words = {error + 7, line.len - (size_t)(error + 7 - line.at)};
    close_finding(parser);
    parser->leaks = span_starts(words, "LeakSanitizer: detected memory leaks");
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        const size_t len = strlen(tools[i]);
        const char *kind = NULL;
        /* else: a failure of the sanitizer, or memory that ran out */
        if (span_starts(words, tools[i]) &&
            kind_of_memory_error((struct span){words.at + len, words.len - len}, &kind))
            open_finding(parser, SANITIZER_MEMORY_ERROR, kind, line);
    }
    return true;
}

static bool leak_line(struct parser *parser, struct span line)
{
    if (!parser->leaks)
        return false;
    if (span_starts(line, "Direct leak of ")) {
        open_finding(parser, SANITIZER_LEAK, "direct-leak", line);
        return true;
    }
    if (!span_starts(line, "Indirect leak of "))
        return false;
    close_finding(
        parser); /* what hangs on a block that is lost is found again when that is mended */
    return true;
}

/* "SUMMARY: UndefinedBehaviorSanitizer: KIND FILE:LINE..." */
static bool summary_line(struct parser *parser, struct span line)
{
    static const char ubsan[] = "SUMMARY: UndefinedBehaviorSanitizer: ";
    if (!span_starts(line, "SUMMARY: "))
        return false;
    if (parser->open && parser->open->class == SANITIZER_UNDEFINED && span_starts(line, ubsan)) {
        struct span kind = {line.at + sizeof ubsan - 1, line.len - (sizeof ubsan - 1)};
        const char *blank = memchr(kind.at, ' ', kind.len);
        if (blank)
            kind.len = (size_t)(blank - kind.at);
        if (kind.len)
            span_copy(kind, parser->open->kind, sizeof parser->open->kind);
    }
    parser->leaks = false;
    close_finding(parser);
    return true;
}

static void frame_line(struct parser *parser, const struct frame *frame)
{
    struct sanitizer_finding *finding = parser->open;
    if (frame->file.len == 0)
        return;
    excerpt_frame(parser, frame);
    if (parser->placed || parser->stack_over)
        return;
    parser->placed = true;
    span_copy(frame->file, finding->file, sizeof finding->file);
    span_copy(frame->function, finding->function, sizeof finding->function);
    finding->line = frame->line;
}

static void other_line(struct parser *parser, struct span line)
{
    static const char *const telling[] = {"READ of size",     "WRITE of size", " is located ",
                                          "allocated by",     "freed by",      "<== Memory access",
                                          "signal is caused", "Hint: address", "created by"};
    if (line.len == 0) {
        parser->stack_over = parser->stack_over || parser->placed;
        return;
    }
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++)
        if (span_find(line, telling[i])) {
            excerpt_line(parser, line);
            return;
        }
}

static void take_line(struct parser *parser, struct span line)
{
    struct frame frame;
    if (error_line(parser, line) || leak_line(parser, line) || summary_line(parser, line) ||
        undefined_line(parser, line) || !parser->open)
        return;
    if (frame_parse(line, parser->root, &frame))
        frame_line(parser, &frame);
    else
        other_line(parser, line);
}

bool sanitize_foretells_memory_error(const struct sanitizer_finding *finding)
{
    static const char *const kinds[] = {"null-pointer-use",         "null-pointer-offset",
                                        "out-of-bounds-index",      "pointer-overflow",
                                        "insufficient-object-size", "integer-divide-by-zero"};
    for (size_t i = 0; finding->class == SANITIZER_UNDEFINED && i < sizeof kinds / sizeof kinds[0];
         i++)
        if (strcmp(finding->kind, kinds[i]) == 0)
            return true;
    return false;
}

size_t sanitize_parse(const char *text, size_t len, const char *root, struct sanitizer_finding *ret,
                      size_t max)
{
    struct parser parser = {.root = root, .list = ret, .max = max};
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        take_line(&parser, (struct span){text, n});
        text += n + (end != NULL);
        len -= n + (end != NULL);
    }
    close_finding(&parser);
    return parser.count;
}
