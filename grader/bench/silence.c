/* bench/silence.c: how soon silence is proven, and that it is never proven too early.
 *
 *     silence [TRIALS [SPINNERS [STYLE...]]]
 *
 * TRIALS of each measurement and style (default 200), with SPINNERS busy processes a core beside it (default 0).
 *   latency    a byte that is never answered, until SILENT: first a look at the socket for 50 us, as the driver does
 *   soundness  answers at once and late, with probes back to back, half of them from a random phase on. A "false" is a
 *              SILENT after which a byte came all the same; one is too many and makes the exit status 1
 *   segments   64 bytes, each sent when the one before was proven consumed; "merged" counts reads that got two
 *   watching   round trips of an echo while it is probed every 5 ms, against the same without */
#include "tests/observe_lab.h"

#include <sys/resource.h>

#define SEGMENTS     64
#define WATCH_NS     300000000ULL
#define WATCH_PAUSE  5000000ULL
#define MAX_SPINNERS 64

struct figures {
    double *values;
    size_t count;
};

struct counts {
    unsigned long trials, probes, wrong, timed, unanswered;
};

struct style_plan {
    const char *style;
    const char *quick; /* commands of TRIALS each */
    const char *slow;  /* commands of TRIALS / 20 each */
};

/* pool: every command goes through the queue to another thread */
static const struct style_plan plans[] = {
    {"block", "icfgw", "CsS"},  {"fork", "icfgw", "CsS"},   {"prefork", "icfgw", "CsS"},
    {"thread", "icfgw", "CsS"}, {"pool", "icfgtw", "CsS"},  {"select", "icfgw", "CsS"},
    {"poll", "icfgw", "CsS"},   {"epoll", "icfgw", "CsSy"}, {"epollet", "icfgw", "CsSy"},
    {"sigio", "icfgw", "C"},    {"pipe", "icfgw", "CsS"},   {"udp", "icw", "CsS"},
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(struct figures *all, double part)
{
    qsort(all->values, all->count, sizeof *all->values, compare);
    size_t at = (size_t)((double)all->count * part);
    return all->count ? all->values[at < all->count ? at : all->count - 1] : 0;
}

static uint64_t own_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int tell(int fd, char command)
{
    return send(fd, &command, 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* ---- latency ---- */

static int await_silence(struct lab *lab, int fd)
{
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    long pause_ns = 50000;
    while (io_now_ns() < deadline) {
        struct timespec span = {0, pause_ns};
        struct pollfd ready = {fd, POLLIN, 0};
        ppoll(&ready, 1, &span, NULL);
        if (lab_probe(lab) == ACTIVITY_SILENT)
            return lab_look(fd) == LAB_LATE ? 0 : -1;
        pause_ns = pause_ns * 3 / 2 < 3000000 ? pause_ns * 3 / 2 : 3000000;
    }
    return -1;
}

static int measure_latency(struct lab *lab, int fd, const char *style, size_t trials)
{
    struct figures all = {xcalloc(trials, sizeof(double)), 0};
    AUTO_FREE double *owned = all.values;
    uint64_t cpu = own_cpu_ns();
    for (size_t i = 0; i < trials; i++) {
        if (tell(fd, 'n') < 0)
            return -1;
        uint64_t start = io_now_ns();
        if (await_silence(lab, fd) < 0)
            return -1;
        all.values[all.count++] = (double)(io_now_ns() - start) / 1000;
    }
    cpu = own_cpu_ns() - cpu;
    (void)owned;
    printf("%-8s silent after median %6.0f us  p99 %6.0f us  max %6.0f us  own CPU %4.0f us\n",
           style, quantile(&all, 0.5), quantile(&all, 0.99), quantile(&all, 1),
           (double)cpu / 1000 / (double)trials);
    return 0;
}

/* ---- soundness ---- */

static void one_trial(struct lab *lab, int fd, char command, unsigned *seed, struct counts *counts)
{
    unsigned missing = command == 'w' ? 2 : 1;
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    bool silent = false;
    counts->trials++;
    if (tell(fd, command) < 0)
        deadline = 0;
    while (missing && io_now_ns() < deadline) {
        struct timespec phase = {0, rand_r(seed) % 60000};
        if (rand_r(seed) % 2)
            nanosleep(&phase, NULL);
        enum activity state = lab_probe(lab);
        counts->probes++;
        counts->timed += state == ACTIVITY_TIMED;
        enum lab_end now = lab_look(fd);
        if (now == LAB_ANSWERED) {
            counts->wrong += silent; /* this byte came after SILENT */
            silent = false;
            missing--;
        } else if (state == ACTIVITY_SILENT) {
            silent = true;
        }
    }
    counts->unanswered += missing > 0;
}

static void check_soundness(struct lab *lab, int fd, const struct style_plan *plan, size_t trials,
                            struct counts *total)
{
    struct counts counts = {0};
    unsigned seed = 1;
    for (size_t i = 0; i < trials; i++)
        for (const char *command = plan->quick; *command; command++)
            one_trial(lab, fd, *command, &seed, &counts);
    for (size_t i = 0; i < (trials + 19) / 20; i++)
        for (const char *command = plan->slow; *command; command++)
            one_trial(lab, fd, *command, &seed, &counts);
    printf("%-8s %7lu trials %9lu probes %8lu timed %4lu unanswered %4lu false\n", plan->style,
           counts.trials, counts.probes, counts.timed, counts.unanswered, counts.wrong);
    total->trials += counts.trials;
    total->probes += counts.probes;
    total->wrong += counts.wrong;
    total->unanswered += counts.unanswered;
}

/* ---- segments ---- */

static int measure_segments(struct lab *lab, int fd, size_t trials)
{
    struct figures all = {xcalloc(trials, sizeof(double)), 0};
    AUTO_FREE double *owned = all.values;
    unsigned long merged = 0;
    (void)owned;
    for (size_t i = 0; i < trials; i++) {
        unsigned char reads = 0;
        uint64_t start = io_now_ns();
        for (int n = 0; n < SEGMENTS; n++) {
            uint64_t sent = io_now_ns();
            if (tell(fd, 'n') < 0)
                return -1;
            while (lab_probe(lab) != ACTIVITY_SILENT)
                if (io_now_ns() > sent + LAB_PATIENCE)
                    return -1;
        }
        all.values[all.count++] = (double)(io_now_ns() - start) / 1e6;
        if (tell(fd, '#') < 0 || io_poll(fd, POLLIN, io_now_ns() + LAB_PATIENCE) <= 0 ||
            recv(fd, &reads, 1, 0) != 1)
            return -1;
        if (i) /* the first count has what came before in it */
            merged += SEGMENTS + 1U - reads;
    }
    printf("segments %d proven one by one: median %.1f ms  p99 %.1f ms, %lu of %zu merged\n",
           SEGMENTS, quantile(&all, 0.5), quantile(&all, 0.99), merged, (trials - 1) * SEGMENTS);
    return 0;
}

/* ---- watching ---- */

static double round_trips(struct lab *lab, int fd, bool watched)
{
    uint64_t start = io_now_ns();
    uint64_t next = start;
    uint64_t now = start;
    unsigned long count = 0;
    while (now < start + WATCH_NS) {
        if (tell(fd, 'i') < 0)
            return 0;
        if (io_poll(fd, POLLIN, now + LAB_PATIENCE) <= 0 || lab_look(fd) != LAB_ANSWERED)
            return 0;
        count++;
        now = io_now_ns();
        if (watched && now >= next) {
            (void)lab_probe(lab);
            next = now + WATCH_PAUSE;
        }
    }
    return (double)count / ((double)(now - start) / 1e9);
}

static void measure_watching(struct lab *lab, int fd)
{
    double ratios[9];
    struct figures all = {ratios, 0};
    double plain = 0;
    for (; all.count < ARRAY_SIZE(ratios); all.count++) {
        plain = round_trips(lab, fd, false);
        ratios[all.count] = plain > 0 ? round_trips(lab, fd, true) / plain : 0;
    }
    printf("watching every 5 ms: %.3f of the round trips without (%.0f a second)\n",
           quantile(&all, 0.5), plain);
}

/* ---- all of it ---- */

static int run_style(struct lab *lab, const struct style_plan *plan, size_t trials,
                     struct counts *total)
{
    bool udp = strcmp(plan->style, "udp") == 0;
    if (lab_start(lab, 0, plan->style) < 0)
        return -1;
    (void)lab_settle(lab);
    AUTO_CLOSE int fd = lab_connect(lab, udp ? SOCK_DGRAM : SOCK_STREAM);
    if (fd < 0)
        return -1;
    if (measure_latency(lab, fd, plan->style, trials) < 0)
        return err_set(&lab->err, ERR_HOST, "%s: no silence (%s: %s)", plan->style,
                       activity_name(lab->report.state), lab->report.why);
    check_soundness(lab, fd, plan, trials, total);
    if (strcmp(plan->style, "block") == 0) {
        if (measure_segments(lab, fd, trials / 4 + 2) < 0)
            return err_set(&lab->err, ERR_HOST, "a segment was not consumed");
        measure_watching(lab, fd);
    }
    fflush(stdout);
    lab_stop(lab, 0);
    return 0;
}

static bool is_wanted(const char *style, int count, char **names)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], style) == 0)
            return true;
    return count == 0;
}

