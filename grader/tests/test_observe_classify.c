/* tests/test_observe_classify.c: what a blocked call waits for, by its number and arguments; reading of /proc texts. The
 * blocked thread is played by this process: its own memory and descriptors. */
#include "base/io.h"
#include "base/own.h"
#include "observe/internal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static struct task classified(long call, unsigned long a, unsigned long b, unsigned long c,
                              unsigned long d, unsigned long e)
{
    struct task task = {.tid = getpid(), .tgid = getpid(), .call = call, .arg = {a, b, c, d, e}};
    obs_classify(&task);
    return task;
}

static enum rest rest_of(long call, unsigned long a, unsigned long b, unsigned long c,
                         unsigned long d, unsigned long e)
{
    return classified(call, a, b, c, d, e).rest;
}

static unsigned long at(const void *address)
{
    return (unsigned long)address;
}

Test(observe_classify, unknown_calls)
{
    cr_expect_eq(rest_of(SYS_restart_syscall, 0, 0, 0, 0, 0), REST_UNKNOWN);
    cr_expect_eq(rest_of(SYS_openat, 0, 0, 0, 0, 0), REST_UNKNOWN);
    cr_expect_eq(rest_of(SYS_close, 3, 0, 0, 0, 0), REST_UNKNOWN);
    cr_expect_eq(rest_of(SYS_exit_group, 0, 0, 0, 0, 0), REST_UNKNOWN);
    cr_expect_eq(rest_of(-1, 0, 0, 0, 0, 0), REST_UNKNOWN, "a page fault");
    cr_expect_eq(rest_of(SYS_fcntl, 0, F_GETFL, 0, 0, 0), REST_UNKNOWN);
    cr_expect_eq(rest_of(SYS_futex, 0, FUTEX_WAKE, 0, 0, 0), REST_UNKNOWN);
}

Test(observe_classify, calls_without_a_time)
{
    cr_expect_eq(rest_of(SYS_wait4, 0, 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_rt_sigsuspend, 0, 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_fcntl, 0, F_SETLKW, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_poll, 0, 0, (unsigned long)-1, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_poll, 0, 0, 0xffffffff, 0, 0), REST_INPUT, "an int in a register");
    cr_expect_eq(rest_of(SYS_epoll_wait, 0, 0, 0, 0xffffffff, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_select, 0, 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_ppoll, 0, 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_futex, 0, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_setitimer, 0, 0, 0, 0, 0), REST_LEDGER);
}

Test(observe_classify, relative_times)
{
    struct timespec span = {2, 5};
    struct timeval coarse = {1, 7};
    cr_expect_eq(classified(SYS_poll, 0, 0, 250, 0, 0).sleep_ns, 250000000);
    cr_expect_eq(classified(SYS_nanosleep, at(&span), 0, 0, 0, 0).sleep_ns, 2000000005);
    cr_expect_eq(classified(SYS_ppoll, 0, 0, at(&span), 0, 0).sleep_ns, 2000000005);
    cr_expect_eq(classified(SYS_select, 0, 0, 0, 0, at(&coarse)).sleep_ns, 1000007000);
    cr_expect_eq(classified(SYS_futex, 0, FUTEX_WAIT, 0, at(&span), 0).sleep_ns, 2000000005);
    cr_expect_eq(rest_of(SYS_nanosleep, at(&span), 0, 0, 0, 0), REST_TIMED);
    cr_expect_eq(rest_of(SYS_nanosleep, 8, 0, 0, 0, 0), REST_UNKNOWN, "unreadable memory");
    span.tv_sec = INT64_MAX / 2;
    cr_expect_eq(classified(SYS_nanosleep, at(&span), 0, 0, 0, 0).sleep_ns, 0, "no overflow");
    cr_expect_eq(rest_of(SYS_nanosleep, at(&span), 0, 0, 0, 0), REST_TIMED);
}

