/* tests of sandbox/: a network with a switch, from host to host: what is to be lost is lost, what is to be late is late, and
 * nothing of it is left afterwards. Which packet it is, and when, is tested without a network in test_sandbox_line.c. */
#include "tests/switch_lab.h"

#include <dirent.h>
#include <netinet/tcp.h>

TestSuite(switched, .init = open_lab, .fini = close_lab, .timeout = 240);

/* Sends a, b, c, ... from one end; what came to the other, in order. */
static void send_letters(int from, int to, int n, char *text, size_t size)
{
    size_t got = 0;
    for (int i = 0; i < n; i++) {
        char letter = (char)('a' + i);
        cr_assert(send(from, &letter, 1, 0) == 1, "%s", strerror(errno));
    }
    await_rest();
    while (got + 1 < size && recv(to, text + got, 1, MSG_DONTWAIT) == 1)
        got++;
    text[got] = '\0';
}

static void expect_letters(const struct net_faults *faults, int family, const char *to_program,
                           const char *to_peers)
{
    char text[128];
    int program = -1;
    int peers = -1;
    make_network(faults);
    udp_pair(family, &program, &peers);
    send_letters(peers, program, 12, text, sizeof text);
    cr_expect_str_eq(text, to_program);
    send_letters(program, peers, 12, text, sizeof text);
    cr_expect_str_eq(text, to_peers);
    (void)close(program);
    (void)close(peers);
}

Test(switched, every_third_to_the_program_is_lost_and_none_to_the_peers)
{
    struct net_faults faults = {.seed = 1};
    faults.ways[NET_HOST_PROGRAM].loss.every = 3;
    expect_letters(&faults, AF_INET, "abdeghjk", "abcdefghijkl");
    struct net_counts counts[2];
    network_counts(lab.network, counts);
    cr_expect_eq(counts[NET_HOST_PROGRAM].packets, 12);
    cr_expect_eq(counts[NET_HOST_PROGRAM].lost, 4);
    cr_expect_eq(counts[NET_HOST_PEERS].packets, 12);
    cr_expect_eq(counts[NET_HOST_PEERS].lost, 0);
    cr_expect_eq(counts[NET_HOST_PEERS].overflowed, 0);
}

Test(switched, the_named_are_repeated_and_pairs_are_swapped)
{
    struct net_faults faults = {.seed = 1};
    faults.ways[NET_HOST_PROGRAM].duplicate = (struct net_choice){.numbers = {2}, .n_numbers = 1};
    faults.ways[NET_HOST_PEERS].reorder = (struct net_choice){.numbers = {1, 3}, .n_numbers = 2};
    expect_letters(&faults, AF_INET6, "abbcdefghijkl", "badcefghijkl");
}

static void draw(uint64_t seed, char *text, size_t size)
{
    struct net_faults faults = {.seed = seed};
    int program = -1;
    int peers = -1;
    faults.ways[NET_HOST_PROGRAM].loss.share = 0.5;
    make_network(&faults);
    udp_pair(AF_INET, &program, &peers);
    send_letters(peers, program, 26, text, size);
    (void)close(program);
    (void)close(peers);
}

Test(switched, the_seed_decides)
{
    char first[64];
    char again[64];
    char other[64];
    draw(1, first, sizeof first);
    draw(1, again, sizeof again);
    draw(2, other, sizeof other);
    cr_expect_str_eq(first, again);
    cr_expect_str_neq(first, other);
    cr_expect(first[0] && strlen(first) < 26, "%s", first);
}

/* Not one datagram arrives sooner than the delay after it was sent; how much later depends on the machine. */
Test(switched, nothing_arrives_before_its_time)
{
    struct net_faults faults = {.ways = {{.delay_s = 0.05}, {.delay_s = 0.05}}};
    int program = -1;
    int peers = -1;
    char byte = 'x';
    make_network(&faults);
    udp_pair(AF_INET, &program, &peers);
    for (int i = 0; i < 3; i++) {
        uint64_t sent = io_now_ns();
        cr_assert(send(peers, &byte, 1, 0) == 1);
        cr_assert(io_poll(program, POLLIN, sent + LAB_PATIENCE) & POLLIN);
        cr_expect_geq(io_now_ns() - sent, 50000000);
        cr_assert(recv(program, &byte, 1, 0) == 1);
    }
    (void)close(program);
    (void)close(peers);
}

/* ---- the size of packets ---- */

static int number_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    cr_assert(getsockopt(fd, level, name, &value, &len) == 0, "%s", strerror(errno));
    return value;
}

