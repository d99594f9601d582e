/* observe/calls.c: the tracer: one thread for each box whose system calls are to fail.
 *
 * ptrace(2) binds a traced thread to the one thread that attached to it, so that thread does nothing else: it waits
 * (__WNOTHREAD: for its own only), and lets go what has stopped. It ends when nothing is left to wait for. Everything that
 * the program starts is attached by the kernel before it runs (PTRACE_O_TRACEFORK and its kin), and dies with the tracer
 * (EXITKILL).
 *
 * A call that shall fail is skipped: one stop. A call that shall move less gets a smaller length, and its register back at a
 * second stop after the call: compilers rely on the kernel to leave it as it was. A call that the kernel starts again after
 * a signal (SA_RESTART) passes here again, and counts again. */
#include "observe/calls.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/own.h"
#include "observe/calls_parts.h"
#include "observe/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)
#define AFTER_CALL (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

struct call_tracer {
    pthread_t thread;
    pid_t program;
    /* of the thread alone: */
    struct faults faults;
    bool begun; /* the program itself runs, no longer what was before its exec */
    struct traced *threads;
    size_t n_threads, cap_threads;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool decided; /* whether it could attach is known: */
    int refusal;  /* 0, or why not */
    int schedstat;
    struct call_count counts[CALL_KINDS];
    struct call_event events[CALL_KINDS * CALLS_MAX_EVENTS];
    size_t n_events, n_taken;
};

const char *call_kind_name(enum call_kind kind)
{
    static const char *const names[CALL_KINDS] = {
        [CALL_ACCEPT] = "accept", [CALL_CONNECT] = "connect", [CALL_RECV] = "recv",
        [CALL_SEND] = "send",     [CALL_POLL] = "poll",
    };
    return names[kind];
}

/* ---- the threads that are followed ---- */

static struct traced *find(struct call_tracer *tracer, pid_t tid)
{
    for (size_t i = 0; i < tracer->n_threads; i++)
        if (tracer->threads[i].tid == tid)
            return &tracer->threads[i];
    return NULL;
}

/* Valid until the next one is met. */
static struct traced *meet(struct call_tracer *tracer, pid_t tid)
{
    struct traced *known = find(tracer, tid);
    if (known)
        return known;
    if (tracer->n_threads == tracer->cap_threads) {
        tracer->cap_threads = tracer->cap_threads ? tracer->cap_threads * 2 : 16;
        tracer->threads =
            xreallocarray(tracer->threads, tracer->cap_threads, sizeof *tracer->threads);
    }
    tracer->threads[tracer->n_threads] = (struct traced){.tid = tid, .tgid = obs_process_of(tid)};
    return &tracer->threads[tracer->n_threads++];
}

static void forget(struct call_tracer *tracer, pid_t tid)
{
    struct traced *known = find(tracer, tid);
    if (known)
        *known = tracer->threads[--tracer->n_threads];
}

/* ---- what is done ---- */

static void note(struct call_tracer *tracer, const struct decision *decision)
{
    pthread_mutex_lock(&tracer->lock);
    struct call_count *count = &tracer->counts[decision->kind];
    count->calls = decision->number;
    if (decision->what != LET_GO) {
        if (count->failed + count->shortened < CALLS_MAX_EVENTS)
            tracer->events[tracer->n_events++] = (struct call_event){
                .at_ns = io_now_ns(),
                .kind = decision->kind,
                .number = decision->number,
                .sys_errno = decision->sys_errno,
                .asked = decision->asked,
                .most = decision->most,
            };
        count->failed += decision->what == FAIL;
        count->shortened += decision->what == SHORTEN;
    }
    pthread_mutex_unlock(&tracer->lock);
}

/* Another thread's call has changed the memory that this one is about to use. */
static bool is_changed(const struct call_tracer *tracer, const struct traced *thread,
                       const struct decision *decision)
{
    for (size_t i = 0; i < tracer->n_threads; i++) {
        const struct traced *other = &tracer->threads[i];
        for (size_t k = 0; other->tgid == thread->tgid && k < other->n_words; k++)
            for (size_t j = 0; j < decision->n_words; j++)
                if (other->words[k].address == decision->words[j].address)
                    return true;
    }
    return false;
}

static bool shorten(const struct call_tracer *tracer, struct traced *thread,
                    struct user_regs_struct *registers, const struct decision *decision)
{
    if (is_changed(tracer, thread, decision) || !calls_change_memory(thread, decision))
        return false;
    thread->argument = decision->argument;
    thread->shortened = true;
    if (decision->argument == CALLS_NO_ARGUMENT)
        return true;
    thread->before = registers_argument(registers, decision->argument);
    registers_set_argument(registers, decision->argument, decision->value);
    thread->shortened = registers_write(thread->tid, registers) == 0;
    return thread->shortened; /* else it was killed just now */
}

static void before_call(struct call_tracer *tracer, struct traced *thread)
{
    struct user_regs_struct registers = {0};
    if (!tracer->begun || registers_read(thread->tid, &registers) != 0)
        return;
    struct decision decision = calls_decide(&tracer->faults, thread, &registers);
    if (decision.number == 0)
        return;
    if (decision.what == SHORTEN && !shorten(tracer, thread, &registers, &decision))
        decision.what = LET_GO;
    note(tracer, &decision);
    if (decision.what == FAIL)
        (void)registers_skip(thread->tid, &registers, -(long)decision.sys_errno);
}

