/* scenario/load_verb.c: the keys of the verbs that act: start, open, send, close, fetch, wait.
 *
 * Keys were checked against the verb's table before these functions are called (load_step.c); here come the values, and
 * combinations that mean nothing: `refused` for a UDP socket, a gap without a cut, offsets that do not rise. For `open`
 * a second table says which options each kind of endpoint has. Whether a name is open at that point is not asked here
 * but in check.c, which sees the whole timeline. */
#include "scenario/load.h"

#include "base/own.h"

#include <signal.h>
#include <string.h>

/* Endpoint names: the trace and NAME.err need them short and without dots. They may hold variables, for the many
 * connections that a loop opens: "c${i}". */
static void load_name(const struct at *at, const char *verb, struct step *step)
{
    struct at name;
    if (!at_get(at, verb, &name) || !at_text(&name, &step->name))
        return;
    const size_t len = strlen(step->name);
    if (len == 0 || len > LOAD_MAX_NAME || strpbrk(step->name, ".#@ \t\n"))
        at_say(&name, "'%.60s': a name has 1 to %d characters, no dots, blanks, '#' or '@'",
               step->name, LOAD_MAX_NAME);
}

/* ---- start ---- */

void load_limits(const struct at *object, struct start_step *ret)
{
    const struct key_table *const table = key_table(KEYS_LIMITS);
    struct at limits;
    int64_t n = 0;
    if (!at_get(object, "limits", &limits) || !at_is_object(&limits))
        return;
    at_check_keys(&limits, &table, 1);
    (void)at_get_number(&limits, "memory", 1, 65536, &ret->limits.memory_mib);
    (void)at_get_number(&limits, "as", 1, 1048576, &ret->limits.address_mib);
    if (at_get_integer(&limits, "nofile", 3, 65536, &n))
        ret->limits.open_files = (unsigned)n;
    if (at_get_integer(&limits, "nproc", 1, 65536, &n))
        ret->limits.processes = (unsigned)n;
    if (at_get_integer(&limits, "cpu", 1, 600, &n))
        ret->limits.cpu_seconds = (unsigned)n;
}

void load_start(struct loader *loader, const struct at *at, struct step *step)
{
    static const char *const words[] = {"closed"};
    struct start_step *ret = &step->u.start;
    size_t word = 0;
    load_name(at, "start", step);
    if (!at_get_text(at, "program", &ret->program))
        loader->uses_program = true;
    ret->args_set = at_has(at, "args");
    load_args(at, &ret->args, &ret->n_args);
    ret->stdin_closed = at_get_word(at, "stdin", words, 1, &word);
    load_ready(at, "ready", true, &ret->ready);
    load_limits(at, ret);
}

/* ---- open ---- */

/* "ADDR:PORT"; both may be variables, an IPv6 address stands in brackets. */
static void check_target(const struct at *at, const char *text)
{
    const char *colon = strrchr(text, ':');
    const char *close = strrchr(text, '}');
    if (!colon || colon == text || !colon[1] || (close && close > colon && colon[1] != '$'))
        at_say(at, "must be ADDRESS:PORT, for instance \"${host}:${port}\"");
}

static const struct {
    const char *key;
    enum open_kind kind;
    unsigned allows; /* bits of the options below */
} opens[] = {
    {"tcp", OPEN_TCP, 1U << 0 | 1U << 1 | 1U << 2 | 1U << 4},
    {"listen", OPEN_LISTEN, 1U << 1 | 1U << 2},
    {"accept", OPEN_ACCEPT, 1U << 2 | 1U << 5},
    {"udp", OPEN_UDP, 1U << 0 | 1U << 1 | 1U << 2 | 1U << 3},
    {"bind", OPEN_BIND, 1U << 1 | 1U << 2},
};
static const char *const open_options[] = {"from",      "rcvbuf",  "read",
                                           "connected", "refused", "never"};

static size_t find_open_kind(const struct at *at)
{
    size_t found = ARRAY_SIZE(opens);
    for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
        if (!at_has(at, opens[i].key))
            continue;
        if (found < ARRAY_SIZE(opens)) {
            at_say(at, "has both '%s' and '%s'", opens[found].key, opens[i].key);
            return ARRAY_SIZE(opens);
        }
        found = i;
    }
    if (found == ARRAY_SIZE(opens))
        at_say(at, "needs one of tcp, listen, accept, udp, bind");
    return found;
}

