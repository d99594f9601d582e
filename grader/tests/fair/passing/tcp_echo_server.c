/* One process takes the clients, four others serve them: the connections are passed on by SCM_RIGHTS. */
#define _GNU_SOURCE
#include "common.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, ROOM = 4096, MOST = 250 };

struct client {
    size_t from, to; /* what is still to be sent back */
    int ended;
    char bytes[ROOM];
};

/* A message of one byte with room for one descriptor (unix(7)). */
struct parcel {
    char byte;
    struct iovec part;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
};

static struct cmsghdr *prepare(struct parcel *parcel)
{
    memset(parcel, 0, sizeof *parcel);
    parcel->part = (struct iovec){&parcel->byte, 1};
    parcel->message = (struct msghdr){.msg_iov = &parcel->part,
                                      .msg_iovlen = 1,
                                      .msg_control = &parcel->control,
                                      .msg_controllen = sizeof parcel->control};
    return CMSG_FIRSTHDR(&parcel->message);
}

static void give(int channel, int fd)
{
    struct parcel parcel;
    struct cmsghdr *head = prepare(&parcel);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    while (sendmsg(channel, &parcel.message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static int take(int channel)
{
    struct parcel parcel;
    int fd = -1;
    prepare(&parcel);
    ssize_t n = recvmsg(channel, &parcel.message, MSG_CMSG_CLOEXEC);
    if (n == 0)
        exit(0); /* the parent has gone */
    if (n < 0)
        return -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&parcel.message);
    if (head != NULL && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

/* 0: it has gone */
static int move_bytes(int fd, struct client *client)
{
    if (client->from == client->to && !client->ended) {
        ssize_t n = recv(fd, client->bytes, ROOM, 0);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        client->from = 0;
        client->to = (size_t)n;
        client->ended = n == 0;
    }
    while (client->from < client->to) {
        ssize_t n = send(fd, client->bytes + client->from, client->to - client->from, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        client->from += (size_t)n;
    }
    return !client->ended;
}

static _Noreturn void work(int channel)
{
    static struct pollfd watched[MOST + 1];
    static struct client *clients[MOST + 1];
    nfds_t count = 1;
    watched[0].fd = channel;
    for (;;) {
        watched[0].events = count <= MOST ? POLLIN : 0;
        for (nfds_t i = 1; i < count; i++)
            watched[i].events = clients[i]->from < clients[i]->to ? POLLOUT : POLLIN;
        if (poll(watched, count, -1) < 0)
            continue;
        nfds_t before = count;
        if (watched[0].revents != 0) {
            int fd = take(channel);
            if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
                clients[count] = calloc(1, sizeof **clients);
                if (clients[count] == NULL)
                    close(fd);
                else
                    watched[count++].fd = fd;
            }
        }
        for (nfds_t i = before - 1; i > 0; i--) {
            if (watched[i].revents == 0 || move_bytes(watched[i].fd, clients[i]))
                continue;
            close(watched[i].fd);
            free(clients[i]);
            count--;
            watched[i] = watched[count];
            clients[i] = clients[count];
        }
    }
}

static void log_client(const struct sockaddr *address, socklen_t size, int names)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getnameinfo(address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICSERV | (names ? 0 : NI_NUMERICHOST)) == 0)
        fprintf(stderr, "client %s %s\n", host, port);
}

int main(int argc, char *argv[])
{
    program = "tcp_echo_server";
    int names = argc > 1 && strcmp(argv[1], "-n") == 0;
    int port = argc == 2 + names ? parse_port(argv[1 + names]) : -1;
    if (port < 0)
        usage("[-n] PORT");
    int listener = bound_socket(SOCK_STREAM, port), channels[WORKERS];
    pid_t parent = getpid();
    setlinebuf(stderr);
    for (int i = 0; i < WORKERS; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
            fail("socketpair", strerror(errno));
        pid_t pid = fork();
        if (pid < 0)
            fail("fork", strerror(errno));
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (getppid() != parent)
                return 0;
            close(listener);
            for (int k = 0; k < i; k++)
                close(channels[k]);
            close(ends[0]);
            work(ends[1]);
        }
        close(ends[1]);
        channels[i] = ends[0];
    }
    for (unsigned next = 0;;) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int fd = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                poll(NULL, 0, 20);
            continue;
        }
        log_client((struct sockaddr *)&address, size, names);
        give(channels[next++ % WORKERS], fd);
        close(fd);
    }
}
