/* grade_schedule.c: see grade_schedule.h.
 *
 * One mutex guards the states. A worker takes the most urgent scenario that may run (grade_order.h), of two alike the first
 * in file order; scenarios whose needs have failed are turned into skips on the way. Needs point backwards only (the loader
 * checks it), so one pass settles all skips that are due and there is always something to take, something running, or
 * nothing left. */
#include "grade_schedule.h"

#include "base/mem.h"
#include "base/own.h"
#include "grade_order.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

struct worker_pool {
    struct schedule *schedule;
    enum job_state **states; /* [assignment][scenario] */
    double **urgency;        /* [assignment][scenario] */
    size_t running;
    struct grade_progress progress;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct job {
    size_t assignment, scenario;
};

static bool passed(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_OK || verdict->kind == VERDICT_NON_STRICT ||
           verdict->kind == VERDICT_INFO;
}

static const struct scenario *scenario_of(const struct worker_pool *pool, struct job job)
{
    return &pool->schedule->suite->entries[job.assignment].assignment->scenarios[job.scenario];
}

static void report_progress(struct worker_pool *pool, struct job job)
{
    const struct grade_options *options = pool->schedule->options;
    if (!options->progress)
        return;
    pool->progress.assignment = pool->schedule->suite->entries[job.assignment].assignment->id;
    pool->progress.scenario = scenario_of(pool, job)->id;
    options->progress(options->progress_self, &pool->progress);
}

static void finish(struct worker_pool *pool, struct job job)
{
    pool->states[job.assignment][job.scenario] = JOB_DONE;
    pool->progress.done++;
    if (!passed(&pool->schedule->assignments[job.assignment].verdicts[job.scenario]))
        pool->progress.failed++;
    report_progress(pool, job);
}

/* What a scenario waits for: READY to run, BLOCKED by something that did not pass (its ids in *ids), or still WAITING. */
enum readiness { READY, BLOCKED, WAITING };

static enum readiness readiness_of(struct worker_pool *pool, struct job job, struct buf *ids)
{
    const struct schedule_assignment *assignment = &pool->schedule->assignments[job.assignment];
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
        if (pool->states[job.assignment][i] != JOB_DONE) {
            result = result == BLOCKED ? BLOCKED : WAITING;
        } else if (!passed(&assignment->verdicts[i])) {
            (void)buf_printf(ids, "%s%s", ids->len ? ", " : "", all[i].id);
            result = BLOCKED;
        }
    }
    return result;
}

/* The next scenario to run. False when there is none now. */
static bool take(struct worker_pool *pool, struct job *ret)
{
    double most = -1;
    for (size_t a = 0; a < pool->schedule->suite->n_entries; a++) {
        struct schedule_assignment *assignment = &pool->schedule->assignments[a];
        for (size_t s = 0; s < assignment->entry->assignment->n_scenarios; s++) {
            struct job job = {.assignment = a, .scenario = s};
            if (pool->states[a][s] != JOB_WAITING)
                continue;
            AUTO_BUF struct buf ids = {0};
            switch (readiness_of(pool, job, &ids)) {
            case READY:
                if (pool->urgency[a][s] > most) {
                    most = pool->urgency[a][s];
                    *ret = job;
                }
                break;
            case BLOCKED:
                verdict_skip(assignment->entry->assignment, scenario_of(pool, job), ids.data,
                             &assignment->verdicts[s]);
                finish(pool, job);
                break;
            case WAITING:
                break;
            }
        }
    }
    return most >= 0;
}

static void run_once(const struct schedule *schedule, const struct assignment *assignment,
                     const struct scenario *scenario, uint64_t seed, struct trace *trace)
{
    struct err err = {0};
    struct run_target target;
    trace_init(trace);
    if (run_target_init(&target, schedule->place, scenario, seed, &err) != 0) {
        trace->host_error = true;
        trace->error_text = xstrdup(err.text);
        return;
    }
    struct run_options options = {.seed = seed, .fixed_vars = schedule->fixed_vars};
    if (driver_run(assignment, scenario, &target.target, &options, trace, &err) != 0 &&
        !trace->host_error && !trace->scenario_error) {
        trace->host_error = err.kind == ERR_HOST;
        trace->scenario_error = !trace->host_error;
        free(trace->error_text);
        trace->error_text = xstrdup(err.text);
    }
    run_target_done(&target);
}

