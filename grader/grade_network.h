/* grade_network.h: a scenario's world.net as a network of the sandbox. Part of the conductor. */
#ifndef GRADER_GRADE_NETWORK_H
#define GRADER_GRADE_NETWORK_H

#include "base/err.h"
#include "sandbox/sandbox.h"
#include "scenario/scenario.h"

/* net: NULL for a network without faults. The caller frees it (network_free()). */
int grade_network_new(struct sandbox *sandbox, const struct world_net *net, uint64_t seed,
                      struct network **ret, struct err *err);
/* The next thing that it did to a packet, in words, and when (io_now_ns() clock); NULL: nothing more. The caller frees. */
char *grade_network_news(struct network *network, uint64_t *ret_at_ns);

#endif
