/* threads.h: a detached thread for each client. */
#ifndef THREADS_H
#define THREADS_H

/* Serves until SIGTERM or SIGINT; serve closes its descriptor. */
void serve_by_thread(const char *port, void (*serve)(int fd));

#endif
