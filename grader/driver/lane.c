/* driver/lane.c: which step is next. A lane is a stack of frames (the scenario's steps, a loop's body, a definition) with one
 * step under way at most; `parallel` grows further lanes, which advance side by side. */
#include "base/io.h"
#include "base/own.h"
#include "base/text.h"
#include "driver/parts.h"
#include "driver/result.h"

#define MAX_NAME_LETTERS  28  /* 24 of the name, and ".err" */
#define MAX_STEPS_AT_ONCE 100 /* of one lane before the others get their turn */

struct frame {
    struct frame *outer;
    const struct step *steps;
    size_t n, at;
    const struct step *loop; /* repeat: whose body this is */
    unsigned turn;
    struct vars vars; /* of the loop */
};

static const struct verb_ops *const verbs[] = {
    [VERB_START] = &verb_start,   [VERB_OPEN] = &verb_open,   [VERB_SEND] = &verb_send,
    [VERB_EXPECT] = &verb_expect, [VERB_CLOSE] = &verb_close, [VERB_CHECK] = &verb_check,
    [VERB_FETCH] = &verb_fetch,   [VERB_WAIT] = &verb_wait,   [VERB_MEET] = NULL,
};

static const char *const words[] = {
    [VERB_START] = "start",       [VERB_OPEN] = "open",   [VERB_SEND] = "send",
    [VERB_EXPECT] = "expect",     [VERB_CLOSE] = "close", [VERB_CHECK] = "check",
    [VERB_FETCH] = "fetch",       [VERB_WAIT] = "wait",   [VERB_REPEAT] = "repeat",
    [VERB_PARALLEL] = "parallel", [VERB_DO] = "do",       [VERB_MEET] = "meet",
};

const struct vars *lane_vars(const struct lane *lane)
{
    return lane->frame ? &lane->frame->vars : &lane->vars;
}

/* ---- frames ---- */

static struct frame *push(struct lane *lane, const struct step *steps, size_t n)
{
    struct frame *frame = xcalloc(1, sizeof *frame);
    vars_init(&frame->vars, lane_vars(lane));
    frame->outer = lane->frame;
    frame->steps = steps;
    frame->n = n;
    lane->frame = frame;
    return frame;
}

static void pop(struct lane *lane)
{
    struct frame *frame = lane->frame;
    lane->frame = frame->outer;
    vars_done(&frame->vars);
    free(frame);
}

static int set_turn(const struct run *run, struct lane *lane, struct frame *frame, struct err *err)
{
    const struct repeat_step *repeat = &frame->loop->u.repeat;
    const char *name = repeat->as ? repeat->as : "i";
    char number[16];
    if (!repeat->values) {
        (void)snprintf(number, sizeof number, "%u", frame->turn);
        vars_set(&frame->vars, name, number);
        return 0;
    }
    struct data_context context;
    struct pattern value;
    step_context(run, lane, &context);
    if (data_resolve(repeat->values[frame->turn - 1], &context, &value, err) != 0)
        return -1;
    vars_set(&frame->vars, name, value.bytes ? (const char *)value.bytes : "");
    pattern_done(&value);
    return 0;
}

/* The body is over: the next turn, or the end of the frame. */
static int frame_over(const struct run *run, struct lane *lane, struct err *err)
{
    struct frame *frame = lane->frame;
    if (!frame->loop || frame->turn >= frame->loop->u.repeat.count) {
        pop(lane);
        return 0;
    }
    frame->turn++;
    frame->at = 0;
    return set_turn(run, lane, frame, err);
}

static int push_repeat(const struct run *run, struct lane *lane, const struct step *step,
                       struct err *err)
{
    struct frame *frame = push(lane, step->u.repeat.steps, step->u.repeat.n_steps);
    frame->loop = step;
    frame->turn = 1;
    return set_turn(run, lane, frame, err);
}

/* ---- lanes ---- */

static struct lane *add_lane(struct run *run, struct lane *parent, unsigned number)
{
    struct lane *lane = xcalloc(1, sizeof *lane);
    struct lane **end = &run->lanes;
    while (*end)
        end = &(*end)->next;
    *end = lane;
    lane->parent = parent;
    lane->number = number;
    vars_init(&lane->vars, parent ? lane_vars(parent) : &run->vars);
    return lane;
}

