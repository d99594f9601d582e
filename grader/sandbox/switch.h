/* sandbox/switch.h: the switch between the two hosts of a faulty network: a thread that takes frames from one link, keeps
 * them as long as they are under way, and sends them over the other. Private to sandbox/. */
#ifndef GRADER_SANDBOX_SWITCH_H
#define GRADER_SANDBOX_SWITCH_H

#include "base/err.h"
#include "sandbox/net_faults.h"

#include <stdbool.h>

struct net_switch;

/* fds: packet(7) sockets on the links to the hosts, by enum net_host; taken over, in case of failure as well. */
int switch_new(const int fds[2], const struct net_faults *faults, struct net_switch **ret,
               struct err *err);
void switch_free(struct net_switch *net_switch); /* NULL is fine */

/* False while a frame waits at one of its sockets, is in its hands or is kept until it is due. *ret_taken: frames that
 * have entered so far. Never waits for the switch. */
bool switch_rests(struct net_switch *net_switch, uint64_t *ret_taken);

/* The next thing that happened to a packet; false: nothing more. */
bool switch_event(struct net_switch *net_switch, struct net_event *ret);

/* What became of the packets to each host (by enum net_host). */
void switch_counts(struct net_switch *net_switch, struct net_counts ret[2]);

#endif
