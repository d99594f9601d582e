/* scenario/check.h: the walk over a scenario's steps that checks names. Private to scenario/. */
#ifndef GRADER_SCENARIO_CHECK_H
#define GRADER_SCENARIO_CHECK_H

#include "scenario/load.h"

enum name_kind { NAME_TCP, NAME_LISTENER, NAME_UDP, NAME_PROGRAM };

struct name {
    const char *text;
    enum name_kind kind;
    const struct step *closed; /* the step that closed it, or NULL */
};

struct scope {
    struct scope *outer;
    struct name *names;
    size_t n;
};

/* A variable of a loop or lane. */
struct variable {
    const struct variable *outer;
    const char *name;
};

struct walk {
    struct loader *loader;
    struct scenario *scenario;
    struct scope *scope;
    const struct variable *variables;
    const struct step *step; /* where findings stand */
    unsigned visits, depth, lanes;
};

/* A finding at the current step. */
void check_say(const struct walk *walk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* check_text.c: variables of a text (NULL is allowed), variables and files of data. */
void check_text(const struct walk *walk, const char *text);
void check_data(const struct walk *walk, const struct data *data);

#endif
