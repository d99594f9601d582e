/* hostile/attacks/network.c: out of the little network, or into the other host of it. */
#define _GNU_SOURCE
#include "attack.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>

/* 47: arguments: a port at which something listens on the machine's 127.0.0.1. */
static void outside(char **port)
{
    unsigned number = (unsigned)atoi(*port);
    say("loopback", connect_v4(SOCK_STREAM, "127.0.0.1", number));
    say("loopback udp", connect_v4(SOCK_DGRAM, "127.0.0.53", 53) < 0
                            ? -1
                            : send(connect_v4(SOCK_DGRAM, "127.0.0.1", number), "x", 1, 0));
    say("documentation", connect_v4(SOCK_DGRAM, "192.0.2.1", 53));
    say("metadata", connect_v4(SOCK_DGRAM, "169.254.169.254", 80));
    say("peer", connect_v4(SOCK_DGRAM, "10.0.0.1", 80));
}

/* 48: arguments: the abstract name. */
static void abstract(char **name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, *name, strlen(*name));
    say("abstract",
        connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(*name))));
}

/* 49, 50 */
static void families(char **none)
{
    (void)none;
    static const struct {
        const char *name;
        int family, type, protocol;
    } tries[] = {
        {"vsock", 40, SOCK_STREAM, 0},   {"packet", 17, SOCK_RAW, 0},
        {"alg", 38, SOCK_SEQPACKET, 0},  {"xdp", 44, SOCK_RAW, 0},
        {"can", 29, SOCK_RAW, 1},        {"bluetooth", 31, SOCK_RAW, 1},
        {"tipc", 30, SOCK_DGRAM, 0},     {"rds", 21, SOCK_SEQPACKET, 0},
        {"netfilter", 16, SOCK_RAW, 12}, {"kobject", 16, SOCK_DGRAM, 15},
        {"mptcp", 2, SOCK_STREAM, 262},  {"sctp", 2, SOCK_STREAM, 132},
        {"raw", 2, SOCK_RAW, 1},         {"raw 6", 10, SOCK_RAW, 58},
        {"route", 16, SOCK_RAW, 0},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        say(tries[i].name, socket(tries[i].family, tries[i].type, tries[i].protocol));
}

static long ask_kernel(int type, int index, unsigned flags, unsigned change)
{
    struct {
        struct nlmsghdr head;
        struct ifinfomsg link;
    } request = {{sizeof request, (uint16_t)type, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
                 {AF_UNSPEC, 0, 0, index, flags, change}};
    char answer[512];
    int fd = socket(AF_NETLINK, SOCK_RAW, 0);
    if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, answer, sizeof answer, 0) < 0)
        return -1;
    errno = -((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
    close(fd);
    return errno ? -1 : 0;
}

/* 51 */
static void reconfigure(char **none)
{
    (void)none;
    say("promiscuous", ask_kernel(RTM_NEWLINK, 1, IFF_PROMISC, IFF_PROMISC));
    say("lo down", ask_kernel(RTM_NEWLINK, 1, 0, IFF_UP));
    say("lo up", ask_kernel(RTM_NEWLINK, 1, IFF_UP, IFF_UP));
    struct ifreq request = {.ifr_name = "lo"};
    struct sockaddr_in address = v4("127.0.0.9", 0);
    memcpy(&request.ifr_addr, &address, sizeof address);
    say("address", ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFADDR, &request));
    say("forward", open("/proc/sys/net/ipv4/ip_forward", O_WRONLY));
}

static long bind_to(const char *address, int level, int option)
{
    struct sockaddr_in name = v4(address, 7007);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int yes = 1;
    if (option && setsockopt(fd, level, option, &yes, sizeof yes) != 0)
        return -1;
    return bind(fd, (struct sockaddr *)&name, sizeof name);
}

/* 52, 53: to be the grader's peer. Binding to a foreign address with IP_FREEBIND is allowed to anybody; what counts is
 * that nothing sent from it arrives, which the scenario looks at. Arguments: the peer's address and port. */
static void squat(char **peer)
{
    struct sockaddr_in to = v4(peer[0], (unsigned)atoi(peer[1]));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int yes = 1;
    say("peer", bind_to(peer[0], 0, 0));
    say("transparent", bind_to(peer[0], IPPROTO_IP, IP_TRANSPARENT));
    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof yes);
    struct sockaddr_in other = v4("10.0.0.77", 7008);
    bind(fd, (struct sockaddr *)&other, sizeof other);
    sendto(fd, "spoofed", 7, 0, (struct sockaddr *)&to, sizeof to);
    fd = connect_v4(SOCK_DGRAM, peer[0], (unsigned)atoi(peer[1]));
    say("honest", send(fd, "honest", 6, 0));
}