static void begin_parallel(struct run *run, struct lane *lane, const struct step *step)
{
    const struct repeat_step *parallel = &step->u.repeat;
    char number[16];
    lane->active.step = step;
    for (unsigned i = 0; i < parallel->count; i++) {
        struct lane *child = add_lane(run, lane, i + 1);
        bool own = parallel->lanes != NULL;
        (void)snprintf(number, sizeof number, "%u", i + 1);
        vars_set(&child->vars, parallel->as ? parallel->as : "i", number);
        (void)push(child, own ? parallel->lanes[i].steps : parallel->steps,
                   own ? parallel->lanes[i].n_steps : parallel->n_steps);
        lane->children++;
    }
}

static void end_lane(struct run *run, struct lane *lane)
{
    lane->ended = true;
    results_unsent(run, lane);
    endpoint_drop_lane(run, lane);
    if (lane->parent && --lane->parent->children == 0)
        lane->parent->active.step = NULL;
}

/* Ended lanes are freed when nobody walks the list. */
static void sweep(struct run *run)
{
    for (struct lane **at = &run->lanes; *at;) {
        struct lane *lane = *at;
        if (!lane->ended || lane == run->root) {
            at = &lane->next;
            continue;
        }
        *at = lane->next;
        vars_done(&lane->vars);
        free(lane);
    }
}

/* ---- barriers ---- */

/* Open when every living sibling waits; all at the same one, else the scenario can never go on. */
static int try_barrier(struct run *run, const struct lane *lane, bool *ret_open, struct err *err)
{
    const char *name = lane->active.meeting;
    *ret_open = false;
    for (const struct lane *other = run->lanes; other; other = other->next)
        if (other->parent == lane->parent && !other->ended && !other->active.meeting)
            return 0;
    for (const struct lane *other = run->lanes; other; other = other->next)
        if (other->parent == lane->parent && !other->ended &&
            strcmp(other->active.meeting, name) != 0)
            return err_set(err, ERR_USAGE, "%s: some lanes wait at '%s', others at '%s'",
                           lane->active.path, name, other->active.meeting);
    for (struct lane *other = run->lanes; other; other = other->next)
        if (other->parent == lane->parent && !other->ended) {
            other->active.meeting = NULL;
            other->active.step = NULL;
        }
    *ret_open = true;
    return 0;
}

/* ---- one step ---- */

static void set_path(const struct lane *lane, const struct step *step, char *path, size_t size)
{
    char turns[32] = "";
    size_t len = 0;
    const struct frame *frame = lane->frame;
    for (; frame && len < sizeof turns - 12; frame = frame->outer)
        if (frame->loop) {
            (void)snprintf(turns + len, sizeof turns - len, "@%u", frame->turn);
            len = strlen(turns);
        }
    (void)snprintf(path, size, "%.*s%s", (int)(size - 1 - len), step->path, turns);
}

static int begin(struct run *run, struct lane *lane, const struct step *step, struct err *err)
{
    struct active *active = &lane->active;
    char line[160];
    *active = (struct active){.step = step, .number = run->n_steps++};
    set_path(lane, step, active->path, sizeof active->path);
    if (step->name && step->verb != VERB_FETCH) {
        AUTO_FREE char *name = NULL;
        if (step_expand(lane, step->name, &name, err) != 0)
            return -1;
        if (strlen(name) > MAX_NAME_LETTERS)
            return err_set(err, ERR_USAGE, "%s: the name '%.40s...' has more than %d letters",
                           active->path, name, MAX_NAME_LETTERS);
        (void)snprintf(active->name, sizeof active->name, "%s", name);
    }
    active->began_us = run_us(run);
    (void)snprintf(line, sizeof line, "%s%s%.100s", words[step->verb], step->name ? " " : "",
                   active->name[0] ? active->name
                   : step->name    ? step->name
                                   : "");
    trace_event(run->trace, active->began_us, TRACE_STEP, active->name, active->number, NULL, 0,
                line);
    if (step->verb == VERB_MEET) {
        active->meeting = step->name;
        return 0;
    }
    return verbs[step->verb]->begin(run, lane, err);
}

