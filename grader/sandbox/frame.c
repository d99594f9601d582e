/* sandbox/frame.c: Ethernet, IPv4 (RFC 791), IPv6 with a fragment header (RFC 8200 4.5), UDP, TCP. */
#include "sandbox/frame.h"

#include <netinet/in.h>

#define TYPE_IPV4     0x0800
#define TYPE_IPV6     0x86dd
#define IPV4_HEADER   20
#define IPV6_HEADER   40
#define FRAGMENT_HEAD 8
#define TCP_HEADER    20
#define TCP_SYN_FIN   0x03
#define FNV_START     UINT64_C(0xcbf29ce484222325)
#define FNV_FACTOR    UINT64_C(0x100000001b3)

static unsigned be16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint64_t mix(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ bytes[i]) * FNV_FACTOR;
    return sum;
}

/* A transport's header and what follows it, of a whole packet. */
static bool carries(uint8_t protocol, const uint8_t *bytes, size_t len)
{
    if (protocol == IPPROTO_UDP)
        return true;
    if (protocol != IPPROTO_TCP || len < TCP_HEADER)
        return false;
    size_t header = (size_t)(bytes[12] >> 4) * 4;
    return (bytes[13] & TCP_SYN_FIN) != 0 || len > header;
}

static void look_v4(const uint8_t *ip, size_t len, struct frame_view *ret)
{
    if (len < IPV4_HEADER)
        return;
    size_t header = (size_t)(ip[0] & 0x0f) * 4;
    size_t total = be16(ip + 2);
    unsigned place = be16(ip + 6);
    if (header < IPV4_HEADER || total < header || total > len)
        return;
    ret->first = (place & 0x1fff) == 0;
    ret->last = (place & 0x2000) == 0;
    ret->fragment = !ret->first || !ret->last;
    ret->packet = mix(mix(mix(FNV_START, ip + 12, 8), ip + 4, 2), ip + 9, 1);
    ret->counts =
        ret->fragment ? ip[9] == IPPROTO_UDP : carries(ip[9], ip + header, total - header);
}

static void look_v6(const uint8_t *ip, size_t len, struct frame_view *ret)
{
    ret->v6 = true;
    if (len < IPV6_HEADER)
        return;
    size_t payload = be16(ip + 4);
    const uint8_t *next = ip + IPV6_HEADER;
    if (payload > len - IPV6_HEADER)
        return;
    if (ip[6] != IPPROTO_FRAGMENT) {
        ret->counts = carries(ip[6], next, payload);
        return;
    }
    if (payload < FRAGMENT_HEAD)
        return;
    ret->first = be16(next + 2) < 8;
    ret->last = (next[3] & 1) == 0;
    ret->fragment = !ret->first || !ret->last;
    ret->packet = mix(mix(FNV_START, ip + 8, 32), next + 4, 4);
    ret->counts = next[0] == IPPROTO_UDP;
}

void frame_look(const uint8_t *frame, size_t len, struct frame_view *ret)
{
    *ret = (struct frame_view){.first = true, .last = true};
    if (len < FRAME_HEADER)
        return;
    unsigned type = be16(frame + 12);
    if (type == TYPE_IPV4)
        look_v4(frame + FRAME_HEADER, len - FRAME_HEADER, ret);
    else if (type == TYPE_IPV6)
        look_v6(frame + FRAME_HEADER, len - FRAME_HEADER, ret);
}
