/* grade_run.c: see grade_run.h. */
#include "grade_run.h"

#include "base/mem.h"

#include <string.h>
#include <time.h>

static struct schedule_assignment *assignment_of(const struct one_run *run)
{
    return &run->schedule->assignments[run->assignment];
}

static uint64_t realtime_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void run_once(const struct one_run *run, uint64_t seed, struct trace *trace)
{
    const struct schedule *schedule = run->schedule;
    const struct assignment *assignment = assignment_of(run)->entry->assignment;
    const struct scenario *scenario = &assignment->scenarios[run->scenario];
    struct err err = {0};
    struct run_target target;
    trace_init(trace);
    if (run_target_init(&target, schedule->place, scenario, seed, &err) != 0) {
        trace->host_error = true;
        trace->error_text = xstrdup(err.text);
        return;
    }
    struct run_options options = {.seed = seed,
                                  .fixed_vars = schedule->fixed_vars,
                                  .settle_s = schedule->settle_s,
                                  .rests = run->rests,
                                  .self = run->self};
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
        schedule->ran(schedule->self, run->assignment, run->scenario, &target.logs, trace,
                      began_ns);
    run_target_done(&target);
}

/* One run that counts: one that failed while the machine kept the grader from its work does not, but is made again. */
static void run_fairly(const struct one_run *run, uint64_t seed)
{
    const struct schedule *schedule = run->schedule;
    struct schedule_assignment *assignment = assignment_of(run);
    const struct assignment *file = assignment->entry->assignment;
    struct trace *trace = &assignment->traces[run->scenario];
    struct verdict *verdict = &assignment->verdicts[run->scenario];
    for (unsigned runs = 1;; runs++) {
        run_once(run, seed, trace);
        verdict_judge(file, &file->scenarios[run->scenario], trace, schedule->suite->classes,
                      verdict);
        if (!verdict_is_doubtful(verdict, trace, runs))
            return;
        verdict_done(verdict);
        trace_done(trace);
    }
}

void run_scenario(const struct one_run *run)
{
    const struct schedule *schedule = run->schedule;
    struct schedule_assignment *assignment = assignment_of(run);
    const struct scenario *scenario = &assignment->entry->assignment->scenarios[run->scenario];
    struct trace *trace = &assignment->traces[run->scenario];
    struct verdict *verdict = &assignment->verdicts[run->scenario];
    const unsigned turns = schedule->settle_s > 0 ? 1 : scenario->repeat_seed;
    for (unsigned turn = 0; turn < turns; turn++) {
        if (turn > 0) {
            verdict_done(verdict);
            trace_done(trace);
        }
        run_fairly(run, schedule->options->seed + turn);
        if (!verdict_passed(verdict))
            return;
    }
}
