/* scenario/load_calls.c: the world's faulty system calls.
 *
 * Only what may happen to a correct program can be said here. Each kind of call has its errors; EINTR of connect is not among
 * them, for such a connect goes on by itself and must not be made again. */
#include "scenario/load.h"

#include "base/own.h"

#include <errno.h>
#include <string.h>

#define MAX_CALLS 1000000 /* numbers of calls */

struct call_words {
    const char *name;
    bool moves; /* bytes, so it can be shortened */
    const char *const *errors;
    size_t n_errors;
};

#define WORDS(list) list, ARRAY_SIZE(list)

static const char *const accept_errors[] = {"EINTR",  "ECONNABORTED", "EMFILE", "ENFILE",
                                            "ENOMEM", "ENOBUFS",      "EPROTO"};
static const char *const connect_errors[] = {"ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH",
                                             "EHOSTUNREACH"};
static const char *const recv_errors[] = {"EINTR", "ECONNRESET", "ETIMEDOUT", "ECONNREFUSED"};
static const char *const send_errors[] = {"EINTR", "ECONNRESET", "ENOBUFS", "ECONNREFUSED"};
static const char *const poll_errors[] = {"EINTR"};

static const struct call_words kinds[WORLD_CALL_KINDS] = {
    [WORLD_CALL_ACCEPT] = {"accept", false, WORDS(accept_errors)},
    [WORLD_CALL_CONNECT] = {"connect", false, WORDS(connect_errors)},
    [WORLD_CALL_RECV] = {"recv", true, WORDS(recv_errors)},
    [WORLD_CALL_SEND] = {"send", true, WORDS(send_errors)},
    [WORLD_CALL_POLL] = {"poll", false, WORDS(poll_errors)},
};

static const struct {
    const char *name;
    int value;
} numbers[] = {
    {"EINTR", EINTR},
    {"ECONNABORTED", ECONNABORTED},
    {"EMFILE", EMFILE},
    {"ENFILE", ENFILE},
    {"ENOMEM", ENOMEM},
    {"ENOBUFS", ENOBUFS},
    {"EPROTO", EPROTO},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ETIMEDOUT", ETIMEDOUT},
    {"ENETUNREACH", ENETUNREACH},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"ECONNRESET", ECONNRESET},
};

static int number_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (strcmp(numbers[i].name, name) == 0)
            return numbers[i].value;
    return 0;
}

static void get_count(const struct at *at, const char *key, int64_t least, uint64_t *ret)
{
    int64_t value = 0;
    if (at_get_integer(at, key, least, MAX_CALLS, &value))
        *ret = (uint64_t)value;
}

/* A call that always fails makes a program that tries again try for ever. */
static void check_which(const struct at *at)
{
    const int n = at_has(at, "nth") + at_has(at, "every") + at_has(at, "chance");
    if (n > 1)
        at_say(at, "'nth', 'every' and 'chance' exclude each other");
    if (at_has(at, "times") && !at_has(at, "nth"))
        at_say(at, "'times' belongs to 'nth'");
    if (at_has(at, "errno") && n == 0)
        at_say(at, "'errno' needs 'nth', 'every' or 'chance': which calls fail?");
}

static void load_call(const struct at *at, struct world_call *ret)
{
    const struct key_table *const table = key_table(KEYS_CALL);
    const struct call_words *kind = &kinds[ret->kind];
    struct at max;
    size_t error = 0;
    if (!at_is_object(at))
        return;
    at_check_keys(at, &table, 1);
    if (at_get_word(at, "errno", kind->errors, kind->n_errors, &error))
        ret->sys_errno = number_of(kind->errors[error]);
    get_count(at, "max", 1, &ret->max);
    if (at_get(at, "max", &max) && !kind->moves)
        at_say_key(&max, "belongs to 'recv' and 'send': '%s' moves no bytes", kind->name);
    get_count(at, "nth", 1, &ret->nth);
    get_count(at, "times", 1, &ret->times);
    get_count(at, "every", 2, &ret->every);
    (void)at_get_number(at, "chance", 0.001, 0.9, &ret->chance);
    if (!at_has(at, "errno") && !at_has(at, "max"))
        at_say(at, "needs 'errno', 'max' or both: what happens to the call?");
    else
        check_which(at);
}

static bool find_kind(const char *name, enum world_call_kind *ret)
{
    for (int i = 0; i < WORLD_CALL_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *ret = (enum world_call_kind)i;
            return true;
        }
    return false;
}

void load_calls(struct loader *loader, const struct at *object, const struct world *outer,
                struct world *ret)
{
    const struct key_table *const table = key_table(KEYS_CALLS);
    struct at calls;
    struct at member;
    if (!at_get(object, "calls", &calls) || !at_is_object(&calls))
        return;
    at_check_keys(&calls, &table, 1);
    struct world_call *list = arena_array(loader->arena, WORLD_CALL_KINDS, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < outer->n_calls; i++)
        if (!at_has(&calls, kinds[outer->calls[i].kind].name))
            list[n++] = outer->calls[i];
    for (bool more = at_first(&calls, &member); more; more = at_next(&member)) {
        struct world_call call = {0};
        if (!find_kind(member.key, &call.kind))
            continue; /* said already */
        load_call(&member, &call);
        list[n++] = call;
    }
    ret->calls = list;
    ret->n_calls = n;
}
