/* grade_schedule.c: see grade_schedule.h.
 *
 * One mutex guards the states. A worker prepares a pass that asks for it, or takes the most urgent scenario that may run
 * (grade_order.h), of two alike the first in file order; scenarios whose needs have failed are turned into skips on the
 * way. Needs point backwards only (the loader checks it), so one look settles all skips that are due and there is always
 * something to take, something running, or nothing left.
 *
 * A run whose program sleeps does not count: it lends its place to another. And a scenario does not wait for a need that is
 * under way and takes long: it starts beside it, and is held when it has ended, until that need is decided. Had it been
 * a mistake, what it found is dropped, and it is skipped as if it had never run. So a chain of scenarios that wait for a
 * program's timers lasts as long as the longest of them, and no verdict depends on it. */
#include "grade_schedule.h"

#include "base/mem.h"
#include "base/own.h"
#include "grade_order.h"
#include "grade_run.h"

#include <pthread.h>
#include <unistd.h>

#define LONG_S       0.5 /* for needs that take less, one waits */
#define MOST_RESTING 8   /* runs that lend their places at one time */

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_HELD /* for its needs, having ended */, JOB_DONE };

enum pass_state { PASS_UNPREPARED, PASS_PREPARING, PASS_READY };

struct pass {
    struct schedule *schedule;
    enum pass_state state;
    enum job_state **states; /* [assignment][scenario] */
    struct order **order;    /* [assignment][scenario] */
};

struct worker_pool {
    struct pass passes[SCHEDULE_MAX_PASSES];
    size_t n_passes;
    unsigned places;
    unsigned running, resting;
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
    /* only the grade itself fails anybody */
    if (!job.pass->schedule->self && !verdict_passed(&assignment_of(job)->verdicts[job.scenario]))
        pool->progress.failed++;
    report_progress(pool, job);
}

/* What a scenario waits for: READY to run, BLOCKED by something that did not pass (its ids in *ids), LIKELY to be ready
 * when needs that take long have ended, or still WAITING. */
enum readiness { READY, BLOCKED, LIKELY, WAITING };

static bool is_needed(const struct schedule_assignment *assignment, const struct scenario *by,
                      size_t i)
{
    bool needed = assignment->entry->assignment->scenarios[i].gate;
    for (size_t n = 0; n < by->n_needs && !needed; n++)
        needed = by->needs[n] == i;
    return needed && assignment->entry->selected[i];
}

static enum readiness readiness_of(struct job job, struct buf *ids)
{
    const struct schedule_assignment *assignment = assignment_of(job);
    const struct scenario *all = assignment->entry->assignment->scenarios;
    const enum job_state *states = job.pass->states[job.assignment];
    enum readiness result = READY;
    if (assignment->blocked_by) {
        (void)buf_add_str(ids, assignment->blocked_by);
        return BLOCKED;
    }
    for (size_t i = 0; i < job.scenario; i++) {
        if (!is_needed(assignment, &all[job.scenario], i))
            continue;
        enum readiness by_this = READY;
        if (states[i] == JOB_DONE && !verdict_passed(&assignment->verdicts[i])) {
            (void)buf_printf(ids, "%s%s", ids->len ? ", " : "", all[i].id);
            result = BLOCKED;
        } else if (states[i] != JOB_DONE) {
            bool is_long = job.pass->order[job.assignment][i].seconds >= LONG_S;
            by_this = states[i] != JOB_WAITING && is_long ? LIKELY : WAITING;
        }
        if (result != BLOCKED && by_this > result)
            result = by_this;
    }
    return result;
}

/* It has run too soon. */
static void drop(struct job job)
{
    const struct schedule *schedule = job.pass->schedule;
    struct schedule_assignment *assignment = assignment_of(job);
    verdict_done(&assignment->verdicts[job.scenario]);
    trace_done(&assignment->traces[job.scenario]);
    if (schedule->dropped)
        schedule->dropped(schedule->self, job.assignment, job.scenario);
}

