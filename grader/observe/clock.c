/* observe/clock.c: student time: wall time less the time in which the program's threads were ready but had no CPU.
 *
 * schedstat's second field is known only once a wait for a CPU has ended. The clock then stands still until the wall has
 * caught up: it never goes back. Threads that wait for each other's CPU are counted twice: hence the cap, and hence the
 * second measure. A program that has used as much processor time as the whole machine could give it in that time was not
 * starved by others, however many threads of its own stood in line.
 *
 * A call that is traced waits for the tracer: the processor time that the tracer uses, and its waits for a processor, are
 * taken off, too. */
#include "base/io.h"
#include "observe/internal.h"

#include <sys/sysinfo.h>

#define MOST_OF(wall_ns) ((wall_ns) / 10 * 9)

void obs_clock_count(struct observer *observer, struct task *task)
{
    if (task->delay_ns > task->counted_delay_ns && !obs_task_is_init(task))
        observer->clock.delay_ns += task->delay_ns - task->counted_delay_ns;
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

static uint64_t advance(struct observer *observer, uint64_t excused_ns, uint64_t *last_ns)
{
    const struct student_clock *clock = &observer->clock;
    uint64_t runs = 0;
    for (size_t i = 0; i < observer->n_tasks; i++)
        if (observer->tasks[i].rest != REST_ENDED)
            (void)obs_task_runs(observer, &observer->tasks[i],
                                &runs); /* of one that ended: known so far */
    for (size_t i = 0; i < observer->n_boxes; i++)
        obs_clock_count_tracer(observer, observer->boxes[i]);
    uint64_t wall = io_now_ns() - clock->start_ns;
    uint64_t delay = clock->delay_ns + excused_ns;
    if (delay > MOST_OF(wall))
        delay = MOST_OF(wall);
    uint64_t own = clock->cpu_ns / (uint64_t)get_nprocs();
    uint64_t time = wall - delay > own ? wall - delay : own;
    if (time > wall)
        time = wall;
    if (time > *last_ns)
        *last_ns = time;
    return *last_ns;
}

uint64_t observe_student_ns(struct observer *observer, uint64_t excused_ns)
{
    return advance(observer, excused_ns, &observer->clock.last_ns);
}

uint64_t observe_program_ns(struct observer *observer)
{
    return advance(observer, 0, &observer->clock.last_program_ns);
}

uint64_t observe_progress(struct observer *observer, bool *ret_ready)
{
    uint64_t progress = 0;
    *ret_ready = false;
    for (size_t i = 0; i < observer->n_tasks; i++) {
        struct task *task = &observer->tasks[i];
        uint64_t runs = 0;
        if (task->rest == REST_ENDED || obs_task_runs(observer, task, &runs) < 0)
            continue;
        progress += runs + task->cpu_ns;
        *ret_ready |= obs_task_state(observer, task) == 'R';
    }
    return progress;
}
