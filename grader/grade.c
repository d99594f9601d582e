/* grade.c: the pipeline as one function that reads like the design: a hand-in becomes a private copy, the copy is built
 * in a box, every scenario is played in a box of its own, what was observed is judged, and the report says why. */
#include "grade.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/temp.h"
#include "build/build.h"
#include "grade_machines.h"
#include "grade_programs.h"
#include "grade_sanitize.h"
#include "grade_schedule.h"
#include "grade_wanted.h"
#include "report/report.h"
#include "submission/origin.h"
#include "submission/submission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that one grade owns. */
struct grade {
    const struct grade_options *options;
    struct temp temp;
    char *work_dir; /* in temp; the boxes' own */
    struct suite *suite;
    struct sandbox *sandbox;
    struct submission *submission;
    struct origin origin; /* of the submission */
    char **notices;       /* of both; the texts are theirs */
    struct build *build;
    struct ready_made_list ready_made;
    char *ready_dir; /* bin_dir of a grade without a build */
    struct vars vars;
    struct grade_place place;
    struct schedule schedule;
    struct sanitize_pass sanitize;
    struct machines_pass machines;
    struct assignment_result *results;
    char *digest;
    uint64_t began_ns;
};

static int make_work_dir(struct grade *grade, struct err *err)
{
    const char *base = getenv("TMPDIR");
    if (temp_make(base && *base ? base : "/tmp", "sockgrade-grade", &grade->temp, err) != 0)
        return -1;
    grade->work_dir = xasprintf("%s/work", grade->temp.path);
    if (mkdir(grade->work_dir, 0700) != 0)
        return err_sys(err, ERR_HOST, errno, "making a work folder '%s'", grade->work_dir);
    return 0;
}

/* A folder for the boxes' uid to read, and nobody else. */
static int hand_over(const struct grade *grade, const char *path, struct err *err)
{
    if (geteuid() == 0 &&
        chown(path, sandbox_uid(grade->sandbox), sandbox_gid(grade->sandbox)) != 0)
        return err_sys(err, ERR_HOST, errno, "handing '%s' over to the sandbox", path);
    return 0;
}

static int open_sandbox(struct grade *grade, struct err *err)
{
    struct sandbox_options options = {
        .slot = grade->options->slot,
        .parallel = schedule_jobs(grade->options),
        .work_dir = grade->work_dir,
    };
    if (sandbox_open(&options, &grade->sandbox, err) != 0)
        return -1;
    return hand_over(grade, grade->work_dir, err);
}

static int take_submission(struct grade *grade, struct err *err)
{
    const char *path = grade->options->submission;
    struct origin *origin = &grade->origin;
    if (!path)
        return 0;
    if (!grade->options->origin)
        origin_of_path(path, origin);
    else if (origin_from_text(grade->options->origin, origin, err) != 0)
        return -1;
    if (origin->refusal) {
        const char *kind = origin->refusal_kind ? origin->refusal_kind : "unreadable";
        grade->submission = submission_refused(path, kind, origin->refusal);
        return 0;
    }
    return submission_take(path, grade->work_dir, sandbox_uid(grade->sandbox),
                           sandbox_gid(grade->sandbox), &grade->submission, err);
}

static int build(struct grade *grade, struct err *err)
{
    if (!grade->submission || grade->submission->refusal)
        return 0;
    if (grade->options->progress)
        grade->options->progress(grade->options->progress_self,
                                 &(struct grade_progress){.stage = "build"});
    return wanted_build(grade->sandbox, grade->submission, grade->suite, grade->work_dir,
                        BUILD_PLAIN, &grade->build, err);
}

static int prepare_ready_made(struct grade *grade, struct err *err)
{
    if (grade->options->n_programs == 0)
        return 0;
    const char *bin_dir = grade->build ? grade->build->bin_dir : NULL;
    if (!bin_dir) {
        grade->ready_dir = xasprintf("%s/ready-made", grade->work_dir);
        if (mkdir(grade->ready_dir, 0755) != 0)
            return err_sys(err, ERR_HOST, errno, "making '%s'", grade->ready_dir);
        bin_dir = grade->ready_dir;
    }
    return ready_made_prepare(grade->options->programs, grade->options->n_programs, bin_dir,
                              &grade->ready_made, err);
}

/* ---- which programs are there ---- */

/* Status of an assignment before it is graded: NULL when its program is there, else why it is not. */
static const char *missing_reason(const struct grade *grade, const char *program)
{
    if (ready_made_find(&grade->ready_made, program))
        return NULL;
    if (grade->submission && grade->submission->refusal)
        return grade->submission->refusal;
    const struct build_program *built = build_program(grade->build, program);
    if (built && built->present)
        return NULL;
    return built && built->reason ? built->reason : "no hand-in was given for it";
}

