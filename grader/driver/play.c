/* driver/play.c: the timeline. Steps end at what is seen; where nothing is seen, the observer is asked whether anything can
 * still come, and only where it cannot say does a limit decide (design §6, §7).
 *
 * A wait begins with 50 us, so a program that answers at once is never probed; then probes follow at growing distances.
 * After a proof the sockets are polled once: whatever the program ever sent is readable then. Steps that a proof lets
 * succeed go on at once; a step that it lets fail is looked at once more after 20 ms, since a point depends on it. */
#include "base/io.h"
#include "driver/parts.h"

#define FIRST_PAUSE_NS   50000
#define MOST_PAUSE_NS    5000000
#define CONFIRM_NS       20000000
#define IDLE_TICKS       3        /* unchanged wake-ups of a program that polls on a tick */
#define MIN_TICKING_NS   20000000 /* ... and at least so long */
#define GRACE_NS         (5 * NS_PER_S)
#define UNKNOWN_PAUSE_NS 20000000 /* a program that sleeps, nobody knows for how long */
/* after a proof: an event, a step's own time, or what the kernel does late (a process that ends) changes something */
#define SILENT_PAUSE_NS  50000000
/* A wait that has lasted, or will last, so long is for a timer, the network or a limit. */
#define REST_NS          30000000

struct waiting {
    uint64_t pause_ns;
    uint64_t last_wake_ns; /* TIMED: when the last known sleep ends at the latest */
    uint64_t ticking_since_ns;
    uint64_t network_since_ns; /* the last probe, if it found something under way */
    uint64_t since_ns;         /* nothing has happened */
    int ticks;
};

const struct moment nothing_known;

/* Others may have the processor while this run waits for something that takes its time. */
static void rest(struct run *run, bool rests)
{
    if (run->rests == rests || !run->options->rests)
        return;
    run->rests = rests;
    run->options->rests(run->options->self, rests);
}

static void restart(struct run *run, struct waiting *waiting)
{
    rest(run, false);
    *waiting = (struct waiting){.pause_ns = FIRST_PAUSE_NS, .since_ns = io_now_ns()};
    memset(&run->probes, 0, sizeof run->probes);
}

/* ---- when something is due anyway ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_due(struct run *run)
{
    uint64_t next = earlier(sending_next_gate(run), fetch_next_timer(run));
    for (const struct lane *lane = run->lanes; lane; lane = lane->next) {
        const struct active *active = &lane->active;
        if (!active->step || active->meeting || active->step->verb == VERB_PARALLEL ||
            (active->endpoint && sending_gated(active->endpoint)))
            continue;
        next = earlier(next, active->step->verb == VERB_WAIT
                                 ? active->limit.wall_ns + seconds_to_ns(active->limit.seconds)
                                 : limit_not_before(run, &active->limit));
        if (active->next_look_ns)
            next = earlier(next, active->next_look_ns);
    }
    return next;
}

/* Would anybody gain from a proof? */
static bool proof_is_wanted(const struct run *run)
{
    if (run->distrust)
        return false;
    for (const struct lane *lane = run->lanes; lane; lane = lane->next)
        if (lane_is_looking(lane))
            return true;
    return sending_next_gate(run) != UINT64_MAX;
}

/* ---- what a probe means ---- */

/* A program that wakes on a tick, finds nothing and sleeps again: after some ticks that is taken for its rest. A stated
 * rule, no proof; nothing fails by it. */
static bool is_ticking(struct run *run, struct waiting *waiting,
                       const struct activity_report *report)
{
    uint64_t now = io_now_ns();
    if (!report->wake_lo_ns || !report->wake_hi_ns)
        return false;
    if (!waiting->last_wake_ns)
        waiting->ticking_since_ns = now;
    else if (report->wake_lo_ns > waiting->last_wake_ns)
        waiting->ticks++;
    waiting->last_wake_ns = report->wake_hi_ns;
    return waiting->ticks >= IDLE_TICKS && now - waiting->ticking_since_ns >= MIN_TICKING_NS &&
           !peer_unread(run);
}