/* The two ends of a connection; *ret_client belongs to the program. */
static int tcp_pair(int *ret_client)
{
    int listener = bound(NET_HOST_PEERS, AF_INET, SOCK_STREAM);
    cr_assert(listen(listener, 1) == 0);
    *ret_client = network_socket(lab.network, NET_HOST_PROGRAM, AF_INET, SOCK_STREAM, 0, &lab.err);
    join(*ret_client, NET_HOST_PEERS, AF_INET);
    cr_assert(io_poll(listener, POLLIN, io_now_ns() + LAB_PATIENCE) & POLLIN);
    int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    cr_assert(server >= 0);
    (void)close(listener);
    return server;
}

Test(switched, the_path_mtu_is_what_was_asked_for)
{
    const struct net_faults faults = {.mtu = 576};
    static const char bytes[1000];
    int program = -1;
    int peers = -1;
    int client = -1;
    make_network(&faults);
    udp_pair(AF_INET, &program, &peers);
    cr_expect_eq(number_option(program, IPPROTO_IP, IP_MTU), 576);
    cr_expect_eq(number_option(peers, IPPROTO_IP, IP_MTU), 576);
    int whole = IP_PMTUDISC_DO; /* not in fragments */
    cr_assert(setsockopt(peers, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole) == 0);
    cr_expect(send(peers, bytes, 576 - 28 + 1, 0) < 0 && errno == EMSGSIZE);
    cr_expect_eq(send(peers, bytes, 576 - 28, 0), 576 - 28);
    whole = IP_PMTUDISC_PROBE; /* against better knowledge: it does not get through */
    cr_assert(setsockopt(peers, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole) == 0);
    cr_expect_eq(send(peers, bytes, 1000, 0), 1000);
    await_rest();
    struct net_counts counts[2];
    network_counts(lab.network, counts);
    cr_expect_eq(counts[NET_HOST_PROGRAM].packets, 1);
    cr_expect_eq(counts[NET_HOST_PROGRAM].overflowed, 1);
    int server = tcp_pair(&client);
    cr_expect_leq(number_option(client, IPPROTO_TCP, TCP_MAXSEG), 576 - 40);
    cr_expect_leq(number_option(server, IPPROTO_TCP, TCP_MAXSEG), 576 - 40);
    (void)close(client);
    (void)close(server);
    (void)close(program);
    (void)close(peers);
}

/* A datagram that takes several packets arrives whole, and its repetition does, too. */
Test(switched, fragments_arrive_as_one_datagram)
{
    struct net_faults faults = {.mtu = 576};
    static char sent[5000];
    static char got[6000];
    int program = -1;
    int peers = -1;
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7 + i / 256);
    faults.ways[NET_HOST_PROGRAM].duplicate.every = 1;
    for (int family = AF_INET; family; family = family == AF_INET ? AF_INET6 : 0) {
        make_network(&faults);
        udp_pair(family, &program, &peers);
        cr_assert(send(peers, sent, sizeof sent, 0) == (ssize_t)sizeof sent);
        await_rest();
        for (int i = 0; i < 2; i++) {
            cr_expect_eq(recv(program, got, sizeof got, MSG_DONTWAIT), (ssize_t)sizeof sent);
            cr_expect_eq(memcmp(got, sent, sizeof sent), 0);
        }
        cr_expect(recv(program, got, sizeof got, MSG_DONTWAIT) < 0);
        (void)close(program);
        (void)close(peers);
    }
}

