/* hostile/attacks/keeper.c: to the descriptors of sockgrade's own: its sockets to the keeper and to init, its endpoints on
 * the peers' host, its pipes; by inheritance, by number, by name, and through the kernel's tables of sockets. */
#define _GNU_SOURCE
#include "attack.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#define MAX_FD   4096
#define MAX_PID  5000
#define NS_OWNER _IO(0xb7, 0x1) /* NS_GET_USERNS of ioctl_ns(2) */
#define NS_UPPER _IO(0xb7, 0x2) /* NS_GET_PARENT */

/* A socket that somebody forgot: is spoken to in the keeper's manner, and given a descriptor. */
static void inherited(char **none)
{
    (void)none;
    static const int request[512] = {0};
    int sockets = 0;
    int spoken = 0;
    int other = 0;
    for (int fd = 0; fd < MAX_FD; fd++) {
        struct stat status;
        if (fstat(fd, &status) != 0)
            continue;
        other += !S_ISSOCK(status.st_mode) && !S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode);
        if (!S_ISSOCK(status.st_mode))
            continue;
        sockets++;
        spoken += send(fd, request, sizeof request, MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
        pass_descriptors(fd, &(int){open("/", O_PATH)}, 1);
    }
    tell("sockets", "%s", sockets ? "ok" : "none");
    tell("spoken", "%s", spoken ? "ok" : "none");
    tell("others", "%s", other ? "ok" : "none");
}

/* Every process that can be named: its table of descriptors, a copy of one of them, its network. */
static void processes(char **none)
{
    (void)none;
    int lists = 0;
    int taken = 0;
    int entered = 0;
    int met = 0;
    for (pid_t pid = 1; pid < MAX_PID; pid++) {
        char path[64];
        if (pid == getpid() || (kill(pid, 0) != 0 && errno == ESRCH))
            continue;
        met += pid != 1;
        snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
        lists += opendir(path) != NULL;
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        for (int fd = 0; pidfd >= 0 && fd < 300; fd++)
            taken += syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0;
        entered += setns(pidfd, CLONE_NEWNS) == 0;
        close(pidfd);
    }
    tell("met", "%s", met ? "ok" : "none");
    tell("lists", "%s", lists ? "ok" : "none");
    tell("taken", "%s", taken ? "ok" : "none");
    tell("entered", "%s", entered ? "ok" : "none");
}

/* How many sockets of a kind the kernel tells of (sock_diag(7)); -1 where it does not answer. */
static long count_sockets(int family, int protocol)
{
    struct {
        struct nlmsghdr head;
        union {
            struct unix_diag_req local;
            struct inet_diag_req_v2 internet;
        } body;
    } request = {.head = {sizeof request, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}};
    static char answer[1 << 16];
    if (family == AF_UNIX)
        request.body.local = (struct unix_diag_req){.sdiag_family = AF_UNIX, .udiag_states = ~0U};
    else
        request.body.internet = (struct inet_diag_req_v2){.sdiag_family = (uint8_t)family,
                                                          .sdiag_protocol = (uint8_t)protocol,
                                                          .idiag_states = ~0U};
    int fd = socket(AF_NETLINK, SOCK_RAW, 4 /* NETLINK_SOCK_DIAG */);
    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0)
        return -1;
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    close(fd);
    long count = 0;
    for (struct nlmsghdr *at = (struct nlmsghdr *)answer; NLMSG_OK(at, got);
         at = NLMSG_NEXT(at, got))
        count += at->nlmsg_type == SOCK_DIAG_BY_FAMILY;
    return count;
}

static int lines_of(const char *path)
{
    static char text[1 << 16];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text);
    int lines = 0;
    for (ssize_t i = 0; i < got; i++)
        lines += text[i] == '\n';
    close(fd);
    return lines;
}

/* The kernel's tables of sockets: none here but one's own. */
static void tables(char **none)
{
    (void)none;
    say("diag unix", count_sockets(AF_UNIX, 0));
    say("diag tcp", count_sockets(AF_INET, IPPROTO_TCP));
    tell("unix", "%s", lines_of("/proc/net/unix") > 1 ? "ok" : "none");
    tell("packet", "%s", lines_of("/proc/net/packet") > 1 ? "ok" : "none");
    int net = open("/proc/self/ns/net", O_RDONLY);
    say("owner", ioctl(net, NS_OWNER));
    say("upper", ioctl(open("/proc/self/ns/user", O_RDONLY), NS_UPPER));
    say("upper pid", ioctl(open("/proc/self/ns/pid", O_RDONLY), NS_UPPER));
}

/* Init, by what it cannot refuse: a signal whenever a pipe of its own becomes ready, or when this process dies. */
static void owner(char **none)
{
    (void)none;
    int ends[2];
    if (pipe(ends) != 0)
        return;
    static const int signals[] = {0, SIGKILL, SIGSTOP, SIGIO};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        fcntl(ends[0], F_SETOWN, 1);
        fcntl(ends[0], F_SETSIG, signals[i]);
        fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
        (void)!write(ends[1], "x", 1);
        kill(1, signals[i]);
        syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, 1, 0), signals[i], NULL, 0);
    }
    pause_ms(50);
    tell("init", "%s", kill(1, 0) == 0 || errno == EPERM ? "lives" : "dead");
    /* the grader's pipes: made small, made blocking, held open the other way round */
    for (int fd = 0; fd < 3; fd++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        fcntl(fd, F_SETPIPE_SZ, 4096);
        fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC | O_APPEND);
        fcntl(open(path, O_RDWR), F_SETOWN, 1);
    }
    tell("pipes", "ok");
}

/* Connects to every port of an address; how many answer, -1 where not even a refusal comes. */
static int scan(const char *address)
{
    int found = 0;
    for (unsigned port = 1; port < 65536; port++) {
        struct sockaddr_in to = v4(address, port);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int result = connect(fd, (struct sockaddr *)&to, sizeof to);
        int saved = errno;
        close(fd);
        if (result != 0 && saved != ECONNREFUSED)
            return -1;
        found += result == 0;
    }
    return found;
}

/* Arguments: the peer's addresses. The scenario listens at one port of the first; nothing else is there. */
static void ports(char **peers)
{
    for (int i = 0; peers[i]; i++) {
        char name[16];
        snprintf(name, sizeof name, "open %d", i);
        tell(name, "%d", scan(peers[i]));
    }
}

static const struct mode modes[] = {
    {"inherited", inherited}, {"processes", processes}, {"tables", tables},
    {"owner", owner},         {"ports", ports},         {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_mode(modes, argc, argv);
}
