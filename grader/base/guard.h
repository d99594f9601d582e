/* base/guard.h: ends what holds a pipe that this thread is stuck at.
 *
 * splice(2) keeps a pipe's lock while it sleeps on its other side, and whoever reads or writes that pipe meanwhile waits for
 * the lock, O_NONBLOCK or not, and no signal wakes him. The limits of a run, or of a build, live in the thread that reads
 * what it prints: so another thread watches that one. */
#ifndef GRADER_BASE_GUARD_H
#define GRADER_BASE_GUARD_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct guard;

/* Watches the calling thread from now on. The caller frees it, from the same thread. NULL with err (ERR_HOST). */
struct guard *guard_new(struct err *err);
/* To be killed when the thread is stuck: that process, which must not have been waited for yet. Sixteen at most. */
void guard_add(struct guard *guard, pid_t pid);
/* Whether it has struck. */
bool guard_struck(struct guard *guard);
void guard_free(struct guard *guard); /* NULL is fine */

#endif
