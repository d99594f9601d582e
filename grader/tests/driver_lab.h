/* tests/driver_lab.h: a scenario in a few lines, played against one of the servers of observe_styles.h in a real box. */
#ifndef GRADER_TESTS_DRIVER_LAB_H
#define GRADER_TESTS_DRIVER_LAB_H

#include "driver/driver.h"
#include "scenario/vars.h"
#include "tests/observe_lab.h"
#include "tests/scenario_help.h"

struct target_program {
    struct box *box;
};

/* What struct run_options' rests was told. */
struct rest_log {
    unsigned begun;
    bool now;
    uint64_t since_ns, all_ns;
};

struct played {
    struct assignment *file;
    struct trace trace;
    struct err err;
    int result; /* of driver_run() */
    struct rest_log rest;
};

static void target_rests(void *self, bool begins)
{
    struct rest_log *log = self;
    cr_assert(log->now != begins, "it rests twice, or not at all");
    log->now = begins;
    if (begins) {
        log->begun++;
        log->since_ns = io_now_ns();
    } else {
        log->all_ns += io_now_ns() - log->since_ns;
    }
}

static int target_socket(void *self, enum observe_host host, int domain, int type, int protocol,
                         struct err *err)
{
    return lab_observer_socket(((struct lab *)self)->network, host, domain, type, protocol, err);
}

/* The program's name is the style of the server. */
static int target_start(void *self, const struct start_request *request, struct started *ret,
                        char **ret_refusal, struct err *err)
{
    struct lab *lab = self;
    AUTO_FREE char *variable = xasprintf("OBSERVE_STYLE=%s", request->program);
    const char *argv[] = {BOX_BIN_DIR "/server", NULL};
    const char *env[] = {variable, NULL};
    struct box_spec spec = {.kind = BOX_RUN,
                            .network = lab->network,
                            .argv = argv,
                            .env = env,
                            .bin_dir = lab->dir,
                            .keep_stdin = !request->stdin_closed,
                            .timer_ledger = true};
    struct target_program *program = xcalloc(1, sizeof *program);
    *ret = (struct started){.in = -1, .out = -1, .err_out = -1, .event_fd = -1, .timer_ledger = -1};
    if (strcmp(request->program, "refused") == 0) {
        *ret_refusal = xstrdup("there is no such program");
        free(program);
        return 0;
    }
    if (box_start(lab->sandbox, &spec, &program->box, err) != 0) {
        free(program);
        return -1;
    }
    *ret = (struct started){.handle = program,
                            .init = box_init_pid(program->box),
                            .program = box_program_pid(program->box),
                            .in = box_take_stdin(program->box),
                            .out = box_take_stdout(program->box),
                            .err_out = box_take_stderr(program->box),
                            .event_fd = box_event_fd(program->box),
                            .timer_ledger = box_take_ledger(program->box)};
    return 0;
}

static int target_signal(void *self, struct target_program *program, int signal, struct err *err)
{
    (void)self;
    return box_signal(program->box, signal, err);
}

static int target_poll_exit(void *self, struct target_program *program, struct program_exit *ret,
                            struct err *err)
{
    struct box_exit end;
    (void)self;
    if (box_poll_exit(program->box, &end, err) != 0)
        return -1;
    *ret = (struct program_exit){end.ended, end.signaled, end.code};
    return 0;
}

static void target_stop(void *self, struct target_program *program, struct process_summary *ret)
{
    struct box_usage usage = {0};
    (void)self;
    box_free(program->box, &usage);
    free(program);
    if (ret)
        ret->cpu_us = usage.cpu_us;
}

static int target_add_address(void *self, enum observe_host host, const char *address,
                              struct err *err)
{
    return network_add_address(((struct lab *)self)->network, (enum net_host)host, address, err);
}

static char *played_file(const char *style, const char *steps)
{
    bool is_udp = strcmp(style, "udp") == 0;
    return xasprintf(
        "{\"assignment\": \"a\", \"program\": \"%s\", \"args\": [], \"ready\": \"%s ${port}\",\n"
        "\"setup\": [{\"start\": \"srv\"}],\n"
        "\"scenarios\": [{\"id\": \"s\", \"title\": \"t\", \"steps\": [\n%s\n]}]}",
        style, is_udp ? "udp" : "tcp", steps);
}

/* Plays the steps (JSON, quotes written as '), after the start of a server of that style as "srv". */
static struct played play_steps(const char *style, const char *steps)
{
    struct played played = {.result = -1};
    struct lab lab;
    struct vars fixed;
    AUTO_FREE char *quoted = xstrdup(steps);
    for (char *at = quoted; *at; at++)
        if (*at == '\'')
            *at = '"';
    AUTO_FREE char *text = played_file(style, quoted);
    cr_assert(lab_open(&lab) == 0, "%s", lab.err.text);
    played.file = help_load(text);
    vars_init(&fixed, NULL);
    vars_set(&fixed, "port", "7007"); /* STYLES_PORT */
    const struct target target = {
        .self = &lab,
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
    };
    const struct run_options options = {
        .seed = 1, .fixed_vars = &fixed, .rests = target_rests, .self = &played.rest};
    trace_init(&played.trace);
    played.result = driver_run(played.file, &played.file->scenarios[0], &target, &options,
                               &played.trace, &played.err);
    cr_assert_not(played.rest.now, "its rest has no end");
    vars_done(&fixed);
    lab_close(&lab);
    return played;
}

static void played_done(struct played *played)
{
    trace_done(&played->trace);
    assignment_free(played->file);
}

/* The result of the last step that was executed. */
static const struct step_result *last_result(const struct played *played)
{
    cr_assert(played->trace.n_results > 0, "nothing ran: %s", played->err.text);
    return &played->trace.results[played->trace.n_results - 1];
}

static const char *told(const struct played *played)
{
    const struct step_result *last =
        played->trace.n_results ? &played->trace.results[played->trace.n_results - 1] : NULL;
    if (played->result != 0 || !last)
        return played->err.text;
    return last->observed_text ? last->observed_text : outcome_name(last->outcome);
}

#endif
