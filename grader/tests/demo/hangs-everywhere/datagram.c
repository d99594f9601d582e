/* Receives every datagram and answers none. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char *argv[])
{
    static char buffer[65536];
    struct sockaddr_in any = {.sin_family = AF_INET};

    if (argc < 2)
        return 2;
    any.sin_port = htons((unsigned short)strtol(argv[1], NULL, 10));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) {
        perror("bind");
        return 1;
    }
    for (;;)
        if (recv(fd, buffer, sizeof buffer, 0) < 0)
            return 1;
}
