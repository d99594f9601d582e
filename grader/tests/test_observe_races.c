/* tests/test_observe_races.c: the moments at which a simpler look at a program says "silent" too early. Each test names
 * the part of the proof (observe/probe.c) that it needs; those marked * fail at once with that part switched off, the
 * others are rare events: here a few hundred tries, bench/silence.c has the long campaign. */
#include "tests/observe_lab.h"

#include <criterion/criterion.h>

#define TRIES 150

static void begin(struct lab *lab, const char *style)
{
    cr_assert_eq(lab_open(lab), 0, "%s", lab->err.text);
    cr_assert_eq(lab_start(lab, 0, style), 0, "%s", lab->err.text);
    cr_assert_eq(lab_settle(lab), ACTIVITY_SILENT, "start: %s", lab->report.why);
}

static int join(struct lab *lab)
{
    int fd = lab_connect(lab, SOCK_STREAM);
    cr_assert_geq(fd, 0, "%s", lab->err.text);
    return fd;
}

static void expect_eager_answers(const char *style, char command)
{
    struct lab lab;
    begin(&lab, style);
    int fd = join(&lab);
    for (int i = 0; i < TRIES; i++)
        cr_assert_eq(lab_ask_eagerly(&lab, fd, command), LAB_ANSWERED, "%s, %c, try %d", style,
                     command, i);
    close(fd);
    lab_close(&lab);
}

/* A thread that is being woken still shows its system call: the state is read after it, and again at the end. */
Test(observe_races, waking)
{
    expect_eager_answers("block", 'i');
}

/* The reader was seen asleep, hands over and sleeps again while its partner is looked at: run counts. */
Test(observe_races, pipe_hand_over)
{
    expect_eager_answers("pipe", 'i');
}

Test(observe_races, futex_hand_over)
{
    expect_eager_answers("pool", 'i');
}

/* A child that is forked while the probe runs: the walks. */
Test(observe_races, forked_child)
{
    expect_eager_answers("block", 'f');
}

/* A grandchild moves to PID 1 behind the back of one walk: two walks. */
Test(observe_races, double_fork)
{
    expect_eager_answers("prefork", 'g');
}

/* The parent of a vfork child blocks, in state D and in a call that no rule classifies: either keeps it from "silent". */
Test(observe_races, vfork_child)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(lab_ask_eagerly(&lab, fd, 'v'), LAB_ANSWERED);
    close(fd);
    lab_close(&lab);
}

/* * recv without a visible time-out, but with SO_RCVTIMEO on the socket: pidfd_getfd. */
Test(observe_races, receive_timeout)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    cr_expect_eq(lab_ask_eagerly(&lab, fd, 'k'), LAB_ANSWERED);
    cr_expect_eq(lab_ask(&lab, fd, 'n'), LAB_SILENT, "the time-out was taken off again");
    close(fd);
    lab_close(&lab);
}

/* * epoll without a time-out on an armed timerfd: its fdinfo. */
static void expect_timerfd(bool ledger)
{
    struct lab lab;
    cr_assert_eq(lab_open(&lab), 0, "%s", lab.err.text);
    lab.ledger = ledger;
    cr_assert_eq(lab_start(&lab, 0, "epoll"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "start: %s", lab.report.why);
    int fd = join(&lab);
    for (int i = 0; i < 2; i++)
        cr_expect_eq(lab_ask_eagerly(&lab, fd, 'y'), LAB_ANSWERED);
    cr_expect_eq(lab_ask(&lab, fd, 'n'), LAB_SILENT, "the timer is not armed any more");
    close(fd);
    lab_close(&lab);
}

Test(observe_races, timerfd)
{
    expect_timerfd(false);
}

Test(observe_races, timerfd_in_the_ledger)
{
    expect_timerfd(true);
}

/* * recv without a time-out while an alarm is pending: the ledger, or the signal that is caught. */
Test(observe_races, alarm)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    for (int i = 0; i < 2; i++)
        cr_expect_eq(lab_ask_eagerly(&lab, fd, 'a'), LAB_ANSWERED);
    close(fd);
    lab_close(&lab);
}

/* * The same with the ledger: also foretold, and silent afterwards. */
Test(observe_races, alarm_in_the_ledger)
{
    struct lab lab;
    cr_assert_eq(lab_open(&lab), 0, "%s", lab.err.text);
    lab.ledger = true;
    cr_assert_eq(lab_start(&lab, 0, "block"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "start: %s", lab.report.why);
    int fd = join(&lab);
    for (int i = 0; i < 3; i++) {
        uint64_t asked = io_now_ns();
        char command = 'a';
        cr_assert_eq(send(fd, &command, 1, MSG_NOSIGNAL), 1);
        while (lab_settle(&lab) == ACTIVITY_SILENT) /* the byte may not have arrived */
            cr_assert_lt(io_now_ns(), asked + LAB_PATIENCE);
        cr_expect_eq(lab.report.state, ACTIVITY_TIMED, "%s", lab.report.why);
        cr_expect_geq(lab.report.wake_lo_ns, asked + 100000000);
        cr_expect_geq(lab.report.wake_hi_ns, lab.report.wake_lo_ns);
        cr_expect_eq(lab_await(&lab, fd), LAB_ANSWERED);
    }
    cr_expect_eq(lab_ask(&lab, fd, 'n'), LAB_SILENT, "%s", lab.report.why);
    close(fd);
    lab_close(&lab);
}

/* * Bytes that TCP_CORK holds back leave by themselves; they look like those behind a closed window: the peer's queue must
 * hold bytes for that. */
Test(observe_races, cork)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    cr_expect_eq(lab_ask_eagerly(&lab, fd, 'K'), LAB_ANSWERED);
    close(fd);
    lab_close(&lab);
}

/* * A datagram to nobody: the sender is woken by an error seconds later (or never, on a network without address
 * resolution): the neighbour table. */
Test(observe_races, unreachable)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    enum lab_end outcome = lab_ask_eagerly(&lab, fd, 'u');
    if (outcome == LAB_SILENT) {
        char byte = 0;
        cr_expect_eq(io_poll(fd, POLLIN, io_now_ns() + 4000000000ULL), 0, "silent, then a byte");
        cr_expect_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    } else {
        cr_expect_eq(outcome, LAB_ANSWERED);
    }
    close(fd);
    lab_close(&lab);
}

/* The FIN is under way when all sleep again: socket table and markers. */
Test(observe_races, fin)
{
    struct lab lab;
    begin(&lab, "poll");
    for (int i = 0; i < TRIES; i++) {
        int fd = join(&lab);
        cr_assert_eq(lab_ask_eagerly(&lab, fd, i % 2 ? 'q' : 'l'), LAB_CLOSED, "try %d", i);
        close(fd);
    }
    lab_close(&lab);
}

/* Datagrams have no sender's queue: markers. */
Test(observe_races, datagrams)
{
    struct lab lab;
    begin(&lab, "udp");
    int fd = lab_connect(&lab, SOCK_DGRAM);
    cr_assert_geq(fd, 0, "%s", lab.err.text);
    for (int i = 0; i < TRIES; i++)
        cr_assert_eq(lab_ask_eagerly(&lab, fd, i % 2 ? 'i' : 'c'), LAB_ANSWERED, "try %d", i);
    close(fd);
    lab_close(&lab);
}
