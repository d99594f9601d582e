/* base/banned.h: calls that do not compile in this tree. Included by the compiler's command line (-include). */
#ifndef GRADER_BASE_BANNED_H
#define GRADER_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* no bound on the destination */
#pragma GCC poison strcpy strcat sprintf vsprintf gets
/* hidden state, or no way to see an error */
#pragma GCC poison strtok atoi atol atoll
/* the shell: a hand-in's file names would reach it */
#pragma GCC poison system popen

#endif