static void after_call(struct traced *thread)
{
    struct user_regs_struct registers = {0};
    if (!thread->shortened)
        return;
    calls_restore_memory(thread);
    thread->shortened = false;
    if (thread->argument == CALLS_NO_ARGUMENT || registers_read(thread->tid, &registers) != 0)
        return;
    registers_set_argument(&registers, thread->argument, thread->before);
    (void)registers_write(thread->tid, &registers);
}

/* The thread has stopped: what for, and on it goes. It may be killed at any moment (ESRCH): then there is nothing to do. */
static void on_stop(struct call_tracer *tracer, pid_t tid, int status)
{
    int signal = WSTOPSIG(status);
    int event = (int)((unsigned)status >> 16);
    if (event ==
        PTRACE_EVENT_EXEC) { /* the other threads have gone, and the caller has the leader's number */
        forget(tracer, tid);
        tracer->begun = true;
    }
    struct traced *thread = meet(tracer, tid);
    if (event == PTRACE_EVENT_SECCOMP)
        before_call(tracer, thread);
    else if (event == 0 && signal == AFTER_CALL)
        after_call(thread);
    bool stays = event == PTRACE_EVENT_STOP &&
                 (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU);
    if (stays) { /* a stopped process stays so until SIGCONT, as without us */
        (void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
        return;
    }
    bool passes_on = event == 0 && signal != AFTER_CALL;
    (void)ptrace(thread->shortened ? PTRACE_SYSCALL : PTRACE_CONT, tid, NULL,
                 passes_on ? (long)signal : 0L);
}

static void attach(struct call_tracer *tracer)
{
    int refusal = 0;
    if (!registers_known())
        refusal = ENOSYS;
    else if (ptrace(PTRACE_SEIZE, tracer->program, NULL, (long)OPTIONS) != 0)
        refusal = errno;
    pthread_mutex_lock(&tracer->lock);
    tracer->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    tracer->refusal = refusal;
    tracer->decided = true;
    pthread_cond_signal(&tracer->changed);
    pthread_mutex_unlock(&tracer->lock);
}

static void *tracer_main(void *self)
{
    struct call_tracer *tracer = self;
    attach(tracer);
    for (;;) {
        int status = 0;
        pid_t tid = wait4(-1, &status, __WALL | __WNOTHREAD, NULL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0) /* ECHILD: all of them have ended, or none was ever attached */
            return NULL;
        if (WIFSTOPPED(status))
            on_stop(tracer, tid, status);
        else
            forget(tracer, tid);
    }
}

/* ---- the others' side ---- */

int calls_trace(pid_t program, const struct call_fault *faults, size_t n, uint64_t seed,
                struct call_tracer **ret, struct err *err)
{
    struct call_tracer *tracer = xcalloc(1, sizeof *tracer);
    tracer->program = program;
    tracer->faults.seed = seed;
    tracer->schedstat = -1;
    for (size_t i = 0; i < n; i++)
        tracer->faults.of[faults[i].kind] = faults[i];
    pthread_mutex_init(&tracer->lock, NULL);
    pthread_cond_init(&tracer->changed, NULL);
    int failed = pthread_create(&tracer->thread, NULL, tracer_main, tracer);
    if (failed) {
        free(tracer);
        return err_sys(err, ERR_HOST, failed, "cannot follow the program's system calls");
    }
    pthread_mutex_lock(&tracer->lock);
    while (!tracer->decided)
        pthread_cond_wait(&tracer->changed, &tracer->lock);
    pthread_mutex_unlock(&tracer->lock);
    if (tracer->refusal) {
        err_sys(err, ERR_HOST, tracer->refusal,
                "cannot make the program's system calls fail (ptrace(2), PTRACE_SEIZE)");
        calls_free(tracer);
        return -1;
    }
    *ret = tracer;
    return 0;
}

void calls_free(struct call_tracer *tracer)
{
    if (!tracer)
        return;
    pthread_join(tracer->thread, NULL);
    own_close(&tracer->schedstat);
    pthread_cond_destroy(&tracer->changed);
    pthread_mutex_destroy(&tracer->lock);
    free(tracer->threads);
    free(tracer);
}

bool calls_next_event(struct call_tracer *tracer, struct call_event *ret)
{
    pthread_mutex_lock(&tracer->lock);
    bool there = tracer->n_taken < tracer->n_events;
    if (there)
        *ret = tracer->events[tracer->n_taken++];
    pthread_mutex_unlock(&tracer->lock);
    return there;
}

struct call_count calls_count(struct call_tracer *tracer, enum call_kind kind)
{
    pthread_mutex_lock(&tracer->lock);
    struct call_count count = tracer->counts[kind];
    pthread_mutex_unlock(&tracer->lock);
    return count;
}

uint64_t calls_held_ns(struct call_tracer *tracer)
{
    char text[128];
    char *at = text;
    ssize_t len = tracer->schedstat < 0 ? -1 : pread(tracer->schedstat, text, sizeof text - 1, 0);
    if (len <= 0)
        return 0; /* its thread has ended */
    text[len] = 0;
    uint64_t worked = strtoull(at, &at, 10);
    return worked + strtoull(at, NULL, 10);
}
