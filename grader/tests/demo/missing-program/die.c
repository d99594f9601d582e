#include "die.h"

#include <stdio.h>
#include <stdlib.h>

void DieWithError(const char *message)
{
    perror(message);
    exit(1);
}
