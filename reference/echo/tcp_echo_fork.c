/*
 * tcp_echo_fork.c: lesson 2, a process for each client.
 *
 * fork() copies the process, descriptors included. The child closes the listening socket and serves; the parent closes
 * its copy of the client's socket (the connection would never end otherwise) and accepts the next one.
 *
 * A child that has ended stays as a zombie until its parent asks for its status. SIGCHLD says that children have
 * ended, but signals do not queue: one signal may stand for many children. The signals are blocked but for the moment
 * when pselect() waits, so that none can slip in between looking at a flag and falling asleep.
 */
#include "echo/echo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CHILDREN = 500 };

struct family {
    pid_t child[MAX_CHILDREN];
    size_t children;
};

static volatile sig_atomic_t terminated;

static void on_terminate(int signal_number)
{
    (void)signal_number;
    terminated = 1;
}

/* A handler that does nothing: without one SIGCHLD would be ignored, and would not wake pselect(). */
static void on_child(int signal_number)
{
    (void)signal_number;
}

/* Blocks the three signals; `awake` is the mask under which they get through. */
static void prepare_signals(sigset_t *awake)
{
    struct sigaction terminate = {.sa_handler = on_terminate};
    struct sigaction child = {.sa_handler = on_child};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;
    sigaction(SIGTERM, &terminate, NULL);
    sigaction(SIGINT, &terminate, NULL);
    sigaction(SIGCHLD, &child, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, awake);
}

static void forget(struct family *family, pid_t pid)
{
    for (size_t i = 0; i < family->children; i++)
        if (family->child[i] == pid) {
            family->child[i] = family->child[--family->children];
            return;
        }
}

/* Asks for the status of every child that has ended, in a loop: one SIGCHLD may stand for many. */
static void reap(struct family *family)
{
    pid_t pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0) {
        forget(family, pid);
        pid = waitpid(-1, NULL, WNOHANG);
    }
}

/* The server's end is the end of its children. */
static void end_children(struct family *family)
{
    for (size_t i = 0; i < family->children; i++)
        kill(family->child[i], SIGTERM);
    while (family->children > 0) {
        pid_t pid = waitpid(-1, NULL, 0);
        if (pid < 0)
            break;
        forget(family, pid);
    }
}

/* In the child. Never returns: falling back into the parent's loop would make a second server. */
static void run_child(int listener, int client, const sigset_t *awake)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    close(listener);
    sigaction(SIGTERM, &standard, NULL);
    sigaction(SIGINT, &standard, NULL);
    sigprocmask(SIG_SETMASK, awake, NULL);
    echo_serve(client);
    close(client);
    _exit(0);
}

static void start_child(struct family *family, int listener, int client, const sigset_t *awake)
{
    pid_t pid = fork();
    if (pid == 0)
        run_child(listener, client, awake);
    if (pid > 0)
        family->child[family->children++] = pid;
    close(client); /* the child has its own copy; if there is no child, the client sees the end */
}

/* Sleeps until there is a client, or a signal. False: only a signal, or an error that will pass. */
static bool wait_for_client(int listener, bool room, const sigset_t *awake)
{
    fd_set readable;
    FD_ZERO(&readable);
    if (room) /* otherwise wait for signals alone: a child must end first */
        FD_SET(listener, &readable);
    return pselect(listener + 1, &readable, NULL, NULL, NULL, awake) > 0;
}

static void serve(int listener, bool names, const sigset_t *awake)
{
    static struct family family;
    while (!terminated) {
        struct net_peer peer;
        reap(&family);
        if (!wait_for_client(listener, family.children < MAX_CHILDREN, awake))
            continue;
        int client = net_accept(listener, &peer);
        if (client >= 0) {
            echo_log(&peer, names);
            start_child(&family, listener, client, awake);
        } else if (net_out_of_room(errno)) {
            nanosleep(&(struct timespec){.tv_nsec = 100000000},
                      NULL); /* look again in a while, not at once */
        }
    }
    end_children(&family);
}

int main(int argc, char *argv[])
{
    struct echo_options options;
    sigset_t awake;
    int status = echo_parse(argc, argv, &options);
    if (status != 0)
        return status;
    prepare_signals(&awake);
    int listener = echo_listen(&options);
    if (listener < 0)
        return 1;
    /* A client may vanish between pselect() and accept(); accept() must not wait for the next one then. */
    if (net_nonblocking(listener) < 0) {
        fprintf(stderr, "tcp_echo_server: listening socket: %s\n", strerror(errno));
        close(listener);
        return 1;
    }
    serve(listener, options.names, &awake);
    close(listener);
    return 0;
}