static struct moment judge(struct run *run, struct waiting *waiting,
                           const struct activity_report *report)
{
    struct moment moment = {.until_ns = UINT64_MAX, .proof = PROOF_SILENT};
    switch (report->state) {
    case ACTIVITY_OUTPUT:
        moment.blocked_output = true;
        moment.quiet = true;
        break;
    case ACTIVITY_SILENT:
    case ACTIVITY_GONE:
        moment.quiet = true;
        break;
    case ACTIVITY_TIMED:
        moment.quiet = report->wake_lo_ns != 0;
        moment.until_ns = report->wake_lo_ns;
        if (is_ticking(run, waiting, report)) {
            moment.quiet = true;
            moment.until_ns = UINT64_MAX;
            moment.proof = PROOF_IDLE_TICKS;
        }
        break;
    case ACTIVITY_BUSY:
    case ACTIVITY_NETWORK:
    case ACTIVITY_UNKNOWN:
        break;
    }
    return moment;
}

static void count_probe(struct run *run, const struct waiting *waiting, enum activity state)
{
    struct process_stats stats;
    uint64_t now = io_now_ns();
    if (state == ACTIVITY_NETWORK && waiting->network_since_ns)
        run->network_ns += now - waiting->network_since_ns;
    run->probes.all++;
    if (state != ACTIVITY_BUSY || run->probes.busy++ || !run->first)
        return;
    if (program_look(run, run->first, &stats, NULL) == 0)
        run->probes.cpu_us = stats.cpu_us;
}

/* Probes, and looks whether anything had been sent before. 1: events came, the probe is void; 0; -1 with err. */
static int probe(struct run *run, struct waiting *waiting, struct activity_report *report,
                 struct err *err)
{
    enum activity state = observe_activity(run->observer, report);
    count_probe(run, waiting, state);
    waiting->network_since_ns = state == ACTIVITY_NETWORK ? io_now_ns() : 0;
    int n = loop_wait(run, 0, err);
    return n < 0 ? -1 : n > 0;
}

static void next_pause(struct waiting *waiting, const struct activity_report *report)
{
    uint64_t now = io_now_ns();
    waiting->pause_ns = waiting->pause_ns * 3 / 2;
    if (waiting->pause_ns > MOST_PAUSE_NS)
        waiting->pause_ns = MOST_PAUSE_NS;
    if (report->state == ACTIVITY_SILENT || report->state == ACTIVITY_GONE)
        waiting->pause_ns = SILENT_PAUSE_NS;
    if (report->state == ACTIVITY_TIMED)
        waiting->pause_ns = report->wake_hi_ns > now ? report->wake_hi_ns - now : UNKNOWN_PAUSE_NS;
}

/* ---- acting on it ---- */

static void remember_silence(struct run *run, const struct moment *moment)
{
    if (moment->proof == PROOF_SILENT && moment->until_ns == UINT64_MAX)
        run->silent_since = run->inputs;
}

/* A lane that only waits for its time will act again, and what it then sends may bring what another one misses. */
static bool somebody_will_act(const struct run *run)
{
    for (const struct lane *lane = run->lanes; lane; lane = lane->next)
        if (lane->active.step && lane->active.step->verb == VERB_WAIT)
            return true;
    return false;
}

/* A step would fail by this proof: once more, a little later. */
static int confirm(struct run *run, struct waiting *waiting, struct err *err)
{
    struct activity_report report;
    bool moved = false;
    int events = loop_wait(run, io_now_ns() + CONFIRM_NS, err);
    fetch_run_timers(run);
    if (events == 0)
        events = probe(run, waiting, &report, err);
    if (events != 0) {
        restart(run, waiting);
        return events < 0 ? -1 : 0;
    }
    struct moment moment = judge(run, waiting, &report);
    if (!moment.quiet || moment.proof != PROOF_SILENT)
        return 0;
    moment.may_fail = true;
    remember_silence(run, &moment);
    return lanes_advance(run, &moment, &moved, err);
}

