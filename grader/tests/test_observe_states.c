/* tests/test_observe_states.c: every answer of observe_activity() but "silent", and what changes it. */
#include "tests/observe_lab.h"

#include <criterion/criterion.h>

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

static void tell(int fd, char command)
{
    cr_assert_eq(send(fd, &command, 1, MSG_NOSIGNAL), 1);
}

/* A sleeper is awaited: the end of its sleep lies in the interval that was foretold. */
Test(observe_states, timed)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    uint64_t asked = io_now_ns();
    tell(fd, 'S');
    cr_assert_eq(lab_settle(&lab), ACTIVITY_TIMED, "%s", lab.report.why);
    cr_expect_geq(lab.report.wake_lo_ns, asked);
    cr_expect_leq(lab.report.wake_lo_ns, lab.report.wake_hi_ns);
    cr_expect_geq(lab.report.wake_hi_ns, asked + 300000000ULL);
    uint64_t lo = lab.report.wake_lo_ns;
    cr_expect_eq(lab_await(&lab, fd), LAB_ANSWERED);
    cr_expect_geq(io_now_ns(), lo, "it woke before it could have");
    close(fd);
    lab_close(&lab);
}

/* Looks every 50 ms by itself: never silent, whatever comes of it. */
Test(observe_states, ticks)
{
    struct lab lab;
    cr_assert_eq(lab_open(&lab), 0, "%s", lab.err.text);
    cr_assert_eq(lab_start(&lab, 0, "tick"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT);
    int fd = join(&lab);
    cr_expect_eq(lab_ask(&lab, fd, 'i'), LAB_ANSWERED);
    cr_expect_eq(lab_settle(&lab), ACTIVITY_TIMED);
    close(fd);
    lab_close(&lab);
}

Test(observe_states, busy)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    tell(fd, 'b');
    while (lab_probe(&lab) == ACTIVITY_SILENT || lab.report.state == ACTIVITY_NETWORK)
        continue; /* the byte may not have arrived */
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(lab_probe(&lab), ACTIVITY_BUSY);
        poll(NULL, 0, 1);
    }
    close(fd);
    lab_close(&lab);
}

static void drain(int fd, size_t bytes)
{
    char block[4096];
    for (size_t got = 0; got < bytes;) {
        cr_assert_neq(io_poll(fd, POLLIN, io_now_ns() + LAB_PATIENCE), 0);
        ssize_t len = recv(fd, block, sizeof block, MSG_DONTWAIT);
        if (len < 0 && errno == ENOTSOCK)
            len = read(fd, block, sizeof block);
        cr_assert(len > 0 || errno == EAGAIN);
        got += len > 0 ? (size_t)len : 0;
    }
}

/* Blocked in write to a full stdout; goes on once that is read. */
Test(observe_states, output_to_stdout)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    tell(fd, 'o');
    cr_expect_eq(lab_settle(&lab), ACTIVITY_OUTPUT, "%s", lab.report.why);
    drain(lab.out[0], (size_t)1 << 17); /* more than the pipe holds: it went on */
    cr_expect_eq(lab_settle(&lab), ACTIVITY_OUTPUT, "%s", lab.report.why);
    close(fd);
    lab_close(&lab);
}

/* Blocked in a send that its peer does not read. */
Test(observe_states, output_to_peer)
{
    struct lab lab;
    begin(&lab, "thread");
    int fd = join(&lab);
    tell(fd, 'O');
    cr_expect_eq(lab_settle(&lab), ACTIVITY_OUTPUT, "%s", lab.report.why);
    drain(fd, (size_t)1 << 22);
    cr_expect_eq(lab_settle(&lab), ACTIVITY_OUTPUT, "%s", lab.report.why);
    close(fd);
    lab_close(&lab);
}

/* The other way round: the program never reads, the peer's bytes rest before its closed window. It will not act. */
Test(observe_states, unread_input)
{
    struct lab lab;
    char block[4096] = {0};
    begin(&lab, "deaf");
    int fd = join(&lab);
    while (io_poll(fd, POLLOUT, io_now_ns() + 300000000ULL) & POLLOUT)
        if (send(fd, block, sizeof block, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            cr_assert_eq(errno, EAGAIN);
    cr_expect_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    close(fd);
    lab_close(&lab);
}

Test(observe_states, gone)
{
    struct lab lab;
    begin(&lab, "prefork");
    cr_assert_eq(box_signal(lab.boxes[0], SIGKILL, &lab.err), 0, "%s", lab.err.text);
    cr_expect_eq(lab_settle(&lab), ACTIVITY_GONE, "%s", lab.report.why);
    lab_close(&lab);
}

/* A zombie never runs again: it is no reason for doubt. */
Test(observe_states, zombie)
{
    struct lab lab;
    begin(&lab, "block");
    int fd = join(&lab);
    struct process_stats stats;
    cr_expect_eq(lab_ask(&lab, fd, 'z'), LAB_SILENT, "%s", lab.report.why);
    cr_assert_eq(observe_processes(lab.observer, box_init_pid(lab.boxes[0]), &stats, &lab.err), 0);
    cr_expect_eq(stats.zombies, 1);
    cr_expect_eq(stats.processes, 1);
    close(fd);
    lab_close(&lab);
}

/* A stopped program does nothing until it is continued. */
Test(observe_states, stopped)
{
    struct lab lab;
    begin(&lab, "select");
    int fd = join(&lab);
    cr_expect_eq(lab_ask(&lab, fd, 'n'), LAB_SILENT);
    cr_assert_eq(box_signal(lab.boxes[0], SIGSTOP, &lab.err), 0, "%s", lab.err.text);
    cr_expect_eq(lab_ask(&lab, fd, 'i'), LAB_SILENT, "%s", lab.report.why);
    cr_assert_eq(box_signal(lab.boxes[0], SIGCONT, &lab.err), 0, "%s", lab.err.text);
    cr_expect_eq(lab_await(&lab, fd), LAB_ANSWERED);
    close(fd);
    lab_close(&lab);
}

/* Two boxes on one host: the answer speaks for both. */
Test(observe_states, two_boxes)
{
    struct lab lab;
    begin(&lab, "block");
    cr_assert_eq(lab_start(&lab, 1, "udp"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    int tcp = join(&lab);
    int udp = lab_connect(&lab, SOCK_DGRAM);
    cr_expect_eq(lab_ask(&lab, udp, 's'), LAB_ANSWERED);
    cr_expect_eq(lab_ask(&lab, tcp, 'c'), LAB_ANSWERED);
    cr_expect_eq(lab_ask(&lab, tcp, 'n'), LAB_SILENT);
    tell(udp, 'S');
    cr_expect_eq(lab_settle(&lab), ACTIVITY_TIMED);
    lab_stop(&lab, 1);
    cr_expect_eq(lab_ask(&lab, tcp, 'n'), LAB_SILENT);
    close(tcp);
    close(udp);
    lab_close(&lab);
}

/* Nothing is watched: nothing can act. */
Test(observe_states, empty)
{
    struct lab lab;
    cr_assert_eq(lab_open(&lab), 0, "%s", lab.err.text);
    cr_expect_eq(lab_probe(&lab), ACTIVITY_GONE);
    for (int state = ACTIVITY_BUSY; state <= ACTIVITY_UNKNOWN; state++)
        cr_expect_not_null(activity_name((enum activity)state));
    lab_close(&lab);
}