static void play(struct grade *grade)
{
    if (sandbox_status(grade->sandbox)->one_host)
        suite_leave_out_net(grade->suite);
    grade->place = (struct grade_place){
        .sandbox = grade->sandbox,
        .bin_dir = grade->build && grade->build->bin_dir ? grade->build->bin_dir : grade->ready_dir,
        .ready_made = &grade->ready_made,
    };
    vars_init(&grade->vars, NULL);
    for (size_t i = 0; i < grade->options->n_vars; i++)
        vars_set(&grade->vars, grade->options->vars[i].name, grade->options->vars[i].value);
    grade->schedule = (struct schedule){
        .suite = grade->suite,
        .assignments = xcalloc(grade->suite->n_entries, sizeof *grade->schedule.assignments),
        .place = &grade->place,
        .fixed_vars = &grade->vars,
        .options = grade->options,
    };
    for (size_t i = 0; i < grade->suite->n_entries; i++) {
        struct schedule_assignment *assignment = &grade->schedule.assignments[i];
        assignment->entry = &grade->suite->entries[i];
        if (missing_reason(grade, assignment->entry->assignment->program))
            assignment->blocked_by = "build";
    }
    grade->sanitize = (struct sanitize_pass){
        .options = grade->options,
        .suite = grade->suite,
        .sandbox = grade->sandbox,
        .submission = grade->submission,
        .build = grade->build,
        .work_dir = grade->work_dir,
        .ready_made = &grade->ready_made,
    };
    sanitize_open(&grade->sanitize, &grade->vars);
    struct schedule *const passes[] = {&grade->schedule, &grade->sanitize.schedule};
    schedule_run(passes, grade->sanitize.asked ? 2 : 1);
    grade->machines = (struct machines_pass){
        .options = grade->options,
        .sandbox = grade->sandbox,
        .submission = grade->submission,
        .build = grade->build,
        .work_dir = grade->work_dir,
        .ready_made = &grade->ready_made,
        .grade = &grade->schedule,
    };
    machines_play(&grade->machines);
}

/* ---- points, and the report ---- */

static void score_assignment(const struct grade *grade, size_t index, struct assignment_result *ret)
{
    const struct schedule_assignment *assignment = &grade->schedule.assignments[index];
    const struct assignment *file = assignment->entry->assignment;
    AUTO_FREE struct points *points = xcalloc(file->n_scenarios, sizeof *points);
    bool withheld = false;
    ret->entry = assignment->entry;
    ret->program = file->program;
    ret->score =
        verdict_points(assignment->entry, assignment->verdicts, points, &ret->max_score, &withheld);
    ret->status = assignment->blocked_by ? "missing" : withheld ? "withheld" : "graded";
    if (assignment->blocked_by)
        ret->status_text = missing_reason(grade, file->program);
    else if (withheld)
        ret->status_text =
            "a fault of the machine or of a scenario, not of the hand-in: the score does "
            "not count; grade again";
    ret->scenarios = xcalloc(file->n_scenarios, sizeof *ret->scenarios);
    for (size_t i = 0; i < file->n_scenarios; i++)
        ret->scenarios[i] = (struct scenario_result){
            .scenario = &file->scenarios[i],
            .run = assignment->ran[i],
            .trace = assignment->ran[i] ? &assignment->traces[i] : NULL,
            .verdict = &assignment->verdicts[i],
            .points = points[i],
            .machines = &grade->machines.answers[index][i],
        };
}

/* 3 when a score is withheld, 1 when a point is missing, else 0. */
static int status_of(const struct grade *grade, const struct sanitizer_result *sanitizer)
{
    int status = sanitizer->score < sanitizer->max_score - 1e-9 ? 1 : EXIT_SUCCESS;
    if (sanitizer->withheld)
        return 3;
    for (size_t i = 0; i < grade->suite->n_entries; i++) {
        const struct assignment_result *result = &grade->results[i];
        if (strcmp(result->status, "withheld") == 0)
            return 3;
        if (result->score < result->max_score - 1e-9)
            status = 1;
    }
    return status;
}

static size_t count_texts(char *const *texts)
{
    size_t count = 0;
    while (texts && texts[count])
        count++;
    return count;
}

/* What was noticed when it came, then what was noticed when it was taken. */
static char **all_notices(const struct grade *grade)
{
    const struct submission *submission = grade->submission;
    size_t before = count_texts(grade->origin.notices);
    size_t after = submission ? count_texts(submission->notices) : 0;
    char **all = xcalloc(before + after + 1, sizeof *all);
    for (size_t i = 0; i < before + after; i++)
        all[i] = i < before ? grade->origin.notices[i] : submission->notices[i - before];
    return all;
}

