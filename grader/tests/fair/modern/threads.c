#include "threads.h"

#include "net.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    int fd, ended;
    void (*serve)(int fd);
};

static void *run(void *argument)
{
    struct client client = *(struct client *)argument;
    free(argument);
    client.serve(client.fd);
    eventfd_write(client.ended, 1);
    return NULL;
}

/* 0, or -1 when there is no room for one more client now. */
static int start(int fd, int ended, void (*serve)(int))
{
    pthread_t thread;
    pthread_attr_t attributes;
    struct client *client = malloc(sizeof *client);
    if (client == NULL)
        return -1;
    *client = (struct client){.fd = fd, .ended = ended, .serve = serve};
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    int rc = pthread_create(&thread, &attributes, run, client);
    pthread_attr_destroy(&attributes);
    if (rc != 0)
        free(client);
    return rc != 0 ? -1 : 0;
}

void serve_by_thread(const char *port, void (*serve)(int))
{
    int listener = serve_on(port, SOCK_STREAM), signals = end_signals();
    int ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ended < 0)
        die("eventfd", strerror(errno));
    struct pollfd fds[] = {{signals, POLLIN, 0}, {ended, POLLIN, 0}, {listener, POLLIN, 0}};
    int full = 0; /* no descriptors or threads: wait for a client that ends, or a little */
    while (poll(fds, full ? 2 : 3, full ? 200 : -1) >= 0 || errno == EINTR) {
        eventfd_t count;
        full = 0;
        if (fds[0].revents != 0)
            exit(0);
        if (fds[1].revents != 0)
            eventfd_read(ended, &count);
        if (fds[2].revents == 0)
            continue;
        fds[2].revents = 0;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        full = fd < 0 && errno != ECONNABORTED && errno != EINTR;
        if (fd >= 0 && start(fd, ended, serve) < 0) {
            close(fd);
            full = 1;
        }
    }
    die("poll", strerror(errno));
}