/* TCP mends everything: each byte once and in order, over the worst of lines and in the smallest of packets. */
Test(switched, tcp_arrives_intact)
{
    const struct net_way bad = {0.001, 0, {.share = 0.05}, {.share = 0.1}, {.share = 0.1}};
    const struct net_faults faults = {.mtu = NET_MIN_MTU, .seed = 3, .ways = {bad, bad}};
    uint8_t byte = 0;
    size_t sent = 0;
    size_t got = 0;
    const size_t all = 20000;
    int client = -1;
    make_network(&faults);
    int server = tcp_pair(&client);
    uint64_t deadline = io_now_ns() + LAB_PATIENCE;
    while (got < all && io_now_ns() < deadline) {
        uint8_t part[512];
        for (size_t i = 0; i < sizeof part; i++)
            part[i] = (uint8_t)((sent + i) % 251);
        size_t want = all - sent < sizeof part ? all - sent : sizeof part;
        ssize_t n = want ? send(server, part, want, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;
        sent += n > 0 ? (size_t)n : 0;
        if (n < 0)
            (void)io_poll(client, POLLIN, io_now_ns() + 10000000);
        for (; recv(client, &byte, 1, MSG_DONTWAIT) == 1; got++)
            cr_assert_eq(byte, got % 251, "at %zu", got);
    }
    cr_expect_eq(got, all);
    struct net_counts counts[2];
    network_counts(lab.network, counts);
    cr_expect_gt(counts[NET_HOST_PROGRAM].lost, 0);
    (void)close(client);
    (void)close(server);
}

/* ---- hostile programs, and what is left ---- */

static size_t own_memory(void)
{
    AUTO_BUF struct buf text;
    buf_init(&text, 0);
    cr_assert(io_read_file("/proc/self/statm", 1 << 12, &text, ERR_HOST, &lab.err) == 0);
    const char *second = strchr(text.data, ' ');
    return second ? strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

Test(switched, a_flood_is_cut_off)
{
    struct net_faults faults = {0};
    faults.ways[NET_HOST_PEERS].delay_s = 5;
    make_network(&faults);
    int sink = bound(NET_HOST_PEERS, AF_INET, SOCK_DGRAM);
    size_t before = own_memory();
    struct outcome *outcome = lab_attack(&lab, LAB_CODE({
        static char bytes[1400];
        struct sockaddr_in to = {.sin_family = AF_INET};
        to.sin_port = htons(7007);
        inet_pton(AF_INET, "10.0.0.1", &to.sin_addr);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        for (int i = 0; i < 100000; i++)
            sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to);
        printf("sent\n");
    }));
    struct net_counts counts[2];
    network_counts(lab.network, counts);
    cr_expect_text(outcome, "sent\n");
    cr_expect_gt(counts[NET_HOST_PEERS].overflowed, 90000);
    cr_expect_leq(counts[NET_HOST_PEERS].packets, 2048);
    cr_expect_lt(own_memory() - before, (size_t)16 << 20, "%zu", own_memory() - before);
    free(outcome);
    (void)close(sink);
}

static size_t count_entries(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    cr_assert(dir != NULL, "%s: %s", path, strerror(errno));
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

/* The keeper is the janitor's child. */
static pid_t first_child(pid_t parent)
{
    AUTO_BUF struct buf text;
    AUTO_FREE char *path = xasprintf("/proc/%d/task/%d/children", parent, parent);
    buf_init(&text, 0);
    cr_assert(io_read_file(path, 1 << 12, &text, ERR_HOST, &lab.err) == 0 && text.len, "%s", path);
    return (pid_t)strtol(text.data, NULL, 10);
}

/* Descriptors of hosts that are made ahead: of so many the keeper may have more or fewer at any time. */
#define AHEAD (2 * 4)

/* Neither a thread nor a descriptor, here or in the keeper; and what nobody holds the kernel takes down. Packets are
 * still under way when the network goes. */
Test(switched, nothing_is_left)
{
    struct net_faults faults = {.ways = {{.delay_s = 5}, {.delay_s = 5}}};
    AUTO_FREE char *keeper = xasprintf("/proc/%d/fd", first_child(first_child(getpid())));
    make_network(&faults); /* one before, one after */
    size_t threads = count_entries("/proc/self/task");
    size_t here = count_entries("/proc/self/fd");
    (void)close(bound(NET_HOST_PEERS, AF_INET,
                      SOCK_DGRAM)); /* one more request: it has closed the last one's */
    size_t there = geteuid() == 0 ? count_entries(keeper) : 0;
    for (int i = 0; i < 20; i++) {
        int program = -1;
        int peers = -1;
        make_network(&faults);
        udp_pair(AF_INET, &program, &peers);
        cr_assert(send(peers, "x", 1, 0) == 1 && send(program, "x", 1, 0) == 1);
        (void)close(program);
        (void)close(peers);
    }
    cr_expect_eq(count_entries("/proc/self/task"), threads);
    cr_expect_eq(count_entries("/proc/self/fd"), here);
    uint64_t deadline =
        io_now_ns() + LAB_PATIENCE; /* it closes what it handed out after it answered */
    while (geteuid() == 0 && count_entries(keeper) > there + AHEAD)
        cr_assert(io_now_ns() < deadline, "%zu, not %zu", count_entries(keeper), there);
}

/* A usual network has no switch, and says so. */
Test(switched, without_faults_there_is_no_switch)
{
    uint64_t frames = 1;
    size_t threads = count_entries("/proc/self/task");
    lab_network(&lab);
    cr_expect(network_rests(lab.network, &frames) && frames == 0);
    cr_expect_eq(count_entries("/proc/self/task"), threads);
}
