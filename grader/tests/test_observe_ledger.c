/* tests/test_observe_ledger.c: the list of armed timers, fed by a child whose calls are reported (seccomp_unotify(2)). */
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

struct program {
    pid_t pid;
    int sock; /* one byte a command, one byte back when it is done */
    struct ledger *ledger;
    struct observer observer; /* only the set of tasks */
    struct task task;
    struct activity_report report;
};

static void on_signal(int number)
{
    (void)number;
}

static void set_posix(timer_t timer, long ms, int flags)
{
    struct itimerspec value = {.it_value = {ms / 1000, ms % 1000 * 1000000}};
    if (flags) {
        clock_gettime(CLOCK_MONOTONIC, &value.it_value);
        value.it_value.tv_sec += 100;
    }
    timer_settime(timer, flags, &value, NULL);
}

static void obey(char command, timer_t timer)
{
    struct itimerval once = {.it_value = {0, 30000}};
    struct itimerval always = {.it_value = {0, 10000}, .it_interval = {0, 10000}};
    struct itimerval never = {0};
    switch (command) {
    case 'a':
        alarm(100);
        break;
    case 'A':
        alarm(0);
        break;
    case 'i':
        setitimer(ITIMER_REAL, &once, NULL);
        break;
    case 'I':
        setitimer(ITIMER_REAL, &always, NULL);
        break;
    case '0':
        setitimer(ITIMER_REAL, &never, NULL);
        break;
    case 'v':
        setitimer(ITIMER_VIRTUAL, &always, NULL);
        break;
    case 'p':
        set_posix(timer, 100000, 0);
        break;
    case 'P':
        set_posix(timer, 0, 0);
        break;
    case 'q':
        set_posix(timer, 0, TIMER_ABSTIME);
        break;
    case 'd':
        timer_delete(timer);
        break;
    default:
        _exit(0);
    }
}

_Noreturn static void child_main(int sock)
{
    static const int calls[] = {SYS_alarm, SYS_setitimer, SYS_timer_settime, SYS_timer_delete};
    struct sigaction action = {.sa_handler = on_signal};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer = 0;
    char command = 0;
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_NOTIFY, calls[i], 0) < 0)
            _exit(2);
    if (seccomp_load(filter) < 0)
        _exit(3);
    int listener = seccomp_notify_fd(filter);
    if (io_send_fds(sock, "r", 1, &listener, 1) < 0)
        _exit(4);
    close(listener);
    for (;;) {
        ssize_t len = io_read(sock, &command, 1);
        if (len != 1)
            _exit(0);
        obey(command, timer);
        if (io_write(sock, "d", 1) != 1)
            _exit(0);
    }
}

static void begin(struct program *program)
{
    int pair[2];
    int listener = -1;
    size_t count = 0;
    char byte = 0;
    struct err err = {0};
    *program = (struct program){0};
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    program->pid = fork();
    if (program->pid == 0) {
        close(pair[0]);
        child_main(pair[1]);
    }
    close(pair[1]);
    program->sock = pair[0];
    cr_assert_eq(io_recv_fds(pair[0], &byte, 1, &listener, 1, &count), 1);
    cr_assert_eq(count, 1);
    cr_assert_eq(obs_ledger_new(listener, &program->ledger, &err), 0, "%s", err.text);
    close(listener);
    program->task = (struct task){.tid = program->pid, .tgid = program->pid, .rest = REST_INPUT};
    program->observer.tasks = &program->task;
    program->observer.n_tasks = 1;
}

static void end(struct program *program)
{
    close(program->sock);
    waitpid(program->pid, NULL, 0);
    obs_ledger_free(program->ledger);
}

static void tell(struct program *program, char command)
{
    char done = 0;
    cr_assert_eq(io_write(program->sock, &command, 1), 1);
    cr_assert_eq(io_read_full(program->sock, &done, 1), 1, "the call was not let go on");
}

static bool armed(struct program *program)
{
    program->report = (struct activity_report){.wake_lo_ns = UINT64_MAX, .wake_hi_ns = UINT64_MAX};
    return obs_ledger_armed(program->ledger, &program->observer, &program->report);
}

Test(observe_ledger, alarm_and_its_end)
{
    struct program program;
    begin(&program);
    cr_expect_not(armed(&program));
    uint64_t before = io_now_ns();
    tell(&program, 'a');
    cr_expect(armed(&program));
    uint64_t after = io_now_ns();
    cr_expect_geq(program.report.wake_lo_ns, before + 100 * NSEC_PER_SEC);
    cr_expect_leq(program.report.wake_hi_ns, after + 100 * NSEC_PER_SEC);
    tell(&program, 'A');
    cr_expect_not(armed(&program));
    end(&program);
}

/* A timer that fires once is forgotten after its end, a periodic one never. */
Test(observe_ledger, interval_timers)
{
    struct program program;
    begin(&program);
    tell(&program, 'i');
    cr_expect(armed(&program));
    uint64_t deadline = io_now_ns() + 20 * NSEC_PER_SEC;
    uint64_t promised = program.report.wake_lo_ns;
    while (armed(&program) && io_now_ns() < deadline)
        poll(NULL, 0, 5);
    cr_expect_not(armed(&program), "it has fired");
    cr_expect_geq(io_now_ns(), promised);
    tell(&program, 'I');
    for (int i = 0; i < 10; i++) {
        uint64_t now = io_now_ns();
        cr_expect(armed(&program));
        cr_expect_leq(program.report.wake_lo_ns, now + 2 * NSEC_PER_SEC);
        poll(NULL, 0, 10);
    }
    tell(&program, '0');
    cr_expect_not(armed(&program));
    tell(&program, 'v'); /* counts CPU time: a sleeper uses none */
    cr_expect_not(armed(&program));
    end(&program);
}

Test(observe_ledger, posix_timers)
{
    struct program program;
    begin(&program);
    tell(&program, 'p');
    cr_expect(armed(&program));
    cr_expect_gt(program.report.wake_lo_ns, io_now_ns());
    tell(&program, 'P');
    cr_expect_not(armed(&program));
    tell(&program, 'q');
    cr_expect(armed(&program));
    cr_expect_eq(program.report.wake_lo_ns, 0, "an absolute time is not resolved");
    tell(&program, 'd');
    cr_expect_not(armed(&program));
    end(&program);
}

/* The timers of a process end with it. */
Test(observe_ledger, ended_process)
{
    struct program program;
    begin(&program);
    tell(&program, 'a');
    cr_expect(armed(&program));
    program.task.rest = REST_ENDED;
    cr_expect_not(armed(&program));
    end(&program);
}
