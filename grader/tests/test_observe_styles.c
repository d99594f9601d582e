/* tests/test_observe_styles.c: every style of server, answering at once, late, never, closing late, dying. In none of them
 * may "silent" come before what the program still does. */
#include "tests/observe_lab.h"

#include <criterion/criterion.h>

struct expectation {
    const char *style;
    const char *answers; /* commands with one answer, see observe_styles.h */
    bool stream;
    enum lab_end death; /* what the peer sees of "d" */
};

static const struct expectation expectations[] = {
    {"block", "icsf", true, LAB_CLOSED},   {"fork", "icsf", true, LAB_CLOSED},
    {"prefork", "icsf", true, LAB_CLOSED}, {"thread", "icsf", true, LAB_CLOSED},
    {"pool", "icsft", true, LAB_CLOSED},   {"threads", "icsft", true, LAB_CLOSED},
    {"select", "icsf", true, LAB_CLOSED},  {"poll", "icsf", true, LAB_CLOSED},
    {"epoll", "icsf", true, LAB_CLOSED},   {"epollet", "icsf", true, LAB_CLOSED},
    {"sigio", "icsf", true, LAB_CLOSED},   {"udp", "ics", false, LAB_GONE},
};

static void expect_server(struct lab *lab, bool stream)
{
    struct socket_entry *servers = NULL;
    size_t count = 0;
    cr_assert_eq(
        observe_servers(lab->observer, box_init_pid(lab->boxes[0]), &servers, &count, &lab->err), 0,
        "%s", lab->err.text);
    cr_assert_eq(count, 1);
    cr_expect_eq(servers[0].local_port, STYLES_PORT);
    cr_expect_eq(servers[0].protocol, stream ? IPPROTO_TCP : IPPROTO_UDP);
    free(servers);
}

static void expect_style(const char *name)
{
    struct lab lab;
    const struct expectation *expected = expectations;
    while (strcmp(expected->style, name) != 0)
        expected++;
    int type = expected->stream ? SOCK_STREAM : SOCK_DGRAM;
    cr_assert_eq(lab_open(&lab), 0, "%s", lab.err.text);
    lab.ledger = true; /* as the driver has it */
    cr_assert_eq(lab_start(&lab, 0, name), 0, "%s", lab.err.text);
    cr_assert_eq(lab_settle(&lab), ACTIVITY_SILENT, "start: %s", lab.report.why);
    expect_server(&lab, expected->stream);
    int fd = lab_connect(&lab, type);
    cr_assert_geq(fd, 0, "%s", lab.err.text);
    for (int round = 0; round < 3; round++) {
        cr_expect_eq(lab_ask(&lab, fd, 'n'), LAB_SILENT, "%s does not rest: %s", name,
                     lab.report.why);
        for (const char *command = expected->answers; *command; command++)
            cr_expect_eq(lab_ask(&lab, fd, *command), LAB_ANSWERED, "%s, %c", name, *command);
        cr_expect_eq(lab_ask(&lab, fd, 'w'), LAB_ANSWERED, "%s, first answer", name);
        cr_expect_eq(lab_await(&lab, fd), LAB_ANSWERED, "%s, second answer", name);
        cr_expect_eq(lab_await(&lab, fd), LAB_SILENT, "%s, no third answer", name);
    }
    if (expected->stream) {
        cr_expect_eq(lab_ask(&lab, fd, 'l'), LAB_CLOSED, "%s, closes late", name);
        close(fd);
        fd = lab_connect(&lab, type);
        cr_assert_geq(fd, 0, "%s", lab.err.text);
    }
    cr_expect_eq(lab_ask(&lab, fd, 'd'), expected->death, "%s, dies", name);
    close(fd);
    lab_close(&lab);
}

#define STYLE_TEST(name)                                                                           \
    Test(observe_styles, name)                                                                     \
    {                                                                                              \
        expect_style(#name);                                                                       \
    }

STYLE_TEST(block)
STYLE_TEST(fork)
STYLE_TEST(prefork)
STYLE_TEST(thread)
STYLE_TEST(threads)
STYLE_TEST(pool)
STYLE_TEST(select)
STYLE_TEST(poll)
STYLE_TEST(epoll)
STYLE_TEST(epollet)
STYLE_TEST(sigio)
STYLE_TEST(udp)
