/* driver/step_check.c: `check`: looks at processes. Without `for` it must become true within its time; with `for` it must
 * stay true so long. A program that is proven silent changes no more, so both end with the proof. */
#include "base/io.h"
#include "base/own.h"
#include "driver/parts.h"

#include <math.h>

#define FIRST_PAUSE_NS 200000
#define MOST_PAUSE_NS  20000000

static int begin_check(struct run *run, struct lane *lane, struct err *err)
{
    struct active *active = &lane->active;
    const struct check_step *check = &active->step->u.check;
    struct process_stats stats;
    if (step_endpoint(run, lane, &active->endpoint, err) != 0)
        return -1;
    if (active->endpoint->kind != ENDPOINT_PROGRAM)
        return err_set(err, ERR_USAGE, "%s: '%s' is no program", active->path, active->name);
    active->program = active->endpoint->program;
    if (check->for_s > 0)
        span_start(run, &active->limit, check->for_s);
    else
        limit_start(run, &active->limit, step_within(run, active->step, 1));
    if (check->for_s > 0 && check->cpu.kind != BOUND_NONE)
        span_exact(run, &active->limit);
    if (program_look(run, active->program, &stats, err) != 0)
        return -1;
    active->cpu_before_us = stats.cpu_us;
    return check->listening && !check->not_listening
               ? step_expand(lane, check->listening, &active->text, err)
               : 0;
}

/* ---- what is looked at ---- */

struct view {
    const struct process_stats *now, *baseline;
    double cpu_s;
    struct server_look server;
    unsigned servers;
};

enum measure { FDS, THREADS, CHILDREN, ZOMBIES, RSS, VSIZE, CPU, MEASURES };

static const struct {
    const char *name;
    double unit; /* of one in the text */
} measures[MEASURES] = {
    [FDS] = {"open descriptors", 1},         [THREADS] = {"threads", 1},
    [CHILDREN] = {"child processes", 1},     [ZOMBIES] = {"zombies", 1},
    [RSS] = {"MiB of memory", 1024 * 1024.}, [VSIZE] = {"MiB of address space", 1024 * 1024.},
    [CPU] = {"s of processor time", 1},
};

static const struct bound *bound_of(const struct check_step *check, enum measure measure)
{
    const struct bound *bounds[MEASURES] = {&check->fds,     &check->threads, &check->children,
                                            &check->zombies, &check->rss,     &check->vsize,
                                            &check->cpu};
    return bounds[measure];
}

static double value_of(const struct process_stats *stats, enum measure measure)
{
    switch (measure) {
    case FDS:
        return stats->fds;
    case THREADS:
        return stats->threads;
    case CHILDREN:
        return stats->children;
    case ZOMBIES:
        return stats->zombies;
    case RSS:
        return (double)stats->rss_kib * 1024;
    case VSIZE:
        return (double)stats->vsize_kib * 1024;
    case CPU:
    case MEASURES:
        break;
    }
    return 0;
}

static bool within_bound(const struct bound *bound, double value, double baseline)
{
    switch (bound->kind) {
    case BOUND_NONE:
        return true;
    case BOUND_EQUAL:
        return fabs(value - bound->value) < 1e-9;
    case BOUND_AT_MOST:
        return value <= bound->value;
    case BOUND_AT_LEAST:
        return value >= bound->value;
    case BOUND_GROWTH:
        return value <= baseline + bound->value;
    }
    return true;
}

static void describe_bound(const struct bound *bound, enum measure measure, double baseline,
                           struct buf *out)
{
    static const char *const words[] = {[BOUND_NONE] = "",
                                        [BOUND_EQUAL] = "",
                                        [BOUND_AT_MOST] = "at most ",
                                        [BOUND_AT_LEAST] = "at least ",
                                        [BOUND_GROWTH] = "at most "};
    double value = bound->value + (bound->kind == BOUND_GROWTH ? baseline : 0);
    (void)buf_printf(out, "%s%.6g %s", words[bound->kind], value / measures[measure].unit,
                     measures[measure].name);
    if (bound->kind == BOUND_GROWTH)
        (void)buf_printf(out, " (%.6g more than at the start)",
                         bound->value / measures[measure].unit);
}