static size_t start_spinners(size_t per_core, pid_t *spinners)
{
    size_t wanted = per_core * (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = 0;
    for (; count < wanted && count < MAX_SPINNERS; count++) {
        spinners[count] = fork();
        if (spinners[count] == 0)
            for (;;)
                styles_burn(1000000);
    }
    return count;
}

static size_t number(int argc, char **argv, int at, size_t otherwise)
{
    return argc > at ? (size_t)strtoul(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    struct lab lab;
    struct counts total = {0};
    pid_t spinners[MAX_SPINNERS];
    size_t trials = number(argc, argv, 1, 200);
    int result = lab_open(&lab);
    lab.ledger = true; /* as the driver has it */
    size_t n_spinners = start_spinners(number(argc, argv, 2, 0), spinners);
    for (size_t i = 0; i < ARRAY_SIZE(plans) && result == 0; i++)
        if (is_wanted(plans[i].style, argc > 3 ? argc - 3 : 0, argv + 3))
            result = run_style(&lab, &plans[i], trials ? trials : 1, &total);
    for (size_t i = 0; i < n_spinners; i++) {
        kill(spinners[i], SIGKILL);
        waitpid(spinners[i], NULL, 0);
    }
    if (result < 0)
        fprintf(stderr, "silence: %s\n", lab.err.text);
    printf("%zu spinners: %lu trials, %lu probes, %lu false\n", n_spinners, total.trials,
           total.probes, total.wrong);
    lab_close(&lab);
    return result < 0 || total.wrong ? 1 : 0;
}
