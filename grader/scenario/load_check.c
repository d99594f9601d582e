/* scenario/load_check.c: the keys of `check`: what must be true of a process.
 *
 * Three kinds of demands: yes or no (alive), how it ended (exit), and bounds on numbers (fds, threads, children, zombies,
 * rss, vsize, cpu). A bound is a number or a text with a sign in front, "<=", ">=" or "+", and perhaps a unit behind; "+" is
 * growth since just after the start, which is what a leak is measured by. `for` and `within` exclude each other: a demand
 * either becomes true or stays true. Processor time only makes sense over a time, so it needs `for`. */
#include "scenario/load.h"

#include "base/own.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* "<=5", ">=1", "+2", "3", with KiB, MiB, GiB behind the number. */
static bool parse_bound(const char *text, struct bound *ret)
{
    static const struct {
        const char *sign;
        enum bound_kind kind;
    } signs[] = {{"<=", BOUND_AT_MOST}, {">=", BOUND_AT_LEAST}, {"+", BOUND_GROWTH}};
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"KiB", 1024}, {"MiB", 1024.0 * 1024}, {"GiB", 1024.0 * 1024 * 1024}};
    double factor = 1;
    ret->kind = BOUND_EQUAL;
    for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
        const size_t len = strlen(signs[i].sign);
        if (strncmp(text, signs[i].sign, len) == 0) {
            ret->kind = signs[i].kind;
            text += len;
            break;
        }
    }
    AUTO_FREE char *number = xstrdup(text + strspn(text, " "));
    size_t len = strlen(number);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (len > 3 && strcmp(number + len - 3, units[i].unit) == 0) {
            factor = units[i].factor;
            len -= 3;
            break;
        }
    }
    while (len > 0 && number[len - 1] == ' ')
        len--;
    number[len] = '\0';
    if (!number[0] || !strchr("0123456789", number[0]) || !text_to_double(number, &ret->value) ||
        !isfinite(ret->value))
        return false;
    ret->value *= factor;
    return true;
}

static void load_bound(const struct at *object, const char *key, struct bound *ret)
{
    struct at at;
    const char *text = NULL;
    if (!at_get(object, key, &at))
        return;
    if (json_is_number(at.json)) {
        if (at_number(&at, 0, 1e15, &ret->value))
            ret->kind = BOUND_EQUAL;
        return;
    }
    if (!json_is_string(at.json)) {
        at_say(&at, "must be a number or a text like \"<=5\", \">=1\", \"+2\", \"+64MiB\"");
        return;
    }
    (void)at_text(&at, &text);
    if (!parse_bound(text, ret)) {
        at_say(&at,
               "'%.40s' is no bound: a number or a text like \"<=5\", \">=1\", \"+2\", "
               "\"+64MiB\"",
               text);
        ret->kind = BOUND_NONE;
    }
}

static void add_exit(const struct at *at, struct check_step *ret)
{
    int64_t code = 0;
    if (ret->n_exits == ARRAY_SIZE(ret->exits)) {
        at_say(at, "more than %zu exit statuses", ARRAY_SIZE(ret->exits));
        return;
    }
    if (at_integer(at, 0, 255, &code))
        ret->exits[ret->n_exits++] = (int)code;
}

static void load_exit(const struct at *object, struct check_step *ret)
{
    static const char *const words[] = {"nonzero"};
    struct at at;
    struct at item;
    size_t word = 0;
    if (!at_get(object, "exit", &at))
        return;
    ret->exit_set = true;
    if (json_is_string(at.json)) {
        ret->exit_nonzero = at_word(&at, words, 1, &word);
    } else if (json_is_array(at.json)) {
        if (json_array_size(at.json) == 0)
            at_say(&at, "must hold at least one exit status");
        for (bool more = at_first(&at, &item); more; more = at_next(&item))
            add_exit(&item, ret);
    } else {
        add_exit(&at, ret);
    }
}

void load_ready(const struct at *object, const char *key, bool allow_none, const char **ret)
{
    struct at at;
    if (!at_get(object, key, &at) || !at_text(&at, ret))
        return;
    const bool none = strcmp(*ret, "none") == 0;
    const bool socket = (strncmp(*ret, "tcp ", 4) == 0 || strncmp(*ret, "udp ", 4) == 0) &&
                        (*ret)[4] && !strchr(*ret + 4, ' ');
    if (!socket && !(none && allow_none))
        at_say(&at, "must be \"tcp PORT\"%s, for instance \"tcp ${port}\"",
               allow_none ? ", \"udp PORT\" or \"none\"" : " or \"udp PORT\"");
}

static void load_listening(const struct at *object, struct check_step *ret)
{
    struct at at;
    if (!at_get(object, "listening", &at))
        return;
    if (json_is_false(at.json)) {
        ret->listening = "";
        ret->not_listening = true;
    } else if (json_is_true(at.json)) {
        at_say(&at, "must say where: \"tcp ${port}\"; or false for nowhere");
    } else {
        load_ready(object, "listening", false, &ret->listening);
    }
}

void load_check(struct loader *loader, const struct at *at, struct step *step)
{
    (void)loader;
    struct check_step *ret = &step->u.check;
    struct at member;
    (void)at_get_text(at, "check", &step->name);
    ret->alive_set = at_get_bool(at, "alive", &ret->alive);
    load_exit(at, ret);
    load_bound(at, "fds", &ret->fds);
    load_bound(at, "threads", &ret->threads);
    load_bound(at, "children", &ret->children);
    load_bound(at, "zombies", &ret->zombies);
    load_bound(at, "rss", &ret->rss);
    load_bound(at, "vsize", &ret->vsize);
    load_bound(at, "cpu", &ret->cpu);
    load_listening(at, ret);
    (void)at_get_number(at, "for", 0.001, LOAD_MAX_SECONDS, &ret->for_s);
    if (at_get(at, "for", &member) && at_has(at, "within"))
        at_say_key(&member, "either 'within' (must become true) or 'for' (must stay true)");
    if (at_get(at, "cpu", &member) && !at_has(at, "for"))
        at_say_key(&member, "needs 'for': processor time is measured over a time");
    if (at_get(at, "cpu", &member) && ret->cpu.kind == BOUND_GROWTH)
        at_say(&member, "is what is spent during 'for': write \"<=0.2\"");
    static const char *const some[] = {"alive",   "exit", "fds",   "threads", "children",
                                       "zombies", "rss",  "vsize", "cpu",     "listening"};
    for (size_t i = 0; i < ARRAY_SIZE(some); i++)
        if (at_has(at, some[i]))
            return;
    at_say(at, "checks nothing: alive, exit, fds, threads, children, zombies, rss, vsize, cpu or "
               "listening");
}
