/* sandbox/frame.h: what the switch has to know of an Ethernet frame. Private to sandbox/. Reads nothing beyond len. */
#ifndef GRADER_SANDBOX_FRAME_H
#define GRADER_SANDBOX_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 14 /* bytes of Ethernet in front of the IP packet */

struct frame_view {
    bool v6;
    bool
        counts; /* carries something of the programs' (net_faults.h); not set for fragments of TCP */
    bool fragment; /* a part of an IP packet: then */
    bool first, last;
    uint64_t packet; /* ... the same number for all parts of one */
};

void frame_look(const uint8_t *frame, size_t len, struct frame_view *ret);

#endif
