/* tests/test_observe_view.c: sockets, servers, processes, places and student time of a program. */
#include "observe/internal.h"
#include "tests/observe_lab.h"
#include "tests/rivals.h"

#include <criterion/criterion.h>
#include <sys/sysinfo.h>

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
    cr_assert_eq(lab_ask(lab, fd, 'n'), LAB_SILENT, "%s", lab->report.why);
    return fd;
}

static struct process_stats processes(struct lab *lab)
{
    struct process_stats stats;
    cr_assert_eq(observe_processes(lab->observer, box_init_pid(lab->boxes[0]), &stats, &lab->err),
                 0, "%s", lab->err.text);
    return stats;
}

static void expect_where(struct lab *lab, const char *text)
{
    AUTO_FREE char *where = observe_where(lab->observer, box_init_pid(lab->boxes[0]));
    cr_expect_not_null(strstr(where, text), "\"%s\" is not in:\n%s", text, where);
}

static const struct socket_entry *find(const struct socket_entry *all, size_t count, int state,
                                       uint16_t local_port)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].state == state && all[i].local_port == local_port)
            return &all[i];
    return NULL;
}

Test(observe_view, socket_tables)
{
    struct lab lab;
    struct socket_entry *all = NULL;
    size_t count = 0;
    begin(&lab, "deaf");
    int fd = lab_connect(&lab, SOCK_STREAM);
    int second = lab_connect(&lab, SOCK_STREAM);
    cr_assert_eq(send(fd, "abc", 3, 0), 3);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    cr_assert_eq(
        observe_sockets(lab.observer, OBSERVE_PROGRAM_HOST, IPPROTO_TCP, &all, &count, &lab.err), 0,
        "%s", lab.err.text);
    const struct socket_entry *listener = find(all, count, TCP_LISTEN, STYLES_PORT);
    const struct socket_entry *connected = find(all, count, TCP_ESTABLISHED, STYLES_PORT);
    cr_assert_not_null(listener);
    cr_assert_not_null(connected);
    cr_expect_eq(listener->receive_queue, 1, "the second connection waits");
    cr_expect_eq(listener->send_queue, 16, "the backlog");
    cr_expect_neq(listener->inode, 0);
    cr_expect_str_eq(connected->local, NET_PROGRAM_ADDR);
    cr_expect_str_eq(connected->remote, NET_PEERS_ADDR);
    uint32_t unread = 0;
    for (size_t i = 0; i < count; i++)
        unread += all[i].state == TCP_ESTABLISHED ? all[i].receive_queue : 0;
    cr_expect_eq(unread, 3);
    free(all);
    expect_where(&lab, "pause (waiting for a signal)");
    cr_assert_eq(
        observe_sockets(lab.observer, OBSERVE_PEERS_HOST, IPPROTO_TCP, &all, &count, &lab.err), 0);
    cr_expect_eq(count, 2, "both ends of the peers, no listener");
    free(all);
    close(fd);
    close(second);
    lab_close(&lab);
}

