/* observe/clock.c: student time: wall time less the time in which the program's threads were ready but had no CPU.
 *
 * schedstat's second field is known only once a wait for a CPU has ended: then the clock goes back by that wait, for nobody
 * had this time. Threads that wait for each other's CPU are counted twice: hence the cap, which no thread's own wait is cut
 * by (one that spins and gets a fiftieth of a processor must not pass for one that sleeps), and hence the second measure. A
 * program that has used as much processor time as the whole machine could give it in that time was not starved by others,
 * however many threads of its own stood in line.
 *
 * A call that is traced waits for the tracer: the processor time that the tracer uses, and its waits for a processor, are
 * taken off, too. */
#include "base/io.h"
#include "observe/internal.h"

#include <sys/sysinfo.h>

#define MOST_OF(wall_ns) ((wall_ns) / 20 * 19)
#define MAX_WALKS        3
/* Whoever makes processes without end starves itself: that is known only of those that are known. */
#define MIN_WALK_NS      250000000
#define WALK_SHARE       20

void obs_clock_count(struct observer *observer, struct task *task)
{
    if (task->delay_ns > task->counted_delay_ns && !obs_task_is_init(task))
        observer->clock.delay_ns += task->delay_ns - task->counted_delay_ns;
    if (task->delay_ns > observer->clock.longest_delay_ns && !obs_task_is_init(task))
        observer->clock.longest_delay_ns = task->delay_ns;
    if (task->cpu_ns > task->counted_cpu_ns && !obs_task_is_init(task))
        observer->clock.cpu_ns += task->cpu_ns - task->counted_cpu_ns;
    task->counted_delay_ns = task->delay_ns;
    task->counted_cpu_ns = task->cpu_ns;
}

void obs_clock_count_tracer(struct observer *observer, struct watched *box)
{
    uint64_t held = box->tracer ? calls_held_ns(box->tracer) : 0;
    if (held > box->counted_held_ns) {
        observer->clock.delay_ns += held - box->counted_held_ns;
        box->counted_held_ns = held;
    }
}

/* Threads that were born since the last probe are known, too. */
static void meet_all(struct observer *observer)
{
    uint64_t began = io_now_ns();
    for (int i = 0; i < MAX_WALKS && obs_tasks_again(observer) != 1; i++)
        ;
    uint64_t now = io_now_ns();
    uint64_t pause = (now - began) * WALK_SHARE;
    observer->clock.next_walk_ns = now + (pause > MIN_WALK_NS ? pause : MIN_WALK_NS);
}

static uint64_t time_of(struct observer *observer, uint64_t excused_ns)
{
    const struct student_clock *clock = &observer->clock;
    uint64_t runs = 0;
    if (io_now_ns() >= clock->next_walk_ns)
        meet_all(observer);
    for (size_t i = 0; i < observer->n_tasks; i++)
        if (observer->tasks[i].rest != REST_ENDED)
            (void)obs_task_runs(observer, &observer->tasks[i],
                                &runs); /* of one that ended: known so far */
    for (size_t i = 0; i < observer->n_boxes; i++)
        obs_clock_count_tracer(observer, observer->boxes[i]);
    uint64_t wall = io_now_ns() - clock->start_ns;
    uint64_t most = MOST_OF(wall);
    if (clock->longest_delay_ns > most)
        most = clock->longest_delay_ns < wall ? clock->longest_delay_ns : wall;
    uint64_t delay = clock->delay_ns + excused_ns;
    if (delay > most)
        delay = most;
    uint64_t own = clock->cpu_ns / (uint64_t)get_nprocs();
    uint64_t time = wall - delay > own ? wall - delay : own;
    return time < wall ? time : wall;
}

uint64_t observe_student_ns(struct observer *observer, uint64_t excused_ns)
{
    return time_of(observer, excused_ns);
}

bool observe_works_hard(const struct observer *observer, uint64_t student_ns)
{
    uint64_t most = observer->clock.cpu_ns / (uint64_t)get_nprocs();
    for (size_t i = 0; i < observer->n_tasks; i++)
        if (observer->tasks[i].cpu_ns > most)
            most = observer->tasks[i].cpu_ns;
    return most > student_ns / 4 * 3;
}

uint64_t observe_program_ns(struct observer *observer)
{
    uint64_t now = time_of(observer, 0);
    if (now > observer->clock.last_program_ns)
        observer->clock.last_program_ns = now;
    return observer->clock.last_program_ns;
}

/* Ready to run, or asleep in the kernel on what is not its own doing: a page from the disk, a lock. */
static bool wants_processor(struct observer *observer, struct task *task)
{
    char state = obs_task_state(observer, task);
    return state == 'R' || state == 'D';
}

uint64_t observe_in_line_since(struct observer *observer)
{
    uint64_t since = UINT64_MAX;
    uint64_t last_look = observer->clock.line_look_ns;
    uint64_t look = io_now_ns();
    observer->clock.line_look_ns = look;
    meet_all(observer);
    for (size_t i = 0; i < observer->n_tasks; i++) {
        struct task *task = &observer->tasks[i];
        uint64_t runs = 0;
        if (task->rest == REST_ENDED || obs_task_runs(observer, task, &runs) < 0)
            continue;
        uint64_t progress = runs + task->cpu_ns;
        bool was_in_line = task->in_line;
        bool moved = progress != task->line_progress;
        task->in_line = wants_processor(observer, task);
        task->line_progress = progress;
        if (!was_in_line)
            task->line_ns = last_look;
        else if (moved)
            task->line_ns = look;
        if (task->in_line && task->line_ns < since)
            since = task->line_ns;
    }
    return since;
}