/* Containers are entered at once; any other step begins. */
static int next_step(struct run *run, struct lane *lane, struct err *err)
{
    while (lane->frame && lane->frame->at == lane->frame->n)
        if (frame_over(run, lane, err) != 0)
            return -1;
    if (!lane->frame) {
        end_lane(run, lane);
        return 0;
    }
    const struct step *step = &lane->frame->steps[lane->frame->at++];
    switch (step->verb) {
    case VERB_REPEAT:
        return push_repeat(run, lane, step, err);
    case VERB_DO:
        (void)push(lane, step->u.definition->steps, step->u.definition->n_steps);
        return 0;
    case VERB_PARALLEL:
        begin_parallel(run, lane, step);
        return 0;
    default:
        return begin(run, lane, step, err);
    }
}

static void end_step(struct run *run, struct lane *lane)
{
    const struct verb_ops *verb = verbs[lane->active.step->verb];
    if (verb && verb->end)
        verb->end(run, lane);
    free(lane->active.text);
    lane->active = (struct active){0};
}

/* A failure that rests on silence is looked at once more before it counts. */
static bool must_wait(struct run *run, const struct lane *lane, const struct moment *moment,
                      const struct finding *finding)
{
    const struct step_result *result = &finding->result;
    const struct step *step = lane->active.step;
    bool harmless =
        result->outcome == OUTCOME_OK ||
        (result->alternative >= 0 && step->alternatives[result->alternative].verdict == VERDICT_OK);
    if (!finding->by_quiet || harmless || finding->quiet_proof == PROOF_DEADLINE ||
        moment->may_fail)
        return false;
    run->postponed = true;
    return true;
}

static int poll_step(struct run *run, struct lane *lane, const struct moment *moment,
                     bool *ret_moved, struct err *err)
{
    struct finding finding;
    finding_init(&finding);
    int result = verbs[lane->active.step->verb]->poll(run, lane, moment, &finding, err);
    if (result != 0 || !finding.done || must_wait(run, lane, moment, &finding)) {
        finding_done(&finding);
        return result;
    }
    *ret_moved = true;
    result = finding_accept(run, lane, &finding, err);
    end_step(run, lane);
    return result;
}

static int advance(struct run *run, struct lane *lane, const struct moment *moment, bool *ret_moved,
                   struct err *err)
{
    bool moved = true;
    for (int i = 0; i < MAX_STEPS_AT_ONCE && moved && !lane->ended && !run->over; i++) {
        moved = false;
        int result = 0;
        if (!lane->active.step) {
            moved = true;
            result = next_step(run, lane, err);
        } else if (lane->active.meeting) {
            result = try_barrier(run, lane, &moved, err);
        } else if (lane->active.step->verb != VERB_PARALLEL) {
            result = poll_step(run, lane, moment, &moved, err);
        }
        if (result != 0)
            return -1;
        *ret_moved |= moved;
        if (moved && moment->quiet)
            return 0;
    }
    return 0;
}

int lanes_advance(struct run *run, const struct moment *moment, bool *ret_moved, struct err *err)
{
    *ret_moved = false;
    for (struct lane *lane = run->lanes; lane && !run->over; lane = lane->next) {
        if (lane->ended)
            continue;
        if (advance(run, lane, moment, ret_moved, err) != 0)
            return -1;
        if (err_is_set(&run->err))
            return err_set(err, run->err.kind, "%s", run->err.text);
        if (*ret_moved && moment->quiet)
            break; /* what was known before may hold no longer */
    }
    sweep(run);
    return 0;
}

bool lane_is_looking(const struct lane *lane)
{
    const struct step *step = lane->active.step;
    return step && step->verb != VERB_PARALLEL && step->verb != VERB_MEET &&
           step->verb != VERB_WAIT;
}

void lanes_open(struct run *run)
{
    run->root = add_lane(run, NULL, 0);
    (void)push(run->root, run->scenario->steps, run->scenario->n_steps);
}

void lanes_close(struct run *run)
{
    for (struct lane *lane = run->lanes; lane; lane = lane->next) {
        if (lane->active.step && lane->active.step->verb != VERB_PARALLEL)
            end_step(run, lane);
        while (lane->frame)
            pop(lane);
    }
    while (run->lanes) {
        struct lane *lane = run->lanes;
        run->lanes = lane->next;
        endpoint_drop_lane(run, lane);
        vars_done(&lane->vars);
        free(lane);
    }
}
