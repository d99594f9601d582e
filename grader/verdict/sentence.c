/* verdict/sentence.c: the sentence of a bug class, its braces filled in from the run. */
#include "verdict/verdict.h"

#include "base/text.h"

#include <string.h>

#define MAX_VALUE 200 /* bytes of one brace's value */

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

static void fill(struct buf *out, const char *name, const char *class_name,
                 const struct step_result *result, const struct trace *trace)
{
    const char *value = NULL;
    if (strcmp(name, "got") == 0) {
        value = end_of(trace, class_name);
        if (value && strcmp(class_name, "crashed") == 0)
            (void)buf_add_str(out, "SIG");
    }
    if (!value)
        value = figure(result, name);
    if (!value)
        value = known(trace, name, class_name);
    if (!value && result && strcmp(name, "got") == 0)
        value = result->observed_text;
    if (!value && result && strcmp(name, "want") == 0)
        value = result->expected_text;
    if (!value)
        value = "?";
    text_escape(out, value, strlen(value), MAX_VALUE);
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
