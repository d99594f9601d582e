/* grade_schedule.c: see grade_schedule.h.
 *
 * One mutex guards the states. A worker prepares a pass that asks for it, or takes the most urgent scenario that may run
 * (grade_order.h), of two alike the first in file order; scenarios whose needs have failed are turned into skips on the
 * way. Needs point backwards only (the loader checks it), so one look settles all skips that are due and there is always
 * something to take, something running, or nothing left. */
#include "grade_schedule.h"

#include "base/mem.h"
#include "base/own.h"
#include "grade_order.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

enum pass_state { PASS_UNPREPARED, PASS_PREPARING, PASS_READY };

struct pass {
    struct schedule *schedule;
    enum pass_state state;
    enum job_state **states; /* [assignment][scenario] */
    double **urgency;        /* [assignment][scenario] */
};

struct worker_pool {
    struct pass passes[SCHEDULE_MAX_PASSES];
    size_t n_passes;
    size_t running;
    const struct grade_options *options;
    struct grade_progress progress;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct job {
    struct pass *pass;
    bool prepare; /* the pass itself; otherwise */
    size_t assignment, scenario;
};

static struct schedule_assignment *assignment_of(struct job job)
{
    return &job.pass->schedule->assignments[job.assignment];
}

static const struct scenario *scenario_of(struct job job)
{
    return &job.pass->schedule->suite->entries[job.assignment].assignment->scenarios[job.scenario];
}

static void report_progress(struct worker_pool *pool, struct job job)
{
    if (!pool->options->progress)
        return;
    pool->progress.assignment = job.pass->schedule->suite->entries[job.assignment].assignment->id;
    pool->progress.scenario = scenario_of(job)->id;
    pool->options->progress(pool->options->progress_self, &pool->progress);
}

static void finish(struct worker_pool *pool, struct job job)
{
    job.pass->states[job.assignment][job.scenario] = JOB_DONE;
    pool->progress.done++;
    /* only the grade itself, the first pass, fails anybody */
    if (job.pass == &pool->passes[0] &&
        !verdict_passed(&assignment_of(job)->verdicts[job.scenario]))
        pool->progress.failed++;
    report_progress(pool, job);
}

/* What a scenario waits for: READY to run, BLOCKED by something that did not pass (its ids in *ids), or still WAITING. */
enum readiness { READY, BLOCKED, WAITING };

static enum readiness readiness_of(struct job job, struct buf *ids)
{
    const struct schedule_assignment *assignment = assignment_of(job);
    const struct scenario *all = assignment->entry->assignment->scenarios;
    const struct scenario *scenario = &all[job.scenario];
    enum readiness result = READY;
    if (assignment->blocked_by) {
        (void)buf_add_str(ids, assignment->blocked_by);
        return BLOCKED;
    }
    for (size_t i = 0; i < job.scenario; i++) {
        bool needed = all[i].gate;
        for (size_t n = 0; n < scenario->n_needs && !needed; n++)
            needed = scenario->needs[n] == i;
        if (!needed || !assignment->entry->selected[i])
            continue;
        if (job.pass->states[job.assignment][i] != JOB_DONE) {
            result = result == BLOCKED ? BLOCKED : WAITING;
        } else if (!verdict_passed(&assignment->verdicts[i])) {
            (void)buf_printf(ids, "%s%s", ids->len ? ", " : "", all[i].id);
            result = BLOCKED;
        }
    }
    return result;
}

/* The most urgent scenario of a pass. False when there is none now. */
static bool take_of_pass(struct worker_pool *pool, struct pass *pass, struct job *ret)
{
    double most = 0;
    bool found = false;
    for (size_t a = 0; a < pass->schedule->suite->n_entries; a++) {
        struct schedule_assignment *assignment = &pass->schedule->assignments[a];
        for (size_t s = 0; s < assignment->entry->assignment->n_scenarios; s++) {
            struct job job = {.pass = pass, .assignment = a, .scenario = s};
            if (pass->states[a][s] != JOB_WAITING)
                continue;
            AUTO_BUF struct buf ids = {0};
            switch (readiness_of(job, &ids)) {
            case READY:
                if (!found || pass->urgency[a][s] > most) {
                    found = true;
                    most = pass->urgency[a][s];
                    *ret = job;
                }
                break;
            case BLOCKED:
                verdict_skip(assignment->entry->assignment, scenario_of(job), ids.data,
                             &assignment->verdicts[s]);
                finish(pool, job);
                break;
            case WAITING:
                break;
            }
        }
    }
    return found;
}

/* What to do next: a pass to prepare, else a scenario of the first pass that has one. False when there is nothing now. */
static bool take(struct worker_pool *pool, struct job *ret)
{
    for (size_t i = 0; i < pool->n_passes; i++)
        if (pool->passes[i].state == PASS_UNPREPARED) {
            *ret = (struct job){.pass = &pool->passes[i], .prepare = true};
            return true;
        }
    for (size_t i = 0; i < pool->n_passes; i++)
        if (pool->passes[i].state == PASS_READY && take_of_pass(pool, &pool->passes[i], ret))
            return true;
    return false;
}

static uint64_t realtime_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void run_once(struct job job, uint64_t seed, struct trace *trace)
{
    const struct schedule *schedule = job.pass->schedule;
    const struct assignment *assignment = assignment_of(job)->entry->assignment;
    const struct scenario *scenario = scenario_of(job);
    struct err err = {0};
    struct run_target target;
    trace_init(trace);
    if (run_target_init(&target, schedule->place, scenario, seed, &err) != 0) {
        trace->host_error = true;
        trace->error_text = xstrdup(err.text);
        return;
    }
    struct run_options options = {
        .seed = seed, .fixed_vars = schedule->fixed_vars, .settle_s = schedule->settle_s};
    const uint64_t began_ns = realtime_ns();
    int result = driver_run(assignment, scenario, &target.target, &options, trace, &err);
    if (sandbox_check(schedule->place->sandbox, &err) != 0)
        result = -1;
    if (result != 0 && !trace->host_error && !trace->scenario_error) {
        trace->host_error = err.kind == ERR_HOST;
        trace->scenario_error = !trace->host_error;
        free(trace->error_text);
        trace->error_text = xstrdup(err.text);
    }
    if (schedule->ran)
        schedule->ran(schedule->self, job.assignment, job.scenario, &target.logs, trace, began_ns);
    run_target_done(&target);
}

/* Programs have timers of their own, and these go on while the grader is kept from working: for longer than that, and what
 * failed may have failed by it. Half of the shortest time of the sheets' programs, 500 ms. */
#define MOST_STARVED_US 250000
#define MAX_RUNS        5

/* One run that counts: one that failed while the machine kept the grader from its work does not, but is made again. */
static void run_fairly(struct job job, uint64_t seed)
{
    const struct schedule *schedule = job.pass->schedule;
    struct schedule_assignment *assignment = assignment_of(job);
    struct trace *trace = &assignment->traces[job.scenario];
    struct verdict *verdict = &assignment->verdicts[job.scenario];
    for (int tries = 1;; tries++) {
        run_once(job, seed, trace);
        verdict_judge(assignment->entry->assignment, scenario_of(job), trace,
                      schedule->suite->classes, verdict);
        bool costs = verdict->kind == VERDICT_FAILED || verdict->kind == VERDICT_NON_STRICT;
        if (!costs || trace->starved_us <= MOST_STARVED_US || tries == MAX_RUNS)
            return;
        verdict_done(verdict);
        trace_done(trace);
    }
}

/* All runs of one scenario (repeat_seed); the first that does not pass is the one that counts. */
static void run_job(struct job job)
{
    const struct schedule *schedule = job.pass->schedule;
    struct schedule_assignment *assignment = assignment_of(job);
    const struct scenario *scenario = scenario_of(job);
    struct trace *trace = &assignment->traces[job.scenario];
    struct verdict *verdict = &assignment->verdicts[job.scenario];
    const unsigned turns = schedule->settle_s > 0 ? 1 : scenario->repeat_seed;
    for (unsigned turn = 0; turn < turns; turn++) {
        if (turn > 0) {
            verdict_done(verdict);
            trace_done(trace);
        }
        run_fairly(job, schedule->options->seed + turn);
        if (!verdict_passed(verdict))
            return;
    }
}

static void start_job(struct worker_pool *pool, struct job job)
{
    pool->running++;
    if (job.prepare) {
        job.pass->state = PASS_PREPARING;
        return;
    }
    job.pass->states[job.assignment][job.scenario] = JOB_RUNNING;
    report_progress(pool, job);
}

static void end_job(struct worker_pool *pool, struct job job)
{
    pool->running--;
    if (job.prepare) {
        job.pass->state = PASS_READY;
    } else {
        assignment_of(job)->ran[job.scenario] = true;
        finish(pool, job);
    }
    (void)pthread_cond_broadcast(&pool->changed);
}

static void *work(void *self)
{
    struct worker_pool *pool = self;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct job job = {.prepare = false};
        if (take(pool, &job)) {
            start_job(pool, job);
            (void)pthread_mutex_unlock(&pool->lock);
            if (job.prepare)
                job.pass->schedule->prepare(job.pass->schedule->self);
            else
                run_job(job);
            (void)pthread_mutex_lock(&pool->lock);
            end_job(pool, job);
        } else if (pool->running > 0) {
            (void)pthread_cond_wait(&pool->changed, &pool->lock);
        } else {
            break;
        }
    }
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Scenarios that were not selected are done before anything starts: skipped, without points. */
static void pass_open(struct worker_pool *pool, struct pass *pass, struct schedule *schedule)
{
    const size_t count = schedule->suite->n_entries;
    *pass = (struct pass){
        .schedule = schedule,
        .state = schedule->prepare ? PASS_UNPREPARED : PASS_READY,
        .states = xcalloc(count, sizeof *pass->states),
        .urgency = xcalloc(count, sizeof *pass->urgency),
    };
    for (size_t a = 0; a < count; a++) {
        struct schedule_assignment *assignment = &schedule->assignments[a];
        const struct assignment *file = assignment->entry->assignment;
        assignment->verdicts = xcalloc(file->n_scenarios, sizeof *assignment->verdicts);
        assignment->traces = xcalloc(file->n_scenarios, sizeof *assignment->traces);
        assignment->ran = xcalloc(file->n_scenarios, sizeof *assignment->ran);
        pass->states[a] = xcalloc(file->n_scenarios, sizeof *pass->states[a]);
        pass->urgency[a] = order_urgency(file);
        for (size_t s = 0; s < file->n_scenarios; s++) {
            if (assignment->entry->selected[s]) {
                pool->progress.total++;
                continue;
            }
            verdict_skip(file, &file->scenarios[s], "selection", &assignment->verdicts[s]);
            pass->states[a][s] = JOB_DONE;
        }
    }
}

unsigned schedule_jobs(const struct grade_options *options)
{
    return options->jobs ? options->jobs : 2 * (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

static void pass_close(struct pass *pass)
{
    for (size_t a = 0; a < pass->schedule->suite->n_entries; a++) {
        free(pass->states[a]);
        free(pass->urgency[a]);
    }
    free((void *)pass->states);
    free((void *)pass->urgency);
}

void schedule_run(struct schedule *const *passes, size_t count)
{
    struct worker_pool pool = {
        .n_passes = count, .options = passes[0]->options, .progress = {.stage = "grade"}};
    (void)pthread_mutex_init(&pool.lock, NULL);
    (void)pthread_cond_init(&pool.changed, NULL);
    for (size_t i = 0; i < count; i++)
        pass_open(&pool, &pool.passes[i], passes[i]);
    unsigned jobs = schedule_jobs(pool.options);
    pthread_t *threads = xcalloc(jobs, sizeof *threads);
    unsigned started = 0;
    while (started < jobs - 1 && pthread_create(&threads[started], NULL, work, &pool) == 0)
        started++;
    (void)work(&pool); /* this thread works too: without any other the grade is slower, not lost */
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    for (size_t i = 0; i < count; i++)
        pass_close(&pool.passes[i]);
    (void)pthread_cond_destroy(&pool.changed);
    (void)pthread_mutex_destroy(&pool.lock);
}

void schedule_done(struct schedule *schedule)
{
    for (size_t a = 0; schedule->assignments && a < schedule->suite->n_entries; a++) {
        struct schedule_assignment *assignment = &schedule->assignments[a];
        for (size_t s = 0; assignment->verdicts && s < assignment->entry->assignment->n_scenarios;
             s++) {
            verdict_done(&assignment->verdicts[s]);
            trace_done(&assignment->traces[s]);
        }
        free(assignment->verdicts);
        free(assignment->traces);
        free(assignment->ran);
    }
    free(schedule->assignments);
    schedule->assignments = NULL;
}
