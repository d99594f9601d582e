#include <stdio.h>

int main(void)
{
    const int fd = "a socket";
    fd = socket(AF_INET, SOCK_STREAM, 0);
    printf("%d\n", fdd);
    return 0;
}
