#include "fork_server.h"

#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CHILDREN = 4096 };

/* Changed by the handlers, and by main only while both are blocked. */
static volatile pid_t children[MAX_CHILDREN];

static void on_child(int signo)
{
    (void)signo;
    int saved = errno;
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        for (int i = 0; i < MAX_CHILDREN; i++) {
            if (children[i] == pid)
                children[i] = 0;
        }
    }
    errno = saved;
}

static void on_end(int signo)
{
    (void)signo;
    for (int i = 0; i < MAX_CHILDREN; i++) {
        if (children[i] > 0)
            kill(children[i], SIGTERM);
    }
    _exit(0);
}

static void child(int listener, int fd, const struct sockaddr_in *client, const sigset_t *mask,
                  void (*serve)(int, const struct sockaddr_in *))
{
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    close(listener);
    serve(fd, client);
    exit(0);
}

static int free_place(void)
{
    for (int i = 0; i < MAX_CHILDREN; i++) {
        if (children[i] == 0)
            return i;
    }
    return -1;
}

void serve_by_fork(int listener, void (*serve)(int, const struct sockaddr_in *))
{
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    sigset_t mine, before;
    sigemptyset(&mine);
    sigaddset(&mine, SIGCHLD);
    sigaddset(&mine, SIGTERM);
    sigaddset(&mine, SIGINT);
    action.sa_mask = mine;
    sigaction(SIGCHLD, &action, NULL);
    action.sa_handler = on_end;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);

    for (;;) {
        struct sockaddr_in client;
        socklen_t size = sizeof client;
        int fd = accept(listener, (struct sockaddr *)&client, &size);
        if (fd < 0) {
            if (errno != EINTR && errno != ECONNABORTED) {
                fail("accept"); /* for example no descriptors: there will be some when others end */
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            }
            continue;
        }
        sigprocmask(SIG_BLOCK, &mine, &before);
        int place = free_place();
        pid_t pid = place < 0 ? -1 : fork();
        if (pid == 0)
            child(listener, fd, &client, &before, serve);
        if (pid < 0)
            fail("fork");
        else
            children[place] = pid;
        sigprocmask(SIG_SETMASK, &before, NULL);
        close(fd);
    }
}
