/* scenario/load_net.c: what the network between the two hosts does to packets.
 *
 * A scenario's "net" takes the place of the file's as a whole: faults that add up from two places are not understood by
 * whoever reads one of them. An empty one is a network without faults. */
#include "scenario/load.h"

#define MIN_MTU     128 /* what sandbox/net_faults.h can do */
#define MAX_MTU     1500
#define MAX_DELAY_S 10
#define MIN_RATE    1000
#define MAX_RATE    1e9
#define MAX_NUMBER  1000000

static void load_numbers(struct loader *loader, const struct at *at, struct world_net_choice *ret)
{
    struct at number;
    int64_t n = 0;
    size_t count = json_array_size(at->json);
    if (count == 0 || count > WORLD_NET_MAX_NUMBERS) {
        at_say(at, "must be a list of 1 to %d packet numbers", WORLD_NET_MAX_NUMBERS);
        return;
    }
    uint32_t *numbers = arena_array(loader->arena, count, sizeof *numbers);
    for (bool more = at_first(at, &number); more; more = at_next(&number)) {
        if (at_integer(&number, 1, MAX_NUMBER, &n))
            numbers[ret->n_numbers] = (uint32_t)n;
        for (size_t i = 0; i < ret->n_numbers; i++)
            if (numbers[i] == numbers[ret->n_numbers])
                at_say(&number, "%u stands there twice", (unsigned)numbers[i]);
        ret->n_numbers++;
    }
    ret->numbers = numbers;
}

/* 0.1, [2, 5] or {"every": 3}. */
static void load_choice(struct loader *loader, const struct at *object, const char *key,
                        struct world_net_choice *ret)
{
    const struct key_table *const table = key_table(KEYS_NET_EVERY);
    struct at at;
    int64_t every = 0;
    if (!at_get(object, key, &at))
        return;
    *ret = (struct world_net_choice){0};
    if (json_is_number(at.json)) {
        (void)at_number(&at, 0, 1, &ret->share);
    } else if (json_is_array(at.json)) {
        load_numbers(loader, &at, ret);
    } else if (json_is_object(at.json)) {
        at_check_keys(&at, &table, 1);
        if (at_get_integer(&at, "every", 1, MAX_NUMBER, &every))
            ret->every = (uint32_t)every;
        else if (!at_has(&at, "every"))
            at_say(&at, "must be {\"every\": n}");
    } else {
        at_say(&at, "must be a share (0.1), a list of packet numbers ([2, 5]) or {\"every\": n}");
    }
}

static void load_way(struct loader *loader, const struct at *object, struct world_net_way *ret)
{
    (void)at_get_number(object, "delay", 0, MAX_DELAY_S, &ret->delay_s);
    (void)at_get_number(object, "rate", MIN_RATE, MAX_RATE, &ret->rate);
    load_choice(loader, object, "loss", &ret->loss);
    load_choice(loader, object, "duplicate", &ret->duplicate);
    load_choice(loader, object, "reorder", &ret->reorder);
    if (ret->loss.share >= 1 || ret->loss.every == 1)
        at_say(object, "'loss' of every packet: then there is no network");
}

static void load_direction(struct loader *loader, const struct at *net, const char *key,
                           struct world_net_way *ret)
{
    const struct key_table *const table = key_table(KEYS_NET_WAY);
    struct at at;
    if (!at_get(net, key, &at) || !at_is_object(&at))
        return;
    at_check_keys(&at, &table, 1);
    load_way(loader, &at, ret);
}

void load_net(struct loader *loader, const struct at *world, struct world *ret)
{
    const struct key_table *const table = key_table(KEYS_NET);
    struct world_net_way both = {0};
    struct at net;
    int64_t mtu = 0;
    if (!at_get(world, "net", &net) || !at_is_object(&net))
        return;
    at_check_keys(&net, &table, 1);
    ret->net = NULL;
    if (json_object_size(net.json) == 0)
        return;
    struct world_net *own = arena_array(loader->arena, 1, sizeof *own);
    load_way(loader, &net, &both);
    *own = (struct world_net){.to_program = both, .to_peers = both};
    load_direction(loader, &net, "to_program", &own->to_program);
    load_direction(loader, &net, "to_peers", &own->to_peers);
    if (at_get_integer(&net, "mtu", MIN_MTU, MAX_MTU, &mtu))
        own->mtu = (unsigned)mtu;
    ret->net = own;
}
