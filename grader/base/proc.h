/* base/proc.h: the states of threads, as proc_pid_stat(5) has them. */
#ifndef GRADER_BASE_PROC_H
#define GRADER_BASE_PROC_H

#include <stdbool.h>
#include <sys/types.h>

/* The state letter in the text of a stat file; 0 where there is none. */
char proc_state(const char *stat);

/* Whether every thread of the process is in one of these states ("STZ"), or with ^ in front in none of them. One that has
 * gone, or may not be looked at, objects to nothing. */
bool proc_threads_are(pid_t pid, const char *states);

#endif