Test(observe_view, where_in_words)
{
    struct lab lab;
    begin(&lab, "block");
    expect_where(&lab, "on fd 3 (listening on 0.0.0.0 port 7007), 0 connections waiting\n");
    int fd = join(&lab);
    expect_where(&lab, "recvfrom on fd 4 (10.0.0.2:7007 <- 10.0.0.1:");
    expect_where(&lab, ", connected), 0 bytes unread\n");
    send(fd, "S", 1, 0);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_TIMED, "%s", lab.report.why);
    expect_where(&lab, "nanosleep (sleeping)\n");
    close(fd);
    lab_stop(&lab, 0);
    cr_assert_eq(lab_start(&lab, 0, "poll"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    fd = join(&lab);
    expect_where(&lab,
                 "poll on fd 3 (listening on 0.0.0.0 port 7007), 0 connections waiting; fd 4 (");
    close(fd);
    lab_close(&lab);
}

Test(observe_view, where_of_several)
{
    struct lab lab;
    begin(&lab, "pool");
    expect_where(&lab, "thread");
    expect_where(&lab, "futex (waiting for another thread: a lock, a condition or a join)\n");
    expect_where(&lab, "select");
    lab_stop(&lab, 0);
    cr_assert_eq(lab_start(&lab, 0, "pipe"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    int fd = join(&lab);
    expect_where(&lab, "(a pipe shared with process ");
    close(fd);
    lab_stop(&lab, 0);
    cr_assert_eq(lab_start(&lab, 0, "epoll"), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    expect_where(&lab, "(epoll of 2 descriptors)\n");
    lab_close(&lab);
}

Test(observe_view, processes_of_a_fork_server)
{
    struct lab lab;
    begin(&lab, "fork");
    struct process_stats before = processes(&lab);
    cr_expect(before.alive);
    cr_expect_eq(before.processes, 1);
    cr_expect_eq(before.children, 0);
    cr_expect_eq(before.threads, 1);
    cr_expect_eq(before.zombies, 0);
    cr_expect_gt(before.rss_kib, 0);
    int first = join(&lab);
    int second = join(&lab);
    struct process_stats served = processes(&lab);
    cr_expect_eq(served.processes, 3);
    cr_expect_eq(served.children, 2);
    cr_expect_eq(served.fds, before.fds, "the listening process closed what it handed over");
    cr_expect_eq(lab_ask(&lab, first, 'C'), LAB_ANSWERED);
    cr_expect_geq(processes(&lab).cpu_us, served.cpu_us + 50000);
    close(first);
    close(second);
    cr_expect_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    cr_expect_eq(processes(&lab).processes, 1);
    cr_assert_eq(box_signal(lab.boxes[0], SIGKILL, &lab.err), 0);
    cr_expect_eq(lab_settle(&lab), ACTIVITY_GONE);
    cr_expect_not(processes(&lab).alive);
    lab_close(&lab);
}

Test(observe_view, threads_and_descriptors)
{
    struct lab lab;
    begin(&lab, "thread");
    struct process_stats before = processes(&lab);
    int fd = join(&lab);
    struct process_stats served = processes(&lab);
    cr_expect_eq(served.threads, before.threads + 1);
    cr_expect_eq(served.fds, before.fds + 1);
    cr_expect_eq(served.children, 0);
    close(fd);
    lab_close(&lab);
}

/* The clock meets threads between two probes. Nobody has looked at what they do: what was proven before holds no longer. */
Test(observe_view, who_is_met_by_the_clock_is_not_taken_for_silent)
{
    struct lab lab;
    begin(&lab, "fork");
    int fds[] = {join(&lab), lab_connect(&lab, SOCK_STREAM)};
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "%s", lab.report.why);
    cr_assert(lab.observer->stable);
    close(fds[1]); /* its child ends */
    const size_t before = lab.observer->n_tasks;
    for (int i = 0; i < 10000 && lab.observer->n_tasks == before; i++)
        (void)observe_in_line_since(lab.observer);
    cr_assert_neq(lab.observer->n_tasks, before, "nobody has ended");
    cr_expect(!lab.observer->stable);
    close(fds[0]);
    lab_close(&lab);
}

/* Time in which the program waits for a CPU is not its own; no other time is taken off. */
Test(observe_view, student_time)
{
    struct lab lab;
    pid_t spinners[16];
    begin(&lab, "block");
    int fd = join(&lab);
    uint64_t wall = io_now_ns();
    uint64_t student = observe_student_ns(lab.observer, 0);
    rivals_start(spinners, ARRAY_SIZE(spinners), NULL);
    uint64_t gap = 0;
    for (int i = 0; i < 100 && gap < 2000000; i++) {
        uint64_t before = observe_student_ns(lab.observer, 0);
        cr_expect_eq(lab_ask(&lab, fd, 'c'), LAB_ANSWERED);
        uint64_t spent = observe_student_ns(lab.observer, 0) - student;
        cr_expect_geq(spent + student, before, "time went back");
        uint64_t passed = io_now_ns() - wall;
        cr_assert_leq(spent, passed, "more than the wall's");
        gap = passed - spent;
    }
    rivals_end(spinners, ARRAY_SIZE(spinners));
    cr_expect_geq(gap, 2000000, "the program never waited for a CPU");
    close(fd);
    lab_close(&lab);
}

/* One that spins and gets next to nothing of a processor does not pass for one that sleeps: its time is what it was given.
 * A cap on the run delay made a tenth of the wall's time of it, in which it had used hardly anything. */
Test(observe_view, time_of_a_starved_spinner)
{
    struct lab lab;
    pid_t rivals[60];
    cpu_set_t here;
    cpu_set_t all;
    rivals_stay_here(&here, &all);
    begin(&lab, "block");
    int fd = join(&lab);
    cr_assert_eq(sched_setaffinity(0, sizeof all, &all),
                 0); /* this process is not to starve, too */
    rivals_start(rivals, ARRAY_SIZE(rivals), &here);
    cr_assert_eq(send(fd, "b", 1, 0), 1);
    (void)observe_student_ns(lab.observer, 0);
    uint64_t wall = io_now_ns();
    lab.observer->clock =
        (struct student_clock){.start_ns = wall}; /* what was before does not count */
    const uint64_t from = processes(&lab).cpu_us;
    uint64_t before = from;
    uint64_t now = from;
    uint64_t last = wall;
    uint64_t since = wall;
    /* How long it has waited is known once it runs again. When that was is not known, for this process waits for a
     * processor, too: since the look before. */
    while (io_now_ns() < wall + 1000000000U || now == before) {
        last = since;
        since = io_now_ns();
        (void)lab_probe(&lab);
        before = now;
        now = processes(&lab).cpu_us;
    }
    uint64_t spent = observe_student_ns(lab.observer, 0);
    uint64_t unknown = io_now_ns() - last;
    uint64_t used = (now - from) * 1000;
    cr_expect_leq(spent, used + used / 2 + (io_now_ns() - wall) / 100 + unknown,
                  "%.1f ms of its own, %.1f ms used, %.1f ms not known", (double)spent / 1e6,
                  (double)used / 1e6, (double)unknown / 1e6);
    cr_expect(observe_works_hard(lab.observer, used), "it did nothing else");
    rivals_end(rivals, ARRAY_SIZE(rivals));
    close(fd);
    lab_close(&lab);
}

/* Who keeps all processors busy by himself is not kept from them by others; who sleeps has not worked either. */
Test(observe_view, who_works_hard)
{
    struct lab lab;
    int fds[32];
    const int count = get_nprocs() < 16 ? 2 * get_nprocs() : 32;
    begin(&lab, "fork");
    for (int i = 0; i < count; i++)
        fds[i] = join(&lab);
    cr_expect(!observe_works_hard(lab.observer, observe_student_ns(lab.observer, 0)));
    for (int i = 0; i < count; i++)
        cr_assert_eq(send(fds[i], "b", 1, 0), 1);
    bool hard = false;
    const uint64_t end = io_now_ns() + 60 * 1000000000ULL;
    while (!hard && io_now_ns() < end) {
        (void)lab_probe(&lab);
        hard = observe_works_hard(lab.observer, observe_student_ns(lab.observer, 0));
    }
    cr_expect(hard);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    lab_close(&lab);
}
