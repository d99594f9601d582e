/* scenario/load.h: the files of the loader among each other. Private to scenario/.
 *
 * Each function reads one object of the language, says what is wrong with it (source_say), and goes on: an invalid part
 * leaves zeroes. Nothing of a file with findings is ever handed out. */
#ifndef GRADER_SCENARIO_LOAD_H
#define GRADER_SCENARIO_LOAD_H

#include "scenario/arena.h"
#include "scenario/parts.h"
#include "scenario/scenario.h"
#include "scenario/source.h"

#define LOAD_MAX_SECONDS 600.0 /* of any time in a file */
#define LOAD_MAX_NAME    24    /* endpoint names: lanes append "#1024" for the trace */

struct loader {
    struct source *source;
    struct arena *arena;
    const struct classes *classes; /* NULL: bug classes are not checked */
    struct assignment *assignment;
    struct step_list *definitions;
    size_t n_definitions;
    enum force default_force; /* of the steps being read */
    bool uses_program;        /* a step is without its own "program" */
};

/* load.c: one file into source->arena; the caller looks at the source's findings. Never NULL. */
struct assignment *load_assignment(struct source *source, const struct classes *classes);

/* load_step.c */
void load_steps(struct loader *loader, const struct at *list, unsigned depth,
                const struct step **ret, size_t *ret_n);
void load_definitions(struct loader *loader, const struct at *file);
void load_args(const struct at *object, const char *const **ret, size_t *ret_n);

/* load_verb.c: what belongs to one verb */
void load_start(struct loader *loader, const struct at *at, struct step *step);
void load_open(struct loader *loader, const struct at *at, struct step *step);
void load_send(struct loader *loader, const struct at *at, struct step *step);
void load_close(struct loader *loader, const struct at *at, struct step *step);
void load_fetch(struct loader *loader, const struct at *at, struct step *step);
void load_wait(struct loader *loader, const struct at *at, struct step *step);
void load_limits(const struct at *object, struct start_step *ret);
/* load_check.c */
void load_check(struct loader *loader, const struct at *at, struct step *step);
/* "tcp ${port}", "udp ${port}", "none" when allowed; says what is wrong. */
void load_ready(const struct at *object, const char *key, bool allow_none, const char **ret);
/* load_expect.c */
void load_expect(struct loader *loader, const struct at *at, struct step *step);
void load_hints(struct loader *loader, const struct at *object, struct hints *ret);
void load_class_name(struct loader *loader, const struct at *at, const char **ret);
/* load_http.c */
const struct http_want *load_http(struct loader *loader, const struct at *at);
void load_http_answer(struct loader *loader, const struct at *at, struct http_want *want);
void load_header_patterns(const struct at *object, const char *key, bool patterns,
                          const struct http_header_want **ret, size_t *ret_n);
void load_regex(const struct at *at, bool ignore_case, const char **ret);
/* load_data.c: NULL after a finding */
const struct data *load_data(struct arena *arena, const struct at *at);
const struct data *load_get_data(struct arena *arena, const struct at *object, const char *key);
/* load_net.c: "net" of a world; what is not there stays as it is */
void load_net(struct loader *loader, const struct at *world, struct world *ret);

/* load_world.c: the file's world and the scenario's on top of it */
void load_world(struct loader *loader, const struct at *object, const struct world *outer,
                struct world *ret);

/* load_calls.c: the world's faulty system calls */
void load_calls(struct loader *loader, const struct at *object, const struct world *outer,
                struct world *ret);

/* check.c: names of endpoints, variables and files, where they can be known without running. */
void check_scenario(struct loader *loader, struct scenario *scenario);
/* check_text.c. True for the variables that the driver sets itself: ${port}, ${host}, ... */
bool check_is_drawn(const char *name);
/* Variables and files of a world. */
void check_world(struct loader *loader, const struct at *at, const struct world *world);

#endif
