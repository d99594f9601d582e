/* grade_target.c: see grade_target.h. What the driver asks in its own words (a program, its files, a socket on the peers'
 * host) becomes calls of sandbox/ here; neither of the two stages knows the other. */
#include "grade_target.h"

#include "base/mem.h"
#include "base/own.h"
#include "grade_network.h"
#include "scenario/data.h"
#include "scenario/vars.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct target_program {
    struct box *box;
    struct call_tracer *calls; /* NULL: none of its system calls are met */
};

static enum net_host host_of(enum observe_host host)
{
    return host == OBSERVE_PROGRAM_HOST ? NET_HOST_PROGRAM : NET_HOST_PEERS;
}

static int target_socket(void *self, enum observe_host host, int domain, int type, int protocol,
                         struct err *err)
{
    struct run_target *run = self;
    return network_socket(run->network, host_of(host), domain, type, protocol, err);
}

static int target_add_address(void *self, enum observe_host host, const char *address,
                              struct err *err)
{
    struct run_target *run = self;
    return network_add_address(run->network, host_of(host), address, err);
}

/* ---- what a box needs, made from a scenario's world ---- */

struct box_inputs {
    struct box_file *files;
    struct pattern *contents; /* of files[i], where it is data */
    size_t n_files;
    struct box_host_name *names;
    char **addresses; /* of names[i], expanded */
    size_t n_names;
    const char **argv;
};

static void box_inputs_done(struct box_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n_files; i++)
        pattern_done(&inputs->contents[i]);
    for (size_t i = 0; i < inputs->n_names; i++)
        free(inputs->addresses[i]);
    free(inputs->files);
    free(inputs->contents);
    free(inputs->names);
    free((void *)inputs->addresses);
    free((void *)inputs->argv);
}

static int add_file(struct box_inputs *inputs, const struct world_file *file,
                    const struct data_context *context, struct err *err)
{
    size_t i = inputs->n_files++;
    struct box_file *to = &inputs->files[i];
    to->path = file->path;
    to->mode = file->mode;
    switch (file->kind) {
    case WORLD_DATA:
        if (data_resolve(file->data, context, &inputs->contents[i], err) != 0)
            return -1;
        to->kind = BOX_FILE_DATA;
        to->bytes = inputs->contents[i].bytes;
        to->len = inputs->contents[i].len;
        break;
    case WORLD_LINK:
        to->kind = BOX_FILE_LINK;
        to->bytes = file->target;
        to->len = strlen(file->target);
        break;
    case WORLD_FIFO:
        to->kind = BOX_FILE_FIFO;
        break;
    case WORLD_SPARSE:
        to->kind = BOX_FILE_SPARSE;
        to->len = file->size;
        break;
    }
    return 0;
}

static int add_files(struct box_inputs *inputs, const struct start_request *request,
                     struct err *err)
{
    size_t count = request->world->n_files;
    inputs->files = xcalloc(count, sizeof *inputs->files);
    inputs->contents = xcalloc(count, sizeof *inputs->contents);
    for (size_t i = 0; i < count; i++)
        if (add_file(inputs, &request->world->files[i], request->context, err) != 0)
            return -1;
    return 0;
}

static int add_names(struct box_inputs *inputs, const struct start_request *request,
                     struct err *err)
{
    const struct world *world = request->world;
    size_t count = 0;
    for (size_t i = 0; i < world->n_hosts; i++)
        count += world->hosts[i].n_addresses;
    inputs->names = xcalloc(count, sizeof *inputs->names);
    inputs->addresses = xcalloc(count, sizeof *inputs->addresses);
    for (size_t i = 0; i < world->n_hosts; i++)
        for (size_t j = 0; j < world->hosts[i].n_addresses; j++) {
            size_t n = inputs->n_names;
            if (vars_expand(request->context->vars, world->hosts[i].addresses[j],
                            &inputs->addresses[n], err) != 0)
                return -1;
            inputs->names[n] = (struct box_host_name){.address = inputs->addresses[n],
                                                      .name = world->hosts[i].name};
            inputs->n_names++;
        }
    return 0;
}

static uint64_t mib(double value)
{
    return (uint64_t)(value * 1024 * 1024 + 0.5);
}

