/* tcp_echo_client.c: a thread sends what stdin says while main prints what comes back. */
#include "net.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int server;
static atomic_ullong sent;
static atomic_bool input_ended;

static void *send_input(void *unused)
{
    static char buffer[65536];
    ssize_t n;
    while ((n = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
        if (send_all(server, buffer, (size_t)n, 0) < 0)
            die("send", strerror(errno));
        sent += (unsigned long long)n;
    }
    if (n < 0)
        die("stdin", strerror(errno));
    input_ended = 1; /* before the server can know it */
    if (shutdown(server, SHUT_WR) < 0)
        die("shutdown", strerror(errno));
    return unused;
}

int main(int argc, char *argv[])
{
    static char buffer[65536];
    pthread_t sender;
    if (argc != 3 || port_number(argv[2], 1) < 0) {
        fprintf(stderr, "usage: %s HOST PORT\n", program_invocation_short_name);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    server = connect_to(argv[1], argv[2], SOCK_STREAM);
    int rc = pthread_create(&sender, NULL, send_input, NULL);
    if (rc != 0)
        die("pthread_create", strerror(rc));
    unsigned long long received = 0;
    ssize_t n;
    while ((n = recv(server, buffer, sizeof buffer, 0)) > 0) {
        received += (unsigned long long)n;
        if (write_all(STDOUT_FILENO, buffer, (size_t)n) < 0)
            die("stdout", strerror(errno));
    }
    if (n < 0)
        die("recv", strerror(errno));
    if (!input_ended)
        die("server", "closed the connection before the end of stdin");
    pthread_join(sender, NULL);
    if (received < sent)
        die("server", "not everything came back");
    return 0;
}