/* All runs of one scenario (repeat_seed); the first that does not pass is the one that counts. */
static void run_job(struct worker_pool *pool, struct job job)
{
    struct schedule *schedule = pool->schedule;
    struct schedule_assignment *assignment = &schedule->assignments[job.assignment];
    const struct scenario *scenario = scenario_of(pool, job);
    struct trace *trace = &assignment->traces[job.scenario];
    struct verdict *verdict = &assignment->verdicts[job.scenario];
    for (unsigned turn = 0; turn < scenario->repeat_seed; turn++) {
        if (turn > 0) {
            verdict_done(verdict);
            trace_done(trace);
        }
        run_once(schedule, assignment->entry->assignment, scenario, schedule->options->seed + turn,
                 trace);
        verdict_judge(assignment->entry->assignment, scenario, trace, schedule->suite->classes,
                      verdict);
        if (!passed(verdict))
            return;
    }
}

static void *work(void *self)
{
    struct worker_pool *pool = self;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct job job;
        if (take(pool, &job)) {
            pool->states[job.assignment][job.scenario] = JOB_RUNNING;
            pool->running++;
            report_progress(pool, job);
            (void)pthread_mutex_unlock(&pool->lock);
            run_job(pool, job);
            (void)pthread_mutex_lock(&pool->lock);
            pool->running--;
            pool->schedule->assignments[job.assignment].ran[job.scenario] = true;
            finish(pool, job);
            (void)pthread_cond_broadcast(&pool->changed);
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
static void prepare(struct worker_pool *pool)
{
    struct schedule *schedule = pool->schedule;
    pool->states = xcalloc(schedule->suite->n_entries, sizeof *pool->states);
    pool->urgency = xcalloc(schedule->suite->n_entries, sizeof *pool->urgency);
    for (size_t a = 0; a < schedule->suite->n_entries; a++) {
        struct schedule_assignment *assignment = &schedule->assignments[a];
        const struct assignment *file = assignment->entry->assignment;
        assignment->verdicts = xcalloc(file->n_scenarios, sizeof *assignment->verdicts);
        assignment->traces = xcalloc(file->n_scenarios, sizeof *assignment->traces);
        assignment->ran = xcalloc(file->n_scenarios, sizeof *assignment->ran);
        pool->states[a] = xcalloc(file->n_scenarios, sizeof *pool->states[a]);
        pool->urgency[a] = order_urgency(file);
        for (size_t s = 0; s < file->n_scenarios; s++) {
            if (assignment->entry->selected[s]) {
                pool->progress.total++;
                continue;
            }
            verdict_skip(file, &file->scenarios[s], "selection", &assignment->verdicts[s]);
            pool->states[a][s] = JOB_DONE;
        }
    }
}

unsigned schedule_jobs(const struct grade_options *options)
{
    return options->jobs ? options->jobs : 2 * (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

void schedule_run(struct schedule *schedule)
{
    struct worker_pool pool = {.schedule = schedule, .progress = {.stage = "grade"}};
    (void)pthread_mutex_init(&pool.lock, NULL);
    (void)pthread_cond_init(&pool.changed, NULL);
    prepare(&pool);
    unsigned jobs = schedule_jobs(schedule->options);
    pthread_t *threads = xcalloc(jobs, sizeof *threads);
    unsigned started = 0;
    while (started < jobs - 1 && pthread_create(&threads[started], NULL, work, &pool) == 0)
        started++;
    (void)work(&pool); /* this thread works too: without any other the grade is slower, not lost */
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    free(threads);
    for (size_t a = 0; a < schedule->suite->n_entries; a++) {
        free(pool.states[a]);
        free(pool.urgency[a]);
    }
    free((void *)pool.states);
    free((void *)pool.urgency);
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