/* A start step's limits win over the world's. */
static struct box_limits limits_of(const struct start_request *request)
{
    struct box_limits limits = {0};
    const struct start_step *both[] = {&request->world->limits_only, request->start};
    for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
        if (!both[i])
            continue;
        if (both[i]->limits.memory_mib > 0)
            limits.memory_bytes = mib(both[i]->limits.memory_mib);
        if (both[i]->limits.address_mib > 0)
            limits.address_bytes = mib(both[i]->limits.address_mib);
        if (both[i]->limits.open_files)
            limits.open_files = both[i]->limits.open_files;
        if (both[i]->limits.processes)
            limits.processes = both[i]->limits.processes;
        if (both[i]->limits.cpu_seconds)
            limits.cpu_seconds = both[i]->limits.cpu_seconds;
    }
    return limits;
}

/* The command line inside the box; *ret_path is what argv[0] points to where it was made here. */
static void build_argv(struct box_inputs *inputs, const struct start_request *request,
                       const struct ready_made *ready, const char *emulator, char **ret_path)
{
    size_t n = 0;
    size_t lead = 1;
    while (ready && ready->words[lead])
        lead++;
    inputs->argv = xcalloc(lead + request->n_args + 2, sizeof *inputs->argv);
    if (ready) {
        for (size_t i = 0; i < lead; i++)
            inputs->argv[n++] = ready->words[i];
    } else {
        if (emulator)
            inputs->argv[n++] = emulator;
        *ret_path = xasprintf("%s/%s", BOX_BIN_DIR, request->program);
        inputs->argv[n++] = *ret_path;
    }
    for (size_t i = 0; i < request->n_args; i++)
        inputs->argv[n++] = request->args[i];
}

/* An exec that failed because of what was handed in, in the student's words; NULL: the host's fault. */
static char *refusal_of(const struct err *err, const char *program)
{
    switch (err->sys_errno) {
    case ENOENT:
        return xasprintf("'%s' is not there, or its interpreter or dynamic loader is not", program);
    case EACCES:
        return xasprintf("'%s' is not executable", program);
    case ENOEXEC:
    case ELIBBAD:
    case EINVAL:
        return xasprintf("'%s' is not a program for this machine", program);
    case ELOOP:
    case EISDIR:
    case ENOTDIR:
        return xasprintf("the interpreter that '%s' names cannot be run", program);
    case ENOMEM:
        return xasprintf("'%s' needs more memory than it may have", program);
    default:
        return NULL;
    }
}

/* ---- faulty system calls ---- */

struct call_plan {
    const struct call_fault *faults;
    size_t n_faults;
    uint64_t seed;
    int numbers[CALLS_MAX_NUMBERS];
    struct call_tracer *tracer; /* once attached */
};

static int attach_tracer(void *self, pid_t program, struct err *err)
{
    struct call_plan *plan = self;
    return calls_trace(program, plan->faults, plan->n_faults, plan->seed, &plan->tracer, err);
}

static struct box_trace plan_calls(const struct start_request *request, struct call_plan *plan)
{
    *plan = (struct call_plan){
        .faults = request->faults, .n_faults = request->n_faults, .seed = request->context->seed};
    return (struct box_trace){
        .calls = plan->numbers,
        .n_calls = calls_numbers(plan->faults, plan->n_faults, plan->numbers),
        .self = plan,
        .attach = attach_tracer,
    };
}

/* glibc reserves address space for each of its arenas, up to eight a processor (mallopt(3), M_ARENA_MAX): with one arena
 * everywhere what a program takes does not depend on the machine. */
static const char *const plain_environment[] = {"MALLOC_ARENA_MAX=1", NULL};

static int start_box(struct run_target *run, const struct start_request *request,
                     struct box_inputs *inputs, struct target_program *ret, struct err *err)
{
    const struct ready_made *ready =
        run->place->ready_made ? ready_made_find(run->place->ready_made, request->program) : NULL;
    AUTO_FREE char *path = NULL;
    if (add_files(inputs, request, err) != 0 || add_names(inputs, request, err) != 0)
        return -1;
    build_argv(inputs, request, ready, run->place->emulator, &path);
    struct call_plan calls;
    struct box_trace trace = plan_calls(request, &calls);
    struct box_spec spec = {
        .kind = BOX_RUN,
        .network = run->network,
        .argv = inputs->argv,
        .env = run->place->env ? run->place->env : plain_environment,
        .bin_dir = run->place->bin_dir,
        .files = inputs->files,
        .n_files = inputs->n_files,
        .host_names = inputs->names,
        .n_host_names = inputs->n_names,
        .limits = limits_of(request),
        .whole_usr = ready || run->place->emulator,
        .keep_stdin = !request->stdin_closed,
        .timer_ledger = true,
        .trace = trace.n_calls ? &trace : NULL,
        .log_dir = run->place->logs,
    };
    int result = box_start(run->place->sandbox, &spec, &ret->box, err);
    if (result != 0)
        calls_free(calls.tracer); /* its box has gone */
    else
        ret->calls = calls.tracer;
    return result;
}

