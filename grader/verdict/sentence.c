/* verdict/sentence.c: the sentence of a bug class, its braces filled in from the run. */
#include "verdict/verdict.h"

#include "base/own.h"
#include "base/text.h"

#include <string.h>

#define MAX_VALUE 200 /* bytes of one brace's value */

void verdict_line(struct buf *out, const char *text, size_t max)
{
    AUTO_BUF struct buf safe = {0};
    text_sanitize(&safe, text, strlen(text), max);
    for (size_t i = 0; i < safe.len; i++) {
        if (safe.data[i] == '\n')
            (void)buf_add_str(out, "\\n");
        else
            (void)buf_add_char(out, (char)(safe.data[i] == '\t' ? ' ' : safe.data[i]));
    }
}

static const char *figure(const struct step_result *result, const char *name)
{
    for (size_t i = 0; result && i < result->n_figures; i++)
        if (strcmp(result->figures[i].name, name) == 0)
            return result->figures[i].value;
    return NULL;
}

static const char *variable(const struct trace *trace, const char *name)
{
    for (size_t i = 0; i < trace->n_vars; i++)
        if (strcmp(trace->vars[i].name, name) == 0)
            return trace->vars[i].value;
    return NULL;
}

/* What ended the process is the {got} of the classes that are about just that. */
static const char *end_of(const struct trace *trace, const char *class_name)
{
    if (strcmp(class_name, "killed-by-limit") == 0)
        return trace->process.limit_hit;
    if (strcmp(class_name, "crashed") == 0 && trace->process.signaled)
        return sigabbrev_np(trace->process.code);
    return NULL;
}

/* A client is found at the decoy on the swapped port: nobody has measured {other} then, it is known. */
static const char *known(const struct trace *trace, const char *name, const char *class_name)
{
    const char *value = variable(trace, name);
    bool swapped = strcmp(name, "other") == 0 && strcmp(class_name, "missing-htons-port") == 0;
    return !value && swapped ? variable(trace, "swap") : value;
}

/* What the step was to see and has seen, for classes whose own figures nobody has measured. Its texts are escaped already. */
static const char *step_text(const struct step_result *result, const char *name)
{
    if (result && strcmp(name, "got") == 0)
        return result->observed_text;
    return result && strcmp(name, "want") == 0 ? result->expected_text : NULL;
}

static void fill(struct buf *out, const char *name, const char *class_name,
                 const struct step_result *result, const struct trace *trace)
{
    const char *value = strcmp(name, "got") == 0 ? end_of(trace, class_name) : NULL;
    if (value && strcmp(class_name, "crashed") == 0)
        (void)buf_add_str(out, "SIG");
    if (!value)
        value = figure(result, name);
    if (!value)
        value = known(trace, name, class_name);
    const char *text = value ? NULL : step_text(result, name);
    if (text)
        verdict_line(out, text, MAX_VALUE);
    else
        text_escape(out, value ? value : "?", strlen(value ? value : "?"), MAX_VALUE);
}

char *verdict_sentence(const struct classes *classes, const char *class_name,
                       const struct step_result *result, const struct trace *trace)
{
    const struct bug_class *found = classes ? classes_find(classes, class_name) : NULL;
    struct buf out = {0};
    const char *rest = found ? found->sentence : "";
    while (*rest) {
        const char *end = *rest == '{' ? strchr(rest, '}') : NULL;
        char name[12];
        size_t len = end ? (size_t)(end - rest) - 1 : 0;
        if (!end || len == 0 || len >= sizeof name) {
            (void)buf_add_char(&out, *rest++);
            continue;
        }
        memcpy(name, rest + 1, len);
        name[len] = '\0';
        fill(&out, name, class_name, result, trace);
        rest = end + 1;
    }
    return buf_take(&out);
}
