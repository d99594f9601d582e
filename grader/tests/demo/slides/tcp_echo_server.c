/* As on the slides: one client after the other, a small buffer, and every error is the end. */
#include "die.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXPENDING 5
#define RCVBUFSIZE 32

static void HandleTCPClient(int clntSocket)
{
    char echoBuffer[RCVBUFSIZE];
    ssize_t recvMsgSize = recv(clntSocket, echoBuffer, RCVBUFSIZE, 0);
    if (recvMsgSize < 0)
        DieWithError("recv() failed");
    while (recvMsgSize > 0) {
        if (send(clntSocket, echoBuffer, (size_t)recvMsgSize, 0) != recvMsgSize)
            DieWithError("send() failed");
        recvMsgSize = recv(clntSocket, echoBuffer, RCVBUFSIZE, 0);
        if (recvMsgSize < 0)
            DieWithError("recv() failed");
    }
    close(clntSocket);
}

int main(int argc, char *argv[])
{
    struct sockaddr_in echoServAddr;
    struct sockaddr_in echoClntAddr;

    if (argc != 2) {
        fprintf(stderr, "Usage: %s <Server Port>\n", argv[0]);
        exit(1);
    }
    int servSock = socket(PF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (servSock < 0)
        DieWithError("socket() failed");

    memset(&echoServAddr, 0, sizeof(echoServAddr));
    echoServAddr.sin_family = AF_INET;
    echoServAddr.sin_addr.s_addr = htonl(INADDR_ANY);
    echoServAddr.sin_port = htons((unsigned short)atoi(argv[1]));
    if (bind(servSock, (struct sockaddr *)&echoServAddr, sizeof(echoServAddr)) < 0)
        DieWithError("bind() failed");
    if (listen(servSock, MAXPENDING) < 0)
        DieWithError("listen() failed");

    for (;;) {
        socklen_t clntLen = sizeof(echoClntAddr);
        int clntSock = accept(servSock, (struct sockaddr *)&echoClntAddr, &clntLen);
        if (clntSock < 0)
            DieWithError("accept() failed");
        printf("Handling client %s\n", inet_ntoa(echoClntAddr.sin_addr));
        HandleTCPClient(clntSock);
    }
}
