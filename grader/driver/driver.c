/* driver/driver.c: one run of one scenario: variables and ports are drawn, the observer is set up, the timeline is played,
 * and what the program left behind is summed up. */
#include "driver/driver.h"
#include "base/io.h"
#include "base/own.h"
#include "driver/parts.h"

#include <byteswap.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#define HARD_CAP_S 300

/* ---- variables ---- */

/* Both bytes are 4 to 127, so a port and its swapped twin lie between 1024 and 32767: below the ephemeral ports, and free
 * in a fresh network. nrand48(3) is reproducible and keeps its state with the caller. */
static uint16_t draw_port(unsigned short state[3], const uint16_t *taken, size_t n)
{
    for (;;) {
        unsigned high = 4 + (unsigned)nrand48(state) % 124;
        unsigned low = 4 + (unsigned)nrand48(state) % 124;
        uint16_t port = (uint16_t)(high << 8 | low);
        bool usable = high != low;
        for (size_t i = 0; i < n; i++)
            usable &= port != taken[i] && port != bswap_16(taken[i]);
        if (usable)
            return port;
    }
}

static void set_number(struct vars *vars, const char *name, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    vars_set(vars, name, text);
}

/* --var may fix a port: its twin follows. */
static void set_ports(struct run *run)
{
    static const char *const ports[] = {"port", "port2", "port3"};
    static const char *const twins[] = {"swap", "swap2", "swap3"};
    uint64_t seed = run->options->seed;
    unsigned short state[3] = {(unsigned short)seed, (unsigned short)(seed >> 16),
                               (unsigned short)(seed >> 32)};
    uint16_t drawn[ARRAY_SIZE(ports)] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        drawn[i] = draw_port(state, drawn, i);
        const char *fixed =
            run->options->fixed_vars ? vars_get(run->options->fixed_vars, ports[i]) : NULL;
        long port = fixed ? strtol(fixed, NULL, 10) : drawn[i];
        set_number(&run->vars, ports[i], drawn[i]);
        set_number(&run->vars, twins[i], bswap_16((uint16_t)port));
    }
}

static void set_variables(struct run *run)
{
    const struct target *target = run->target;
    const struct assignment *file = run->assignment;
    const struct vars *fixed = run->options->fixed_vars;
    vars_init(&run->vars, NULL);
    set_ports(run);
    vars_set(&run->vars, "host", target->program_address);
    vars_set(&run->vars, "host2", target->program_address_2);
    vars_set(&run->vars, "host6", target->program_address6);
    vars_set(&run->vars, "peer", target->peers_address);
    vars_set(&run->vars, "peer2", target->peers_address_2);
    vars_set(&run->vars, "peer6", target->peers_address6);
    vars_set(&run->vars, "dir", target->scratch_dir);
    for (size_t i = 0; i < file->n_vars; i++)
        vars_set(&run->vars, file->vars[i].name, file->vars[i].value);
    for (size_t i = 0; fixed && i < fixed->count; i++)
        vars_set(&run->vars, fixed->list[i].name, fixed->list[i].value);
    for (size_t i = 0; i < run->vars.count; i++) {
        const struct var *var = &run->vars.list[i];
        AUTO_FREE char *value = NULL;
        struct err unknown = {0}; /* a loop's variable has no value yet: the text stays as it is */
        bool known = vars_expand(&run->vars, var->value, &value, &unknown) == 0;
        trace_var(run->trace, var->name, known ? value : var->value);
    }
}

static int add_addresses(struct run *run, struct err *err)
{
    const struct world *world = &run->scenario->world;
    for (size_t i = 0; i < world->n_addresses; i++) {
        AUTO_FREE char *address = NULL;
        if (vars_expand(&run->vars, world->addresses[i], &address, err) != 0 ||
            run->target->add_address(run->target->self, OBSERVE_PEERS_HOST, address, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- the run's life ---- */

static int observer_socket(void *self, enum observe_host host, int domain, int type, int protocol,
                           struct err *err)
{
    const struct target *target = self;
    return target->socket(target->self, host, domain, type, protocol, err);
}

static bool observer_network_rests(void *self, uint64_t *ret_frames)
{
    const struct target *target = self;
    return target->network_rests(target->self, ret_frames);
}

static void start_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int open_run(struct run *run, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct observe_ops ops = {
        .self = (void *)(uintptr_t)run->target,
        .socket = observer_socket,
        .network_rests = run->target->network_rests ? observer_network_rests : NULL,
        .program_address = run->target->program_address,
        .peers_address = run->target->peers_address,
    };
    (void)pthread_once(&once, start_curl);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* waits of 50 us shall not take 100 */
    set_variables(run);
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run->epoll < 0)
        return err_sys(err, ERR_HOST, errno, "epoll_create1");
    if (observer_new(&ops, &run->observer, err) != 0 || add_addresses(run, err) != 0)
        return -1;
    lanes_open(run);
    run->guard = guard_new(err);
    return run->guard ? 0 : -1;
}

static void last_look(struct run *run)
{
    struct process_stats stats;
    if (run->first)
        (void)program_look(run, run->first, &stats, NULL);
    for (size_t i = 0; i < run->n_endpoints; i++) {
        struct endpoint *endpoint = run->endpoints[i];
        if (endpoint->kind == ENDPOINT_PROGRAM)
            (void)program_poll(run, endpoint, NULL);
        if (endpoint->program && endpoint->program->first)
            endpoint_read(run, endpoint); /* its last words belong into the report */
    }
}

static void close_run(struct run *run)
{
    if (run->observer)
        last_look(run);
    explain_network(run);
    run->closing = true;
    lanes_close(run);
    if (run->guard && guard_struck(run->guard))
        run->summary.limit_hit = "splice: it kept a pipe of the grader's locked";
    guard_free(run->guard);
    observer_free(run->observer);
    own_close(&run->epoll);
    free((void *)run->endpoints);
    vars_done(&run->vars);
}

static void note_fault(struct trace *trace, const struct err *err)
{
    trace->host_error = err->kind == ERR_HOST;
    trace->scenario_error = err->kind == ERR_USAGE;
    free(trace->error_text);
    trace->error_text = xstrdup(err->text);
}

int driver_run(const struct assignment *assignment, const struct scenario *scenario,
               const struct target *target, const struct run_options *options, struct trace *trace,
               struct err *err)
{
    double cap_s = options->hard_cap_s > 0 ? options->hard_cap_s : HARD_CAP_S;
    struct err local = {0};
    struct run run = {
        .assignment = assignment,
        .scenario = scenario,
        .target = target,
        .options = options,
        .trace = trace,
        .epoll = -1,
        .began_ns = io_now_ns(),
        .silent_since = UINT64_MAX,
    };
    run.cap_ns = run.began_ns + seconds_to_ns(cap_s);
    int result = open_run(&run, &local);
    if (result == 0)
        result = play(&run, &local);
    trace->completed = result == 0 && !run.over;
    if (result == 0 && options->settle_s > 0)
        play_out(&run, seconds_to_ns(options->settle_s));
    close_run(&run);
    trace->process = run.summary;
    trace->busy_us = run.busy_ns / 1000;
    trace->starved_us = run.starved_ns / 1000;
    trace->seconds = (double)(io_now_ns() - run.began_ns) / 1e9;
    if (result != 0) {
        note_fault(trace, &local);
        (void)err_set(err, local.kind, "%s", local.text);
    }
    return result;
}
