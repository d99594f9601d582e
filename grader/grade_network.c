/* grade_network.c: see grade_network.h. */
#include "grade_network.h"

#include "base/mem.h"

static struct net_choice choice_of(const struct world_net_choice *from)
{
    struct net_choice choice = {.share = from->share, .every = from->every};
    for (; choice.n_numbers < from->n_numbers && choice.n_numbers < NET_MAX_NUMBERS;
         choice.n_numbers++)
        choice.numbers[choice.n_numbers] = from->numbers[choice.n_numbers];
    return choice;
}

static struct net_way way_of(const struct world_net_way *from)
{
    return (struct net_way){
        .delay_s = from->delay_s,
        .rate = from->rate,
        .loss = choice_of(&from->loss),
        .duplicate = choice_of(&from->duplicate),
        .reorder = choice_of(&from->reorder),
    };
}

int grade_network_new(struct sandbox *sandbox, const struct world_net *net, uint64_t seed,
                      struct network **ret, struct err *err)
{
    if (!net)
        return network_new(sandbox, ret, err);
    struct net_faults faults = {.mtu = net->mtu, .seed = seed};
    faults.ways[NET_HOST_PROGRAM] = way_of(&net->to_program);
    faults.ways[NET_HOST_PEERS] = way_of(&net->to_peers);
    return network_new_faulty(sandbox, &faults, ret, err);
}

char *grade_network_news(struct network *network, uint64_t *ret_at_ns)
{
    static const char *const fates[] = {
        [NET_LOST] = "was lost",
        [NET_DUPLICATED] = "was doubled",
        [NET_REORDERED] = "was held back, to be overtaken",
        [NET_OVERFLOWED] = "found no room and was lost",
    };
    struct net_event event;
    if (!network_event(network, &event))
        return NULL;
    *ret_at_ns = event.at_ns;
    const char *to = event.to == NET_HOST_PROGRAM ? "program" : "test";
    return event.number
               ? xasprintf("packet %llu to the %s (%zu bytes) %s", (unsigned long long)event.number,
                           to, event.bytes, fates[event.fate])
               : xasprintf("a packet to the %s (%zu bytes) %s", to, event.bytes, fates[event.fate]);
}