static void describe_submission(struct grade *grade, struct grade_result *ret)
{
    const struct submission *submission = grade->submission;
    const struct origin *origin = &grade->origin;
    grade->notices = all_notices(grade);
    ret->notices = grade->notices;
    ret->origin = origin_to_json(origin);
    ret->submission_name = submission ? submission->name : "ready-made programs";
    ret->submission_path = submission ? submission->path : NULL;
    ret->submission_form = submission ? submission->form : NULL;
    ret->submission_digest = submission ? submission->digest : "";
    ret->refusal = submission ? submission->refusal : NULL;
    ret->refusal_kind = submission ? submission->refusal_kind : NULL;
    if (origin->label)
        ret->submission_name = origin->label;
    if (origin->path)
        ret->submission_path = origin->path;
}

static void describe_build(const struct grade *grade, struct grade_result *ret)
{
    const struct build *made = grade->build;
    if (!made) {
        ret->build_status = build_status_name(ret->refusal ? BUILD_FAILED : BUILD_READY_MADE);
        return;
    }
    ret->build_status = build_status_name(made->status);
    ret->build_exit = made->exit_code;
    ret->build_seconds = made->seconds;
    ret->build_log = made->log.data;
    ret->n_warnings = made->n_warnings;
    ret->warnings = xcalloc(made->n_warnings, sizeof *ret->warnings);
    for (size_t i = 0; i < made->n_warnings; i++) {
        ret->warnings[i].file = made->warnings[i].file;
        ret->warnings[i].line = made->warnings[i].line;
        ret->warnings[i].column = made->warnings[i].column;
        ret->warnings[i].text = made->warnings[i].text;
    }
}

static json_t *report(struct grade *grade, int *ret_status)
{
    size_t count = grade->suite->n_entries;
    grade->results = xcalloc(count, sizeof *grade->results);
    for (size_t i = 0; i < count; i++)
        score_assignment(grade, i, &grade->results[i]);
    const struct sanitizer_result *sanitizer = sanitize_result(&grade->sanitize, &grade->schedule);
    *ret_status = status_of(grade, sanitizer);
    const struct sandbox_status *box = sandbox_status(grade->sandbox);
    struct grade_result result = {
        .version = SOCKGRADE_VERSION,
        .tier = box->tier,
        .limits = box->limits,
        .lacks = box->lacks,
        .cpus = (int)sysconf(_SC_NPROCESSORS_ONLN),
        .suite = grade->suite,
        .grading_digest = grade->digest,
        .seed = grade->options->seed,
        .seconds = (double)(io_now_ns() - grade->began_ns) / 1e9,
        .assignments = grade->results,
        .n_assignments = count,
        .sanitizer = sanitizer,
        .machines = &grade->machines.result,
        .full_marks = *ret_status == 0,
        .verbose = grade->options->verbose,
    };
    describe_submission(grade, &result);
    describe_build(grade, &result);
    json_t *json = report_to_json(&result);
    free(result.warnings);
    json_decref(result.origin);
    return json;
}

static void grade_done(struct grade *grade)
{
    for (size_t i = 0; grade->results && i < grade->suite->n_entries; i++)
        free(grade->results[i].scenarios);
    free(grade->results);
    if (grade->sanitize.suite)
        sanitize_done(&grade->sanitize);
    if (grade->machines.grade)
        machines_done(&grade->machines);
    if (grade->suite)
        schedule_done(&grade->schedule);
    vars_done(&grade->vars);
    ready_made_done(&grade->ready_made);
    build_free(grade->build);
    submission_free(grade->submission);
    origin_done(&grade->origin);
    free((void *)grade->notices);
    sandbox_close(grade->sandbox);
    suite_free(grade->suite);
    temp_done(&grade->temp);
    free(grade->work_dir);
    free(grade->ready_dir);
    free(grade->digest);
}

int grade_run(const struct grade_options *options, json_t **ret_report, int *ret_status,
              struct err *err)
{
    struct grade grade = {.options = options, .origin = {.late = -1}, .began_ns = io_now_ns()};
    int result = -1;
    /* The sandbox comes before the suite: its keeper is a copy of this process, which should still be small. */
    if (make_work_dir(&grade, err) == 0 && open_sandbox(&grade, err) == 0 &&
        suite_load(options->testcases_dir, options->suite_file, options->only, options->n_only,
                   &grade.suite, err) == 0 &&
        (grade.digest = grade_digest(options, err)) && take_submission(&grade, err) == 0 &&
        build(&grade, err) == 0 && prepare_ready_made(&grade, err) == 0) {
        play(&grade);
        *ret_report = report(&grade, ret_status);
        result = 0;
    }
    grade_done(&grade);
    return result;
}