void load_open(struct loader *loader, const struct at *at, struct step *step)
{
    (void)loader;
    struct open_step *ret = &step->u.open;
    struct at member;
    int64_t bytes = 0;
    bool read = true;
    load_name(at, "open", step);
    const size_t kind = find_open_kind(at);
    if (kind == ARRAY_SIZE(opens))
        return;
    ret->kind = opens[kind].kind;
    if (at_get(at, opens[kind].key, &member) && at_text(&member, &ret->target) &&
        ret->kind != OPEN_ACCEPT)
        check_target(&member, ret->target);
    for (size_t i = 0; i < ARRAY_SIZE(open_options); i++)
        if (at_get(at, open_options[i], &member) && !(opens[kind].allows & 1U << i))
            at_say_key(&member, "means nothing for '%s'", opens[kind].key);
    (void)at_get_text(at, "from", &ret->from);
    if (at_get_integer(at, "rcvbuf", 256, 16 << 20, &bytes))
        ret->rcvbuf = (int)bytes;
    if (at_get_bool(at, "read", &read))
        ret->no_read = !read;
    (void)at_get_bool(at, "connected", &ret->connected);
    (void)at_get_bool(at, "refused", &ret->refused);
    (void)at_get_bool(at, "never", &ret->never);
}

/* ---- send, close, wait ---- */

static void load_cuts(struct loader *loader, const struct at *at, struct send_step *ret)
{
    struct at cut;
    struct at item;
    int64_t n = 0;
    if (!at_get(at, "cut", &cut))
        return;
    if (!json_is_array(cut.json)) {
        if (at_integer(&cut, 1, (int64_t)SCENARIO_MAX_DATA_BYTES, &n))
            ret->cut_every = (size_t)n;
        return;
    }
    size_t *cuts = arena_array(loader->arena, json_array_size(cut.json), sizeof *cuts);
    for (bool more = at_first(&cut, &item); more; more = at_next(&item)) {
        if (!at_integer(&item, 1, (int64_t)SCENARIO_MAX_DATA_BYTES, &n))
            continue;
        if (ret->n_cuts && (size_t)n <= cuts[ret->n_cuts - 1])
            at_say(&item, "offsets must rise: %lld stands behind %zu", (long long)n,
                   cuts[ret->n_cuts - 1]);
        cuts[ret->n_cuts++] = (size_t)n;
    }
    ret->cuts = cuts;
}

void load_send(struct loader *loader, const struct at *at, struct step *step)
{
    struct send_step *ret = &step->u.send;
    struct at member;
    load_name(at, "send", step);
    ret->data = load_get_data(loader->arena, at, "data");
    if (!at_has(at, "data"))
        at_say(at, "needs 'data'");
    (void)at_get_text(at, "to", &ret->to);
    load_cuts(loader, at, ret);
    (void)at_get_number(at, "gap", 0, LOAD_MAX_SECONDS, &ret->gap_s);
    (void)at_get_number(at, "stall", 0.001, LOAD_MAX_SECONDS, &ret->stall_s);
    (void)at_get_bool(at, "may_fail", &ret->may_fail);
    if (at_get(at, "gap", &member) && !at_has(at, "cut"))
        at_say_key(&member, "needs 'cut': a gap lies between segments");
}

void load_close(struct loader *loader, const struct at *at, struct step *step)
{
    static const struct {
        const char *word;
        enum close_how how;
        int signal;
    } hows[] = {
        {"both", CLOSE_BOTH, 0},         {"write", CLOSE_WRITE, 0},
        {"reset", CLOSE_RESET, 0},       {"TERM", CLOSE_SIGNAL, SIGTERM},
        {"KILL", CLOSE_SIGNAL, SIGKILL}, {"INT", CLOSE_SIGNAL, SIGINT},
        {"STOP", CLOSE_SIGNAL, SIGSTOP}, {"CONT", CLOSE_SIGNAL, SIGCONT},
    };
    (void)loader;
    const char *words[ARRAY_SIZE(hows)];
    size_t word = 0;
    load_name(at, "close", step);
    for (size_t i = 0; i < ARRAY_SIZE(hows); i++)
        words[i] = hows[i].word;
    (void)at_get_word(at, "how", words, ARRAY_SIZE(hows), &word);
    step->u.close.how = hows[word].how;
    step->u.close.signal = hows[word].signal;
}

void load_wait(struct loader *loader, const struct at *at, struct step *step)
{
    (void)loader;
    (void)at_get_number(at, "wait", 0, LOAD_MAX_SECONDS, &step->u.wait_s);
}

/* ---- fetch ---- */

void load_fetch(struct loader *loader, const struct at *at, struct step *step)
{
    struct fetch_step *ret = &step->u.fetch;
    struct at url;
    if (at_get(at, "fetch", &url) && at_text(&url, &ret->url) &&
        strncmp(ret->url, "http://", 7) != 0)
        at_say(&url, "must begin with http://");
    step->name = ret->url;
    (void)at_get_text(at, "method", &ret->method);
    load_header_patterns(at, "request_headers", false, &ret->headers, &ret->n_headers);
    load_http_answer(loader, at, &ret->want);
    ret->want.method = ret->method;
}
