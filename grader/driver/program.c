/* driver/program.c: programs under test: started, watched, ended. How they are started is the target's business. */
#include "base/own.h"
#include "base/text.h"
#include "driver/parts.h"

#include <byteswap.h>
#include <signal.h>
#include <sys/epoll.h>

static void exit_ready(struct run *run, void *self, uint32_t events)
{
    struct endpoint *endpoint = self;
    (void)events;
    (void)loop_watch(run, &endpoint->program->exit_watch, 0);
    endpoint->changes++;
    (void)program_poll(run, endpoint, &run->err);
}

char *program_end_text(const struct program_exit *end)
{
    const char *name = end->signaled ? sigabbrev_np(end->code) : NULL;
    if (!end->signaled)
        return xasprintf("exit %d", end->code);
    return name ? xasprintf("killed by SIG%s", name) : xasprintf("killed by signal %d", end->code);
}

int program_poll(struct run *run, struct endpoint *endpoint, struct err *err)
{
    struct program *program = endpoint->program;
    if (program->reported)
        return 0;
    if (run->target->poll_exit(run->target->self, program->handle, &program->end, err) != 0)
        return -1;
    if (!program->end.ended)
        return 0;
    AUTO_FREE char *text = program_end_text(&program->end);
    program->reported = true;
    (void)endpoint_now(run, endpoint, TRACE_EXIT, NULL, 0, text);
    return 0;
}

int program_look(struct run *run, struct program *program, struct process_stats *ret,
                 struct err *err)
{
    if (observe_processes(run->observer, program->init, ret, err) != 0)
        return -1;
    program->last = *ret;
    if (ret->rss_kib > program->highest_rss_kib)
        program->highest_rss_kib = ret->rss_kib;
    return 0;
}

/* ---- start ---- */

struct arguments {
    char **list;
    size_t count;
};

static void arguments_done(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++)
        free(arguments->list[i]);
    free((void *)arguments->list);
}

static int expand_arguments(const struct run *run, const struct lane *lane,
                            const struct start_step *start, struct arguments *ret, struct err *err)
{
    const char *const *from = start->args_set ? start->args : run->assignment->args;
    size_t count = start->args_set ? start->n_args : run->assignment->n_args;
    *ret = (struct arguments){.list = xcalloc(count ? count : 1, sizeof(char *))};
    for (; ret->count < count; ret->count++)
        if (step_expand(lane, from[ret->count], &ret->list[ret->count], err) != 0)
            return -1;
    return 0;
}

static void note_start(struct run *run, struct endpoint *endpoint, const char *program,
                       const struct arguments *arguments)
{
    AUTO_BUF struct buf line = {0};
    (void)buf_add_str(&line, program);
    for (size_t i = 0; i < arguments->count; i++) {
        (void)buf_add_char(&line, ' ');
        text_escape(&line, arguments->list[i], strlen(arguments->list[i]), 200);
    }
    (void)endpoint_now(run, endpoint, TRACE_START, NULL, 0, line.data);
}

static struct endpoint *add_endpoints(struct run *run, struct lane *lane,
                                      const struct started *started)
{
    char name[MAX_NAME_BYTES];
    struct program *program = xcalloc(1, sizeof *program);
    struct endpoint *endpoint = endpoint_add(run, lane, ENDPOINT_PROGRAM, lane->active.name);
    (void)snprintf(name, sizeof name, "%.58s.err", lane->active.name);
    struct endpoint *err_end = endpoint_add(run, lane, ENDPOINT_STDERR, name);
    endpoint->program = program;
    err_end->program = program;
    program->handle = started->handle;
    program->init = started->init;
    guard_add(run->guard, started->init);
    program->pid = started->program;
    program->first = run->first == NULL;
    program->calls = started->calls;
    program->exit_watch =
        (struct watch){.fd = started->event_fd, .ready = exit_ready, .self = endpoint};
    endpoint->in.fd = started->out;
    endpoint->out.fd = started->in;
    err_end->in.fd = started->err_out;
    if (program->first)
        run->first = program;
    return endpoint;
}

static int watch_all(struct run *run, struct endpoint *endpoint, int ledger, struct err *err)
{
    struct program *program = endpoint->program;
    char name[MAX_NAME_BYTES + 8];
    (void)snprintf(name, sizeof name, "%s.err", endpoint->name);
    if (observer_add(run->observer, program->init, program->pid, ledger, err) != 0)
        return -1;
    if (endpoint_rewatch(run, endpoint) != 0 ||
        endpoint_rewatch(run, endpoint_find(run, endpoint->lane, name)) != 0 ||
        loop_watch(run, &program->exit_watch, EPOLLIN) != 0)
        return err_set(err, run->err.kind, "%s", run->err.text);
    return 0;
}