/* 54: as many packets as go out in a second. */
static void flood(char **peer)
{
    static char datagram[1400];
    int fd = connect_v4(SOCK_DGRAM, peer[0], (unsigned)atoi(peer[1]));
    time_t end = time(NULL) + 2;
    long sent = 0;
    while (time(NULL) < end)
        sent += send(fd, datagram, sizeof datagram, 0) > 0;
    tell("sent", "%s", sent > 1000 ? "ok" : "few");
}

/* 77: datagrams of every size that UDP allows, and some that it does not. */
static void oversize(char **peer)
{
    static char datagram[70000];
    static const size_t sizes[] = {0, 1, 1472, 1473, 65507, 65508, 70000};
    int fd = connect_v4(SOCK_DGRAM, peer[0], (unsigned)atoi(peer[1]));
    int sent = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int k = 0; k < 50; k++)
            sent += send(fd, datagram, sizes[i], 0) >= 0;
    tell("sent", "%s", sent == 250 ? "ok" : "other");
}

static void meet_at(const char *name, long result)
{
    if (result >= 0)
        return;
    tell("met", "%s %s", name, strerrorname_np(errno));
    exit(0);
}

/* 73, 79: another one like this, at the same time, must not be met. */
static void rendezvous(char **none)
{
    (void)none;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sg-hostile-meet"};
    struct sockaddr_in place = v4("127.0.0.1", 7117);
    meet_at("abstract",
            bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
    meet_at("port", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&place, sizeof place));
    meet_at("tmp", open("/tmp/sg-hostile-meet", O_CREAT | O_EXCL, 0600));
    meet_at("shm", open("/dev/shm/sg-hostile-meet", O_CREAT | O_EXCL, 0600));
    meet_at("sysv", syscall(SYS_shmget, 7117, 4096, 03600));
    pause_ms(400);
    unlink("/tmp/sg-hostile-meet");
    unlink("/dev/shm/sg-hostile-meet");
    syscall(SYS_shmctl, syscall(SYS_shmget, 7117, 4096, 0600), 0, NULL);
    tell("met", "nobody");
}

/* 85: was this program here before? */
static void remember(char **none)
{
    (void)none;
    bool again = open("/tmp/sg-hostile-again", O_CREAT | O_EXCL, 0600) < 0;
    again = open("/dev/shm/sg-hostile-again", O_CREAT | O_EXCL, 0600) < 0 || again;
    again = open("sg-hostile-again", O_CREAT | O_EXCL, 0600) < 0 || again;
    again = syscall(SYS_shmget, 7118, 4096, 03600) < 0 || again;
    struct sockaddr_in name = v4("127.0.0.1", 7118);
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* and its port, without SO_REUSEADDR */
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 1) == 0) {
        int to = connect_v4(SOCK_STREAM, "127.0.0.1", 7118);
        close(accept(fd, NULL, NULL)); /* it closes first: TIME_WAIT */
        close(to);
    } else {
        again = true;
    }
    tell("again", "%s", again ? "ok" : "first");
}

/* 84: sockets of this network in flight between sockets, in a ring, which only the kernel's collector can undo. */
static void holdout(char **none)
{
    (void)none;
    for (int i = 0; i < 50; i++) {
        int ring[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, ring);
        int passed[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_DGRAM, 0), ring[0],
                        ring[1]};
        for (int k = 0; k < 2; k++)
            pass_descriptors(ring[k], passed, 4);
        for (int k = 0; k < 4; k++)
            close(passed[k]);
    }
    tell("in flight", "ok");
}

static const struct mode modes[] = {
    {"outside", outside},   {"abstract", abstract},
    {"families", families}, {"reconfigure", reconfigure},
    {"squat", squat},       {"flood", flood},
    {"oversize", oversize}, {"rendezvous", rendezvous},
    {"holdout", holdout},   {"remember", remember},
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