static int act_on(struct run *run, struct waiting *waiting, const struct moment *moment,
                  struct err *err)
{
    bool moved = false;
    remember_silence(run, moment);
    if (sending_open_gates(run, moment)) {
        restart(run, waiting);
        return 0;
    }
    run->postponed = false;
    run->door.known = false; /* the program may have come to rest by emptying its queue */
    if (lanes_advance(run, moment, &moved, err) != 0)
        return -1;
    if (moved)
        restart(run, waiting);
    else if (run->postponed && moment->proof == PROOF_SILENT && !somebody_will_act(run))
        return confirm(run, waiting, err);
    return 0;
}

/* report: of a probe just made; NULL: none was. */
static void consider_rest(struct run *run, const struct waiting *waiting,
                          const struct activity_report *report)
{
    struct activity_report own;
    uint64_t lasts = io_now_ns() - waiting->since_ns + waiting->pause_ns;
    if (run->rests || !run->options->rests || lasts < REST_NS)
        return;
    if (!report) {
        (void)observe_activity(run->observer, &own);
        report = &own;
    }
    if (report->state != ACTIVITY_BUSY && report->state != ACTIVITY_UNKNOWN)
        rest(run, true);
}

/* Nothing moves: waits for the world, or finds out that it will not come. */
static int await(struct run *run, struct waiting *waiting, struct err *err)
{
    struct activity_report report;
    uint64_t due = next_due(run);
    bool probing = proof_is_wanted(run);
    uint64_t pause_end = io_now_ns() + (probing ? waiting->pause_ns : MOST_PAUSE_NS * 10);
    int events = loop_wait(run, earlier(due, pause_end), err);
    fetch_run_timers(run);
    (void)sending_open_gates(run, NULL);
    if (events != 0) {
        restart(run, waiting);
        return events < 0 ? -1 : 0;
    }
    if (!probing || io_now_ns() < pause_end) {
        consider_rest(run, waiting, NULL);
        return 0;
    }
    events = probe(run, waiting, &report, err);
    if (events != 0)
        return events < 0 ? -1 : 0;
    struct moment moment = judge(run, waiting, &report);
    next_pause(waiting, &report); /* unless something is done now: then the wait begins anew */
    if (moment.quiet && act_on(run, waiting, &moment, err) != 0)
        return -1;
    consider_rest(run, waiting, &report);
    return 0;
}

static int play_all(struct run *run, struct err *err)
{
    struct waiting waiting;
    restart(run, &waiting);
    while (!run->over && !run->root->ended) {
        bool moved = false;
        faults_note(run);
        explain_network(run);
        run->door.known = false;
        if (lanes_advance(run, &nothing_known, &moved, err) != 0)
            return -1;
        if (moved) {
            restart(run, &waiting);
            continue;
        }
        if (io_now_ns() > run->cap_ns + GRACE_NS) /* every step ends at the cap: a bug of ours */
            return err_set(err, ERR_HOST, "a step did not end by itself");
        if (await(run, &waiting, err) != 0)
            return -1;
    }
    return 0;
}

int play(struct run *run, struct err *err)
{
    int result = play_all(run, err);
    rest(run, false);
    return result;
}

void play_out(struct run *run, uint64_t most_ns)
{
    struct activity_report report;
    struct err ignored = {0}; /* the verdict stands: what is missed here is missing in a log */
    uint64_t pause_ns = FIRST_PAUSE_NS;
    for (const uint64_t end_ns = io_now_ns() + most_ns; io_now_ns() < end_ns;) {
        if (loop_wait(run, earlier(end_ns, io_now_ns() + pause_ns), &ignored) < 0)
            return;
        switch (observe_activity(run->observer, &report)) {
        case ACTIVITY_SILENT:
        case ACTIVITY_GONE:
        case ACTIVITY_OUTPUT:
        case ACTIVITY_TIMED:
            return;
        case ACTIVITY_BUSY:
        case ACTIVITY_NETWORK:
        case ACTIVITY_UNKNOWN:
            pause_ns = earlier(pause_ns * 3 / 2, MOST_PAUSE_NS);
            break;
        }
    }
}
