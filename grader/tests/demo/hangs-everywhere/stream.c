/* Accepts everybody, reads everything, and never says a word. The connections are never closed. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CLIENTS 1000

int main(int argc, char *argv[])
{
    static struct pollfd polled[CLIENTS];
    static char buffer[65536];
    struct sockaddr_in any = {.sin_family = AF_INET};
    nfds_t used = 1;

    if (argc < 2)
        return 2;
    any.sin_port = htons((unsigned short)strtol(argv[1], NULL, 10));
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0 || listen(listener, 5) < 0) {
        perror("bind");
        return 1;
    }
    polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        if (poll(polled, used, -1) < 0)
            return 1;
        for (nfds_t i = 1; i < used; i++)
            if (polled[i].revents != 0 && recv(polled[i].fd, buffer, sizeof buffer, 0) <= 0)
                polled[i].fd = -1;
        if (polled[0].revents != 0 && used < CLIENTS)
            polled[used++] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
    }
}