int program_start(struct run *run, struct lane *lane, const struct step *step,
                  struct endpoint **ret, char **ret_refusal, struct err *err)
{
    const struct start_step *start = &step->u.start;
    struct arguments arguments;
    struct data_context context;
    struct started started;
    struct call_fault faults[CALL_KINDS];
    const char *name = start->program ? start->program : run->assignment->program;
    struct endpoint *predecessor = endpoint_find(run, lane, lane->active.name);
    *ret = NULL;
    if (predecessor && predecessor->lane == lane)
        endpoint_drop(run, predecessor); /* its port must be free before the new one wants it */
    step_context(run, lane, &context);
    int result = expand_arguments(run, lane, start, &arguments, err);
    struct start_request request = {
        .program = name,
        .args = (const char *const *)arguments.list,
        .n_args = arguments.count,
        .stdin_closed = start->stdin_closed,
        .start = start,
        .world = &run->scenario->world,
        .context = &context,
        .faults = faults,
        .n_faults = faults_of(&run->scenario->world, faults),
    };
    run->inputs++;
    if (result == 0)
        result = run->target->start(run->target->self, &request, &started, ret_refusal, err);
    if (result == 0 && started.handle) {
        *ret = add_endpoints(run, lane, &started);
        note_start(run, *ret, name, &arguments);
        result = watch_all(run, *ret, started.timer_ledger, err);
        observer_traced(run->observer, started.init, started.calls);
        own_close(&started.timer_ledger);
    }
    arguments_done(&arguments);
    return result;
}

void program_drop(struct run *run, struct program *program)
{
    struct process_summary last = {.rss_kib = program->highest_rss_kib};
    const struct program_exit end = program->end;
    (void)loop_watch(run, &program->exit_watch, 0);
    faults_note(run);
    observer_remove(run->observer, program->init);
    run->target->stop(run->target->self, program->handle, &last);
    if (program->first) {
        last.started = true;
        last.ended = end.ended;
        last.signaled = end.signaled;
        last.code = end.code;
        last.fds = program->last.fds;
        run->summary = last;
        run->first = NULL;
    }
    free(program);
}

/* ---- the socket table ---- */

static int parse_server(const char *what, int *ret_protocol, uint16_t *ret_port, struct err *err)
{
    unsigned long long port = 0;
    bool tcp = strncmp(what, "tcp ", 4) == 0;
    if ((!tcp && strncmp(what, "udp ", 4) != 0) || !text_to_u64(what + 4, &port) ||
        port > UINT16_MAX)
        return err_set(err, ERR_USAGE, "'%.60s' is not \"tcp PORT\" or \"udp PORT\"", what);
    *ret_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
    *ret_port = (uint16_t)port;
    return 0;
}

/* What this socket is to a server that should be at protocol and port. */
static enum server_state weigh(const struct socket_entry *entry, int protocol, uint16_t port)
{
    bool same = entry->protocol == protocol;
    if (entry->local_port == port)
        return same ? SERVER_THERE : SERVER_OTHER_TYPE;
    if (!same)
        return SERVER_NONE;
    return entry->local_port == bswap_16(port) ? SERVER_SWAPPED : SERVER_OTHER_PORT;
}

int program_server(struct run *run, const struct program *program, const char *what,
                   struct server_look *ret, struct err *err)
{
    static const int certainty[] = {
        [SERVER_NONE] = 0,    [SERVER_OTHER_PORT] = 1, [SERVER_OTHER_TYPE] = 2,
        [SERVER_SWAPPED] = 3, [SERVER_THERE] = 4,
    };
    AUTO_FREE struct socket_entry *servers = NULL;
    size_t count = 0;
    *ret = (struct server_look){.state = SERVER_NONE};
    if (parse_server(what, &ret->protocol, &ret->port, err) != 0 ||
        observe_servers(run->observer, program->init, &servers, &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        enum server_state state = weigh(&servers[i], ret->protocol, ret->port);
        if (certainty[state] <= certainty[ret->state])
            continue;
        ret->state = state;
        ret->other = servers[i].local_port;
        (void)snprintf(ret->address, sizeof ret->address, "%s", servers[i].local);
    }
    return 0;
}
