/* As on the slides: datagrams of up to 255 bytes, and every error is the end. */
#include "die.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ECHOMAX 255

int main(int argc, char *argv[])
{
    struct sockaddr_in echoServAddr;
    struct sockaddr_in echoClntAddr;
    char echoBuffer[ECHOMAX];

    if (argc != 2) {
        fprintf(stderr, "Usage: %s <UDP SERVER PORT>\n", argv[0]);
        exit(1);
    }
    int sock = socket(PF_INET, SOCK_DGRAM, IPPROTO_UDP);
    if (sock < 0)
        DieWithError("socket() failed");

    memset(&echoServAddr, 0, sizeof(echoServAddr));
    echoServAddr.sin_family = AF_INET;
    echoServAddr.sin_addr.s_addr = htonl(INADDR_ANY);
    echoServAddr.sin_port = htons((unsigned short)atoi(argv[1]));
    if (bind(sock, (struct sockaddr *)&echoServAddr, sizeof(echoServAddr)) < 0)
        DieWithError("bind() failed");

    for (;;) {
        socklen_t cliAddrLen = sizeof(echoClntAddr);
        ssize_t recvMsgSize =
            recvfrom(sock, echoBuffer, ECHOMAX, 0, (struct sockaddr *)&echoClntAddr, &cliAddrLen);
        if (recvMsgSize < 0)
            DieWithError("recvfrom() failed");
        printf("Handling client %s\n", inet_ntoa(echoClntAddr.sin_addr));
        if (sendto(sock, echoBuffer, (size_t)recvMsgSize, 0, (struct sockaddr *)&echoClntAddr,
                   sizeof(echoClntAddr)) != recvMsgSize)
            DieWithError("sendto() sent a different number of bytes than expected");
    }
}
