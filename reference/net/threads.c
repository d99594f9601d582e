/*
 * threads.c: accept, start a thread, accept, start a thread ...
 *
 * The main thread accepts. Each client gets a detached thread: nobody joins it, its memory returns by itself when it
 * ends. What a thread needs to know is copied into a struct of its own, for the main thread's variables change with
 * the next accept. The number of threads is bounded: at the limit the main thread sleeps until some client has gone, and
 * new clients wait in the backlog meanwhile.
 */
#include "net/threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_CLIENTS = 1000,
    STACK_BYTES = 256 * 1024, /* the default of 8 MiB, a thousand times, is a lot */
};

/* How many are being served; guarded by the mutex. */
struct crowd {
    pthread_mutex_t mutex;
    pthread_cond_t one_left;
    unsigned clients;
};

struct job {
    struct crowd *crowd;
    serve_client *serve;
    void *context;
    struct net_peer peer;
    int fd;
};

static void count_client(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->mutex);
    crowd->clients++;
    pthread_mutex_unlock(&crowd->mutex);
}

static void uncount_client(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->mutex);
    crowd->clients--;
    pthread_cond_signal(&crowd->one_left);
    pthread_mutex_unlock(&crowd->mutex);
}

static void wait_for_fewer(struct crowd *crowd, unsigned clients)
{
    pthread_mutex_lock(&crowd->mutex);
    while (crowd->clients >= clients)
        pthread_cond_wait(&crowd->one_left, &crowd->mutex);
    pthread_mutex_unlock(&crowd->mutex);
}

static void *run_job(void *argument)
{
    struct job *job = argument;
    struct crowd *crowd = job->crowd;
    job->serve(job->fd, &job->peer, job->context);
    free(job);
    uncount_client(crowd);
    return NULL;
}

/* 0, or -1 when there is no room for another thread. Owns fd when it succeeds. */
static int start_thread(struct crowd *crowd, serve_client *serve, void *context, int fd,
                        const struct net_peer *peer)
{
    int ret = -1;
    pthread_t thread;
    pthread_attr_t attributes;
    struct job *job = malloc(sizeof *job);
    pthread_attr_init(&attributes);
    if (job == NULL)
        goto out;
    *job =
        (struct job){.crowd = crowd, .serve = serve, .context = context, .peer = *peer, .fd = fd};
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    count_client(crowd);
    if (pthread_create(&thread, &attributes, run_job, job) != 0) {
        uncount_client(crowd);
        goto out;
    }
    job = NULL; /* the thread's now */
    ret = 0;
out:
    free(job);
    pthread_attr_destroy(&attributes);
    return ret;
}

void serve_with_threads(int listener, serve_client *serve, void *context)
{
    struct crowd crowd = {.mutex = PTHREAD_MUTEX_INITIALIZER, .one_left = PTHREAD_COND_INITIALIZER};
    for (;;) {
        struct net_peer peer;
        wait_for_fewer(&crowd, MAX_CLIENTS);
        int fd = net_accept(listener, &peer);
        if (fd < 0) {
            /* Out of descriptors: they may be anybody's, so look again in a while, but not at once. */
            if (net_out_of_room(errno))
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            /* Any other error (EINTR, a client that has gone) concerns one client only. */
            continue;
        }
        if (start_thread(&crowd, serve, context, fd, &peer) < 0)
            close(fd);
    }
}