static void expect_end(long call, unsigned long a, unsigned long b, const struct timespec *end,
                       uint64_t expected)
{
    struct task task = classified(call, a, b, at(end), at(end), 0);
    cr_expect_eq(task.rest, REST_TIMED);
    cr_assert_lt(task.sleep_ns, 0);
    uint64_t found = (uint64_t)-task.sleep_ns;
    uint64_t off = found > expected ? found - expected : expected - found;
    cr_expect_lt(off, 1000000000ULL, "another clock was taken");
}

Test(observe_classify, absolute_times)
{
    struct timespec monotonic;
    struct timespec real;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &real);
    uint64_t expected = io_now_ns() + 100 * NSEC_PER_SEC;
    monotonic.tv_sec += 100;
    real.tv_sec += 100;
    expect_end(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &monotonic, expected);
    expect_end(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &real, expected);
    expect_end(SYS_futex, 0, FUTEX_WAIT_BITSET, &monotonic, expected);
    expect_end(SYS_futex, 0, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, &real, expected);
}

Test(observe_classify, descriptors)
{
    int ends[2];
    int pair[2];
    struct timeval span = {3, 0};
    char name[] = "/tmp/observe-classify.XXXXXX";
    AUTO_CLOSE int file = mkstemp(name);
    AUTO_CLOSE int event = eventfd(0, EFD_CLOEXEC);
    unlink(name);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    cr_expect_eq(rest_of(SYS_read, (unsigned long)ends[0], 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_write, (unsigned long)ends[1], 0, 0, 0, 0), REST_OUTPUT);
    cr_expect_eq(rest_of(SYS_read, (unsigned long)event, 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_read, (unsigned long)file, 0, 0, 0, 0), REST_UNKNOWN, "FUSE, NFS");
    cr_expect_eq(rest_of(SYS_read, 9999, 0, 0, 0, 0), REST_UNKNOWN);
    cr_expect_eq(rest_of(SYS_recvfrom, (unsigned long)pair[0], 0, 0, 0, 0), REST_INPUT);
    cr_expect_eq(rest_of(SYS_sendto, (unsigned long)pair[0], 0, 0, 0, 0), REST_OUTPUT);
    cr_assert_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &span, sizeof span), 0);
    struct task task = classified(SYS_recvfrom, (unsigned long)pair[0], 0, 0, 0, 0);
    cr_expect_eq(task.rest, REST_TIMED);
    cr_expect_eq(task.sleep_ns, 3000000000);
    cr_expect_eq(rest_of(SYS_read, (unsigned long)pair[0], 0, 0, 0, 0), REST_TIMED);
    cr_expect_eq(rest_of(SYS_sendto, (unsigned long)pair[0], 0, 0, 0, 0), REST_OUTPUT);
    cr_expect_eq(rest_of(SYS_recvfrom, 9999, 0, 0, 0, 0), REST_UNKNOWN);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(pair[i]);
    }
}

Test(observe_classify, proc_texts)
{
    unsigned long long value = 0;
    const char *stat = "7 (a) S (b) R) T 3 4 5";
    const char *status = "Name:\tThreads:\t9\nThreads:\t12\nSigCgt:\t0000000000002000\n";
    cr_expect_eq(obs_stat_field(stat, 4), 3, "the command may hold brackets");
    cr_expect_eq(obs_stat_field(stat, 6), 5);
    cr_expect_eq(obs_stat_field(stat, 7), 0, "not there");
    cr_expect_eq(obs_stat_field("nonsense", 4), 0);
    cr_expect(obs_status_field(status, "Threads", 10, &value));
    cr_expect_eq(value, 12, "not the one in the name");
    cr_expect(obs_status_field(status, "SigCgt", 16, &value));
    cr_expect_eq(value, 0x2000);
    cr_expect_not(obs_status_field(status, "SigBlk", 16, &value));
    cr_expect_not(obs_status_field(status, "Name", 10, &value), "not a number");
}