/* Settles what can be settled of a scenario that has not been decided. True when it may start. */
static bool look_at(struct worker_pool *pool, struct job job)
{
    struct schedule_assignment *assignment = assignment_of(job);
    const bool held = job.pass->states[job.assignment][job.scenario] == JOB_HELD;
    AUTO_BUF struct buf ids = {0};
    const enum readiness readiness = readiness_of(job, &ids);
    if (readiness == BLOCKED) {
        if (held)
            drop(job);
        verdict_skip(assignment->entry->assignment, scenario_of(job), ids.data,
                     &assignment->verdicts[job.scenario]);
        finish(pool, job);
    } else if (held && readiness == READY) {
        assignment->ran[job.scenario] = true;
        finish(pool, job);
    }
    /* one at a time is one after the other */
    return !held && (readiness == READY || (readiness == LIKELY && pool->places > 1));
}

/* The most urgent scenario of a pass. False when there is none now. */
static bool take_of_pass(struct worker_pool *pool, struct pass *pass, struct job *ret)
{
    double most = 0;
    bool found = false;
    for (size_t a = 0; a < pass->schedule->suite->n_entries; a++) {
        const size_t count = pass->schedule->assignments[a].entry->assignment->n_scenarios;
        for (size_t s = 0; s < count; s++) {
            struct job job = {.pass = pass, .assignment = a, .scenario = s};
            const enum job_state state = pass->states[a][s];
            if ((state != JOB_WAITING && state != JOB_HELD) || !look_at(pool, job))
                continue;
            if (!found || pass->order[a][s].urgency > most) {
                found = true;
                most = pass->order[a][s].urgency;
                *ret = job;
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
    if (job.prepare)
        job.pass->state = PASS_READY;
    else /* the next look decides whether it counts */
        job.pass->states[job.assignment][job.scenario] = JOB_HELD;
    (void)pthread_cond_broadcast(&pool->changed);
}

/* Of a run, by the thread that plays it (struct run_options). */
static void rests(void *self, bool begins)
{
    struct worker_pool *pool = self;
    (void)pthread_mutex_lock(&pool->lock);
    if (begins) {
        pool->resting++;
        (void)pthread_cond_signal(&pool->changed);
    } else {
        pool->resting--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

static void do_job(struct worker_pool *pool, struct job job)
{
    if (job.prepare) {
        job.pass->schedule->prepare(job.pass->schedule->self);
        return;
    }
    const struct one_run run = {.schedule = job.pass->schedule,
                                .assignment = job.assignment,
                                .scenario = job.scenario,
                                .rests = pool->places > 1 ? rests : NULL,
                                .self = pool};
    run_scenario(&run);
}

static void *work(void *self)
{
    struct worker_pool *pool = self;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct job job = {.prepare = false};
        const bool has_place = pool->running < pool->places + pool->resting;
        if (has_place && take(pool, &job)) {
            start_job(pool, job);
            (void)pthread_mutex_unlock(&pool->lock);
            do_job(pool, job);
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
        .order = xcalloc(count, sizeof(struct order *)),
    };
    for (size_t a = 0; a < count; a++) {
        struct schedule_assignment *assignment = &schedule->assignments[a];
        const struct assignment *file = assignment->entry->assignment;
        assignment->verdicts = xcalloc(file->n_scenarios, sizeof *assignment->verdicts);
        assignment->traces = xcalloc(file->n_scenarios, sizeof *assignment->traces);
        assignment->ran = xcalloc(file->n_scenarios, sizeof *assignment->ran);
        pass->states[a] = xcalloc(file->n_scenarios, sizeof *pass->states[a]);
        pass->order[a] = order_make(file);
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
        free(pass->order[a]);
    }
    free((void *)pass->states);
    free((void *)pass->order);
}

void schedule_run(struct schedule *const *passes, size_t count)
{
    struct worker_pool pool = {
        .n_passes = count,
        .options = passes[0]->options,
        .progress = {.stage = passes[0]->stage ? passes[0]->stage : "grade"}};
    (void)pthread_mutex_init(&pool.lock, NULL);
    (void)pthread_cond_init(&pool.changed, NULL);
    for (size_t i = 0; i < count; i++)
        pass_open(&pool, &pool.passes[i], passes[i]);
    pool.places = schedule_jobs(pool.options);
    const unsigned most = pool.places > 1 ? pool.places + MOST_RESTING : 1;
    pthread_t *threads = xcalloc(most, sizeof *threads);
    unsigned started = 0;
    while (started < most - 1 && pthread_create(&threads[started], NULL, work, &pool) == 0)
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