static int target_start(void *self, const struct start_request *request, struct started *ret,
                        char **ret_refusal, struct err *err)
{
    struct run_target *run = self;
    struct box_inputs inputs = {0};
    struct target_program started = {0};
    *ret = (struct started){.in = -1, .out = -1, .err_out = -1, .event_fd = -1, .timer_ledger = -1};
    *ret_refusal = NULL;
    struct err local = {0};
    int result = start_box(run, request, &inputs, &started, &local);
    box_inputs_done(&inputs);
    if (result != 0) {
        *ret_refusal = refusal_of(&local, request->program);
        if (*ret_refusal)
            return 0;
        return err_set(err, local.kind, "%s", local.text);
    }
    struct target_program *program = xcalloc(1, sizeof *program);
    *program = started;
    struct box *box = started.box;
    *ret = (struct started){
        .handle = program,
        .init = box_init_pid(box),
        .program = box_program_pid(box),
        .in = box_take_stdin(box),
        .out = box_take_stdout(box),
        .err_out = box_take_stderr(box),
        .event_fd = box_event_fd(box),
        .timer_ledger = box_take_ledger(box),
        .calls = started.calls,
    };
    return 0;
}

static int target_signal(void *self, struct target_program *program, int signal, struct err *err)
{
    (void)self; /* a box knows its processes by itself */
    return box_signal(program->box, signal, err);
}

static int target_poll_exit(void *self, struct target_program *program, struct program_exit *ret,
                            struct err *err)
{
    (void)self;
    struct box_exit end;
    if (box_poll_exit(program->box, &end, err) != 0)
        return -1;
    *ret = (struct program_exit){.ended = end.ended, .signaled = end.signaled, .code = end.code};
    return 0;
}

static void target_stop(void *self, struct target_program *program, struct process_summary *ret)
{
    struct run_target *run = self;
    struct box_usage usage = {0};
    if (run->place->logs)
        logs_read(program->box, &run->logs);
    box_free(program->box, &usage);
    calls_free(program->calls); /* after the box: it waits for all that it traced */
    free(program);
    if (ret) {
        ret->cpu_us = usage.cpu_us;
        if (usage.max_rss_kib > ret->rss_kib)
            ret->rss_kib = usage.max_rss_kib;
        ret->limit_hit = usage.limit_hit;
    }
}

/* ---- the network, made from a scenario's world ---- */

static bool target_network_rests(void *self, uint64_t *ret_frames)
{
    struct run_target *run = self;
    return network_rests(run->network, ret_frames);
}

static char *target_network_news(void *self, uint64_t *ret_at_ns)
{
    struct run_target *run = self;
    return grade_network_news(run->network, ret_at_ns);
}

int run_target_init(struct run_target *run, const struct grade_place *place,
                    const struct scenario *scenario, uint64_t seed, struct err *err)
{
    *run = (struct run_target){
        .place = place,
        .target =
            {
                .self = run,
                .start = target_start,
                .socket = target_socket,
                .signal = target_signal,
                .poll_exit = target_poll_exit,
                .stop = target_stop,
                .add_address = target_add_address,
                .program_address = NET_PROGRAM_ADDR,
                .program_address_2 = NET_PROGRAM_ADDR_2,
                .program_address6 = NET_PROGRAM_ADDR6,
                .peers_address = NET_PEERS_ADDR,
                .peers_address_2 = NET_PEERS_ADDR_2,
                .peers_address6 = NET_PEERS_ADDR6,
                .scratch_dir = BOX_SCRATCH_DIR,
            },
    };
    if (scenario->world.net) {
        run->target.network_rests = target_network_rests;
        run->target.network_news = target_network_news;
    }
    return grade_network_new(place->sandbox, scenario->world.net, seed, &run->network, err);
}

void run_target_done(struct run_target *run)
{
    logs_done(&run->logs);
    network_free(run->network);
    run->network = NULL;
}