static void fail_measure(const struct view *view, enum measure measure, const struct bound *bound,
                         struct finding *finding)
{
    AUTO_BUF struct buf want = {0};
    double baseline = value_of(view->baseline, measure);
    double value = measure == CPU ? view->cpu_s : value_of(view->now, measure);
    double growth = bound->kind == BOUND_GROWTH ? value - baseline : value;
    describe_bound(bound, measure, baseline, &want);
    finding_fail(finding, OUTCOME_OTHER, want.data, "%.6g %s", value / measures[measure].unit,
                 measures[measure].name);
    trace_figure(&finding->result, "n", "%.0f", growth);
    trace_figure(&finding->result, "mib", "%.0f", growth / measures[RSS].unit);
    trace_figure(&finding->result, "cpu", "%.2f", view->cpu_s);
}

/* ---- the parts of a check: each true when it holds, else the finding says why not ---- */

static bool check_exit(const struct check_step *check, const struct program *program,
                       struct finding *finding)
{
    AUTO_BUF struct buf want = {0};
    const struct program_exit *end = &program->end;
    bool holds = end->ended && !end->signaled && check->exit_nonzero && end->code != 0;
    for (size_t i = 0; i < check->n_exits; i++) {
        holds |= end->ended && !end->signaled && end->code == check->exits[i];
        (void)buf_printf(&want, "%s%d", i ? " or " : "exit status ", check->exits[i]);
    }
    if (holds)
        return true;
    if (check->exit_nonzero)
        (void)buf_add_str(&want, "an exit status other than 0");
    AUTO_FREE char *got = end->ended ? program_end_text(end) : xstrdup("still running");
    finding_fail(finding, OUTCOME_OTHER, want.data, "%s", got);
    if (end->ended && !end->signaled)
        trace_figure(&finding->result, "got", "%d", end->code);
    if (check->n_exits == 1)
        trace_figure(&finding->result, "want", "%d", check->exits[0]);
    return false;
}

static bool check_alive(const struct check_step *check, const struct program *program,
                        const struct view *view, struct finding *finding)
{
    AUTO_FREE char *end = NULL;
    if (view->now->alive == check->alive)
        return true;
    end = program->end.ended ? program_end_text(&program->end) : xstrdup("still running");
    finding_fail(finding, OUTCOME_OTHER,
                 check->alive ? "a running program" : "a program that has ended", "%s", end);
    return false;
}

static bool check_listening(const struct active *active, const struct view *view,
                            struct finding *finding)
{
    const struct check_step *check = &active->step->u.check;
    const struct server_look *look = &view->server;
    if (check->not_listening) {
        if (!view->servers)
            return true;
        finding_fail(finding, OUTCOME_OTHER, "no listening socket", "%u of them", view->servers);
        return false;
    }
    if (look->state == SERVER_THERE)
        return true;
    AUTO_FREE char *want = xasprintf("a socket at %s", active->text);
    bool other = look->state != SERVER_NONE;
    finding_fail(finding, OUTCOME_OTHER, want, other ? "a socket at port %u" : "none",
                 (unsigned)look->other);
    trace_figure(&finding->result, "port", "%u", (unsigned)look->port);
    trace_figure(&finding->result, "other", "%u", (unsigned)look->other);
    if (look->state == SERVER_SWAPPED)
        finding->result.class_name = xstrdup("missing-htons-port");
    if (look->state == SERVER_OTHER_TYPE)
        finding->result.class_name = xstrdup("wrong-socket-type");
    return false;
}

static bool holds(const struct active *active, const struct view *view, struct finding *finding)
{
    const struct check_step *check = &active->step->u.check;
    if (check->exit_set && !check_exit(check, active->program, finding))
        return false;
    if (check->alive_set && !check_alive(check, active->program, view, finding))
        return false;
    if ((check->listening || check->not_listening) && !check_listening(active, view, finding))
        return false;
    for (enum measure measure = FDS; measure < MEASURES; measure++) {
        const struct bound *bound = bound_of(check, measure);
        double value = measure == CPU ? view->cpu_s : value_of(view->now, measure);
        if (within_bound(bound, value, value_of(view->baseline, measure)))
            continue;
        fail_measure(view, measure, bound, finding);
        return false;
    }
    return true;
}

