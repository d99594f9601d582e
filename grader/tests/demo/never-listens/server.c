/* All four servers: the socket is made, bind and listen were forgotten, and accept is waited for in vain. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        perror("socket");
        return 1;
    }
    for (;;)
        pause();
}