/* ---- polling ---- */

static int look(struct run *run, struct active *active, struct process_stats *stats,
                struct view *view, struct err *err)
{
    const struct check_step *check = &active->step->u.check;
    struct program *program = active->program;
    if (program_poll(run, active->endpoint, err) != 0 ||
        program_look(run, program, stats, err) != 0)
        return -1;
    *view = (struct view){.now = stats, .baseline = &program->baseline};
    /* what an orphan had used is gone with it: less than before means nothing */
    if (stats->cpu_us > active->cpu_before_us)
        view->cpu_s = (double)(stats->cpu_us - active->cpu_before_us) / 1e6 /
                      span_stretch(run, &active->limit); /* we may look late */
    if (check->listening && !check->not_listening)
        return program_server(run, program, active->text, &view->server, err);
    if (check->not_listening) {
        AUTO_FREE struct socket_entry *servers = NULL;
        size_t count = 0;
        if (observe_servers(run->observer, program->init, &servers, &count, err) != 0)
            return -1;
        view->servers = (unsigned)count;
    }
    return 0;
}

static bool is_due(struct active *active)
{
    uint64_t now = io_now_ns();
    if (now < active->next_look_ns && active->changes == active->endpoint->changes)
        return false;
    active->changes = active->endpoint->changes;
    active->pause_ns = active->pause_ns ? active->pause_ns * 3 / 2 : FIRST_PAUSE_NS;
    if (active->pause_ns > MOST_PAUSE_NS)
        active->pause_ns = MOST_PAUSE_NS;
    active->next_look_ns = now + active->pause_ns;
    return true;
}

static bool waits_for_end(const struct check_step *check)
{
    return check->exit_set || (check->alive_set && !check->alive);
}

/* It has ended, and not as it should; or was to live. */
static bool is_over(const struct active *active)
{
    const struct check_step *check = &active->step->u.check;
    return active->program->end.ended && (check->exit_set || (check->alive_set && check->alive)) &&
           !active->program->last.alive;
}

/* A tick costs processor time: by idle ticks nothing is known about that. */
static const struct moment *usable(const struct check_step *check, const struct moment *moment)
{
    bool unknown = check->cpu.kind != BOUND_NONE && moment->proof == PROOF_IDLE_TICKS;
    return unknown ? &nothing_known : moment;
}

/* Processor time is a sum, and counts whenever one looks. */
static bool sums_nothing(const struct check_step *check)
{
    return check->cpu.kind == BOUND_NONE;
}

/* settled: how the time ended; NULL: it has not. */
static void conclude(struct run *run, const struct active *active, bool true_now,
                     const enum proof *settled, struct finding *finding)
{
    const struct check_step *check = &active->step->u.check;
    bool lasting = check->for_s > 0;
    if (!true_now && (lasting || is_over(active))) {
        finding->result.proof =
            PROOF_SEEN; /* it must stay true and is not, or cannot become so any more */
    } else if (true_now && (!lasting || settled)) {
        finding_ok(finding);
        if (lasting)
            finding_by_quiet(finding, *settled);
    } else if (!true_now && settled) {
        finding_by_quiet(finding, *settled);
        if (waits_for_end(check))
            finding_add_where(run, finding);
    } else {
        finding->done = false; /* it may still become so, or must stay so */
    }
}

static int poll_check(struct run *run, struct lane *lane, const struct moment *moment,
                      struct finding *finding, struct err *err)
{
    struct active *active = &lane->active;
    const struct check_step *check = &active->step->u.check;
    struct process_stats stats;
    struct view view;
    enum proof proof = PROOF_SEEN;
    bool settled = step_settled(run, lane, usable(check, moment), &proof);
    if (!settled && !is_due(active))
        return 0;
    if (look(run, active, &stats, &view, err) != 0)
        return -1;
    if (active->limit.span) /* we may have been stopped before the look */
        settled = step_settled(run, lane, usable(check, moment), &proof);
    bool true_now = (sums_nothing(check) && step_undated(active)) || holds(active, &view, finding);
    conclude(run, active, true_now, settled ? &proof : NULL, finding);
    return 0;
}

const struct verb_ops verb_check = {begin_check, poll_check, NULL};
